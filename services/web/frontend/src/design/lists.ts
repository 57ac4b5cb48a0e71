import { css } from 'lit';

/** Lists of events, and the grey rows that stand there until they arrive. */
export const eventListStyles = css`
  .rows {
    display: grid;
    gap: var(--s1);
  }
  .day {
    position: sticky;
    inset-block-start: var(--top-bar, 0px);
    z-index: 1;
    margin-block: var(--s4) var(--s2);
    padding: var(--s2);
    background: var(--bg);
    font-size: var(--text-s);
    color: var(--ink-2);
  }
  .skeleton-row {
    display: grid;
    grid-template-columns: 7.5rem 1fr;
    gap: var(--s3);
    align-items: center;
    padding: var(--s2);
  }
  .skeleton-row .picture {
    aspect-ratio: 16 / 9;
  }
  .skeleton-row .lines {
    display: grid;
    gap: var(--s2);
  }
  .skeleton-row .lines .skeleton {
    height: 0.875rem;
    width: 70%;
  }
  .skeleton-row .lines .skeleton:last-child {
    width: 40%;
  }
  .end {
    padding: var(--s5);
    text-align: center;
    color: var(--ink-2);
    font-size: var(--text-s);
  }
`;

/** Events that are looked at one after the other. */
export const reviewStyles = css`
  li.waits,
  li.done {
    position: relative;
    touch-action: pan-y;
  }
  li.done vg-event-item {
    filter: saturate(0.55);
  }
  .check {
    position: absolute;
    inset: 50% var(--s2) auto auto;
    translate: 0 -50%;
    color: var(--ink-3);
  }
  .check[aria-pressed='true'] {
    color: var(--accent);
  }
  li.waits .check {
    border-color: var(--line);
    background: var(--surface);
  }
  li.waits .check:hover {
    background: var(--accent-soft);
    color: var(--accent);
  }
  li vg-event-item {
    padding-inline-end: 3.25rem;
  }
  .review {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    justify-content: space-between;
    gap: var(--s2) var(--s4);
    margin-block: var(--s4) var(--s1);
  }
  .undo {
    position: sticky;
    z-index: 3;
    inset-block-end: calc(var(--bottom-nav) + var(--s3));
    display: flex;
    align-items: center;
    justify-content: space-between;
    gap: var(--s3);
    width: min(26rem, 100%);
    margin: var(--s4) auto 0;
    padding: var(--s1) var(--s1) var(--s1) var(--s4);
    border-radius: var(--radius-full);
    background: var(--ink);
    color: var(--bg);
  }
  .undo button {
    border-color: transparent;
    background: transparent;
    color: inherit;
  }
  .undo.bad {
    background: var(--danger-solid);
    color: var(--danger-ink);
  }
`;

/** Name and value pairs. */
export const factStyles = css`
  .facts {
    display: grid;
    grid-template-columns: repeat(auto-fill, minmax(min(100%, 12rem), 1fr));
    gap: var(--s4);
  }
  .facts dt {
    color: var(--ink-2);
    font-size: var(--text-s);
  }
  .facts dd {
    font-weight: var(--weight-strong);
    overflow-wrap: anywhere;
  }
`;
