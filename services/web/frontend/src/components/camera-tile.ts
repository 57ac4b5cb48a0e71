import { css, html, LitElement, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';

import type { Camera } from '../api/types';
import { shared } from '../design/shared';
import { moment, place } from '../format';
import type { FeedState } from '../live/feed';
import { liveWords } from './live-words';
import type { LiveState } from './live-video';
import { seenNow, t } from '../strings';
import './icon';
import './live-video';

/** A camera as a tile: its live picture, its name, and the plain truth about its state. */
@customElement('vg-camera-tile')
export class CameraTile extends LitElement {
  static override shadowRootOptions: ShadowRootInit = { mode: 'open', delegatesFocus: true };
  static override styles = [
    shared,
    css`
      a {
        position: relative;
        display: block;
        aspect-ratio: 16 / 9;
        overflow: hidden;
        border-radius: var(--radius-m);
        background: var(--video-bg);
        color: var(--on-video);
        text-decoration: none;
        box-shadow: var(--shadow-1);
        isolation: isolate;
      }
      a:focus-visible {
        outline-width: 3px;
        outline-offset: 3px;
      }
      vg-live-video {
        position: absolute;
        inset: 0;
      }
      .caption {
        position: absolute;
        inset: auto 0 0;
        display: flex;
        align-items: end;
        justify-content: space-between;
        gap: var(--s3);
        padding: var(--s7) var(--s4) var(--s3);
        background: linear-gradient(transparent, rgb(0 0 0 / 74%));
      }
      .name {
        font-weight: var(--weight-strong);
        font-size: var(--text-m);
        line-height: 1.25;
      }
      .place {
        color: var(--on-video-2);
        font-size: var(--text-s);
      }
      .flags {
        position: absolute;
        inset: var(--s3) var(--s3) auto;
        display: flex;
        flex-wrap: wrap;
        gap: var(--s2);
      }
      .flag {
        display: inline-flex;
        align-items: center;
        gap: 0.375rem;
        padding: 0.1875rem var(--s2);
        border-radius: var(--radius-full);
        background: rgb(8 14 12 / 68%);
        font-size: var(--text-xs);
        font-weight: var(--weight-strong);
      }
      .dot {
        width: 0.5rem;
        height: 0.5rem;
        border-radius: 50%;
        background: #b8c4c0;
      }
      .dot.live {
        background: var(--live);
      }
      .dot.rec {
        background: #ff6257;
        animation: breathe 1.6s ease-in-out infinite;
      }
      .dot.stalled,
      .dot.refused {
        background: #f3c06b;
      }
      .motion::after {
        content: '';
        position: absolute;
        inset: 0;
        border-radius: inherit;
        border: 3px solid var(--live);
        pointer-events: none;
        animation: breathe 1.6s ease-in-out infinite;
      }
      .offline {
        position: absolute;
        inset: 0;
        display: grid;
        align-content: center;
        justify-items: center;
        gap: var(--s1);
        padding: var(--s3) var(--s4) 3.25rem;
        text-align: center;
      }
      .offline vg-icon {
        width: 2rem;
        height: 2rem;
        color: var(--on-video-2);
      }
      .offline p {
        display: -webkit-box;
        max-width: 36ch;
        overflow: hidden;
        -webkit-line-clamp: 2;
        -webkit-box-orient: vertical;
        color: var(--on-video-2);
        font-size: var(--text-s);
        overflow-wrap: anywhere;
      }
      @media (forced-colors: active) {
        a {
          border: 1px solid LinkText;
        }
        .flag,
        .caption {
          background: Canvas;
          color: CanvasText;
        }
        .caption {
          padding-block-start: var(--s2);
        }
      }
    `,
  ];

  @property({ attribute: false }) camera!: Camera;
  /** A small tile is content with the camera's sub stream, if it has one. */
  @property() stream: 'main' | 'sub' = 'sub';
  @property({ type: Number }) nowMs = 0;
  @state() private feed: FeedState = 'connecting';
  @state() private live: LiveState | undefined;

  override render(): unknown {
    const camera = this.camera;
    const truth = camera.state;
    const seen = seenNow(camera);
    const offline = truth?.condition === 'offline' || (this.feed === 'offline' && truth?.condition !== 'online');
    return html`
      <a href="/cameras/${camera.id}" class=${truth?.motion && !offline ? 'motion' : ''}>
        ${offline
          ? html`<div class="offline">
              <vg-icon name="camera-off"></vg-icon>
              <strong>${t.cameras.offline}</strong>
              <p>${truth?.reason || this.live?.reason || t.cameras.noReason}</p>
              ${truth?.since_ms ? html`<p class="num">${t.time.since(moment(truth.since_ms, this.nowMs))}</p>` : nothing}
            </div>`
          : html`<vg-live-video
              .camera=${camera.id}
              .stream=${this.stream}
              .name=${camera.name}
              @live-state=${this.heard}
            ></vg-live-video>`}
        <div class="flags">
          ${offline ? nothing : html`<span class="flag"><span class="dot ${this.feed}"></span>${liveWords(this.live)}</span>`}
          ${truth?.recording && !offline
            ? html`<span class="flag"><span class="dot rec"></span>${t.cameras.recording}</span>`
            : nothing}
        </div>
        <div class="caption">
          <div class="grow">
            <p class="name truncate">${camera.name}</p>
            ${seen ? html`<p class="place seen">${seen}</p>` : nothing}
            ${camera.location ? html`<p class="place">${place(camera.location)}</p>` : nothing}
          </div>
        </div>
      </a>
    `;
  }

  private heard(event: CustomEvent<LiveState>): void {
    this.live = event.detail;
    this.feed = event.detail.state;
    this.dataset['state'] = event.detail.state;
  }
}
