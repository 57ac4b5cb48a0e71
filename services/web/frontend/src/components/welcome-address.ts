import { css, html, LitElement, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';

import { api } from '../api/client';
import type { Values } from '../api/settings';
import type { AddressInfo } from '../api/welcome';
import { shared } from '../design/shared';
import { stepStyles } from '../design/steps';
import { asApiError } from '../state/app-state';
import { t } from '../strings';
import { saveSettings, trustOfBrowser } from '../welcome';

const w = t.welcome.address;
const RENEW_LIMIT_MS = 30_000;
const LOOK_EACH_MS = 1_500;
const LOCAL = ['127.0.0.1', 'localhost', '[::1]'];

/** Whether this browser trusts the page, and how phones come to. */
@customElement('vg-welcome-address')
export class WelcomeAddress extends LitElement {
  static override styles = [
    shared,
    stepStyles,
    css`
      .code {
        display: grid;
        justify-items: start;
        gap: var(--s3);
        margin-block-start: var(--s4);
      }
      .code img {
        width: 12rem;
        height: 12rem;
        border-radius: var(--radius-s);
        background: #fff;
      }
    `,
  ];

  @state() private trust: '' | 'trusted' | 'local' | 'untrusted' | 'insecure' = '';
  @state() private info: AddressInfo | null = null;
  @state() private error = '';
  @state() private name = LOCAL.includes(location.hostname) ? '' : location.hostname;
  @state() private shown = '';
  @state() private busy = false;

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.name) this.shown = this.name;
    void trustOfBrowser().then((trust) => (this.trust = trust));
    void this.load();
  }

  private async load(): Promise<void> {
    try {
      this.info = await api.address();
    } catch (error) {
      this.error = asApiError(error).message || t.welcome.failed;
    }
  }

  override render(): unknown {
    return html`<p class="why">${w.why}</p>
      <div class="fields">
        ${this.verdict()}
        ${this.error ? html`<p class="bad" role="alert">${this.error}</p>` : nothing}
        ${this.info?.tls ? this.phone(this.info) : nothing}
        ${this.info?.own_authority ? this.authority(this.info) : nothing}
        ${this.info ? this.other(this.info) : nothing}
      </div>`;
  }

  private verdict(): unknown {
    switch (this.trust) {
      case '':
        return html`<p class="say" role="status">${w.checking}</p>`;
      case 'trusted':
      case 'local':
        return html`<p class="say good" role="status" data-testid="trust" data-trust=${this.trust}>${this.trust === 'trusted' ? w.trusted : w.local}</p>`;
      case 'untrusted':
        return html`<p class="say warn" role="status" data-testid="trust" data-trust="untrusted">${w.untrusted}</p>`;
      case 'insecure':
        return html`<div class="say warn" role="status" data-testid="trust" data-trust="insecure">
          <p>${w.insecure}</p><p class="small">${w.insecureHelp} <a href="/settings?q=tls_">${w.tlsSettings}</a></p>
        </div>`;
    }
  }

  private phone(info: AddressInfo): unknown {
    const covered = info.names.includes(this.shown);
    const url = `${location.protocol}//${this.shown}${location.port ? `:${location.port}` : ''}`;
    return html`<div>
      <h3>${w.phone}</h3>
      <p class="why small">${w.phoneHelp}</p>
      <form @submit=${this.use} data-testid="address-form">
        <label>${w.name}<input name="name" required maxlength="253" autocapitalize="none" spellcheck="false" placeholder="192.168.1.10" .value=${this.name}
          @input=${(event: Event) => (this.name = (event.target as HTMLInputElement).value.trim())} /></label>
        <p class="row"><button type="submit" ?disabled=${this.busy}>${this.busy ? w.renewing : w.useIt}</button></p>
      </form>
      ${this.shown && (covered || !info.own_authority)
        ? html`<div class="code">
            <img src=${`/api/v1/address/code.svg?to=${encodeURIComponent(url)}`} alt=${w.code} width="192" height="192" data-testid="address-code" />
            <p class="small">${w.orOpen} <strong>${url}/trust</strong></p>
          </div>`
        : nothing}
    </div>`;
  }

  private authority(info: AddressInfo): unknown {
    return html`<div>
      <h3>${w.authority}</h3>
      <p class="row"><a class="button" href="/vigilar-house.crt" download>${w.download}</a><a href="/trust">${w.instructions}</a></p>
      <p class="small">${w.fingerprint}<code data-testid="fingerprint">${info.fingerprint}</code></p>
    </div>`;
  }

  private other(info: AddressInfo): unknown {
    return html`<details>
      <summary>${w.other}</summary>
      <p class="why small">${info.tls && !info.own_authority ? w.foreign : w.otherHelp}</p>
      <p class="row"><a href="/settings?q=tls_">${w.tlsSettings}</a><a href="/settings?q=page_url">${w.pageUrl}</a></p>
    </details>`;
  }

  /** The name goes into the certificate, which is made anew within seconds. */
  private readonly use = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const { name, info } = this;
    this.error = '';
    if (!info?.own_authority || info.names.includes(name)) {
      this.shown = name;
      return;
    }
    this.busy = true;
    try {
      await saveSettings((values) => {
        const web = (values['web'] ?? {}) as Values;
        const names = (Array.isArray(web['names']) ? web['names'] : []) as string[];
        return { web: { names: [...names.filter((one) => one !== name), name] } };
      });
      const until = Date.now() + RENEW_LIMIT_MS;
      while (!this.info?.names.includes(name) && Date.now() < until && this.isConnected) {
        await new Promise((resolve) => setTimeout(resolve, LOOK_EACH_MS));
        this.info = await api.address().catch(() => this.info);
      }
      if (this.info?.names.includes(name)) this.shown = name;
      else this.error = w.missing;
    } catch (error) {
      this.error = t.welcome.notSaved(asApiError(error).message);
    }
    this.busy = false;
  };
}

declare global {
  interface HTMLElementTagNameMap {
    'vg-welcome-address': WelcomeAddress;
  }
}
