import { css } from 'lit';

/** Boxes and fields of a rule that is being made. */
export const ruleStyles = css`
  .box {
    display: grid;
    gap: var(--s3);
    padding: var(--s4);
    border: var(--border) solid var(--line);
    border-radius: var(--radius-m);
    background: var(--surface);
  }
  .box.group {
    background: var(--surface-2);
  }
  .box.wrong {
    border-color: var(--danger);
  }
  .head {
    display: flex;
    align-items: end;
    gap: var(--s2);
  }
  .head label {
    flex: 1;
  }
  label,
  .named {
    display: grid;
    gap: var(--s1);
    min-width: 0;
    font-size: var(--text-s);
    color: var(--ink-2);
  }
  input:not([type='checkbox']),
  select {
    width: 100%;
    min-width: 0;
    color: var(--ink);
    font-size: var(--text-m);
  }
  label.tick {
    display: inline-flex;
    align-items: center;
    gap: var(--s2);
    min-height: var(--tap);
    color: var(--ink);
    font-size: var(--text-m);
  }
  label.tick input {
    width: 1.25rem;
    height: 1.25rem;
    min-height: 0;
    margin: 0;
    accent-color: var(--accent);
  }
  .keys {
    display: grid;
    grid-template-columns: repeat(auto-fill, minmax(min(100%, 13rem), 1fr));
    gap: var(--s3);
    align-items: start;
  }
  .wide {
    grid-column: 1 / -1;
  }
  fieldset {
    display: flex;
    flex-wrap: wrap;
    gap: 0 var(--s4);
    margin: 0;
    padding: 0;
    border: 0;
  }
  legend {
    padding: 0;
    font-size: var(--text-s);
    color: var(--ink-2);
  }
  .error {
    color: var(--danger);
    font-size: var(--text-s);
    font-weight: var(--weight-strong);
    overflow-wrap: anywhere;
  }
`;
