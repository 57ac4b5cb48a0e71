import { html } from 'lit';
import { repeat } from 'lit/directives/repeat.js';

import type { VigilarEvent } from '../api/types';
import { moment } from '../format';
import { waits } from '../state/review';
import { said, t } from '../strings';
import './event-item';
import './icon';

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

/** The same with a button that says "looked at"; a swipe to the right does the same. */
export function reviewRows(
  events: readonly VigilarEvent[],
  nowMs: number,
  freshIds: ReadonlySet<string>,
  mark: (event: VigilarEvent, reviewed: boolean) => void,
): unknown {
  return repeat(
    events,
    (event) => event.id,
    (event) => {
      const waiting = waits(event);
      const label = waiting ? t.review.mark : t.review.unmark;
      const seen = event.reviewed ? t.review.by(event.reviewed.by, moment(event.reviewed.ts_ms, nowMs)) : label;
      return html`<li
        class=${waiting ? 'waits' : 'done'}
        @pointerdown=${(down: PointerEvent) => waiting && swipe(down, () => mark(event, true))}
      >
        <vg-event-item
          data-testid="event-item"
          data-event-id=${event.id}
          data-type=${event.type}
          .event=${event}
          .nowMs=${nowMs}
          exact
          ?fresh=${freshIds.has(event.id)}
        ></vg-event-item>
        <button
          type="button"
          class="icon-only quiet check"
          data-testid="review"
          title=${seen}
          aria-label="${label}: ${said(event.title)}"
          aria-pressed=${waiting ? 'false' : 'true'}
          @click=${() => mark(event, waiting)}
        >
          <vg-icon name="check"></vg-icon>
        </button>
      </li>`;
    },
  );
}

const SWIPED_PX = 90;

/** Follows one finger; `done` when it went far enough to the right. */
function swipe(down: PointerEvent, done: () => void): void {
  const row = down.currentTarget;
  if (down.pointerType === 'mouse' || !(row instanceof HTMLElement)) return;
  let dx = 0;
  const move = (event: PointerEvent): void => {
    dx = Math.max(0, event.clientX - down.clientX);
    row.style.translate = dx > 12 ? `${dx}px 0` : '';
  };
  const end = (event: PointerEvent): void => {
    row.removeEventListener('pointermove', move);
    row.removeEventListener('pointerup', end);
    row.removeEventListener('pointercancel', end);
    row.style.translate = '';
    if (event.type !== 'pointerup' || dx < SWIPED_PX) return;
    // The tap that ends a swipe must not open the event.
    row.addEventListener('click', (click) => click.preventDefault(), { once: true, capture: true });
    done();
  };
  row.addEventListener('pointermove', move);
  row.addEventListener('pointerup', end);
  row.addEventListener('pointercancel', end);
}

export function eventSkeleton(rows: number): unknown {
  return Array.from(
    { length: rows },
    () => html`<li class="skeleton-row" aria-hidden="true">
      <span class="skeleton picture"></span><span class="lines"><span class="skeleton"></span><span class="skeleton"></span></span>
    </li>`,
  );
}

