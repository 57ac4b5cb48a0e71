import { html } from 'lit';
import { repeat } from 'lit/directives/repeat.js';

import type { VigilarEvent } from '../api/types';
import './event-item';

/** The rows of a list of events; `freshIds` are the ones that came while the page was open. */
export function eventRows(events: readonly VigilarEvent[], nowMs: number, exact: boolean, freshIds: ReadonlySet<string>): unknown {
  return repeat(
    events,
    (event) => event.id,
    (event) => html`<li>
      <vg-event-item
        data-testid="event-item"
        data-event-id=${event.id}
        data-type=${event.type}
        .event=${event}
        .nowMs=${nowMs}
        ?exact=${exact}
        ?fresh=${freshIds.has(event.id)}
      ></vg-event-item>
    </li>`,
  );
}

export function eventSkeleton(rows: number): unknown {
  return Array.from(
    { length: rows },
    () => html`<li class="skeleton-row" aria-hidden="true">
      <span class="skeleton picture"></span><span class="lines"><span class="skeleton"></span><span class="skeleton"></span></span>
    </li>`,
  );
}

