import { css } from 'lit';

/** Phones: a slim bar above and the navigation under the thumb. Wider: a rail at the side. */
export const appStyles = css`
  :host {
    --top-bar: 3.25rem;
    min-height: 100dvh;
  }
  .bar {
    position: sticky;
    inset-block-start: 0;
    z-index: 5;
    display: flex;
    align-items: center;
    height: var(--top-bar);
    padding: 0 var(--gutter);
    background: var(--bg);
    border-block-end: var(--border) solid var(--line);
  }
  .brand {
    display: flex;
    min-width: 0;
    align-items: center;
    gap: var(--s2);
    min-height: var(--tap);
    color: var(--ink);
    font-weight: var(--weight-strong);
    font-size: var(--text-l);
    letter-spacing: -0.015em;
    text-decoration: none;
  }
  .who {
    display: none;
  }
  nav {
    position: fixed;
    inset: auto 0 0;
    z-index: 5;
    display: flex;
    padding: 0 max(var(--s1), env(safe-area-inset-right)) env(safe-area-inset-bottom) max(var(--s1), env(safe-area-inset-left));
    background: var(--surface);
    border-block-start: var(--border) solid var(--line);
  }
  nav a {
    display: grid;
    flex: 1;
    min-width: 0;
    justify-items: center;
    align-content: center;
    gap: 0.125rem;
    min-height: var(--bottom-nav);
    color: var(--ink-2);
    font-size: 0.6875rem;
    font-weight: var(--weight-strong);
    text-decoration: none;
  }
  .label {
    max-width: 100%;
    overflow: hidden;
    text-overflow: ellipsis;
  }
  @media (max-width: 520px) {
    /* Five fit under a thumb: single recordings are found from the timeline. */
    nav a[href='/recordings'] {
      display: none;
    }
  }
  @media (max-width: 360px) {
    nav a {
      font-size: 0.625rem;
      letter-spacing: -0.02em;
    }
  }
  .glyph {
    position: relative;
    display: grid;
    place-items: center;
    width: 3.25rem;
    height: 1.875rem;
    border-radius: var(--radius-full);
    transition: background var(--fast) var(--ease);
  }
  nav a[aria-current] {
    color: var(--accent);
  }
  nav a[aria-current] .glyph {
    background: var(--accent-soft);
  }
  .count {
    position: absolute;
    inset: -0.125rem 0.25rem auto auto;
    min-width: 1.125rem;
    padding: 0 0.25rem;
    border-radius: var(--radius-full);
    background: var(--danger-solid);
    color: var(--danger-ink);
    font-size: 0.6875rem;
    line-height: 1.125rem;
    text-align: center;
  }
  main {
    padding-block-end: calc(var(--bottom-nav) + env(safe-area-inset-bottom));
  }
  main:focus {
    outline: none;
  }
  .skip {
    position: fixed;
    inset: var(--s2) auto auto var(--s2);
    z-index: 10;
    padding: var(--s3) var(--s4);
    border-radius: var(--radius-s);
    background: var(--surface);
    transform: translateY(-200%);
  }
  .skip:focus {
    transform: none;
  }
  .lost {
    position: sticky;
    inset-block-start: var(--top-bar);
    z-index: 4;
    display: flex;
    align-items: center;
    justify-content: center;
    gap: var(--s2);
    padding: var(--s2) var(--gutter);
    background: var(--warn-soft);
    color: var(--warn);
    font-weight: var(--weight-strong);
    font-size: var(--text-s);
  }
  @media (min-width: 900px) {
    :host {
      --top-bar: 0px;
      display: grid;
      grid-template-columns: var(--rail) minmax(0, 1fr);
    }
    .bar {
      flex-direction: column;
      align-items: stretch;
      gap: var(--s5);
      height: 100dvh;
      padding: var(--s5) var(--s4);
      border-block-end: 0;
      border-inline-end: var(--border) solid var(--line);
    }
    .brand {
      align-items: start;
      padding-inline: var(--s2);
      line-height: 1.3;
    }
    .brand span {
      padding-block-start: 0.1875rem;
      white-space: normal;
      overflow-wrap: anywhere;
    }
    nav {
      position: static;
      flex-direction: column;
      gap: var(--s1);
      padding: 0;
      background: transparent;
      border: 0;
    }
    nav a {
      flex: none;
      grid-template-columns: auto 1fr;
      justify-items: start;
      align-items: center;
      gap: var(--s3);
      min-height: var(--tap);
      padding-inline: var(--s3);
      border-radius: var(--radius-s);
      font-size: var(--text-m);
    }
    nav a:hover {
      background: var(--surface-2);
      color: var(--ink);
    }
    nav a[aria-current] {
      background: var(--accent-soft);
      color: var(--accent);
    }
    nav a[aria-current] .glyph {
      background: transparent;
    }
    .glyph {
      width: 1.5rem;
    }
    .count {
      inset: -0.25rem -0.5rem auto auto;
    }
    .who {
      display: block;
      margin-block-start: auto;
      padding-inline: var(--s3);
      color: var(--ink-3);
      font-size: var(--text-s);
      overflow-wrap: anywhere;
    }
    main {
      padding-block-end: 0;
    }
  }
  @media (forced-colors: active) {
    nav a[aria-current] {
      outline: 2px solid Highlight;
      outline-offset: -2px;
    }
  }
`;
