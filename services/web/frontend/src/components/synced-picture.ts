import { css, html, LitElement, nothing } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';

import { serverNow } from '../api/server-clock';
import { shared } from '../design/shared';
import { EDGE_MS, FilmPlayer, type FilmState } from '../live/film-player';
import { paint } from '../live/preview';
import { correction } from '../live/sync';
import { t } from '../strings';
import './icon';
import './live-video';

/** What the one clock of several pictures says. */
export interface Beat {
  atMs: number;
  /** 0: it stands. */
  rate: number;
  live: boolean;
  /** A finger moves it: only a still picture is wanted. */
  dragging: boolean;
}

const STARTED_MS = 1_500;

/** One of several pictures that play by one clock. Gaps of its camera are shown as such, and end with the clock. */
@customElement('vg-synced-picture')
export class SyncedPicture extends LitElement {
  static override styles = [
    shared,
    css`
      :host {
        position: relative;
        overflow: hidden;
        aspect-ratio: 16 / 9;
        border-radius: var(--radius-s);
        background: var(--video-bg);
        color: var(--on-video);
      }
      video,
      canvas,
      vg-live-video,
      .gap {
        position: absolute;
        inset: 0;
        width: 100%;
        height: 100%;
      }
      video,
      canvas {
        object-fit: contain;
        background: #000;
      }
      vg-live-video {
        --fit: contain;
      }
      .gap {
        display: grid;
        align-content: center;
        justify-items: center;
        gap: var(--s1);
        padding: var(--s3) var(--s4) var(--s6);
        background: var(--video-bg);
        text-align: center;
        text-wrap: balance;
        font-size: var(--text-s);
      }
      .gap p {
        color: var(--on-video-2);
        overflow-wrap: anywhere;
      }
      a {
        position: absolute;
        inset: auto 0 0;
        padding: var(--s5) var(--s3) var(--s2);
        background: linear-gradient(transparent, rgb(0 0 0 / 74%));
        color: inherit;
        font-size: var(--text-s);
        font-weight: var(--weight-strong);
        text-decoration: none;
      }
      a:hover {
        text-decoration: underline;
      }
      .late {
        position: absolute;
        inset: var(--s2) var(--s2) auto auto;
        padding: 0.125rem var(--s2);
        border-radius: var(--radius-full);
        background: rgb(8 14 12 / 68%);
        font-size: var(--text-xs);
      }
    `,
  ];

  @property() camera = '';
  @property() name = '';
  @state() private filmState: FilmState = 'loading';
  @state() private reason = '';
  @state() private live = true;
  @state() private stillShown = false;
  @state() private hasPicture = false;
  @query('video') private readonly video!: HTMLVideoElement;
  @query('canvas') private readonly still!: HTMLCanvasElement;
  private film: FilmPlayer | undefined;
  private soughtAt = 0;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.film?.destroy();
    this.film = undefined;
  }

  /** What the clock says now; called some times a second. */
  beat(beat: Beat): void {
    if (!this.hasUpdated) return;
    this.live = beat.live;
    this.dataset['live'] = String(beat.live);
    if (beat.live) {
      this.film?.destroy();
      this.film = undefined;
      this.hasPicture = this.stillShown = false;
      return;
    }
    if (beat.dragging) {
      this.video.pause();
      return;
    }
    this.film ??= new FilmPlayer(this.video, this.camera, { state: (state, reason) => this.heard(state, reason) }, serverNow);
    this.stay(this.film, beat);
  }

  /** The clock was set: no drift, another moment. */
  jump(ms: number): void {
    this.soughtAt = performance.now();
    this.film?.seek(ms);
  }

  /** A picture of the moment under the finger. */
  preview(picture: ImageBitmap | null): void {
    if (!this.hasUpdated) return;
    paint(this.still, picture);
    this.stillShown = true;
  }

  private stay(film: FilmPlayer, beat: Beat): void {
    if (!this.soughtAt) this.jump(beat.atMs);
    const young = performance.now() - this.soughtAt < STARTED_MS;
    if (film.gap) {
      // It waits with its last picture gone; the clock takes it out of the gap.
      const over = beat.atMs >= (film.gap.toMs ?? Infinity) || beat.atMs < film.gap.fromMs - 250;
      if (over && !young) this.jump(beat.atMs);
      return;
    }
    if (!film.ready) {
      if (!young && !this.video.seeking && this.filmState !== 'loading') this.jump(beat.atMs);
      return;
    }
    const behindS = (beat.atMs - film.atMs) / 1000;
    this.dataset['drift'] = behindS.toFixed(3);
    const what = correction(behindS, Math.max(0.1, beat.rate));
    if (what.kind === 'seek' && !young) this.jump(beat.atMs);
    else if (what.kind === 'rate') this.video.playbackRate = Math.min(16, Math.max(0.1, what.rate));
    if (beat.rate > 0 && this.video.paused) void this.video.play().catch(() => undefined);
    else if (beat.rate <= 0 && !this.video.paused) this.video.pause();
  }

  private heard(state: FilmState, reason: string): void {
    this.filmState = state;
    this.reason = reason;
    this.dataset['film'] = state;
    if (state === 'ready') {
      this.hasPicture = true;
      this.stillShown = false;
    }
  }

  override render(): unknown {
    const missing = !this.live && (this.filmState === 'gap' || this.filmState === 'failed');
    return html`
      ${this.live ? html`<vg-live-video .camera=${this.camera} .name=${this.name} stream="sub"></vg-live-video>` : nothing}
      <video playsinline muted aria-label=${this.name} ?hidden=${this.live || !this.hasPicture}></video>
      <canvas aria-hidden="true" ?hidden=${this.live || !this.stillShown}></canvas>
      ${missing && !this.stillShown
        ? html`<div class="gap" data-testid="gap"><strong>${t.timeline.missingNow}</strong><p>${this.reason}</p></div>`
        : nothing}
      ${!this.live && this.filmState === 'loading' && !this.hasPicture ? html`<div class="gap">${t.timeline.loading}</div>` : nothing}
      <a href="/cameras/${this.camera}${this.live ? '' : `?at=${Math.round(this.film?.atMs ?? serverNow() - EDGE_MS)}`}">${this.name}</a>
    `;
  }
}
