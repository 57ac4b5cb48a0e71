import type Hls from 'hls.js';
import { html, LitElement, nothing, type PropertyValues } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';

import { shared } from '../design/shared';
import { clockSeconds, timecode } from '../format';
import { t } from '../strings';
import { playerStyles } from './event-player.styles';
import type { WayPoint } from '../api/types';
import './icon';
import './states';
import type { TrackBox } from './track-box';
import './track-box';

const STEP_S = 10;
const RETRY_AFTER_MS = 2_000;
const MAX_RETRIES = 10;
/** HTTP status of a playlist that cannot be made. */
const NOT_FRAGMENTED = 409;
const SPEEDS = [1, 2, 4, 0.5];

/**
 * Plays one recording from its HLS playlist and starts where asked. With an onset it marks that moment on
 * the bar. `hls.js` is fetched only when somebody really plays something.
 */
@customElement('vg-event-player')
export class EventPlayer extends LitElement {
  static override styles = [shared, playerStyles];

  @property() playlist = '';
  @property({ type: Number }) startS = 0;
  /** Seconds from the start of the recording to the moment the event began. */
  @property({ type: Number }) onsetS: number | null = null;
  /** UTC ms of the recording's first frame, for the clock beside the bar. */
  @property({ type: Number }) wallStartMs: number | null = null;
  @property() poster = '';
  /** Where the object of the event was, and when that began, UTC ms. */
  @property({ attribute: false }) way: readonly WayPoint[] = [];
  @property({ type: Number }) wayStartMs = 0;
  @property() wayLabel = '';
  @property({ type: Boolean }) growing = false;

