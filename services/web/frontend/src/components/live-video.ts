import { css, html, LitElement, nothing, type PropertyValues } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';

import { urls } from '../api/client';
import { shared } from '../design/shared';
import { LiveFeed, type FeedState } from '../live/feed';
import { mediaSourceClass } from '../live/mse';
import { firstWay, nextWay, type LiveStream, type Way } from '../live/policy';
import { t } from '../strings';

const SNAPSHOT_EVERY_MS = 2_000;
/** A poster may be old: it only stands there until the picture moves. */
const POSTER_MAX_AGE_S = 86_400;
const NOTHING = 'data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=';

/** What `live-state` carries. */
export interface LiveState {
  state: FeedState;
  reason: string;
  sinceMs: number;
  by: Way['by'];
  /** What the server sends; empty before it has said so, and where it does not say. */
  given: LiveStream | '';
  sound: boolean;
}

/**
 * The live picture of one camera. It streams only while it can be seen, in the best way that works here: media
 * source extensions over a WebSocket (converted to H.264 where the browser cannot play the camera's codec), the
 * browser's own HLS, a sequence of JPEGs, still pictures. Tells what it does by `data-state`, `data-by`,
 * `data-given` and the `live-state` event; the seconds it lags by `live-latency`.
 */
@customElement('vg-live-video')
export class LiveVideo extends LitElement {
  static override styles = [
    shared,
    css`
      :host {
        position: relative;
        overflow: hidden;
        background: var(--video-bg);
      }
      video,
      img {
        display: block;
        width: 100%;
        height: 100%;
        object-fit: var(--fit, cover);
      }
      img.still {
        position: absolute;
        inset: 0;
        filter: saturate(0.85);
        transition: opacity var(--slow) var(--ease);
      }
      :host([data-state='live']) img.still.under {
        opacity: 0;
      }
      :host([data-state='offline']) img.still {
        filter: grayscale(1) brightness(0.35);
      }
    `,
  ];

  @property() camera = '';
  @property() name = '';
  /** What is asked for: a tile is content with the sub stream. */
  @property() stream: 'main' | 'sub' = 'main';
  /** Off at first: pages that begin to talk are not liked, and browsers forbid it. */
  @property({ type: Boolean }) sound = false;
  @state() private way: Way = { by: 'stills' };
  @state() private stillUrl = '';
  @state() private running = false;
  @query('video') private readonly video!: HTMLVideoElement | null;
  @query('img.moving') private readonly moving!: HTMLImageElement | null;

  private feed: LiveFeed | undefined;
  private ticker: ReturnType<typeof setInterval> | undefined;
  private observer: IntersectionObserver | undefined;
  private onScreen = false;
  private given: LiveStream | '' = '';
  private hasSound = false;
  private readonly visibility = (): void => this.sync();

