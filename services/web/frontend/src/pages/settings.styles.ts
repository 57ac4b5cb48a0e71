import { css } from 'lit';

export const settingsStyles = css`
  .layout {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: var(--s5);
    padding-block-end: var(--s8);
  }
  @media (min-width: 60rem) {
    .layout {
      grid-template-columns: 13rem minmax(0, 1fr);
    }
    .toc {
      position: sticky;
      top: var(--s5);
      align-self: start;
      max-height: calc(100dvh - 2 * var(--s5));
      overflow-y: auto;
    }
    .tools .pick {
      display: none;
    }
  }
  @media (max-width: 59.99rem) {
    .toc {
      display: none;
    }
  }
  .tools {
    display: grid;
    gap: var(--s3);
    margin-block-end: var(--s4);
  }
  .tools label {
    display: grid;
    gap: var(--s1);
    font-size: var(--text-s);
    font-weight: var(--weight-strong);
  }
  .tools input,
  .tools select {
    width: 100%;
    font-weight: var(--weight);
  }
  .toc a {
    display: flex;
    justify-content: space-between;
    align-items: center;
    gap: var(--s2);
    min-height: 2.25rem;
    padding: 0 var(--s3);
    border-radius: var(--radius-s);
    color: var(--ink-2);
    text-decoration: none;
  }
  .toc a:hover {
    background: var(--surface-2);
  }
  .toc a[aria-current] {
    background: var(--accent-soft);
    color: var(--accent);
    font-weight: var(--weight-strong);
  }
  [role='status'] + .section {
    margin-block-start: var(--s3);
  }
  .section + .section {
    margin-block-start: var(--s5);
  }
  .section > p {
    margin-block-end: var(--s3);
    color: var(--ink-2);
    font-size: var(--text-s);
  }
  details {
    border-block-start: var(--border) solid var(--line);
  }
  details:first-of-type {
    border-block-start: 0;
  }
  summary {
    display: flex;
    align-items: center;
    gap: var(--s3);
    min-height: 3.25rem;
    padding: var(--s2) var(--s5);
    font-weight: var(--weight-strong);
    cursor: pointer;
  }
  summary .chevron {
    color: var(--ink-3);
    transition: transform var(--fast) var(--ease);
  }
  details[open] > summary .chevron {
    transform: rotate(90deg);
  }
  .gone summary .title {
    color: var(--ink-3);
    text-decoration: line-through;
  }
  .fields {
    background: var(--bg);
    border-block-start: var(--border) solid var(--line);
  }
  .entry-foot,
  .add {
    display: flex;
    flex-wrap: wrap;
    gap: var(--s2);
    align-items: center;
    padding: var(--s3) var(--s5);
    border-block-start: var(--border) solid var(--line);
  }
  .add input {
    flex: 0 1 16rem;
    min-width: 0;
  }
  .add .error,
  .bar .error {
    color: var(--danger);
    font-size: var(--text-s);
    font-weight: var(--weight-strong);
  }
  .bar {
    position: sticky;
    z-index: 3;
    bottom: calc(var(--bottom-nav) + env(safe-area-inset-bottom) + var(--s3));
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: var(--s2) var(--s3);
    margin-block-start: var(--s5);
    padding: var(--s3) var(--s4);
    box-shadow: var(--shadow-2);
  }
  @media (min-width: 48rem) {
    .bar {
      bottom: var(--s4);
    }
  }
  .bar ul {
    flex: 1 0 100%;
    max-height: 30dvh;
    overflow-y: auto;
    color: var(--danger);
    font-size: var(--text-s);
  }
  .note {
    margin-block-end: var(--s4);
    padding: var(--s3) var(--s4);
    border-radius: var(--radius-s);
    background: var(--accent-soft);
    color: var(--accent);
    font-weight: var(--weight-strong);
  }
  .note.warn {
    background: var(--warn-soft);
    color: var(--warn);
  }
  .skeleton.tall {
    height: 20rem;
  }
  vg-settings-versions {
    margin-block-start: var(--s6);
  }
`;