  @state() private position = 0;
  @state() private length = 0;
  @state() private playing = false;
  @state() private waiting = true;
  @state() private muted = true;
  @state() private speed = 1;
  @state() private error = '';
  @state() private boxes = true;
  @state() private size: readonly [number, number] = [16, 9];
  @query('vg-track-box') private readonly box!: TrackBox | null;
  @query('video') private readonly video!: HTMLVideoElement;
  @query('input[type="range"]') private readonly bar!: HTMLInputElement | null;
  private hls: Hls | undefined;
  private loading = 0;
  private retries = 0;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.unload();
  }

  override updated(changed: PropertyValues<this>): void {
    if (changed.has('playlist') && this.playlist) {
      this.retries = 0;
      void this.load();
    }
    const share = this.length ? `${(this.position / this.length) * 100}%` : '0%';
    this.bar?.style.setProperty('--played', share);
    const mark = this.renderRoot.querySelector<HTMLElement>('.onset');
    if (mark && this.onsetS !== null && this.length) {
      mark.style.setProperty('--at', String(Math.min(1, this.onsetS / this.length)));
    }
  }

  override render(): unknown {
    if (this.error) {
      return html`<div class="failed">
        <vg-message role="alert" tone="bad" icon="recordings" heading=${t.player.failed} text=${this.error}>
          <vg-action @click=${() => void this.load()}>${t.app.retry}</vg-action>
        </vg-message>
      </div>`;
    }
    return html`
      <div class="frame" @keydown=${this.keys}>
        <div class="stage">
        <video
          data-testid="event-player"
          aria-label=${t.player.label}
          playsinline
          .muted=${this.muted}
          poster=${this.poster}
          @click=${this.toggle}
          @timeupdate=${this.sync}
          @seeking=${this.sync}
          @durationchange=${this.sync}
          @loadedmetadata=${this.sized}
          @play=${() => (this.playing = true)}
          @pause=${() => (this.playing = false)}
          @waiting=${() => (this.waiting = true)}
          @playing=${this.plays}
          @canplay=${() => (this.waiting = false)}
          @error=${this.nativeError}
        ></video>
        ${this.boxes && this.way.length && this.wallStartMs !== null
          ? html`<vg-track-box .way=${this.way} .startedMs=${this.wayStartMs} .label=${this.wayLabel} .size=${this.size} .atMs=${this.wallStartMs + this.position * 1000}></vg-track-box>`
          : nothing}
        </div>
        ${this.waiting ? html`<span class="spinner" role="status" aria-label=${t.app.loading}></span>` : nothing}
        ${this.growing ? html`<span class="growing"><span class="dot"></span>${t.player.growing}</span>` : nothing}
        <div class="controls">
          <div class="track">
            <input
              type="range"
              min="0"
              max=${this.length || 1}
              step="0.1"
              aria-label=${t.player.seek}
              aria-valuetext=${this.spoken()}
              .value=${String(this.position)}
              @input=${(event: Event) => this.seek(Number((event.target as HTMLInputElement).value))}
            />
            ${this.onsetS !== null && this.length
              ? html`<button type="button" class="onset" title=${t.player.onset} aria-label=${t.player.onset} @click=${() => this.seek(this.onsetS ?? 0)}></button>`
              : nothing}
          </div>
          <div class="buttons">
            ${this.button(this.playing ? 'pause' : 'play', this.playing ? t.player.pause : t.player.play, this.toggle)}
            ${this.button('back10', t.player.back, () => this.seek(this.position - STEP_S))}
            ${this.button('forward10', t.player.forward, () => this.seek(this.position + STEP_S))}
            <span class="time num">
              ${this.wallStartMs === null ? nothing : html`<strong>${clockSeconds(this.wallStartMs + this.position * 1000)}</strong>`}
              <span>${timecode(this.position)} / ${timecode(this.length)}</span>
            </span>
            <span class="grow"></span>
            <button type="button" class="quiet speed num" aria-label="${t.player.speed}: ${this.speed}×" @click=${this.nextSpeed}>${this.speed}×</button>
            ${this.way.length
              ? html`<button type="button" class="quiet icon-only" title=${t.player.boxes} aria-label=${t.player.boxes} aria-pressed=${this.boxes ? 'true' : 'false'} data-testid="boxes" @click=${() => (this.boxes = !this.boxes)}>
                  <vg-icon name="object"></vg-icon>
                </button>`
              : nothing}
            ${this.button(this.muted ? 'mute' : 'sound', this.muted ? t.player.unmute : t.player.mute, () => (this.muted = !this.muted))}
            ${this.button('fullscreen', t.player.fullscreen, this.fullscreen)}
          </div>
        </div>
      </div>
    `;
  }

  private button(icon: 'play' | 'pause' | 'back10' | 'forward10' | 'mute' | 'sound' | 'fullscreen', label: string, act: () => void): unknown {
    return html`<button type="button" class="quiet icon-only" title=${label} aria-label=${label} @click=${act}>
      <vg-icon name=${icon}></vg-icon>
    </button>`;
  }

  private async load(): Promise<void> {
    const turn = ++this.loading;
    this.unload();
    this.error = '';
    this.waiting = true;
    await this.updateComplete;
    const { default: HlsLight } = await import('hls.js/light');
    if (turn !== this.loading || !this.isConnected) return;
    if (!HlsLight.isSupported()) {
      this.playFile(this.playlist);
      return;
    }
    // No worker: it would be started from a blob, which the Content-Security-Policy forbids; fMP4 needs none.
    const hls = new HlsLight({ enableWorker: false, startPosition: this.startS, backBufferLength: 60, maxBufferLength: 20 });
    this.hls = hls;
    hls.on(HlsLight.Events.ERROR, (_name, data) => {
      if (!data.fatal) return;
      this.unload();
      if (data.response?.code === NOT_FRAGMENTED) {
        // A film of version 1 has no fragments that a playlist could name: it plays as the one file it is.
        this.playFile(this.playlist.replace(/playlist\.m3u8$/, 'content.mp4'));
        return;
      }
      if (this.growing && this.retries++ < MAX_RETRIES) {
        // The first seconds of a recording may not have reached storage yet.
        setTimeout(() => turn === this.loading && this.isConnected && void this.load(), RETRY_AFTER_MS);
        return;
      }
      this.error = data.response?.text || data.error.message || data.details;
    });
    hls.on(HlsLight.Events.MANIFEST_PARSED, () => void this.play());
    hls.loadSource(this.playlist);
    hls.attachMedia(this.video);
  }

  private playFile(url: string): void {
    this.video.src = url;
    this.video.addEventListener('loadedmetadata', () => (this.video.currentTime = this.startS), { once: true });
    void this.play();
  }

  private unload(): void {
    this.hls?.destroy();
    this.hls = undefined;
  }

  private async play(): Promise<void> {
    try {
      await this.video.play();
    } catch {
      this.playing = false; // the browser wants a touch first: the play button is there
      this.waiting = false;
    }
  }

  private readonly toggle = (): void => {
    if (this.video.paused) void this.play();
    else this.video.pause();
  };

  private readonly nextSpeed = (): void => {
    this.speed = SPEEDS[(SPEEDS.indexOf(this.speed) + 1) % SPEEDS.length] ?? 1;
    this.video.playbackRate = this.speed;
  };

  private readonly fullscreen = (): void => {
    if (document.fullscreenElement) void document.exitFullscreen();
    else void this.renderRoot.querySelector('.frame')?.requestFullscreen().catch(() => undefined);
  };

  private readonly plays = (): void => {
    this.waiting = false;
    if (this.way.length) this.follow();
  };

  /** The box moves with the pictures, not with the clock beside the bar, which a browser moves four times a second. */
  private readonly follow = (): void => {
    const { video, box } = this;
    if (!this.isConnected || video.paused) return;
    if (box && this.wallStartMs !== null) box.atMs = this.wallStartMs + video.currentTime * 1000;
    requestAnimationFrame(this.follow);
  };

  private seek(to: number): void {
    const end = this.length || to;
    this.video.currentTime = Math.min(Math.max(0, to), end);
    this.position = this.video.currentTime;
  }

  private sized(): void {
    const { videoWidth, videoHeight } = this.video;
    if (videoWidth && videoHeight) this.size = [videoWidth, videoHeight];
    if (videoWidth && videoHeight) this.style.setProperty('--ratio', `${videoWidth} / ${videoHeight}`);
    this.sync();
  }

  private sync(): void {
    this.position = this.video.currentTime;
    const length = this.video.duration;
    this.length = Number.isFinite(length) ? length : (this.video.seekable.length ? this.video.seekable.end(0) : 0);
  }

  private keys(event: KeyboardEvent): void {
    if (event.target instanceof HTMLInputElement || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === 'ArrowLeft') this.seek(this.position - STEP_S / 2);
    else if (event.key === 'ArrowRight') this.seek(this.position + STEP_S / 2);
    else return;
    event.preventDefault();
  }

  private nativeError(): void {
    if (!this.hls && this.video.error) this.error = this.video.error.message || t.player.failed;
  }

  private spoken(): string {
    return this.wallStartMs === null
      ? timecode(this.position)
      : `${timecode(this.position)}, ${clockSeconds(this.wallStartMs + this.position * 1000)}`;
  }
}
