import { css, html, LitElement, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';

import { api } from '../api/client';
import type { PushInfo } from '../api/types';
import { shared } from '../design/shared';
import { currentSubscription, pushSupport, subscribe, unsubscribe, type PushSupport } from '../push';
import { app, asApiError, type Loaded } from '../state/app-state';
import { t } from '../strings';
import './icon';

/** Alerts name whatever happens anywhere in the house, so they are only for who may see all of it (`Cameras.ALL` of the route). */
const mayBeTold = (): boolean => app.session?.all_cameras === true && app.session.role !== 'viewer';

/** Notifications on this device: what state they are in, why not if not, and a test. */
@customElement('vg-push-card')
export class PushCard extends LitElement {
  static override styles = [
    shared,
    css`
      section {
        padding: var(--s4) var(--s5) var(--s5);
      }
      h2 {
        display: flex;
        align-items: center;
        gap: var(--s2);
      }
      h2 vg-icon {
        color: var(--accent);
      }
      p {
        margin-block-start: var(--s2);
        color: var(--ink-2);
        text-wrap: pretty;
      }
      .obstacle {
        margin-block-start: var(--s3);
        padding: var(--s3) var(--s4);
        border-radius: var(--radius-s);
        background: var(--warn-soft);
      }
      .obstacle strong {
        color: var(--warn);
      }
      .row {
        margin-block-start: var(--s4);
      }
      .result {
        font-size: var(--text-s);
        font-weight: var(--weight-strong);
        overflow-wrap: anywhere;
      }
      .result.good {
        color: var(--ok);
      }
      .result.bad {
        color: var(--danger);
      }
    `,
  ];

  @state() private info: Loaded<PushInfo> = { status: 'loading' };
  @state() private support: PushSupport = pushSupport();
  @state() private subscribed = false;
  @state() private busy: '' | 'subscribe' | 'test' = '';
  @state() private result: { good: boolean; text: string } | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    void this.load();
  }

  private async load(): Promise<void> {
    try {
      this.info = { status: 'ready', value: await api.push() };
    } catch (error) {
      this.info = { status: 'failed', error: asApiError(error) };
    }
    this.support = pushSupport();
    if (this.support === 'ready') this.subscribed = (await currentSubscription()) !== null;
  }

  override render(): unknown {
    const info = this.info.status === 'ready' ? this.info.value : null;
    const allowed = mayBeTold();
    const possible = allowed && this.support === 'ready' && info?.enabled === true;
    return html`<section class="card" aria-labelledby="push" data-testid="push-card" data-support=${this.support} data-subscribed=${String(this.subscribed)}>
      <h2 id="push"><vg-icon name="alerts"></vg-icon>${t.push.title}</h2>
      <p>${this.subscribed ? t.push.on : t.push.off}</p>
      ${this.obstacle(info)}
      <div class="row wrap">
        <button
          type="button"
          class=${this.subscribed ? '' : 'primary'}
          data-testid="push-enable"
          ?disabled=${!possible || this.busy !== ''}
          @click=${this.toggle}
        >
          ${this.busy === 'subscribe' ? t.alarm.working : this.subscribed ? t.push.disable : t.push.enable}
        </button>
        <button type="button" data-testid="push-test" ?disabled=${!allowed || !info?.enabled || this.busy !== ''} @click=${this.test}>
          ${this.busy === 'test' ? t.push.testing : t.push.test}
        </button>
      </div>
      <p class="result ${this.result?.good ? 'good' : 'bad'}" role="status" data-testid="push-result">${this.result?.text ?? ''}</p>
      ${info ? html`<p class="small num">${t.push.devices(info.subscriptions)}</p>` : nothing}
    </section>`;
  }

  private obstacle(info: PushInfo | null): unknown {
    const say = (heading: string, text: string): unknown =>
      html`<div class="obstacle"><strong>${heading}</strong><p class="small">${text}</p></div>`;
    if (!mayBeTold()) return say(t.push.notAllowed, t.push.notAllowedHelp);
    if (info && !info.enabled) return say(t.push.serverOff, t.push.serverOffHelp);
    switch (this.support) {
      case 'insecure':
        return say(t.push.insecure, t.push.insecureHelp);
      case 'unsupported':
        return say(t.push.unsupported, t.push.unsupportedHelp);
      case 'denied':
        return say(t.push.denied, t.push.deniedHelp);
      case 'ready':
        return nothing;
    }
  }

  private async toggle(): Promise<void> {
    if (this.info.status !== 'ready') return;
    this.busy = 'subscribe';
    this.result = null;
    try {
      if (this.subscribed) await unsubscribe();
      else await subscribe(this.info.value.public_key);
    } catch (error) {
      this.result = { good: false, text: t.push.subscribeFailed(asApiError(error).message) };
    }
    this.busy = '';
    await this.load();
  }

  private async test(): Promise<void> {
    this.busy = 'test';
    this.result = null;
    try {
      const { ok, message } = await api.pushTest();
      this.result = { good: ok, text: ok ? message || t.push.testDone : t.push.testFailed(message) };
    } catch (error) {
      const failure = asApiError(error);
      this.result = { good: false, text: t.push.testFailed(failure.status ? failure.message || failure.code : t.push.unreachable) };
    }
    this.busy = '';
  }
}
