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
