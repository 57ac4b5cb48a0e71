import { css } from 'lit';

/** Element resets and the few shapes (card, button, chip, badge) that several components share. */
export const shared = css`
  :host {
    display: block;
    box-sizing: border-box;
  }
  :host([hidden]),
  [hidden] {
    display: none !important;
  }
  *,
  *::before,
  *::after {
    box-sizing: inherit;
  }
  h1,
  h2,
  h3,
  p,
  ul,
  ol,
  dl,
  dd,
  figure {
    margin: 0;
    padding: 0;
  }
  ul,
  ol {
    list-style: none;
  }
  h1 {
    font-size: var(--text-2xl);
    line-height: var(--leading-tight);
    font-weight: var(--weight-strong);
    letter-spacing: -0.02em;
  }
  h2 {
    font-size: var(--text-l);
    line-height: var(--leading-tight);
    font-weight: var(--weight-strong);
    letter-spacing: -0.01em;
  }
  a {
    color: var(--accent);
    text-underline-offset: 0.2em;
  }
  :focus-visible {
    outline: 2px solid var(--focus);
    outline-offset: 2px;
  }
  button,
  .button,
  input,
  select {
    font: inherit;
    color: inherit;
  }
  button,
  .button {
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: var(--s2);
    min-height: var(--tap);
    padding: 0 var(--s4);
    border: var(--border) solid var(--line);
    border-radius: var(--radius-full);
    background: var(--surface);
    font-weight: var(--weight-strong);
    text-decoration: none;
    color: var(--ink);
    cursor: pointer;
    transition:
      background var(--fast) var(--ease),
      border-color var(--fast) var(--ease),
      transform var(--fast) var(--ease);
  }
  button:hover,
  .button:hover {
    background: var(--surface-2);
  }
  button:active {
    transform: scale(0.98);
  }
  button:disabled {
    cursor: not-allowed;
    opacity: 0.55;
  }
  .primary,
  .button.primary {
    background: var(--accent);
    border-color: var(--accent);
    color: var(--accent-ink);
  }
  .primary:hover {
    background: var(--accent-hover);
  }
  .danger {
    background: var(--danger-solid);
    border-color: var(--danger-solid);
    color: var(--danger-ink);
  }
  .danger:hover {
    background: var(--danger-hover);
  }
  .quiet {
    background: transparent;
    border-color: transparent;
  }
  .icon-only {
    width: var(--tap);
    padding: 0;
  }
  input,
  select {
    min-height: var(--tap);
    padding: 0 var(--s3);
    border: var(--border) solid var(--line-strong);
    border-radius: var(--radius-s);
    background: var(--surface);
  }
  .card {
    background: var(--surface);
    border: var(--border) solid var(--line);
    border-radius: var(--radius-m);
    box-shadow: var(--shadow-1);
  }
  .padded {
    padding: var(--s4) var(--s5);
  }
  .muted {
    color: var(--ink-2);
  }
  .small {
    font-size: var(--text-s);
  }
  .num {
    font-variant-numeric: tabular-nums;
  }
  .badge {
    display: inline-flex;
    align-items: center;
    gap: var(--s1);
    padding: 0.125rem var(--s2);
    border-radius: var(--radius-full);
    background: var(--surface-2);
    color: var(--ink-2);
    font-size: var(--text-xs);
    font-weight: var(--weight-strong);
    white-space: nowrap;
  }
  .badge.ok {
    background: var(--accent-soft);
    color: var(--accent);
  }
  .badge.warn {
    background: var(--warn-soft);
    color: var(--warn);
  }
  .badge.bad {
    background: var(--danger-soft);
    color: var(--danger);
  }
  .row {
    display: flex;
    align-items: center;
    gap: var(--s3);
  }
  .wrap {
    flex-wrap: wrap;
  }
  .grow {
    flex: 1;
    min-width: 0;
  }
  .truncate {
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .stack {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: var(--s4);
  }
  .section-head {
    display: flex;
    align-items: baseline;
    flex-wrap: wrap;
    justify-content: space-between;
    gap: var(--s2) var(--s4);
    margin-block-end: var(--s3);
  }
  .section-head a {
    font-size: var(--text-s);
    font-weight: var(--weight-strong);
    text-decoration: none;
  }
  .section-head a:hover {
    text-decoration: underline;
  }
  .visually-hidden {
    position: absolute;
    width: 1px;
    height: 1px;
    margin: -1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  .skeleton {
    border-radius: var(--radius-s);
    background: var(--surface-2);
    animation: breathe 1.8s ease-in-out infinite;
  }
  @keyframes breathe {
    50% {
      opacity: 0.5;
    }
  }
  @media (prefers-reduced-motion: reduce) {
    *,
    *::before,
    *::after {
      animation: none !important;
      transition: none !important;
    }
  }
  @media (forced-colors: active) {
    button,
    .button,
    .card,
    .badge {
      border: 1px solid CanvasText;
    }
    button:disabled {
      color: GrayText;
      border-color: GrayText;
    }
  }
`;

/** Page frame: heading row and outer spacing, used by every page. */
export const pageStyles = css`
  :host {
    max-width: 150rem;
    margin-inline: auto;
    padding: var(--s5) var(--gutter) var(--s7);
  }
  .page-head {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    justify-content: space-between;
    gap: var(--s3) var(--s5);
    margin-block-end: var(--s5);
  }
  .page-head p {
    color: var(--ink-2);
    margin-block-start: var(--s1);
  }
  .back {
    display: inline-flex;
    align-items: center;
    gap: var(--s1);
    min-height: var(--tap);
    color: var(--ink-2);
    text-decoration: none;
    font-weight: var(--weight-strong);
    font-size: var(--text-s);
  }
  .back:hover {
    color: var(--ink);
  }
`;
