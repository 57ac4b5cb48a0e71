import { html, LitElement } from 'lit';
import { customElement, state } from 'lit/decorators.js';

import { peopleApi, type Me } from '../api/people';
import '../components/account-proofs';
import '../components/account-sessions';
import '../components/account-tokens';
import '../components/language-card';
import { failure } from '../components/states';
import { pageStyles, shared } from '../design/shared';
import { asApiError, type Loaded } from '../state/app-state';
import { people as words } from '../strings/people';
import { t } from '../strings';

const w = words.account;

/** One's own account: where one is signed in, what proves who one is, what programs may do in one's name. */
@customElement('vg-account')
export class AccountPage extends LitElement {
  static override styles = [shared, pageStyles];

  @state() private me: Loaded<Me> = { status: 'loading' };

  override connectedCallback(): void {
    super.connectedCallback();
    void this.load();
  }

  private readonly load = async (): Promise<void> => {
    try {
      this.me = { status: 'ready', value: await peopleApi.me() };
    } catch (error) {
      this.me = { status: 'failed', error: asApiError(error) };
    }
  };

  override render(): unknown {
    const me = this.me;
    return html`<a class="back" href="/system"><vg-icon name="left"></vg-icon>${t.nav.system}</a>
      <header class="page-head">
        <div>
          <h1>${w.title}</h1>
          <p>${me.status === 'ready' ? w.of(me.value.name, words.roles[me.value.role] ?? me.value.role) : t.app.loading}</p>
        </div>
      </header>
      ${me.status === 'failed'
        ? html`<div class="card">${failure(w.failed, me.error, () => void this.load())}</div>`
        : me.status === 'loading'
          ? html`<div class="skeleton tall" aria-busy="true"></div>`
          : html`<div class="stack">
              <vg-account-sessions class="stack" .me=${me.value} @changed=${this.load}></vg-account-sessions>
              <vg-account-proofs class="stack" .me=${me.value} @changed=${this.load}></vg-account-proofs>
              <vg-account-tokens .me=${me.value} @changed=${this.load}></vg-account-tokens>
              <vg-language-card></vg-language-card>
            </div>`}`;
  }
}
