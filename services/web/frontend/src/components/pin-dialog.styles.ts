import { css } from 'lit';

export const pinDialogStyles = css`
  dialog {
    width: min(23rem, calc(100vw - 2rem));
    max-height: calc(100dvh - 1rem);
    padding: 0;
    border: var(--border) solid var(--line);
    border-radius: var(--radius-l);
    background: var(--surface);
    color: var(--ink);
    box-shadow: var(--shadow-2);
    overflow: auto;
  }
  dialog[open] {
    animation: rise var(--slow) var(--ease);
  }
  dialog::backdrop {
    background: var(--scrim);
    backdrop-filter: blur(3px);
  }
  @keyframes rise {
    from {
      opacity: 0;
      transform: translateY(1rem);
    }
  }
  form {
    display: grid;
    gap: var(--s4);
    padding: var(--s4) var(--s5) var(--s5);
  }
  header {
    display: flex;
    align-items: center;
    justify-content: space-between;
    margin-inline-end: calc(-1 * var(--s3));
  }
  h2 {
    font-size: var(--text-xl);
  }
  fieldset {
    display: grid;
    grid-template-columns: repeat(2, 1fr);
    gap: var(--s2);
    margin: 0;
    padding: 0;
    border: 0;
  }
  .mode {
    position: relative;
    display: grid;
    align-content: start;
    justify-items: center;
    gap: 0.125rem;
    padding: var(--s3) var(--s1);
    border: var(--border) solid var(--line);
    border-radius: var(--radius-m);
    text-align: center;
    cursor: pointer;
    transition: background var(--fast) var(--ease);
  }
  .mode:hover {
    background: var(--surface-2);
  }
  .mode:has(:checked) {
    border-color: var(--accent);
    box-shadow: inset 0 0 0 1px var(--accent);
    background: var(--accent-soft);
    color: var(--accent);
  }
  .mode:has(:focus-visible) {
    outline: 2px solid var(--focus);
    outline-offset: 2px;
  }
  .mode input {
    position: absolute;
    inset: 0;
    width: 100%;
    height: 100%;
    min-height: 0;
    margin: 0;
    opacity: 0;
    cursor: pointer;
  }
  .mode-name {
    font-weight: var(--weight-strong);
  }
  .mode-help {
    color: var(--ink-2);
    font-size: var(--text-xs);
    line-height: 1.3;
  }
  .pin input {
    width: 100%;
    min-height: 3.25rem;
    border-radius: var(--radius-m);
    background: var(--surface-2);
    font-size: 1.5rem;
    letter-spacing: 0.3em;
    text-align: center;
  }
  .pin input:focus-visible {
    outline-offset: -1px;
  }
  .pin input::placeholder {
    color: var(--ink-3);
    font-size: var(--text-m);
    letter-spacing: 0.08em;
  }
  .pad {
    display: grid;
    grid-template-columns: repeat(3, 1fr);
    gap: var(--s2);
  }
  .pad button {
    min-height: 3.25rem;
    border-radius: var(--radius-m);
  }
  .key {
    background: var(--surface-2);
    border-color: transparent;
    font-size: var(--text-xl);
    font-weight: var(--weight);
  }
  .key:hover {
    background: var(--surface-3);
  }
  .note {
    padding: var(--s3);
    border-radius: var(--radius-s);
    background: var(--warn-soft);
    color: var(--warn);
    font-size: var(--text-s);
  }
  .error {
    min-height: 1.25rem;
    color: var(--danger);
    font-size: var(--text-s);
    font-weight: var(--weight-strong);
    text-align: center;
  }
  .big {
    min-height: 3.25rem;
    font-size: var(--text-l);
  }
  @media (max-height: 700px) {
    .pad button,
    .pin input,
    .big {
      min-height: 2.75rem;
    }
    form {
      gap: var(--s2);
    }
  }
`;
