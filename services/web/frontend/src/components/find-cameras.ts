import { css, html, LitElement, nothing } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';

import { api } from '../api/client';
import type { FoundCamera, FoundCameras, FoundStream } from '../api/types';
import { shared } from '../design/shared';
import { asApiError } from '../state/app-state';
import { t } from '../strings';
import './icon';

/** Asks the network for cameras and gives blocks for the configuration file; what was typed in is forgotten at once. */
@customElement('vg-find-cameras')
export class FindCameras extends LitElement {
  static override styles = [
    shared,
    css`
      form {
        display: flex;
        flex-wrap: wrap;
        gap: var(--s3);
        align-items: end;
        margin-block-start: var(--s3);
      }
      label {
        display: grid;
        gap: var(--s1);
        flex: 1 1 11rem;
        font-size: var(--text-s);
        color: var(--ink-2);
      }
      input {
        width: 100%;
      }
      li {
        padding-block: var(--s2);
        border-block-end: var(--border) solid var(--line);
        overflow-wrap: anywhere;
      }
      .result {
        display: grid;
        gap: var(--s3);
        margin-block-start: var(--s4);
      }
      textarea {
        width: 100%;
        min-height: 10rem;
        font-family: ui-monospace, monospace;
        font-size: var(--text-s);
        color: inherit;
        background: var(--surface-2);
        border: var(--border) solid var(--line);
        border-radius: var(--radius-s);
        padding: var(--s3);
      }
      .bad {
        color: var(--danger);
      }
    `,
  ];

  /** Within another page: cameras are chosen, not copied as text. */
  @property({ type: Boolean }) plain = false;
  @state() private busy = false;
  private login = { user: '', password: '' };
  @state() private found: FoundCameras | undefined;
  @state() private error = '';
  @state() private copied = false;
  @query('form') private readonly form!: HTMLFormElement;
  @query('textarea') private readonly text!: HTMLTextAreaElement | null;

  private readonly search = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const [user, secret, host] = ['user', 'secret', 'host'].map((name) => this.form.elements.namedItem(name) as HTMLInputElement) as [
      HTMLInputElement,
      HTMLInputElement,
      HTMLInputElement,
    ];
    this.busy = true;
    this.error = '';
    this.found = undefined;
    this.copied = false;
    try {
      this.login = { user: user.value.trim(), password: secret.value };
      this.found = await api.findCameras({ ...this.login, host: host.value.trim() });
    } catch (error) {
      const failure = asApiError(error);
      this.error = failure.message || t.find.failed;
    } finally {
      this.busy = false;
      secret.value = '';
      if (!this.plain) this.login = { user: '', password: '' };
    }
  };

  private readonly copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(this.found?.toml ?? '');
      this.copied = true;
    } catch {
      this.text?.select(); // no clipboard without a secure page: the text is marked to be copied by hand
    }
  };

  override render(): unknown {
    return html`<section aria-label=${t.find.title}>
      ${this.plain ? nothing : html`<div class="section-head"><h2>${t.find.title}</h2></div>`}
      <div class=${this.plain ? '' : 'card padded'}>
        <p class="muted">${t.find.help}</p>
        <form @submit=${this.search} autocomplete="off" data-testid="find-cameras">
          <label>${t.find.user}<input name="user" maxlength="64" autocapitalize="none" spellcheck="false" autocomplete="off" /></label>
          <label>${t.find.password}<input name="secret" type="password" maxlength="128" autocomplete="new-password" /></label>
          <label>${t.find.host}<input name="host" maxlength="253" pattern="[A-Za-z0-9.\\-]*" autocapitalize="none" spellcheck="false" placeholder="192.168.1.20" /></label>
          <button class="primary" type="submit" ?disabled=${this.busy}>${this.busy ? t.find.searching : t.find.search}</button>
        </form>
        <div class="result" role="status" aria-live="polite">
          ${this.error ? html`<p class="bad" data-testid="find-error">${this.error}</p>` : nothing}
          ${this.found ? this.result(this.found) : nothing}
        </div>
      </div>
    </section>`;
  }

  private camera(found: FoundCamera): unknown {
    const choose = (): boolean =>
      this.dispatchEvent(new CustomEvent('camera-chosen', { detail: { camera: found, ...this.login }, bubbles: true, composed: true }));
    return html`<li>
      <strong>${found.name}</strong> <span class="muted">${found.host}</span>
      <p class="small ${found.problem ? 'bad' : 'muted'}">${found.problem || streams(found)}</p>
      ${this.plain && found.main ? html`<button type="button" aria-label=${`${t.welcome.camera.use} ${found.name}`} @click=${choose}>${t.welcome.camera.use}</button>` : nothing}
    </li>`;
  }

  private result(found: FoundCameras): unknown {
    if (!found.cameras.length) return html`<p>${t.find.none}</p>`;
    return html`
      <ul data-testid="found-cameras">${found.cameras.map((camera) => this.camera(camera))}</ul>
      ${found.left_out ? html`<p class="muted">${t.find.leftOut(found.left_out)}</p>` : nothing}
      ${found.toml && !this.plain
        ? html`<label>${t.find.blocks}<textarea readonly .value=${found.toml} data-testid="found-toml"></textarea></label>
            <p class="row wrap">
              <button type="button" @click=${this.copy}>${this.copied ? t.find.copied : t.find.copy}</button>
              <span class="muted small">${t.find.replace}</span>
            </p>`
        : nothing}
    `;
  }
}

function streams(found: FoundCamera): string {
  const one = (name: string, stream: FoundStream | null): string[] =>
    stream ? [`${name}: ${stream.codec} ${stream.width_px} × ${stream.height_px}, ${stream.fps} fps`] : [];
  return [...one(t.find.main, found.main), ...one(t.find.sub, found.sub)].join(' · ');
}
