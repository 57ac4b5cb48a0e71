import { css, html, LitElement, nothing, svg } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';

import { peopleApi, type Me } from '../api/people';
import { formStyles } from '../design/forms';
import { shared } from '../design/shared';
import { field } from '../form';
import { moment } from '../format';
import { makePasskey, passkeysWork } from '../passkeys';
import { asApiError } from '../state/app-state';
import { Now } from '../state/now';
import { people as words } from '../strings/people';

const w = words.account;
const QUIET_ZONE = 4;

/** Authenticator app with its recovery codes, and passkeys. Says `changed` when something did. */
@customElement('vg-account-proofs')
export class AccountProofs extends LitElement {
  static override styles = [
    shared,
    formStyles,
    css`
      .square {
        display: block;
        width: 12rem;
        margin-block-start: var(--s4);
        border-radius: var(--radius-s);
        background: #fff;
        color: #000;
      }
      .codes {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(12.5rem, 1fr));
        gap: var(--s2);
        margin-block-start: var(--s3);
        font-family: ui-monospace, monospace;
      }
    `,
  ];

  @property({ attribute: false }) me!: Me;
  @state() private setup: { secret: string; square: string[]; sealed: string } | null = null;
  @state() private codes: string[] = [];
  @state() private problem = '';
  private readonly now = new Now(this, 30_000);

  override render(): unknown {
    return html`<section class="card" aria-labelledby="app">
        <div class="section-head">
          <h2 id="app">${w.app}</h2>
          <span class="badge ${this.me.totp ? 'ok' : ''}" data-testid="totp">${this.me.totp ? w.appOn : w.appOff}</span>
        </div>
        <p>${w.appHelp}</p>
        ${this.codes.length ? this.showCodes() : this.setup ? this.showSetup(this.setup) : this.appActions()}
      </section>
      <section class="card" aria-labelledby="passkeys">
        <h2 id="passkeys">${w.passkeys}</h2>
        <p>${w.passkeysHelp}</p>
        ${this.passkeys()}
      </section>
      <p class="problem" role="alert">${this.problem}</p>`;
  }

  private appActions(): unknown {
    if (!this.me.totp) {
      return html`<p class="actions">
        <button type="button" data-testid="totp-begin" @click=${() => void this.trying(async () => void (this.setup = await peopleApi.beginTotp()))}>
          ${w.appStart}
        </button>
      </p>`;
    }
    return html`<p>${w.recoveryLeft(this.me.recovery_left)}</p>
      <p class="actions">
        <button type="button" @click=${() => void this.trying(async () => void (this.codes = (await peopleApi.renewCodes()).recovery_codes))}>${w.recoveryRenew}</button>
        <button type="button" @click=${() => void this.trying(() => peopleApi.disableTotp())}>${w.appDisable}</button>
      </p>`;
  }

  private showSetup(setup: { secret: string; square: string[]; sealed: string }): unknown {
    const size = setup.square.length + 2 * QUIET_ZONE;
    const dark = setup.square.map((row, y) => Array.from(row, (bit, x) => (bit === '1' ? `M${x + QUIET_ZONE} ${y + QUIET_ZONE}h1v1h-1z` : '')).join('')).join('');
    return html`<p>${w.appScan}</p>
      <svg class="square" viewBox="0 0 ${size} ${size}" role="img" aria-label=${w.square} shape-rendering="crispEdges">
        ${svg`<path fill="currentColor" d=${dark}></path>`}
      </svg>
      <p>${w.appKey}: <code class="secret" data-testid="totp-secret">${setup.secret}</code></p>
      <form @submit=${(event: SubmitEvent) => void this.enable(event, setup.sealed)}>
        <label class="field">${w.appCode}<input name="code" inputmode="numeric" autocomplete="one-time-code" maxlength="7" required /></label>
        <p class="actions"><button type="submit" class="primary">${w.appEnable}</button></p>
      </form>`;
  }

  private showCodes(): unknown {
    return html`<h3>${w.recovery}</h3>
      <p>${w.recoveryHelp}</p>
      <ul class="codes" data-testid="recovery-codes">${this.codes.map((code) => html`<li>${code}</li>`)}</ul>
      <p class="actions"><button type="button" class="primary" @click=${() => (this.codes = [])}>${w.noted}</button></p>`;
  }

  private passkeys(): unknown {
    const problem = passkeysWork() ? this.me.passkey_problem : w.passkeyUnsupported;
    return html`<ul class="rows">
        ${this.me.passkeys.map(
          (one) => html`<li data-testid="passkey">
            <span><span class="name">${one.label}</span><br />
              <span class="muted small num">${one.used_ms ? w.used(moment(one.used_ms, this.now.ms)) : w.never}</span></span>
            <button type="button" aria-label=${w.removeOf(one.label)} @click=${() => void this.trying(() => peopleApi.removePasskey(one.id))}>${w.remove}</button>
          </li>`,
        )}
      </ul>
      ${this.me.passkeys.length ? nothing : html`<p>${w.passkeyNone}</p>`}
      ${problem
        ? html`<p>${problem}</p>`
        : html`<form @submit=${(event: SubmitEvent) => void this.addPasskey(event)}>
            <label class="field">${w.passkeyName}<input name="label" maxlength="80" required /></label>
            <p class="actions"><button type="submit" data-testid="passkey-add">${w.passkeyAdd}</button></p>
          </form>`}`;
  }

  private async enable(event: SubmitEvent, sealed: string): Promise<void> {
    event.preventDefault();
    const code = field(event.target as HTMLFormElement, 'code');
    await this.trying(async () => {
      this.codes = (await peopleApi.enableTotp(sealed, code)).recovery_codes;
      this.setup = null;
    });
  }

  private async addPasskey(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const label = field(form, 'label');
    await this.trying(async () => {
      const { challenge_id, options } = await peopleApi.beginPasskey();
      const credential = await makePasskey(options);
      if (!credential) {
        this.problem = words.again.noPasskey;
        return;
      }
      await peopleApi.addPasskey(challenge_id, label, credential);
      form.reset();
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
