import { css } from 'lit';

export const tuneStyles = css`
  section {
    display: grid;
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
    gap: var(--s3);
  }
  label {
    display: grid;
    gap: var(--s1);
    font-weight: var(--weight-strong);
  }
  .zone {
    display: grid;
    grid-template-columns: minmax(6rem, 1fr) auto minmax(8rem, 2fr) auto;
    gap: var(--s2);
    align-items: center;
    margin-block-end: var(--s2);
  }
  @media (max-width: 640px) {
    .zone {
      grid-template-columns: 1fr auto;
    }
  }
  pre {
    overflow-x: auto;
    font-size: var(--text-s);
  }
  .error {
    color: var(--danger);
  }
`;
