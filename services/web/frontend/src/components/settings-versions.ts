import { css, html, LitElement, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';

import { api, type ApiError } from '../api/client';
import type { SettingsVersion, Values } from '../api/settings';
import { shared } from '../design/shared';
import { moment } from '../format';
import { asApiError } from '../state/app-state';
import { Now } from '../state/now';
import { t } from '../strings';
import { failure } from './states';

const SHOWN = 10;

/** Who changed what and when, and the way back. */
@customElement('vg-settings-versions')
export class SettingsVersions extends LitElement {
  static override styles = [
    shared,
    css`
      li {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        justify-content: space-between;
        gap: var(--s2) var(--s4);
        padding: var(--s3) var(--s5);
        border-block-start: var(--border) solid var(--line);
      }
      li:first-child {
        border-block-start: 0;
      }
      .skeleton {
        height: 6rem;
      }
      .what {
        flex: 1 1 16rem;
        min-width: 0;
      }
      code {
        overflow-wrap: anywhere;
        color: var(--ink-2);
        font-size: var(--text-s);
      }
    `,
  ];

  /** Asked again when this changes. */
  @property() revision = '';
  @state() private items: SettingsVersion[] | null = null;
  @state() private error: ApiError | null = null;
  @state() private all = false;
  @state() private asked = '';
  private readonly now = new Now(this);

  override willUpdate(changed: Map<string, unknown>): void {
    if (changed.has('revision') && this.revision) void this.load();
  }

  override render(): unknown {
    return html`<section aria-labelledby="versions">
      <div class="section-head"><h2 id="versions">${t.settings.versions}</h2></div>
      <div class="card">${this.body()}</div>
    </section>`;
  }

  private body(): unknown {
    if (this.error) return failure(t.settings.failed, this.error, () => void this.load());
    if (!this.items) return html`<div class="skeleton" aria-busy="true"></div>`;
    if (!this.items.length) return html`<p class="padded muted">${t.settings.noVersions}</p>`;
    const shown = this.all ? this.items : this.items.slice(0, SHOWN);
    return html`<p class="padded small muted">${t.settings.versionsHelp}</p>
      <ul data-testid="settings-versions">${shown.map((one) => this.version(one))}</ul>
      ${shown.length < this.items.length ? html`<p class="padded"><button type="button" @click=${() => (this.all = true)}>${t.app.more}</button></p>` : nothing}`;
  }

  private version(one: SettingsVersion): unknown {
    const when = moment(one.ts_ms, this.now.ms);
    return html`<li>
      <div class="what">
        <p><strong>${when}</strong> ${one.actor ? html`<span class="muted">${t.settings.by(one.actor)}</span>` : nothing}
          ${one.current ? html`<span class="badge ok">${t.settings.current}</span>` : nothing}</p>
        <p>${words(one)}</p>
      </div>
      ${one.current ? nothing : this.way(one, when)}
    </li>`;
  }

  private way(one: SettingsVersion, when: string): unknown {
    if (this.asked !== one.version) {
      return html`<button type="button" data-testid="settings-return" @click=${() => (this.asked = one.version)}>${t.settings.goBack}</button>`;
    }
    return html`<p class="row wrap" role="alert">${t.settings.reallyBack(when)}
      <button type="button" @click=${() => (this.asked = '')}>${t.app.cancel}</button>
      <button type="button" class="primary" data-testid="settings-return-yes" @click=${() => this.go(one)}>${t.settings.goBack}</button></p>`;
  }

  private go(one: SettingsVersion): void {
    this.asked = '';
    this.dispatchEvent(new CustomEvent('goback', { detail: one.version }));
  }

  private async load(): Promise<void> {
    try {
      this.items = (await api.settingsVersions()).items;
      this.error = null;
    } catch (error) {
      this.error = asApiError(error);
    }
  }
}

function words(one: SettingsVersion): unknown {
  if (!one.changes) return html`<span class="small muted">${one.revision === '0' ? t.settings.first : ''}</span>`;
  if ('restored' in one.changes) return html`<span class="small">${t.settings.wentBack}</span>`;
  return html`<code>${keys(one.changes).join(', ')}</code>`;
}

/** The keys that a change names: `web.port`, `cameras.front.fps`. */
export function keys(changes: Values, prefix = ''): string[] {
  return Object.entries(changes).flatMap(([key, value]) => {
    const here = prefix ? `${prefix}.${key}` : key;
    if (Array.isArray(value) && value.length && value.every((one) => typeof one === 'object' && one !== null)) {
      return value.flatMap((one: Values) => {
        const { id, name, ...rest } = one;
        const entry = typeof id === 'string' ? id : typeof name === 'string' ? name : '';
        return Object.keys(rest).length ? keys(rest, `${here}.${entry}`) : [`${here}.${entry}`];
      });
    }
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? keys(value as Values, here) : [here];
  });
}
