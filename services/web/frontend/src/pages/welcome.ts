import { css, html, LitElement, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';

import { api } from '../api/client';
import '../components/add-camera';
import '../components/icon';
import '../components/push-card';
import '../components/welcome-address';
import '../components/welcome-place';
import { pageStyles, shared } from '../design/shared';
import { stepStyles } from '../design/steps';
import { navigate } from '../router';
import { app, asApiError, WatchApp } from '../state/app-state';
import { t } from '../strings';
import { saveSettings, STEPS, tick, ticked, trustOfBrowser, type Step } from '../welcome';

const w = t.welcome;

/** The first steps: one at a time, each to be skipped and come back to, with what is done and what is not. */
@customElement('vg-welcome')
export class WelcomePage extends LitElement {
  static override styles = [
    shared,
    stepStyles,
    pageStyles,
    css`
      :host {
        max-width: 60rem;
      }
      progress {
        width: 100%;
        height: 0.5rem;
        accent-color: var(--accent);
      }
      ol {
        display: grid;
        gap: var(--s3);
        margin-block-start: var(--s5);
      }
      .head {
        display: flex;
        gap: var(--s3);
        align-items: center;
        justify-content: flex-start;
        width: 100%;
        min-height: 3.5rem;
        padding: 0 var(--s5);
        border: 0;
        border-radius: var(--radius-m);
        background: none;
        text-align: start;
        font-size: var(--text-l);
      }
      .head .grow {
        flex: 1;
        min-width: 0;
      }
      .number {
        display: inline-grid;
        place-items: center;
        flex: none;
        width: 2rem;
        height: 2rem;
        border-radius: 50%;
        background: var(--surface-2);
        font-size: var(--text-s);
      }
      .number.done {
        background: var(--accent);
        color: var(--accent-ink);
      }
      .body {
        padding: 0 var(--s5) var(--s5);
      }
      .foot {
        margin-block-start: var(--s5);
        padding-block-start: var(--s4);
        border-block-start: var(--border) solid var(--line);
      }
      .cameras li {
        display: flex;
        flex-wrap: wrap;
        gap: var(--s2) var(--s3);
        align-items: center;
        padding-block: var(--s2);
      }
      .cameras .grow {
        flex: 1;
        min-width: 8rem;
        overflow-wrap: anywhere;
      }
      @media (max-width: 32rem) {
        .head,
        .body {
          padding-inline: var(--s4);
        }
        .head .badge {
          display: none;
        }
      }
    `,
  ];

  @state() private step: Step | '' = '';
  @state() private placed = false;
  @state() private trusted = false;
  @state() private told = false;
  @state() private error = '';

  constructor() {
    super();
    new WatchApp(this);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    const wanted = new URLSearchParams(location.search).get('step');
    void this.look().then(() => {
      this.step = STEPS.find((one) => one === wanted) ?? STEPS.find((one) => !this.isDone(one)) ?? '';
    });
  }

  private readonly look = async (): Promise<void> => {
    const [settings, push, trust] = await Promise.all([
      api.settings().catch((error: unknown) => {
        this.error = asApiError(error).status === 403 ? w.onlyAdmin : w.failed;
        return null;
      }),
      api.push().catch(() => null),
      trustOfBrowser(),
    ]);
    this.placed = settings !== null && settings.origins['system.timezone'] !== 'default';
    this.told = (push?.subscriptions ?? 0) > 0;
    this.trusted = trust === 'trusted';
  };

  private isDone(step: Step): boolean {
    switch (step) {
      case 'address':
        return this.trusted || ticked('address');
      case 'place':
        return this.placed;
      case 'cameras':
        return app.cameras.status === 'ready' && app.cameras.value.length > 0;
      case 'pin':
        return app.alarm.status === 'ready' && app.alarm.value.pin_configured;
      case 'push':
        return this.told;
      case 'recovery':
        return ticked('recovery');
      case 'arm':
        return ticked('arm');
    }
  }

  override updated(): void {
    if (app.alarm.status === 'ready' && app.alarm.value.state.startsWith('armed') && !ticked('arm')) {
      tick('arm');
      this.requestUpdate();
    }
  }

  override render(): unknown {
    const done = STEPS.filter((step) => this.isDone(step)).length;
    return html`
      <header class="page-head"><div><h1>${w.title}</h1><p>${w.help}</p></div></header>
      ${this.error ? html`<p class="say warn" role="alert">${this.error}</p>` : nothing}
      <p class="small muted" id="progress">${w.progress(done, STEPS.length)}</p>
      <progress max=${STEPS.length} value=${done} aria-labelledby="progress"></progress>
      <ol @changed=${this.look}>${STEPS.map((step, index) => this.item(step, index))}</ol>
      <p class="row foot"><a class="button ${done === STEPS.length ? 'primary' : ''}" href="/">${w.finish}</a></p>
    `;
  }

  private item(step: Step, index: number): unknown {
    const open = this.step === step;
    const done = this.isDone(step);
    return html`<li class="card" data-testid="step-${step}" data-done=${String(done)}>
      <h2><button type="button" class="head" aria-expanded=${open} aria-controls="body-${step}" @click=${() => this.show(open ? '' : step)}>
        <span class="number ${done ? 'done' : ''}">${done ? html`<vg-icon name="check"></vg-icon>` : index + 1}</span>
        <span class="grow">${w.steps[step]}</span>
        <span class="badge ${done ? 'ok' : ''}">${done ? w.done : w.todo}</span>
      </button></h2>
      <div class="body" id="body-${step}" ?hidden=${!open}>${open ? html`${this.body(step)}${this.foot(step, done)}` : nothing}</div>
    </li>`;
  }

  private foot(step: Step, done: boolean): unknown {
    const next = STEPS[STEPS.indexOf(step) + 1];
    return html`<p class="row foot"><button type="button" data-testid="step-next" @click=${() => this.show(next ?? '')}>${done ? w.next : w.skip}</button></p>`;
  }

  private show(step: Step | ''): void {
    this.step = step;
    navigate(step ? `/welcome?step=${step}` : '/welcome', true);
    void this.look();
    if (step) void this.updateComplete.then(() => this.renderRoot.querySelector(`[data-testid="step-${step}"]`)?.scrollIntoView({ block: 'start' }));
  }

  private body(step: Step): unknown {
    switch (step) {
      case 'address':
        return html`<vg-welcome-address></vg-welcome-address>`;
      case 'place':
        return html`<vg-welcome-place></vg-welcome-place>`;
      case 'cameras':
        return html`<p class="why">${w.camera.why}</p>${this.cameras()}<vg-add-camera></vg-add-camera>`;
      case 'pin':
        return html`<p class="why">${w.pin.why}</p>
          ${this.isDone('pin') ? html`<p class="say good">${w.pin.set}</p>` : nothing}
          <div class="fields"><p class="row"><a class="button primary" href="/security">${w.pin.how}</a></p><p class="small muted">${w.pin.shell}</p></div>`;
      case 'push':
        return html`<vg-push-card></vg-push-card>`;
      case 'recovery':
        return html`<p class="why">${w.recovery.why}</p>
          <div class="fields">
            <div><p>${w.recovery.where}</p><code>${w.recovery.take}</code></div>
            <p>${w.recovery.backups}</p>
            <label class="tick"><input type="checkbox" ?checked=${ticked('recovery')} @change=${this.tickRecovery} />${w.recovery.tick}</label>
            <p class="small muted">${w.recovery.note}</p>
          </div>`;
      case 'arm':
        return html`<p class="why">${w.arm.why}</p>
          ${ticked('arm') ? html`<p class="say good" role="status">${w.arm.armed}</p>` : nothing}
          <p class="row fields"><a class="button primary" href="/?alarm">${w.arm.home}</a></p>`;
    }
  }

  private cameras(): unknown {
    const present = app.cameras.status === 'ready' ? app.cameras.value : [];
    if (!present.length) return nothing;
    return html`<h3>${w.camera.present}</h3>
      <ul class="cameras">
        ${present.map((camera) => html`<li>
          <a class="grow" href=${`/cameras/${camera.id}`}>${camera.name}</a>
          <span class="badge ${camera.state?.condition === 'online' ? 'ok' : 'warn'}">${camera.state?.condition ?? '…'}</span>
          <button type="button" aria-label=${`${w.camera.remove} ${camera.name}`} @click=${() => void this.takeOut(camera.id, camera.name)}>${w.camera.remove}</button>
        </li>`)}
      </ul>
      <p class="small"><a href="/settings?in=cameras">${w.camera.more}</a></p>`;
  }

  private async takeOut(id: string, name: string): Promise<void> {
    if (!confirm(w.camera.removeSure(name))) return;
    try {
      await saveSettings((_, removed) => ({ removed: { cameras: [...(removed['cameras'] ?? []).filter((one) => one !== id), id] } }));
      this.error = '';
    } catch (error) {
      this.error = w.notSaved(asApiError(error).message);
      return;
    }
    if (app.cameras.status === 'ready') app.cameras = { status: 'ready', value: app.cameras.value.filter((camera) => camera.id !== id) };
    this.requestUpdate();
  }

  private readonly tickRecovery = (event: Event): void => {
    tick('recovery', (event.target as HTMLInputElement).checked);
    this.requestUpdate();
  };
}

declare global {
  interface HTMLElementTagNameMap {
    'vg-welcome': WelcomePage;
  }
}
