import { html, LitElement, nothing, type PropertyValues } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';

import { serverNow } from '../api/server-clock';
import type { Mark } from '../api/types';
import { transportStyles } from '../design/player';
import { shared } from '../design/shared';
import { decimal } from '../format';
import { EDGE_MS, FilmPlayer, playsFilm, type FilmState } from '../live/film-player';
import { perform, type Playable, PlayerKeys } from '../live/player-keys';
import { paint, Previews } from '../live/preview';
import { savePicture } from '../live/save-picture';
import { wallText } from '../live/timescale';
import { t } from '../strings';
import { cameraPlayerStyles } from './camera-player.styles';
import './icon';
import type { LiveState, LiveVideo } from './live-video';
import './live-video';
import type { Hover, TimeAxis } from './time-axis';
import './time-axis';
import {
  clockWords,
  hoverTip,
  iconButton,
  jumpForm,
  keyHelp,
  liveButton,
  missingNotice,
  playerButtons,
  showTip,
  spanButtons,
} from './transport';
import { ZoomGestures } from './zoom-gestures';

const REVERSE_STEP_MS = 250;
/** A gap is read before it is passed over. */
const GAP_SHOWN_MS = 1_800;
const SHORT_GAP_MS = 10_000;
const SHORT_GAP_SHOWN_MS = 700;
const DEFAULT_FPS = 15;
const CURVES = { curves: true };

/**
 * One camera's picture on one continuous time: live with low latency, and everything that was recorded before, without a
 * break. The live picture stays on the screen until the past one is there.
 */
@customElement('vg-camera-player')
export class CameraPlayer extends LitElement implements Playable {
  static override styles = [shared, transportStyles, cameraPlayerStyles];

  @property() camera = '';
  @property() name = '';
  @property({ type: Number }) fps = 0;
  /** Start here instead of live, UTC ms. */
  @property({ type: Number }) startMs: number | null = null;
  @state() private mode: 'live' | 'past' = 'live';
  @state() atMs = serverNow();
  @state() private nowMs = serverNow();
  @state() spanMs = 3_600_000;
  @state() playing = true;
  @state() speed = 1;
  @state() private sound = false;
  @state() private live: LiveState | undefined;
  @state() private filmState: FilmState = 'loading';
  @state() private reason = '';
  /** The past has a picture of its own: the live one may go. */
  @state() private pastShown = false;
  @state() private stillShown = false;
  @state() private hovered: Hover | null = null;
  @state() private zoomed = 1;
  @query('.film') private readonly video!: HTMLVideoElement;
  @query('.still') private readonly still!: HTMLCanvasElement;
  @query('.picture') private readonly picture!: HTMLElement;
  @query('vg-time-axis') private readonly axis!: TimeAxis;
  @query('vg-live-video') private readonly liveVideo!: LiveVideo;
  private film: FilmPlayer | undefined;
  private readonly previews = new Previews();
  private readonly gestures = new ZoomGestures((zoom) => {
    this.picture.style.transform = `translate(${zoom.x}px, ${zoom.y}px) scale(${zoom.scale})`;
    this.picture.toggleAttribute('data-zoomed', zoom.scale > 1);
    this.zoomed = zoom.scale;
  });
  private dragging = false;
  /** The same list while the camera is the same: the axis asks anew for another one. */
  private lanes: string[] = [];
  private frame = 0;
  private second: ReturnType<typeof setInterval> | undefined;
  private gapTimer: ReturnType<typeof setTimeout> | undefined;
  private reversedAt = 0;

