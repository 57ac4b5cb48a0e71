import { html, LitElement, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';

import { api, toLogin } from '../api/client';
import { peopleApi, type Me } from '../api/people';
import { formStyles } from '../design/forms';
import { shared } from '../design/shared';
import { field } from '../form';
import { moment } from '../format';
import { asApiError } from '../state/app-state';
import { Now } from '../state/now';
import { people as words } from '../strings/people';

const w = words.account;

/** Where one is signed in, and the password that opens it. Says `changed` when something did. */
@customElement('vg-account-sessions')
export class AccountSessions extends LitElement {
  static override styles = [shared, formStyles];

  @property({ attribute: false }) me!: Me;
  @state() private said = '';
  @state() private problem = '';
  private readonly now = new Now(this, 30_000);

  override render(): unknown {
    return html`<section class="card" aria-labelledby="sessions">
        <h2 id="sessions">${w.sessions}</h2>
        <p>${w.sessionsHelp}</p>
        <ul class="rows">
          ${this.me.sessions.map(
            (one) => html`<li data-testid="session">
              <span><span class="name">${one.device}</span> ${one.this ? html`<span class="badge ok">${w.here}</span>` : nothing}
                <br /><span class="muted small num">${w.seen(moment(one.seen_ms, this.now.ms), one.address)}</span></span>
              ${one.this ? nothing : html`<button type="button" aria-label=${w.endOf(one.device)} @click=${() => void this.end(one.id)}>${w.end}</button>`}
            </li>`,
          )}
        </ul>
        <p class="actions">
          <button type="button" data-testid="end-others" @click=${() => void this.endOthers()}>${w.endOthers}</button>
          <button type="button" data-testid="account-sign-out" @click=${() => void this.signOut()}>${w.signOut}</button>
        </p>
      </section>
      <section class="card" aria-labelledby="password">
        <h2 id="password">${w.password}</h2>
        <p>${w.passwordHelp}</p>
        <form @submit=${(event: SubmitEvent) => void this.changePassword(event)}>
          <label class="field">${w.current}<input name="current" type="password" autocomplete="current-password" maxlength="1024" required /></label>
          <label class="field">${w.next}<input name="next" type="password" autocomplete="new-password" minlength="8" maxlength="1024" required /></label>
          <label class="field">${w.repeat}<input name="repeat" type="password" autocomplete="new-password" minlength="8" maxlength="1024" required /></label>
          <p class="actions"><button type="submit" class="primary">${w.change}</button></p>
        </form>
        <p class="result ${this.problem ? 'problem' : ''}" role="status">${this.problem || this.said}</p>
      </section>`;
  }

  private end(sessionId: string): Promise<void> {
    return this.trying(async () => {
      await peopleApi.endSession(sessionId);
      return w.ended(1);
    });
  }

  private endOthers(): Promise<void> {
    return this.trying(async () => w.ended((await peopleApi.endOthers()).ended));
  }

  private async signOut(): Promise<void> {
    await api.logout().catch(() => undefined); // the login page is the right place either way
    toLogin();
  }

  private async changePassword(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    if (field(form, 'next') !== field(form, 'repeat')) {
      this.problem = w.differ;
      return;
    }
    await this.trying(async () => {
      const { message } = await peopleApi.changePassword(field(form, 'current'), field(form, 'next'));
      await api.session();
      form.reset();
      return message;
    });
  }

  private async trying(attempt: () => Promise<string>): Promise<void> {
    this.said = this.problem = '';
    try {
      this.said = await attempt();
      this.dispatchEvent(new Event('changed'));
    } catch (error) {
      this.problem = asApiError(error).message;
    }
  }
}
