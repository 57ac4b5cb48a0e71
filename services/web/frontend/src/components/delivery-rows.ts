import { css, html, nothing } from 'lit';
import { repeat } from 'lit/directives/repeat.js';

import type { Delivery } from '../api/types';
import { duration, fullMoment, moment } from '../format';
import { deliveryKey } from '../state/merge';
import { said, t } from '../strings';

const TONE: Record<string, string> = { delivered: 'ok', retrying: 'warn', failed: 'bad', gone: '' };

export const channelName = (channel: string): string => t.alerts.channelName[channel] ?? channel;
export const targetName = (target: string): string => t.alerts.targetName[target] ?? target;

export const deliveryStyles = css`
  .deliveries {
    display: grid;
  }
  .deliveries li {
    display: grid;
    grid-template-columns: minmax(0, 1fr) auto;
    gap: 0.125rem var(--s3);
    padding: var(--s3) 0;
    border-block-end: var(--border) solid var(--line);
  }
  .deliveries li:last-child {
    border-block-end: 0;
  }
  .deliveries .what {
    font-weight: var(--weight-strong);
    color: inherit;
    text-decoration: none;
    overflow-wrap: anywhere;
  }
  .deliveries a.what:hover {
    text-decoration: underline;
  }
  .deliveries .meta,
  .deliveries .fault {
    grid-column: 1 / -1;
    color: var(--ink-2);
    font-size: var(--text-s);
    overflow-wrap: anywhere;
  }
  .deliveries .fault {
    color: var(--danger);
  }
`;

/** Rows of the delivery ledger; `titled` names what it was about (not needed on the event's own page). */
export function deliveryRows(rows: readonly Delivery[], titled: boolean): unknown {
  return repeat(rows, deliveryKey, (row) => {
    const heading = titled ? said(row.title) : channelName(row.channel);
    const meta = [
      titled ? channelName(row.channel) : '',
      targetName(row.target),
      row.ts_ms ? moment(row.ts_ms, Date.now()) : '',
      row.outcome === 'delivered' ? duration(row.latency_ms) : '',
      row.attempt > 1 ? t.alerts.attempt(row.attempt) : '',
    ];
    return html`<li data-testid="alert-row" data-outcome=${row.outcome} data-channel=${row.channel} data-event-id=${row.event_id ?? ''}>
      ${titled && row.event_id
        ? html`<a class="what" href="/events/${row.event_id}">${heading}</a>`
        : html`<span class="what">${heading}</span>`}
      <span><span class="badge ${TONE[row.outcome] ?? ''}">${t.alerts.outcome[row.outcome] ?? row.outcome}</span></span>
      <p class="meta num" title=${row.ts_ms ? fullMoment(row.ts_ms) : ''}>${meta.filter(Boolean).join(' · ')}</p>
      ${row.error ? html`<p class="fault">${row.error}</p>` : nothing}
    </li>`;
  });
}
