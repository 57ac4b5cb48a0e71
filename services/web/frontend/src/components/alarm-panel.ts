import { css, html, LitElement, nothing } from 'lit';
import { customElement, query } from 'lit/decorators.js';

import type { Alarm, ArmState } from '../api/types';
import { shared } from '../design/shared';
import { moment } from '../format';
import { navigate } from '../router';
import { app, WatchApp } from '../state/app-state';
import { t } from '../strings';
import type { IconName } from './icon';
import './alarm-detail';
import './icon';
import './pin-dialog';
import type { PinDialog } from './pin-dialog';

function alarmIcon(state: ArmState): IconName {
  switch (state) {
    case 'disarmed':
      return 'shield';
    case 'triggered':
      return 'alarm';
    case 'arming':
    case 'disarming':
    case 'pending':
      return 'hourglass';
    case 'armed_home':
    case 'armed_away':
    case 'armed_night':
    case 'armed_vacation':
      return 'shield-on';
  }
}

/** The first thing on the page: how the house is, and the one big button. */
@customElement('vg-alarm-panel')
export class AlarmPanel extends LitElement {
  static override styles = [
    shared,
    css`
      :host {
        --tone: var(--ink-2);
        --tone-soft: var(--surface-2);
      }
      section {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--s4) var(--s5);
        padding: var(--s5);
        border-radius: var(--radius-l);
        border: var(--border) solid var(--line);
        background: linear-gradient(100deg, var(--tone-soft), var(--surface) 55%);
        box-shadow: var(--shadow-1);
        transition: background var(--slow) var(--ease);
      }
      section[data-tone='armed'] {
        --tone: var(--accent);
        --tone-soft: var(--accent-soft);
      }
      section[data-tone='waiting'] {
        --tone: var(--warn);
        --tone-soft: var(--warn-soft);
      }
      section[data-tone='alarm'] {
        --tone: var(--danger);
        --tone-soft: var(--danger-soft);
        border-color: var(--danger);
      }
      .emblem {
        display: grid;
        place-items: center;
        flex: none;
        width: 4rem;
        height: 4rem;
        border-radius: 50%;
        background: var(--surface);
        color: var(--tone);
        border: 2px solid currentColor;
      }
      .emblem vg-icon {
        width: 2rem;
        height: 2rem;
      }
      [data-tone='armed'] .emblem {
        background: var(--accent);
        border-color: var(--accent);
        color: var(--accent-ink);
      }
      [data-tone='alarm'] .emblem {
        background: var(--danger-solid);
        color: var(--danger-ink);
        animation: breathe 1.1s ease-in-out infinite;
      }
      .words {
        flex: 1 1 12rem;
        min-width: 0;
      }
      h1 {
        font-size: var(--text-3xl);
        letter-spacing: -0.03em;
      }
      .words p {
        color: var(--ink-2);
        margin-block-start: var(--s1);
      }
      .big {
        min-height: 3.5rem;
        min-width: 10.5rem;
        padding-inline: var(--s6);
        font-size: var(--text-l);
      }
      .since {
        font-size: var(--text-s);
      }
      @media (max-width: 600px) {
        section {
          padding: var(--s4);
          gap: var(--s4);
        }
        .emblem {
          width: 3.25rem;
          height: 3.25rem;
        }
        .emblem vg-icon {
          width: 1.625rem;
          height: 1.625rem;
        }
        .words {
          flex-basis: 60%;
        }
        .big {
          width: 100%;
        }
      }
    `,
  ];

  @query('vg-pin-dialog') private readonly dialog!: PinDialog;
  constructor() {
    super();
    new WatchApp(this);
  }

  /** A notification's button leads here to arm or disarm: the PIN is asked for at once. */
  override updated(): void {
    if (app.alarm.status !== 'ready' || !new URLSearchParams(location.search).has('alarm')) return;
    navigate(location.pathname, true);
    const { state, pin_configured: pin } = app.alarm.value;
    void this.dialog.updateComplete.then(() => this.dialog.open(isArmed(state), pin));
  }

