import { css } from 'lit';

/** Forms and notes of the first steps. */
export const stepStyles = css`
  :host {
    padding: 0;
  }
  .why {
    color: var(--ink-2);
    max-width: 60ch;
    text-wrap: pretty;
  }
  form,
  .fields {
    display: grid;
    gap: var(--s4);
    margin-block-start: var(--s4);
  }
  .two {
    display: grid;
    gap: var(--s4);
    grid-template-columns: repeat(auto-fit, minmax(min(100%, 13rem), 1fr));
  }
  label {
    display: grid;
    gap: var(--s1);
    font-size: var(--text-s);
    font-weight: var(--weight-strong);
  }
  label.tick {
    display: flex;
    gap: var(--s3);
    align-items: center;
    min-height: var(--tap);
    font-size: var(--text-m);
  }
  label.tick input {
    width: 1.25rem;
    min-height: 1.25rem;
  }
  label > .muted {
    font-weight: var(--weight);
  }
  input,
  select {
    width: 100%;
    min-width: 0;
    font-weight: var(--weight);
    accent-color: var(--accent);
  }
  summary {
    display: list-item;
    padding-block: var(--s3);
    cursor: pointer;
  }
  .row {
    display: flex;
    flex-wrap: wrap;
    gap: var(--s3);
    align-items: center;
  }
  .say {
    padding: var(--s3) var(--s4);
    border-radius: var(--radius-s);
    background: var(--surface-2);
    overflow-wrap: anywhere;
  }
  .say.good {
    background: var(--accent-soft);
  }
  .say.warn {
    background: var(--warn-soft);
  }
  .bad {
    color: var(--danger);
    overflow-wrap: anywhere;
  }
  h3 {
    font-size: var(--text-m);
    margin-block-start: var(--s5);
  }
  code {
    display: block;
    margin-block-start: var(--s2);
    padding: var(--s3);
    border-radius: var(--radius-s);
    background: var(--surface-2);
    font-size: var(--text-s);
    overflow-wrap: anywhere;
  }
`;