  constructor() {
    super();
    new PlayerKeys(this);
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('camera')) this.lanes = [this.camera];
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.second = setInterval(() => {
      this.nowMs = serverNow();
      if (this.mode === 'live') this.atMs = this.nowMs;
    }, 1_000);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.second);
    clearTimeout(this.gapTimer);
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.film?.destroy();
    this.film = undefined;
    this.previews.close();
  }

  override firstUpdated(): void {
    this.gestures.attach(this.picture);
    if (this.startMs !== null) this.seek(this.startMs);
  }

  override updated(changed: PropertyValues): void {
    if (this.dataset['mode'] !== this.mode) this.dispatchEvent(new CustomEvent('player-mode', { detail: this.mode }));
    this.dataset['mode'] = this.mode;
    this.dataset['film'] = this.filmState;
    if (changed.has('hovered')) showTip(this.renderRoot, this.hovered, this.axis.offsetWidth, this.previews, this.spanMs);
  }

  /** The moment on the screen, UTC ms. */
  get position(): number {
    return this.atMs;
  }

  get isLive(): boolean {
    return this.mode === 'live';
  }

  get frameMs(): number {
    return 1000 / (this.fps || DEFAULT_FPS);
  }

  seek(ms: number, play = this.playing): void {
    if (!playsFilm()) return;
    const now = serverNow();
    if (ms >= now - EDGE_MS) {
      this.goLive();
      return;
    }
    clearTimeout(this.gapTimer);
    this.enterPast(ms);
    this.playing = play;
    this.film?.seek(ms);
    this.follow();
  }

  goLive(): void {
    clearTimeout(this.gapTimer);
    this.mode = 'live';
    this.atMs = this.nowMs = serverNow();
    this.playing = true;
    this.speed = 1;
    this.reason = '';
    this.video.pause();
  }

  private enterPast(ms: number): void {
    this.atMs = ms;
    if (this.mode === 'live') {
      this.mode = 'past';
      this.pastShown = this.stillShown = false;
      this.filmState = 'loading';
    }
    this.film ??= new FilmPlayer(this.video, this.camera, { state: (state, reason) => this.heard(state, reason) }, serverNow);
  }

  private heard(state: FilmState, reason: string): void {
    this.filmState = state;
    this.reason = reason;
    if (state === 'ready') {
      this.pastShown = true;
      this.stillShown = this.dragging && this.stillShown;
      this.follow();
    }
    if (state === 'edge' && this.playing && this.speed > 0 && !this.dragging) this.goLive();
    if (state === 'gap') this.passGap();
  }

  private passGap(): void {
    clearTimeout(this.gapTimer);
    const gap = this.film?.gap;
    if (!gap || !this.playing || this.dragging || this.speed < 0) return;
    this.gapTimer = setTimeout(() => {
      if (this.mode === 'past' && this.film?.gap === gap) this.goOn();
    }, gap.toMs !== null && gap.toMs - gap.fromMs < SHORT_GAP_MS ? SHORT_GAP_SHOWN_MS : GAP_SHOWN_MS);
  }

  private readonly goOn = (): void => {
    const toMs = this.film?.gap?.toMs;
    if (toMs === null || toMs === undefined) this.goLive();
    else this.seek(toMs + 1, true);
  };

  /** Keeps the video doing what is asked, and the axis where the video is. */
  private follow(): void {
    if (this.mode !== 'past' || !this.film) return;
    const { video } = this;
    if (this.playing && this.speed > 0 && !this.dragging) {
      video.playbackRate = this.speed;
      if (video.paused) void video.play().catch(() => (this.playing = false));
    } else if (!video.paused) video.pause();
    if (!this.frame) this.frame = requestAnimationFrame(this.turn);
  }

  private readonly turn = (): void => {
    this.frame = 0;
    if (this.mode !== 'past' || !this.film) return;
    if (this.playing && this.speed < 0 && !this.dragging) this.reverse();
    else if (!this.dragging && this.film.ready) this.atMs = this.film.atMs;
    if (this.playing || this.dragging) this.frame = requestAnimationFrame(this.turn);
  };

  private reverse(): void {
    const now = performance.now();
    if (now - this.reversedAt < REVERSE_STEP_MS || !this.film || (!this.film.ready && now - this.reversedAt < 1_500)) return;
    this.reversedAt = now;
    this.atMs += REVERSE_STEP_MS * this.speed;
    this.film.seek(this.atMs);
  }

  private readonly scrubbed = (event: CustomEvent<{ ms: number; dragging: boolean; mark: Mark | null }>): void => {
    const { ms, dragging } = event.detail;
    if (!playsFilm()) return;
    this.dragging = dragging;
    if (!dragging) {
      this.seek(ms);
      return;
    }
    if (ms >= serverNow() - EDGE_MS && this.mode === 'live') return;
    this.enterPast(ms);
    this.follow();
    if (this.axis.missingAt(this.camera, ms)) return;
    this.film?.prepare(ms);
    this.previews.want(this.camera, ms, this.spanMs, (found) => {
      if (!found || !this.dragging) return;
      paint(this.still, found);
      this.stillShown = true;
    });
  };

  setSpeed(speed: number): void {
    if (this.mode === 'live') {
      if (speed > 0) return;
      this.speed = speed;
      this.seek(serverNow() - EDGE_MS - 1_000, true);
      return;
    }
    this.speed = speed;
    this.playing = true;
    this.follow();
  }

  readonly toggle = (): void => {
    if (this.mode === 'live') {
      this.seek(serverNow() - EDGE_MS - 500, false);
      return;
    }
    this.playing = !this.playing;
    if (this.playing && this.speed < 0) this.speed = 1;
    if (this.playing && this.film?.gap) this.goOn();
    this.follow();
  };

  step(by: 1 | -1): void {
    const found = this.axis.markBeside(this.atMs, by);
    if (found) this.seek(found.started_ms - 1_000);
  }

  readonly snapshot = (): void => {
    const shown = this.mode === 'past' ? this.video : this.liveVideo.shown;
    if (shown) savePicture(shown, `${this.camera}_${wallText(this.atMs).replaceAll(':', '-').replace('T', '_')}.jpg`);
  };

  whole(): void {
    this.gestures.reset();
  }

  readonly fullscreen = (): void => {
    if (document.fullscreenElement) void document.exitFullscreen();
    else void this.renderRoot.querySelector('.player')?.requestFullscreen().catch(() => undefined);
  };

  override render(): unknown {
    const past = this.mode === 'past';
    return html`<div class="player" data-testid="camera-player">
      <div class="stage">
        <div class="picture">
          <vg-live-video
            .camera=${this.camera}
            .name=${this.name}
            ?sound=${this.sound && !past}
            ?hidden=${past && (this.pastShown || this.stillShown)}
            @live-state=${this.heardLive}
            @live-latency=${(event: CustomEvent<number | null>) => this.dispatchEvent(new CustomEvent('live-latency', { detail: event.detail }))}
          ></vg-live-video>
          <video class="film" data-testid="film" aria-label=${t.player.label} playsinline .muted=${!this.sound} ?hidden=${!past || !this.pastShown}></video>
          <canvas class="still" aria-hidden="true" ?hidden=${!past || !this.stillShown}></canvas>
          <slot name="over"></slot>
        </div>
        ${past && this.filmState === 'loading' ? html`<span class="spinner" role="status" aria-label=${t.timeline.loading}></span>` : nothing}
        ${past ? missingNotice(this.filmState, this.reason, this.dragging ? null : this.film?.gap, this.goOn) : html`<slot></slot>`}
        <div class="over">
          ${this.zoomed > 1
            ? html`<button type="button" class="num" title=${t.timeline.wholePicture} aria-label=${t.timeline.wholePicture} @click=${() => this.gestures.reset()}>
                ${t.timeline.enlarged(decimal(this.zoomed))}
              </button>`
            : nothing}
          ${this.live?.sound || past
            ? iconButton(this.sound ? 'sound' : 'mute', this.sound ? t.cameras.soundOff : t.cameras.soundOn, () => (this.sound = !this.sound), '')
            : nothing}
          ${iconButton('fullscreen', t.cameras.fullscreen, this.fullscreen, '')}
        </div>
      </div>
      <div class="panel">${this.when()} ${this.timeAxis()} ${playerButtons(this.speed, this.mode === 'live' || this.playing, (wish) => perform(this, wish))} ${this.more()}</div>
    </div>`;
  }

  private readonly heardLive = (event: CustomEvent<LiveState>): void => {
    this.live = event.detail;
    this.dispatchEvent(new CustomEvent<LiveState>('live-state', { detail: event.detail }));
  };

  private when(): unknown {
    return html`<div class="when">
      <div class="grow">${clockWords(this.atMs, this.nowMs)}</div>
      ${liveButton(this.mode === 'live', () => this.goLive())}
    </div>`;
  }

  private timeAxis(): unknown {
    return html`<div class="axis">
      <vg-time-axis
        data-testid="time-axis"
        .lanes=${this.lanes}
        .filter=${CURVES}
        .atMs=${this.atMs}
        .nowMs=${this.nowMs}
        .spanMs=${this.spanMs}
        ?live=${this.mode === 'live'}
        @scrub=${this.scrubbed}
        @span=${(event: CustomEvent<number>) => (this.spanMs = event.detail)}
        @hover=${(event: CustomEvent<Hover | null>) => (this.hovered = event.detail)}
      ></vg-time-axis>
      ${hoverTip(this.hovered, this.nowMs)}
    </div>`;
  }

  private more(): unknown {
    return html`<div class="more">
      ${spanButtons(this.spanMs, (ms) => (this.spanMs = ms))} ${jumpForm(this.atMs, this.nowMs, (ms) => this.seek(ms))} ${keyHelp()}
      ${playsFilm() ? nothing : html`<p>${t.timeline.cannot} <a href="/recordings">${t.nav.recordings}</a></p>`}
    </div>`;
  }
}
