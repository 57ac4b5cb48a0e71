import { css, html, LitElement, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';

import { api } from '../api/client';
import type { Camera, FoundCamera } from '../api/types';
import type { CameraTrial } from '../api/welcome';
import { shared } from '../design/shared';
import { stepStyles } from '../design/steps';
import { app, asApiError } from '../state/app-state';
import { t } from '../strings';
import { cameraId, saveSettings, withLogin } from '../welcome';
import './find-cameras';
import './icon';

const START_LIMIT_MS = 40_000;
const LOOK_EACH_MS = 1_500;
const w = t.welcome.camera;

interface Draft {
  url: string;
  sub: string;
  user: string;
  password: string;
  name: string;
  location: string;
}

const EMPTY: Draft = { url: '', sub: '', user: '', password: '', name: '', location: 'EXTERIOR' };

/** Find a camera or type its address, see its picture, save it, and watch it start. */
@customElement('vg-add-camera')
export class AddCamera extends LitElement {
  static override styles = [
    shared,
    stepStyles,
    css`
      figure img {
        display: block;
        width: 100%;
        max-width: 40rem;
        border-radius: var(--radius-m);
        background: var(--video-bg);
      }
      figcaption {
        margin-block-start: var(--s2);
        font-size: var(--text-s);
        color: var(--ink-2);
      }
      .choice {
        margin-block-start: var(--s4);
      }
    `,
  ];

  @state() private way: '' | 'find' | 'hand' = '';
  @state() private draft: Draft = { ...EMPTY };
  @state() private busy: '' | 'test' | 'save' = '';
  @state() private trial: CameraTrial | null = null;
  @state() private error = '';
  @state() private note: { tone: '' | 'good' | 'warn'; text: string; help?: string } | null = null;

  override render(): unknown {
    return html`
      ${this.note ? html`<p class="say ${this.note.tone}" role="status" data-testid="camera-note">${this.note.text}${this.note.help ? html`<br /><span class="small">${this.note.help}</span>` : nothing}</p>` : nothing}
      <div class="row choice">
        <button type="button" class=${this.way ? '' : 'primary'} aria-expanded=${this.way === 'find'} data-testid="camera-find" @click=${() => (this.way = 'find')}><vg-icon name="camera"></vg-icon>${w.find}</button>
        <button type="button" aria-expanded=${this.way === 'hand'} data-testid="camera-hand" @click=${() => (this.way = 'hand')}>${w.byHand}</button>
      </div>
      ${this.way === 'find' ? html`<vg-find-cameras plain @camera-chosen=${this.chosen}></vg-find-cameras>` : nothing}
      ${this.way === 'hand' ? this.form() : nothing}
    `;
  }

  private form(): unknown {
    const field = (key: keyof Draft, label: string, extra: { hint?: string; type?: string; placeholder?: string; required?: boolean } = {}): unknown =>
      html`<label>${label}<input
          name=${key}
          type=${extra.type ?? 'text'}
          autocomplete=${extra.type === 'password' ? 'new-password' : 'off'}
          autocapitalize="none"
          spellcheck="false"
          maxlength=${key === 'name' ? 80 : 1024}
          placeholder=${extra.placeholder ?? ''}
          ?required=${extra.required === true}
          .value=${this.draft[key]}
          @input=${(event: Event) => this.type(key, (event.target as HTMLInputElement).value)}
        />${extra.hint ? html`<span class="muted small">${extra.hint}</span>` : nothing}</label>`;
    return html`<form @submit=${this.test} data-testid="camera-form">
      ${field('url', w.url, { placeholder: w.urlHint, required: true })}
      <div class="two">${field('user', w.user, { hint: w.loginHint })}${field('password', w.password, { type: 'password' })}</div>
      ${field('sub', w.sub)}
      <div class="two">
        ${field('name', w.name, { required: true })}
        <label>${w.location}<select name="location" @change=${(event: Event) => this.type('location', (event.target as HTMLSelectElement).value)}>
          ${Object.entries(w.locations).map(([value, label]) => html`<option value=${value} ?selected=${value === this.draft.location}>${label}</option>`)}
        </select></label>
      </div>
      <p class="row">
        <button type="submit" class=${this.trial?.usable ? '' : 'primary'} ?disabled=${this.busy !== ''} data-testid="camera-test">${this.busy === 'test' ? w.testing : w.test}</button>
      </p>
      <div role="status" aria-live="polite">${this.error ? html`<p class="bad" data-testid="camera-error">${this.error}</p>` : nothing}${this.trial ? this.seen(this.trial) : nothing}</div>
    </form>`;
  }

  private seen(trial: CameraTrial): unknown {
    const add = html`<p class="row">
      <button type="button" class=${trial.usable ? 'primary' : ''} ?disabled=${this.busy !== ''} data-testid="camera-add" @click=${this.add}>
        ${this.busy === 'save' ? t.welcome.saving : trial.usable ? w.add : w.untested}
      </button>
    </p>`;
    if (!trial.usable) {
      const reasons = trial.tries.filter((one) => one.error);
      return html`<div class="say warn"><strong>${w.unusable}</strong>${reasons.map((one) => html`<p class="small">${one.transport}: ${one.error}</p>`)}</div>${add}`;
    }
    const facts = [
      w.facts(trial.codec, trial.width_px, trial.height_px, trial.fps),
      ...(trial.gop_s ? [w.keyframes(trial.gop_s)] : []),
      ...(trial.audio ? [w.sound(trial.audio)] : []),
    ].join(' · ');
    return html`<figure>
        ${trial.picture ? html`<img src="data:image/jpeg;base64,${trial.picture}" alt=${w.picture(this.draft.name)} data-testid="camera-picture" />` : html`<p>${w.noPicture}</p>`}
        <figcaption>${facts}</figcaption>
      </figure>
      ${add}`;
  }

  private type(key: keyof Draft, value: string): void {
    this.draft = { ...this.draft, [key]: value };
    if (key !== 'name' && key !== 'location') this.trial = null;
  }

  private readonly chosen = (event: CustomEvent<{ camera: FoundCamera; user: string; password: string }>): void => {
    const { camera, user, password } = event.detail;
    this.draft = { ...EMPTY, url: camera.main?.url ?? '', sub: camera.sub?.url ?? '', user, password, name: camera.name };
    this.trial = null;
    this.way = 'hand';
    void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>('form')?.scrollIntoView({ block: 'nearest' }));
    void this.look();
  };

  private readonly test = (event: SubmitEvent): void => {
    event.preventDefault();
    void this.look();
  };

  private async look(): Promise<void> {
    this.busy = 'test';
    this.error = '';
    this.trial = null;
    this.note = null;
    try {
      this.trial = await api.tryCamera(withLogin(this.draft.url, this.draft.user, this.draft.password));
    } catch (error) {
      this.error = asApiError(error).message || t.find.failed;
    }
    this.busy = '';
  }

  private readonly add = async (): Promise<void> => {
    const { draft, trial } = this;
    const name = draft.name.trim();
    if (!name || !draft.url) {
      this.error = w.needs;
      return;
    }
    this.busy = 'save';
    this.error = '';
    let id = '';
    try {
      await saveSettings((values) => {
        const present = Array.isArray(values['cameras']) ? (values['cameras'] as { id?: unknown }[]).map((one) => String(one.id)) : [];
        id = cameraId(name, present);
        const entry: Record<string, unknown> = {
          id,
          display_name: name,
          rtsp_url: withLogin(draft.url, draft.user, draft.password),
          location: draft.location,
        };
        if (draft.sub.trim()) entry['detect_url'] = withLogin(draft.sub, draft.user, draft.password);
        if (trial?.width_px) entry['resolution_capture'] = [trial.width_px, trial.height_px];
        return { cameras: [entry] };
      });
    } catch (error) {
      this.error = t.welcome.notSaved(asApiError(error).message);
      this.busy = '';
      return;
    }
    this.busy = '';
    this.draft = { ...EMPTY };
    this.trial = null;
    this.way = '';
    this.note = { tone: '', text: w.starting(name) };
    await this.watch(id, name);
  };

  /** Until it is online, or its worker says why not. */
  private async watch(id: string, name: string): Promise<void> {
    const until = Date.now() + START_LIMIT_MS;
    let found: Camera | undefined;
    while (Date.now() < until && this.isConnected) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_EACH_MS));
      found = await api.cameras().then((page) => page.items.find((camera) => camera.id === id), () => undefined);
      if (found?.state?.condition === 'online') break;
    }
    app.reload();
    this.dispatchEvent(new CustomEvent('changed', { bubbles: true, composed: true }));
    const online = found?.state?.condition === 'online';
    this.note = online
      ? { tone: 'good', text: w.online(name) }
      : { tone: 'warn', text: w.slow(name), help: found?.state?.reason || w.slowHelp };
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'vg-add-camera': AddCamera;
  }
}
