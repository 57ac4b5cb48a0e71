import { css } from 'lit';

export const tuneStyles = css`
  section {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: var(--s4);
    padding: var(--s4) var(--s5);
    margin-block-start: var(--s4);
  }
  .now {
    display: flex;
    flex-wrap: wrap;
    gap: var(--s3);
    align-items: baseline;
  }
  svg {
    width: 100%;
    height: 5rem;
    border-radius: var(--radius-s);
    background: var(--surface-2, var(--bg));
  }
  svg rect {
    fill: var(--accent);
    opacity: 0.18;
  }
  svg polyline {
    fill: none;
    stroke: var(--accent);
    stroke-width: 1.5px;
    vector-effect: non-scaling-stroke;
  }
  svg line {
    stroke: var(--warn);
    stroke-dasharray: 4 3;
    vector-effect: non-scaling-stroke;
  }
  form {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: var(--s3);
  }
  label {
    display: grid;
    gap: var(--s1);
    font-weight: var(--weight-strong);
  }
  fieldset {
    min-width: 0;
  }
  .zone {
    display: grid;
    grid-template-columns: minmax(0, 1fr) minmax(0, 1fr);
    gap: var(--s2);
    align-items: center;
    margin-block-end: var(--s2);
  }
  .zone select,
  .zone input {
    min-width: 0;
    width: 100%;
  }
  pre {
    overflow-x: auto;
    font-size: var(--text-s);
  }
  .error {
    color: var(--danger);
  }
`;