  override render(): unknown {
    const alarm = app.alarm;
    if (alarm.status === 'loading') {
      return html`<section aria-busy="true"><span class="emblem skeleton"></span><div class="words"><h1>${t.app.loading}</h1></div></section>`;
    }
    if (alarm.status === 'failed') {
      return html`<section data-tone="waiting" role="alert">
        <span class="emblem"><vg-icon name="plug"></vg-icon></span>
        <div class="words"><h1>${t.alarm.unknown}</h1><p>${t.alarm.unknownHelp}</p></div>
        <button type="button" class="big" @click=${() => app.reload()}>${t.app.retry}</button>
      </section>`;
    }
    const { state } = alarm.value;
    const armed = isArmed(state);
    return html`
      <section data-tone=${tone(state)} aria-label=${t.alarm.label}>
        <span class="emblem"><vg-icon name=${alarmIcon(state)}></vg-icon></span>
        <div class="words">
          <h1 data-testid="alarm-state" data-state=${state}><span role="status">${t.alarm.state[state]}</span></h1>
          <p>${this.mood()}</p>
          ${this.since(alarm.value)}
        </div>
        ${app.session?.role === 'viewer' ? nothing : html`<button
          type="button"
          class="big ${state === 'triggered' ? 'danger' : 'primary'}"
          data-testid="arm-button"
          @click=${() => this.dialog.open(armed, alarm.value.pin_configured)}
        >
          <vg-icon name=${armed ? 'shield' : 'shield-on'}></vg-icon>${armed ? t.alarm.disarm : t.alarm.arm}
        </button>`}
      </section>
      <vg-alarm-detail
        .alarm=${alarm.value}
        @arm-anyway=${() => this.dialog.open(false, alarm.value.pin_configured, anyway(alarm.value.arm_mode))}
      ></vg-alarm-detail>
      <vg-pin-dialog></vg-pin-dialog>
    `;
  }

  private since(alarm: Alarm): unknown {
    return alarm.since_ms
      ? html`<p class="since num">${t.alarm.sinceBy(moment(alarm.since_ms, Date.now()), alarm.changed_by)}</p>`
      : nothing;
  }

  /** One calm sentence about the whole house. */
  private mood(): string {
    if (app.cameras.status !== 'ready') return '';
    const cameras = app.cameras.value;
    const moving = cameras.filter((camera) => camera.state?.motion && camera.state.condition === 'online');
    const online = cameras.filter((camera) => camera.state?.condition === 'online').length;
    const serious = app.health.status === 'ready' ? app.health.value.findings.filter((f) => f.severity !== 'info').length : 0;
    const first = moving.length
      ? t.alarm.movement(moving.map((camera) => camera.name).join(', '))
      : serious
        ? t.alarm.attention(serious)
        : t.alarm.calm;
    return `${first}. ${t.alarm.watching(online, cameras.length)}.`;
  }
}

function isArmed(state: ArmState): boolean {
  return state !== 'disarmed' && state !== 'disarming';
}

function tone(state: ArmState): 'calm' | 'armed' | 'waiting' | 'alarm' {
  if (state === 'triggered') return 'alarm';
  if (state === 'pending' || state === 'arming' || state === 'disarming') return 'waiting';
  return state === 'disarmed' ? 'calm' : 'armed';
}

function anyway(mode: Alarm['arm_mode']): 'ARM_HOME' | 'ARM_AWAY' | 'ARM_NIGHT' | 'ARM_VACATION' {
  switch (mode) {
    case 'home':
      return 'ARM_HOME';
    case 'night':
      return 'ARM_NIGHT';
    case 'vacation':
      return 'ARM_VACATION';
    case 'away':
    case null:
    case undefined:
      return 'ARM_AWAY';
  }
}
