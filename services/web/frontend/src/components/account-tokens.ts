import { html, LitElement, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';

import { peopleApi, type Me, type TokenItem } from '../api/people';
import { formStyles } from '../design/forms';
import { shared } from '../design/shared';
import { field } from '../form';
import { moment } from '../format';
import { app, asApiError } from '../state/app-state';
import { Now } from '../state/now';
import { people as words } from '../strings/people';
import './camera-choice';

const w = words.account;
const SCOPES_OF = { viewer: ['read'], resident: ['read', 'control', 'arm'], admin: ['read', 'control', 'arm', 'admin'] };

/** Tokens for programs: made, shown once, revoked. Says `changed` when something did. */
@customElement('vg-account-tokens')
export class AccountTokens extends LitElement {
  static override styles = [shared, formStyles];

  @property({ attribute: false }) me!: Me;
  @state() private shown = '';
  @state() private copied = false;
  @state() private cameras: string[] | null = null;
  @state() private problem = '';
  private readonly now = new Now(this, 30_000);

  override render(): unknown {
    return html`<section class="card" aria-labelledby="tokens">
      <div class="section-head">
        <h2 id="tokens">${w.tokens}</h2>
        <a href="/reference">${words.links.api}</a>
      </div>
      <p>${w.tokensHelp}</p>
      <ul class="rows">${this.me.tokens.map((one) => this.token(one))}</ul>
      ${this.me.tokens.length ? nothing : html`<p>${w.tokenNone}</p>`}
      ${this.shown
        ? html`<p>${w.tokenShown}</p>
            <code class="secret" data-testid="new-token">${this.shown}</code>
            <p class="actions"><button type="button" @click=${() => void this.copy()}>${this.copied ? w.copied : w.copy}</button></p>`
        : nothing}
      <form @submit=${(event: SubmitEvent) => void this.make(event)}>
        <label class="field">${w.tokenName}<input name="label" maxlength="80" required /></label>
        <label class="field">${w.tokenDays}
          <select name="days">${['30', '90', '365', '0'].map((days) => html`<option value=${days}>${w.tokenEnds[days]}</option>`)}</select>
        </label>
        <fieldset>
          <legend>${w.tokenScopes}</legend>
          ${SCOPES_OF[this.me.role].map(
            (scope) => html`<label class="check"><input type="checkbox" name="scopes" value=${scope} ?checked=${scope === 'read'} />${words.scopes[scope]}</label>`,
          )}
        </fieldset>
        <vg-camera-choice .value=${this.cameras} @change=${(event: Event) => (this.cameras = (event.target as HTMLElement & { value: string[] | null }).value)}></vg-camera-choice>
        <p class="actions"><button type="submit" data-testid="token-make">${w.tokenMake}</button></p>
      </form>
      <p class="problem result" role="alert">${this.problem}</p>
    </section>`;
  }

  private token(one: TokenItem): unknown {
    const cameras = one.cameras === null ? w.allCameras : one.cameras.map((id) => app.camera(id)?.name ?? id).join(', ');
    const ends = one.over ? w.over : one.expires_ms ? w.until(moment(one.expires_ms, this.now.ms)) : '';
    const facts = [one.scopes.join(', '), cameras, ends, one.used_ms ? w.used(moment(one.used_ms, this.now.ms)) : w.never];
    return html`<li data-testid="token">
      <span><span class="name">${one.label}</span> ${one.over ? html`<span class="badge bad">${w.over}</span>` : nothing}<br />
        <span class="muted small num">${facts.filter(Boolean).join(' · ')}</span></span>
      <button type="button" aria-label=${w.removeOf(one.label)} @click=${() => void this.revoke(one)}>${w.remove}</button>
    </li>`;
  }

  private async make(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const data = new FormData(form);
    const days = Number(field(data, 'days'));
    await this.trying(async () => {
      const made = await peopleApi.addToken({
        label: field(data, 'label'),
        scopes: data.getAll('scopes').filter((one) => typeof one === 'string'),
        cameras: this.cameras,
        days: days || null,
      });
      this.shown = made.token;
      this.copied = false;
      form.reset();
    });
  }

  private revoke(one: TokenItem): Promise<void> {
    return this.trying(() => peopleApi.removeToken(one.id));
  }

  private async copy(): Promise<void> {
    await this.trying(async () => {
      await navigator.clipboard.writeText(this.shown);
      this.copied = true;
    });
  }

  private async trying(attempt: () => Promise<unknown>): Promise<void> {
    this.problem = '';
    try {
      await attempt();
      this.dispatchEvent(new Event('changed'));
    } catch (error) {
      this.problem = asApiError(error).message;
    }
  }
}
