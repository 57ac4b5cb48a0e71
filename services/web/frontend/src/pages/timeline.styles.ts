import { css } from 'lit';

export const timelineStyles = css`
  .pictures {
    display: grid;
    gap: var(--s2);
    grid-template-columns: minmax(0, 1fr);
    margin-block-end: var(--s3);
  }
  .pictures[data-across='1'] {
    max-width: min(100%, 96dvh);
    margin-inline: auto;
  }
  .pictures[data-many] {
    grid-template-columns: repeat(2, minmax(0, 1fr));
  }
  @media (min-width: 900px) {
    .pictures[data-across='3'] {
      grid-template-columns: repeat(3, minmax(0, 1fr));
    }
  }
  .board {
    overflow: clip;
    border: var(--border) solid var(--line);
    border-radius: var(--radius-m);
    background: var(--surface);
    box-shadow: var(--shadow-1);
  }
  .transport {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: var(--s2) var(--s4);
    padding: var(--s3) var(--s4);
  }
  .transport .middle {
    display: flex;
    align-items: center;
    margin-inline: auto;
  }
  .transport .clock {
    flex: 1;
  }
  .transport .live {
    order: 1;
  }
  @media (max-width: 620px) {
    .transport .middle {
      flex: 1 0 100%;
      order: 2;
      justify-content: center;
    }
  }
  .axis {
    position: relative;
    border-block: var(--border) solid var(--line);
  }
  .names {
    position: absolute;
    z-index: 2;
    inset: 26px auto 0 0;
    display: grid;
    grid-auto-rows: 40px;
    pointer-events: none;
  }
  .names span {
    align-self: start;
    max-width: 11rem;
    margin: 2px 0 0 var(--s2);
    padding: 0 var(--s2);
    overflow: hidden;
    border-radius: var(--radius-s);
    background: color-mix(in srgb, var(--surface) 82%, transparent);
    font-size: var(--text-xs);
    font-weight: var(--weight-strong);
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .filters {
    display: flex;
    flex-wrap: wrap;
    align-items: end;
    gap: var(--s2) var(--s3);
    padding: var(--s3) var(--s4);
  }
  .filters label:not(.chip) {
    display: grid;
    flex: 1 1 8rem;
    gap: 0.125rem;
    color: var(--ink-2);
    font-size: var(--text-xs);
    font-weight: var(--weight-strong);
  }
  .filters select {
    width: 100%;
    color: var(--ink);
    font-size: var(--text-m);
    font-weight: var(--weight);
  }
  .filters form {
    display: flex;
    flex: 2 1 16rem;
    gap: var(--s2);
    min-width: 0;
  }
  .filters form input {
    flex: 1;
    min-width: 0;
  }
  fieldset {
    display: flex;
    flex-wrap: wrap;
    gap: var(--s2);
    margin: 0;
    padding: 0;
    border: 0;
  }
  .chip {
    display: inline-flex;
    align-items: center;
    gap: var(--s2);
    min-height: var(--tap);
    padding-inline: var(--s3);
    border: var(--border) solid var(--line);
    border-radius: var(--radius-full);
    background: var(--surface);
    font-size: var(--text-s);
    font-weight: var(--weight-strong);
    cursor: pointer;
  }
  .chip:has(input:checked) {
    border-color: transparent;
    background: var(--accent-soft);
    color: var(--accent);
  }
  .chip:has(:focus-visible) {
    outline: 2px solid var(--focus);
    outline-offset: 2px;
  }
  .chip input {
    min-height: 0;
    width: 1rem;
    height: 1rem;
    margin: 0;
    accent-color: var(--accent);
  }
  .legend {
    display: flex;
    flex-wrap: wrap;
    gap: var(--s1) var(--s4);
    padding: 0 var(--s4) var(--s3);
    color: var(--ink-2);
    font-size: var(--text-xs);
  }
  .legend span {
    display: inline-flex;
    align-items: center;
    gap: var(--s1);
  }
  .legend i {
    width: 0.875rem;
    height: 0.625rem;
    border-radius: 3px;
    background: var(--tl-recorded);
  }
  .legend .gap {
    height: 0;
    border-block-start: 2px dashed var(--danger);
    border-radius: 0;
    background: none;
  }
  .legend .info {
    background: var(--tl-info);
  }
  .legend .alert {
    background: var(--tl-alert);
  }
  .legend .critical {
    background: var(--tl-critical);
  }
  .waiting {
    height: 24rem;
    border-radius: var(--radius-m);
  }
`;
