import { css } from 'lit';

export const cameraPlayerStyles = css`
  :host {
    display: block;
  }
  .player {
    overflow: hidden;
    border: var(--border) solid var(--line);
    border-radius: var(--radius-m);
    background: var(--surface);
    box-shadow: var(--shadow-1);
  }
  .player:fullscreen {
    display: grid;
    grid-template-rows: minmax(0, 1fr) auto;
    border: 0;
    border-radius: 0;
  }
  .stage {
    position: relative;
    overflow: hidden;
    aspect-ratio: var(--ratio, 16 / 9);
    /* So much that the axis and the buttons stand under it without scrolling. */
    max-height: max(15rem, calc(100dvh - 29rem));
    width: 100%;
    background: var(--video-bg);
    color: var(--on-video);
  }
  .player:fullscreen .stage {
    aspect-ratio: auto;
    max-height: none;
    width: 100%;
    height: 100%;
  }
  .picture {
    position: absolute;
    inset: 0;
    transform-origin: 0 0;
    touch-action: pan-y;
  }
  .picture[data-zoomed] {
    touch-action: none;
    cursor: move;
  }
  .picture > * {
    position: absolute;
    inset: 0;
    width: 100%;
    height: 100%;
  }
  vg-live-video {
    --fit: contain;
  }
  .film,
  .still {
    object-fit: contain;
    background: #000;
  }
  .spinner {
    position: absolute;
    inset: 50% auto auto 50%;
    width: 2.5rem;
    height: 2.5rem;
    margin: -1.25rem;
    border: 3px solid rgb(255 255 255 / 30%);
    border-top-color: #fff;
    border-radius: 50%;
    animation: turn 0.9s linear infinite;
    animation-delay: 0.25s;
  }
  @keyframes turn {
    to {
      rotate: 1turn;
    }
  }
  .over {
    position: absolute;
    inset: auto var(--s3) var(--s3) auto;
    display: flex;
    gap: var(--s2);
  }
  .over button,
  .gap button {
    background: rgb(8 14 12 / 68%);
    border-color: transparent;
    color: inherit;
  }
  .over button:hover,
  .gap button:hover {
    background: rgb(8 14 12 / 88%);
  }
  .gap {
    position: absolute;
    inset: 0;
    display: grid;
    align-content: center;
    justify-items: center;
    gap: var(--s2);
    padding: var(--s4) var(--s5);
    background: rgb(8 14 12 / 78%);
    text-align: center;
    text-wrap: balance;
  }
  .gap p {
    max-width: 60ch;
    color: var(--on-video-2);
    font-size: var(--text-s);
    overflow-wrap: anywhere;
  }
  .panel {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: var(--s2);
    padding: var(--s3) var(--s4);
  }
  .when {
    display: flex;
    align-items: center;
    gap: var(--s2) var(--s3);
  }
  .buttons {
    display: flex;
    align-items: center;
    justify-content: space-between;
    gap: 0;
    margin-inline: calc(-1 * var(--s2));
  }
  .buttons .middle {
    display: flex;
    align-items: center;
  }
  .axis {
    position: relative;
    margin-inline: calc(-1 * var(--s4));
    border-block: var(--border) solid var(--line);
  }
  .more {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    justify-content: space-between;
    gap: var(--s2) var(--s4);
    color: var(--ink-2);
    font-size: var(--text-s);
  }
  .more form {
    display: flex;
    gap: var(--s2);
    align-items: center;
  }
  .more input {
    min-width: 0;
    color: var(--ink);
  }
  details {
    flex-basis: 100%;
  }
  summary {
    display: inline-flex;
    align-items: center;
    gap: var(--s2);
    min-height: 2rem;
    cursor: pointer;
    font-weight: var(--weight-strong);
  }
  dl {
    display: grid;
    grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr));
    gap: var(--s1) var(--s5);
    padding-block: var(--s2);
  }
  dl div {
    display: flex;
    gap: var(--s3);
  }
  dt {
    min-width: 5.5rem;
    color: var(--ink);
    font-weight: var(--weight-strong);
  }
  @media (pointer: coarse) {
    details {
      display: none;
    }
  }
  @media (max-width: 520px) {
    .player {
      margin-inline: calc(-1 * var(--gutter));
      border-inline: 0;
      border-radius: 0;
    }
    .more form {
      flex: 1 1 100%;
    }
    .more form input {
      flex: 1;
    }
    .spans {
      flex: 1 1 100%;
    }
  }
`;
