import { css, html, LitElement, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';

import { visitorsApi, type Visit, type VisitorProfile } from '../api/visitors';
import { formStyles } from '../design/forms';
import { shared } from '../design/shared';
import { field } from '../form';
import { ago, moment } from '../format';
import { Now } from '../state/now';
import { app, asApiError } from '../state/app-state';
import { t } from '../strings';
import { visitors as w } from '../strings/visitors';

/** Somebody known by face, or a group without a name, with what an admin may do about it. Says `changed`. */
@customElement('vg-visitor')
export class VisitorItem extends LitElement {
  static override styles = [
    shared,
    formStyles,
    css`
      .who {
        display: grid;
        grid-template-columns: 4.5rem minmax(0, 1fr) auto;
        gap: var(--s2) var(--s4);
        align-items: center;
      }
      .face {
        width: 4.5rem;
        height: 4.5rem;
        border-radius: var(--radius);
        object-fit: cover;
        background: var(--surface-2);
      }
      h3 {
        font-size: var(--text-m);
        overflow-wrap: anywhere;
      }
      .faces {
        display: flex;
        flex-wrap: wrap;
        gap: var(--s3);
      }
      .faces label {
        display: grid;
        justify-items: center;
        gap: var(--s1);
        font-size: var(--text-s);
      }
      h4 {
        margin-block-start: var(--s5);
        font-size: var(--text-s);
      }
      @media (width < 30rem) {
        .who {
          grid-template-columns: 4.5rem minmax(0, 1fr);
        }
        .who button {
          grid-column: 1 / -1;
        }
      }
    `,
  ];

  @property({ attribute: false }) profile!: VisitorProfile;
  @property({ attribute: false }) others: VisitorProfile[] = [];
  @state() private open = false;
  @state() private forgetting = false;
  @state() private faces: string[] = [];
  @state() private visits: Visit[] = [];
  @state() private problem = '';
  private readonly now = new Now(this);

  override render(): unknown {
    const { profile } = this;
    return html`<section class="card" data-testid="visitor" data-name=${profile.name}>
      <div class="who">
        <img class="face" src=${profile.picture_url} alt=${w.picture(profile.name)} loading="lazy" width="72" height="72" />
        <div>
          <h3>${profile.name || w.unknown} ${profile.household ? html`<span class="badge ok">${w.household}</span>` : nothing}
            ${profile.ignored ? html`<span class="badge">${w.ignored}</span>` : nothing}</h3>
          <p class="muted small num">${w.visits(profile.visit_count, ago(profile.last_seen_ms, this.now.ms))}</p>
        </div>
        <button type="button" aria-expanded=${this.open} aria-label=${w.editOf(profile.name)} @click=${() => void this.toggle()}>${w.edit}</button>
      </div>
      ${this.open ? this.details(profile) : nothing}
      <p class="problem result" role="alert" ?hidden=${!this.problem}>${this.problem}</p>
    </section>`;
  }

  private details(profile: VisitorProfile): unknown {
    const admin = app.session?.role === 'admin';
    return html`${admin ? this.form(profile) : nothing}
      <h4>${w.history}</h4>
      ${this.visits.length
        ? html`<ul class="small num">${this.visits.map((visit) => this.visit(visit))}</ul>`
        : html`<p class="muted small">${w.noVisits}</p>`}
      ${admin ? [this.merging(profile), this.splitting(profile), this.forget(profile)] : nothing}`;
  }

  private visit(visit: Visit): unknown {
    const to = visit.left_ms === null ? w.there : moment(visit.left_ms, this.now.ms);
    const said = w.visit(moment(visit.arrived_ms, this.now.ms), to, visit.camera_name);
    return html`<li>${visit.event_id ? html`<a href="/events/${visit.event_id}">${said}</a>` : said}</li>`;
  }

  private form(profile: VisitorProfile): unknown {
    return html`<form @submit=${(event: SubmitEvent) => this.save(event)}>
      <label class="field">${w.name}<input name="name" maxlength="120" autocomplete="off" .value=${profile.name} /></label>
      <fieldset>
        <label class="check"><input type="checkbox" name="household" ?checked=${profile.household} />${w.household}</label>
        <label class="check"><input type="checkbox" name="ignored" ?checked=${profile.ignored} />${w.ignored}</label>
      </fieldset>
      <p class="muted small">${w.householdHelp}</p>
      <p class="actions"><button type="submit" class="primary" data-testid="visitor-save">${w.save}</button></p>
    </form>`;
  }

  private merging(profile: VisitorProfile): unknown {
    const others = this.others.filter((one) => one.id !== profile.id);
    if (!others.length) return nothing;
    return html`<form @submit=${(event: SubmitEvent) => this.merge(event)}>
      <label class="field">${w.merge}
        <select name="into" required>
          <option value="">${w.choose}</option>
          ${others.map((one) => html`<option value=${one.id}>${one.name || `${w.unknown}, ${w.visits(one.visit_count, ago(one.last_seen_ms, this.now.ms))}`}</option>`)}
        </select>
      </label>
      <p class="actions"><button type="submit">${w.mergeGo}</button></p>
    </form>`;
  }

  private splitting(profile: VisitorProfile): unknown {
    if (this.faces.length < 2) return nothing;
    return html`<details>
      <summary>${w.split}</summary>
      <p class="muted small">${w.splitHelp}</p>
      <form @submit=${(event: SubmitEvent) => this.split(event)}>
        <div class="faces">
          ${this.faces.map(
            (face, at) => html`<label><img class="face" src="${profile.picture_url}?face=${face}" alt="" loading="lazy" width="72" height="72" />
              <span><input type="checkbox" name="face" value=${face} /> ${w.face(at + 1)}</span></label>`,
          )}
        </div>
        <p class="actions"><button type="submit">${w.splitGo}</button></p>
      </form>
    </details>`;
  }

  private forget(profile: VisitorProfile): unknown {
    if (!this.forgetting) {
      return html`<p class="actions"><button type="button" data-testid="visitor-forget" @click=${() => (this.forgetting = true)}>${w.forget}</button></p>`;
    }
    return html`<p role="alert"><strong>${w.forgetSure(profile.name)}</strong> ${w.forgetHelp}</p>
      <p class="actions">
        <button type="button" class="danger" data-testid="visitor-forget-sure" @click=${() => void this.trying(visitorsApi.forget(profile.id))}>${w.forget}</button>
        <button type="button" @click=${() => (this.forgetting = false)}>${t.app.cancel}</button>
      </p>`;
  }

  private async toggle(): Promise<void> {
    this.open = !this.open;
    this.forgetting = false;
    this.problem = '';
    if (!this.open) return;
    try {
      this.visits = (await visitorsApi.visits(this.profile.id)).items;
      this.faces = (await visitorsApi.faces(this.profile.id)).faces.map((face) => face.embedding_id);
    } catch (error) {
      this.problem = asApiError(error).message;
    }
  }

  private save(event: SubmitEvent): void {
    event.preventDefault();
    const data = new FormData(event.target as HTMLFormElement);
    void this.trying(visitorsApi.save(this.profile.id, field(data, 'name'), data.has('household'), data.has('ignored')));
  }

  private merge(event: SubmitEvent): void {
    event.preventDefault();
    void this.trying(visitorsApi.merge(this.profile.id, field(new FormData(event.target as HTMLFormElement), 'into')));
  }

  private split(event: SubmitEvent): void {
    event.preventDefault();
    const chosen = new FormData(event.target as HTMLFormElement).getAll('face').map(String);
    if (chosen.length) void this.trying(visitorsApi.split(this.profile.id, chosen));
  }

  private async trying(attempt: Promise<unknown>): Promise<void> {
    this.problem = '';
    try {
      await attempt;
      this.open = false;
      this.dispatchEvent(new Event('changed'));
    } catch (error) {
      this.problem = asApiError(error).message;
    }
  }
}
