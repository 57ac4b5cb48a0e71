import { css } from 'lit';

export const playerStyles = css`
  .frame {
    position: relative;
    overflow: hidden;
    border-radius: var(--radius-m);
    background: var(--video-bg);
    color: var(--on-video);
  }
  .frame:fullscreen {
    display: grid;
    grid-template-rows: minmax(0, 1fr) auto;
    border-radius: 0;
  }
  .failed {
    display: grid;
    place-items: center;
    aspect-ratio: 16 / 9;
    border-radius: var(--radius-m);
    background: var(--surface-2);
  }
  .stage {
    position: relative;
  }
  .frame:fullscreen .stage {
    min-height: 0;
  }
  video {
    display: block;
    width: 100%;
    aspect-ratio: var(--ratio, 16 / 9);
    max-height: 74dvh;
    object-fit: contain;
    background: #000;
    cursor: pointer;
  }
  .frame:fullscreen video {
    max-height: none;
    height: 100%;
  }
  .controls {
    padding: 0 var(--s3) var(--s2);
  }
  .track {
    position: relative;
    padding-block: var(--s1);
  }
  input[type='range'] {
    display: block;
    width: 100%;
    min-height: 2rem;
    margin: 0;
    padding: 0;
    border: 0;
    background: transparent;
    appearance: none;
    cursor: pointer;
  }
  input[type='range']::-webkit-slider-runnable-track {
    height: 0.375rem;
    border-radius: var(--radius-full);
    background: linear-gradient(to right, var(--live) var(--played, 0%), rgb(255 255 255 / 28%) var(--played, 0%));
  }
  input[type='range']::-moz-range-track {
    height: 0.375rem;
    border-radius: var(--radius-full);
    background: rgb(255 255 255 / 28%);
  }
  input[type='range']::-moz-range-progress {
    height: 0.375rem;
    border-radius: var(--radius-full);
    background: var(--live);
  }
  input[type='range']::-webkit-slider-thumb {
    appearance: none;
    width: 1rem;
    height: 1rem;
    margin-block-start: -0.3125rem;
    border-radius: 50%;
    background: #fff;
    box-shadow: 0 0 0 1px rgb(0 0 0 / 30%);
  }
  input[type='range']::-moz-range-thumb {
    width: 1rem;
    height: 1rem;
    border: 0;
    border-radius: 50%;
    background: #fff;
  }
  input[type='range']:focus-visible,
  .controls button:focus-visible {
    outline-color: #fff;
  }
  .onset {
    position: absolute;
    /* the thumb's centre travels from half a thumb to the width less half a thumb */
    inset-inline-start: calc(0.5rem + var(--at, 0) * (100% - 1rem));
    inset-block-start: 0;
    width: 1.5rem;
    min-height: 1.5rem;
    height: 1.5rem;
    padding: 0;
    border: 0;
    background: transparent;
    transform: translateX(-50%);
  }
  .onset:hover,
  .onset:active {
    background: transparent;
    transform: translateX(-50%);
  }
  .onset::before {
    content: '';
    width: 0.625rem;
    height: 0.625rem;
    margin-block-start: -0.375rem;
    border-radius: 2px;
    background: #ffc457;
    transform: rotate(45deg);
    box-shadow: 0 0 0 2px var(--video-bg);
  }
  .buttons {
    display: flex;
    align-items: center;
    gap: var(--s1);
  }
  .buttons button {
    color: inherit;
  }
  .buttons button:hover {
    background: rgb(255 255 255 / 14%);
  }
  .speed {
    padding: 0 var(--s2);
    min-width: var(--tap);
    font-size: var(--text-s);
  }
  .time {
    display: flex;
    flex-wrap: wrap;
    gap: 0 var(--s2);
    padding-inline: var(--s2);
    font-size: var(--text-s);
    line-height: 1.25;
  }
  .time span {
    color: var(--on-video-2);
  }
  .spinner {
    position: absolute;
    inset: calc(50% - 3.5rem) auto auto calc(50% - 1.25rem);
    width: 2.5rem;
    height: 2.5rem;
    border: 3px solid rgb(255 255 255 / 30%);
    border-block-start-color: #fff;
    border-radius: 50%;
    animation: spin 900ms linear infinite;
    pointer-events: none;
  }
  .growing {
    position: absolute;
    inset: var(--s3) auto auto var(--s3);
    display: inline-flex;
    align-items: center;
    gap: 0.375rem;
    padding: 0.1875rem var(--s2);
    border-radius: var(--radius-full);
    background: rgb(8 14 12 / 68%);
    font-size: var(--text-xs);
    font-weight: var(--weight-strong);
  }
  .growing .dot {
    width: 0.5rem;
    height: 0.5rem;
    border-radius: 50%;
    background: #ff6257;
  }
  @keyframes spin {
    to {
      transform: rotate(1turn);
    }
  }
  @media (max-width: 480px) {
    .controls {
      padding-inline: var(--s2);
    }
    .buttons {
      gap: 0;
    }
    .buttons .icon-only,
    .speed {
      width: 2.375rem;
      min-width: 2.375rem;
      padding: 0;
    }
    .time {
      padding-inline: var(--s1);
      font-size: var(--text-xs);
      white-space: nowrap;
    }
  }
`;
