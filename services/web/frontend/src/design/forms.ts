import { css } from 'lit';

/** Plain forms in cards: labels above fields, one column on a phone. */
export const formStyles = css`
  section.card {
    padding: var(--s4) var(--s5) var(--s5);
  }
  section.card > p,
  .help {
    margin-block-start: var(--s2);
    color: var(--ink-2);
    max-width: 68ch;
    text-wrap: pretty;
  }
  form {
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(min(100%, 14rem), 1fr));
    gap: var(--s3) var(--s4);
    align-items: end;
    margin-block-start: var(--s4);
  }
  label.field {
    display: grid;
    gap: var(--s1);
    min-width: 0;
    font-size: var(--text-s);
    color: var(--ink-2);
  }
  label.field input,
  label.field select {
    width: 100%;
    color: var(--ink);
    font-size: var(--text-m);
  }
  fieldset {
    display: flex;
    flex-wrap: wrap;
    gap: var(--s1) var(--s4);
    grid-column: 1 / -1;
    margin: 0;
    padding: 0;
    border: 0;
  }
  legend {
    padding: 0;
    margin-block-end: var(--s1);
    font-size: var(--text-s);
    color: var(--ink-2);
  }
  label.check {
    display: inline-flex;
    align-items: center;
    gap: var(--s2);
    min-height: var(--tap);
  }
  label.check input {
    flex: none;
    width: 1.25rem;
    height: 1.25rem;
    min-height: 0;
    accent-color: var(--accent);
  }
  .actions {
    display: flex;
    flex-wrap: wrap;
    gap: var(--s2);
    margin-block-start: var(--s4);
  }
  form .actions {
    grid-column: 1 / -1;
    margin-block-start: 0;
  }
  .rows > li {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    justify-content: space-between;
    gap: var(--s2) var(--s4);
    padding-block: var(--s3);
    border-block-start: var(--border) solid var(--line);
  }
  .rows {
    margin-block-start: var(--s3);
  }
  .rows .name {
    font-weight: var(--weight-strong);
    overflow-wrap: anywhere;
  }
  .secret {
    display: block;
    margin-block-start: var(--s3);
    padding: var(--s3);
    border-radius: var(--radius-s);
    background: var(--surface-2);
    font-family: ui-monospace, monospace;
    font-size: var(--text-s);
    overflow-wrap: anywhere;
    user-select: all;
  }
  .problem {
    color: var(--danger);
  }
  .result {
    min-height: 1.5em;
    margin-block-start: var(--s3);
    font-size: var(--text-s);
  }
`;
