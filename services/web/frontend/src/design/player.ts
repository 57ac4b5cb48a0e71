import { css } from 'lit';

/** What every player has: the clock, the way back to live, the buttons, the picture beside the pointer. */
export const transportStyles = css`
  .clock {
    display: grid;
    min-width: 0;
    text-align: start;
    line-height: 1.15;
  }
  .clock strong {
    font-size: var(--text-xl);
    letter-spacing: -0.01em;
  }
  .clock span {
    overflow: hidden;
    color: var(--ink-2);
    font-size: var(--text-s);
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .live {
    flex: none;
    gap: 0.4375rem;
  }
  .live::before {
    content: '';
    width: 0.5rem;
    height: 0.5rem;
    border-radius: 50%;
    background: var(--ink-3);
  }
  .live[aria-pressed='true'] {
    border-color: transparent;
    background: var(--accent-soft);
    color: var(--accent);
  }
  .live[aria-pressed='true']::before {
    background: var(--live);
    box-shadow: 0 0 0 4px color-mix(in srgb, var(--live) 22%, transparent);
  }
  .play {
    width: 3.25rem;
    min-height: 3.25rem;
    border-color: transparent;
    background: var(--accent);
    color: var(--accent-ink);
  }
  .play:hover {
    background: var(--accent-hover);
  }
  .speed {
    min-width: var(--tap);
    padding-inline: var(--s2);
  }
  .spans {
    display: inline-flex;
    max-width: 100%;
    border-radius: var(--radius-full);
    background: var(--surface-2);
  }
  .spans button {
    flex: 1 1 auto;
    min-width: 0;
    min-height: 2.25rem;
    padding-inline: clamp(0.25rem, 1.6vw, 0.75rem);
    border-color: transparent;
    background: transparent;
    color: var(--ink-2);
    font-size: var(--text-s);
    white-space: nowrap;
  }
  .spans button[aria-pressed='true'] {
    border-color: var(--line);
    background: var(--surface);
    color: var(--ink);
  }
  .tip {
    position: absolute;
    z-index: 3;
    inset-block-end: calc(100% + var(--s2));
    left: var(--x, 0);
    width: 13rem;
    overflow: hidden;
    translate: -50% 0;
    border-radius: var(--radius-s);
    background: var(--surface);
    box-shadow: var(--shadow-2);
    pointer-events: none;
  }
  .tip canvas,
  .tip .none {
    display: block;
    width: 100%;
    aspect-ratio: 16 / 9;
    background: var(--video-bg);
  }
  .tip .none {
    display: grid;
    place-items: center;
    padding: var(--s3);
    color: var(--on-video-2);
    font-size: var(--text-xs);
    text-align: center;
  }
  .tip p {
    padding: var(--s2) var(--s3);
    font-size: var(--text-xs);
    line-height: 1.35;
  }
  .tip strong {
    display: block;
  }
`;
