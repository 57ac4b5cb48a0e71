import { html, LitElement, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';

import { photoOf, visitorsApi, type CurrentVisitor, type VisitorProfile, type Visitors } from '../api/visitors';
import { failure } from '../components/states';
import '../components/visitor-item';
import { formStyles } from '../design/forms';
import { pageStyles, shared } from '../design/shared';
import { field } from '../form';
import { ago } from '../format';
import { app, asApiError, type Loaded } from '../state/app-state';
import { Now } from '../state/now';
import { t } from '../strings';
import { visitors as w } from '../strings/visitors';

/** Storage has what the service said a moment after it answered. */
const SETTLES_MS = 1_200;

/** Who came, by face: consent, who is here, people, unknown faces. */
@customElement('vg-visitors')
export class VisitorsPage extends LitElement {
  static override styles = [shared, pageStyles, formStyles];

  @state() private found: Loaded<Visitors> = { status: 'loading' };
  @state() private problem = '';
  @state() private busy = false;
  private readonly now = new Now(this);

  override connectedCallback(): void {
    super.connectedCallback();
    void this.load();
  }

  private readonly load = async (): Promise<void> => {
    try {
      this.found = { status: 'ready', value: await visitorsApi.all() };
    } catch (error) {
      this.found = { status: 'failed', error: asApiError(error) };
    }
  };

  private readonly changed = (): void => {
    void this.load();
    setTimeout(() => void this.load(), SETTLES_MS);
  };

  override render(): unknown {
    const { found } = this;
    return html`<a class="back" href="/system"><vg-icon name="left"></vg-icon>${t.nav.system}</a>
      <header class="page-head"><div><h1>${w.title}</h1><p>${w.help}</p></div></header>
      <div class="stack">
        ${found.status === 'failed'
          ? html`<div class="card">${failure(w.failed, found.error, () => void this.load())}</div>`
          : found.status === 'loading'
            ? html`<div class="skeleton tall" aria-busy="true"></div>`
            : this.content(found.value)}
        <p class="problem result" role="alert" ?hidden=${!this.problem}>${this.problem}</p>
      </div>`;
  }

  private content(value: Visitors): unknown {
    const on = value.enabled && value.consented;
    const everybody = [...value.people, ...value.strangers];
    return html`${on ? this.present(value) : this.statement(value)}
      ${this.group(w.people, w.noPeople, '', value.people, everybody, on)}
      ${this.group(w.strangers, w.noStrangers, w.strangersHelp, value.strangers, everybody, on)}
      ${on && this.admin ? [this.adding(), this.withdrawing()] : nothing}`;
  }

  private get admin(): boolean {
    return app.session?.role === 'admin';
  }

  private statement(value: Visitors): unknown {
    return html`<section class="card" aria-labelledby="statement" data-testid="visitors-statement">
      <h2 id="statement">${w.statementTitle}</h2>
      <p><strong>${w.off}.</strong> ${w.offHelp}</p>
      ${w.statement.map((paragraph) => html`<p>${paragraph}</p>`)}
      ${this.admin
        ? html`<form @submit=${(event: SubmitEvent) => this.accept(event, value.statement)}>
            <label class="check"><input type="checkbox" name="read" required />${w.readIt}</label>
            <p class="actions"><button type="submit" class="primary" ?disabled=${this.busy} data-testid="visitors-accept">${w.accept}</button></p>
          </form>`
        : html`<p>${w.adminOnly}</p>`}
    </section>`;
  }

  private present(value: Visitors): unknown {
    return html`<section class="card" aria-labelledby="now" data-testid="visitors-now">
      <h2 id="now">${w.now}</h2>
      ${value.problem ? html`<p class="problem" role="status">${value.problem}</p>` : nothing}
      ${value.current.length
        ? html`<ul>${value.current.map((one) => this.here(one))}</ul>`
        : html`<p class="muted">${w.nobody}</p>`}
    </section>`;
  }

  private here(one: CurrentVisitor): unknown {
    return html`<li><strong>${one.name || w.unknown}</strong>
      <span class="muted small num">${w.since(ago(one.arrived_ms, this.now.ms), one.camera_name)}</span></li>`;
  }

  private group(title: string, none: string, help: string, rows: VisitorProfile[], everybody: VisitorProfile[], on: boolean): unknown {
    if (!rows.length && !on) return nothing;
    return html`<section aria-label=${title}>
      <div class="section-head"><h2>${title}</h2></div>
      ${help ? html`<p class="muted small">${help}</p>` : nothing}
      ${rows.length
        ? html`<div class="stack">${repeat(
            rows,
            (row) => row.id,
            (row) => html`<vg-visitor .profile=${row} .others=${everybody} @changed=${this.changed}></vg-visitor>`,
          )}</div>`
        : html`<p class="muted">${none}</p>`}
    </section>`;
  }

  private adding(): unknown {
    return html`<section class="card" aria-labelledby="add">
      <h2 id="add">${w.add}</h2>
      <p>${w.addHelp}</p>
      <form @submit=${(event: SubmitEvent) => this.add(event)}>
        <label class="field">${w.name}<input name="name" maxlength="120" autocomplete="off" required /></label>
        <label class="field">${w.photo}<input name="photo" type="file" accept="image/*" required /></label>
        <label class="check"><input type="checkbox" name="household" />${w.household}</label>
        <p class="actions"><button type="submit" class="primary" ?disabled=${this.busy} data-testid="visitors-add">${w.addGo}</button></p>
      </form>
    </section>`;
  }

  private withdrawing(): unknown {
    return html`<section class="card">
      <p>${w.withdrawHelp}</p>
      <p class="actions"><button type="button" ?disabled=${this.busy} @click=${() => void this.trying(() => visitorsApi.withdraw())}>${w.withdraw}</button></p>
    </section>`;
  }

  private accept(event: SubmitEvent, statement: number): void {
    event.preventDefault();
    void this.trying(() => visitorsApi.accept(statement));
  }

  private add(event: SubmitEvent): void {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const data = new FormData(form);
    void this.trying(async () => {
      const photo = await photoOf(data.get('photo') as File).catch(() => '');
      if (!photo) {
        this.problem = w.badPhoto;
        return;
      }
      await visitorsApi.enrol(field(data, 'name'), data.has('household'), photo);
      form.reset();
    });
  }

  private async trying(attempt: () => Promise<unknown>): Promise<void> {
    this.problem = '';
    this.busy = true;
    try {
      await attempt();
      this.changed();
    } catch (error) {
      this.problem = asApiError(error).message;
    }
    this.busy = false;
  }
}