  override connectedCallback(): void {
    super.connectedCallback();
    this.setAttribute('data-state', 'connecting');
    document.addEventListener('visibilitychange', this.visibility);
    this.observer = new IntersectionObserver(
      (entries) => {
        this.onScreen = entries.at(-1)?.isIntersecting ?? false;
        this.sync();
      },
      { threshold: 0.05 },
    );
    this.observer.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    document.removeEventListener('visibilitychange', this.visibility);
    this.observer?.disconnect();
    this.onScreen = false;
    this.stop();
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has('camera') && !changed.has('stream')) return;
    const wasRunning = this.running;
    if (wasRunning) this.stop();
    this.way = firstWay(this.stream, mediaSourceClass() !== undefined, nativeHls());
    this.stillUrl = '';
    if (wasRunning) this.start();
  }

  override render(): unknown {
    const stills = this.way.by === 'stills';
    const still = this.stillUrl
      ? html`<img
          class="still ${stills ? '' : 'under'}"
          src=${this.stillUrl}
          alt=${stills ? t.cameras.snapshotOf(this.name) : ''}
          @load=${() => stills && this.report('live', t.cameras.snapshot)}
          @error=${() => (this.stillUrl = '')}
        />`
      : nothing;
    return html`${this.picture()}${still}`;
  }

  private picture(): unknown {
    switch (this.way.by) {
      case 'stills':
        return nothing;
      case 'mjpeg':
        return html`<img
          class="moving"
          data-testid="live-mjpeg"
          alt=${t.cameras.livePicture(this.name)}
          src=${this.running ? urls.mjpeg(this.camera) : NOTHING}
          @load=${() => this.running && this.report('live')}
          @error=${() => this.running && this.instead()}
        />`;
      case 'mse':
      case 'hls':
        return html`<video
          data-testid="live-video"
          aria-label=${t.cameras.livePicture(this.name)}
          autoplay
          playsinline
          disablepictureinpicture
          .muted=${!this.sound}
          @playing=${() => this.way.by === 'hls' && this.report('live')}
          @error=${() => this.way.by === 'hls' && this.instead()}
        ></video>`;
    }
  }

  /** What is on the screen, to be kept as a picture. */
  get shown(): HTMLVideoElement | HTMLImageElement | null {
    return this.video ?? this.moving ?? this.renderRoot.querySelector<HTMLImageElement>('img.still');
  }

  private sync(): void {
    const wanted = this.isConnected && this.onScreen && document.visibilityState === 'visible';
    if (wanted === this.running) return;
    if (wanted) this.start();
    else this.stop();
  }

  private start(): void {
    this.running = true;
    if (!this.stillUrl) this.stillUrl = urls.snapshot(this.camera, POSTER_MAX_AGE_S);
    void this.updateComplete.then(() => {
      if (this.running) this.play();
    });
  }

  private play(): void {
    const { way, video } = this;
    if (way.by === 'mjpeg') return; // its address is its picture
    if (way.by === 'stills' || !video) {
      clearInterval(this.ticker);
      this.ticker = setInterval(() => this.refreshStill(), SNAPSHOT_EVERY_MS);
      this.refreshStill();
      return;
    }
    if (way.by === 'hls') {
      video.src = urls.hls(this.camera);
      void video.play().catch(() => undefined); // the error event decides what comes next
      return;
    }
    this.feed?.stop();
    this.feed = new LiveFeed(video, urls.live(this.camera, way.stream), {
      state: (state, reason, sinceMs) => this.report(state, reason, sinceMs),
      latency: (seconds) => this.dispatchEvent(new CustomEvent('live-latency', { detail: seconds })),
      given: (stream, sound) => {
        this.given = stream;
        this.hasSound = sound;
        this.setAttribute('data-given', stream);
      },
      unsupported: (mime) => {
        this.dispatchEvent(new CustomEvent('live-unsupported', { detail: mime }));
        this.instead();
      },
    });
    this.feed.start();
  }

  private stop(): void {
    this.running = false;
    clearInterval(this.ticker);
    this.feed?.stop();
    this.feed = undefined;
    if (this.moving) this.moving.src = NOTHING; // an image that is only taken out of the page may go on loading
    if (this.way.by === 'hls' && this.video) {
      this.video.removeAttribute('src');
      this.video.load();
    }
    this.report('connecting');
  }

  /** This way does not work here: the next one. */
  private instead(): void {
    const next = nextWay(this.way, this.given, nativeHls());
    if (!next) return;
    const wasRunning = this.running;
    this.stop();
    this.way = next;
    this.given = '';
    this.hasSound = false;
    if (wasRunning) this.start();
  }

  private refreshStill(): void {
    this.stillUrl = `${urls.snapshot(this.camera, SNAPSHOT_EVERY_MS / 1000)}&t=${Date.now()}`;
  }

  private report(state: FeedState, reason = '', sinceMs = 0): void {
    this.setAttribute('data-state', state);
    this.setAttribute('data-by', this.way.by);
    const detail: LiveState = { state, reason, sinceMs, by: this.way.by, given: this.given, sound: this.hasSound };
    this.dispatchEvent(new CustomEvent<LiveState>('live-state', { detail }));
  }
}

function nativeHls(): boolean {
  return document.createElement('video').canPlayType('application/vnd.apple.mpegurl') !== '';
}
