import { css, html, LitElement, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';

import type { Alarm, OpenSensor } from '../api/types';
import { shared } from '../design/shared';
import { clockSeconds, secondsLeft } from '../format';
import { t } from '../strings';

const TICK_MS = 500;

/** Under the alarm's state: what runs, what is open, what is left out, what triggered. Empty on a calm day. */
@customElement('vg-alarm-detail')
export class AlarmDetail extends LitElement {
  static override styles = [
    shared,
    css`
      :host {
        display: grid;
        gap: var(--s2);
        padding-inline: var(--s5);
      }
      :host([hidden]) {
        display: none;
      }
      .countdown {
        font-size: var(--text-xl);
        margin-block-start: var(--s3);
      }
      dl {
        display: grid;
        gap: var(--s1);
        margin: var(--s3) 0 0;
      }
      div {
        display: flex;
        flex-wrap: wrap;
        gap: var(--s1) var(--s3);
      }
      dt {
        color: var(--ink-2);
      }
      dd {
        margin: 0;
      }
    `,
  ];

  @property({ attribute: false }) alarm!: Alarm;
  @state() private nowMs = Date.now();
  private timer: ReturnType<typeof setInterval> | undefined;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.tick(false);
  }

  override willUpdate(): void {
    const { state, until_ms: untilMs } = this.alarm;
    this.tick(state in t.alarm.countdown && Boolean(untilMs));
  }

  override render(): unknown {
    const { alarm } = this;
    const open = alarm.state === 'triggered' ? [] : (alarm.open_sensors ?? []);
    const arming = alarm.state === 'arming';
    return html`
      ${this.countdown()}
      <dl>
        ${this.list(
          'triggered-by',
          t.alarm.triggeredBy,
          alarm.triggered_by?.map((trip) => t.alarm.trip(trip.name, t.alarm.what[trip.what] ?? trip.what, clockSeconds(trip.at_ms))),
        )}
        ${this.list('open-sensors', arming ? t.alarm.closeInTime : t.alarm.openNow, names(open), alarm.open_count)}
        ${this.list('left-out', t.alarm.leftOut, names(alarm.bypassed_sensors), alarm.bypassed_count)}
        ${this.list('unknown-sensors', t.alarm.unknownSensors, names(alarm.unknown_sensors), alarm.unknown_count)}
      </dl>
      ${arming && open.length
        ? html`<button type="button" data-testid="bypass-open" @click=${() => this.dispatchEvent(new Event('arm-anyway'))}>
            ${t.alarm.armAnyway}
          </button>`
        : nothing}
    `;
  }

  private countdown(): unknown {
    const { state, until_ms: untilMs, delay_s: delayS } = this.alarm;
    if (!untilMs || (state !== 'arming' && state !== 'pending' && state !== 'triggered')) return nothing;
    // A device whose clock is wrong shows at most the whole delay.
    const left = Math.min(secondsLeft(untilMs, this.nowMs), delayS ?? Infinity);
    return html`<p class="countdown num" role="timer" data-testid="alarm-countdown">${t.alarm.countdown[state](left)}</p>`;
  }

  private list(name: string, title: string, entries: string[] | undefined, count = 0): unknown {
    if (!entries?.length) return nothing;
    const hidden = count - entries.length;
    return html`<div data-testid=${name}>
      <dt>${title}</dt>
      <dd>${entries.join(', ')}${hidden > 0 ? ` ${t.alarm.more(hidden)}` : nothing}</dd>
    </div>`;
  }

  private tick(on: boolean): void {
    if (on === (this.timer !== undefined)) return;
    clearInterval(this.timer);
    this.timer = on ? setInterval(() => (this.nowMs = Date.now()), TICK_MS) : undefined;
  }
}

const names = (sensors: OpenSensor[] | undefined): string[] => (sensors ?? []).map((sensor) => sensor.name);
