import { css, html, LitElement, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';

import type { VigilarEvent } from '../api/types';
import { shared } from '../design/shared';
import { ago, clockSeconds, duration, fullMoment } from '../format';
import { className, said, t, within } from '../strings';
import type { IconName } from './icon';
import './icon';
import './thumb';

export function eventIcon(type: string): IconName {
  if (type === 'camera_offline') return 'camera-off';
  if (type.startsWith('alarm_') || type.startsWith('power_') || type === 'host_shutdown' || type === 'rule') return 'alarm';
  if (['motion', 'object', 'vehicle'].includes(type) || type.startsWith('package')) return 'events';
  return 'camera';
}

/** Motion and objects last; all else is a moment. */
export function isOngoing(event: VigilarEvent): boolean {
  return (event.type === 'motion' || event.type === 'object') && event.ended_ms === null;
}

/** One event as a row with its picture; the whole row is the link. */
@customElement('vg-event-item')
export class EventItem extends LitElement {
  static override shadowRootOptions: ShadowRootInit = { mode: 'open', delegatesFocus: true };
  static override styles = [
    shared,
    css`
      a {
        display: grid;
        grid-template-columns: var(--thumb, 7.5rem) minmax(0, 1fr);
        gap: var(--s3);
        align-items: center;
        padding: var(--s2);
        border-radius: var(--radius-m);
        color: inherit;
        text-decoration: none;
        transition: background var(--fast) var(--ease);
      }
      a:hover {
        background: var(--surface-2);
      }
      h3 {
        font-size: var(--text-m);
        line-height: 1.3;
        font-weight: var(--weight-strong);
        display: -webkit-box;
        -webkit-line-clamp: 2;
        -webkit-box-orient: vertical;
        overflow: hidden;
        overflow-wrap: anywhere;
      }
      .meta {
        display: flex;
        flex-wrap: wrap;
        gap: 0 var(--s2);
        margin-block-start: 0.125rem;
        color: var(--ink-2);
        font-size: var(--text-s);
      }
      .badges {
        display: flex;
        flex-wrap: wrap;
        gap: var(--s1);
        margin-block-start: var(--s1);
      }
      .picture {
        position: relative;
      }
      .length {
        position: absolute;
        inset: auto var(--s1) var(--s1) auto;
        padding: 0 0.375rem;
        border-radius: 0.375rem;
        background: rgb(0 0 0 / 72%);
        color: #fff;
        font-size: 0.6875rem;
        font-weight: var(--weight-strong);
      }
      .pulse {
        width: 0.5rem;
        height: 0.5rem;
        border-radius: 50%;
        background: currentColor;
        animation: breathe 1.6s ease-in-out infinite;
      }
      :host([fresh]) a {
        animation: arrive 900ms var(--ease);
      }
      @keyframes arrive {
        from {
          background: var(--accent-soft);
          opacity: 0;
          transform: translateY(-0.5rem);
        }
      }
    `,
  ];

  @property({ attribute: false }) event!: VigilarEvent;
  @property({ type: Number }) nowMs = 0;
  /** Show clock times (in lists that are grouped by day) rather than "4 min ago". */
  @property({ type: Boolean }) exact = false;
  @property({ type: Boolean, reflect: true }) fresh = false;

  override render(): unknown {
    const event = this.event;
    const ongoing = isOngoing(event);
    const when = this.exact ? clockSeconds(event.started_ms) : ago(event.started_ms, this.nowMs);
    const camera = event.camera_name ?? '';
    return html`
      <a href="/events/${event.id}">
        <div class="picture">
          <vg-thumb .src=${event.picture_url} .box=${event.object?.picture_box ?? null} icon=${eventIcon(event.type)}></vg-thumb>
          ${event.ended_ms !== null && (event.type === 'motion' || event.type === 'object')
            ? html`<span class="length num">${duration(event.ended_ms - event.started_ms)}</span>`
            : nothing}
        </div>
        <div>
          <h3>${said(event.title)}</h3>
          <p class="meta">
            <time class="num" datetime=${new Date(event.started_ms).toISOString()} title=${fullMoment(event.started_ms)}>${when}</time>
            ${camera && !event.title.includes(camera) ? html`<span>${camera}</span>` : nothing}
            ${event.zones.length ? html`<span>${event.zones.join(', ')}</span>` : nothing}
          </p>
          ${ongoing || event.severity === 'critical' || event.object?.verdict === 'wrong'
            ? html`<p class="badges">
                ${ongoing ? html`<span class="badge ok"><span class="pulse"></span>${t.events.inProgress}</span>` : nothing}
                ${event.object?.verdict === 'wrong' ? html`<span class="badge warn">${t.marks.isWrong(within(className(event.object.object_class)))}</span>` : nothing}
                ${event.severity === 'critical' ? html`<span class="badge bad">${t.events.severityName.critical}</span>` : nothing}
              </p>`
            : nothing}
        </div>
      </a>
    `;
  }
}
