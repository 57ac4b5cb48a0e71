import { css, html, LitElement, nothing, type PropertyValues } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';

import { urls } from '../api/client';
import { shared } from '../design/shared';
import { LiveFeed, type FeedState } from '../live/feed';
import { mediaSourceClass } from '../live/mse';
import { t } from '../strings';

const SNAPSHOT_EVERY_MS = 2_000;
type Way = 'mse' | 'hls' | 'stills';

/**
 * The live picture of one camera. It streams only while it can be seen: media source extensions over a
 * WebSocket, else the browser's own HLS, else still pictures. Tells its state by `data-state` and the
 * `live-state` event; the seconds it lags by `live-latency`.
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
  @property() stream: 'main' | 'sub' = 'main';
  @state() private way: Way = mediaSourceClass() ? 'mse' : nativeHls() ? 'hls' : 'stills';
  @state() private stillUrl = '';
  @query('video') private readonly video!: HTMLVideoElement | null;

  private feed: LiveFeed | undefined;
  private ticker: ReturnType<typeof setInterval> | undefined;
  private observer: IntersectionObserver | undefined;
  private onScreen = false;
  private running = false;
  /** Media elements that never show a frame must not leave an empty box: the newest still lies below. */
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

  override updated(changed: PropertyValues<this>): void {
    if (changed.has('camera') && this.running) {
      this.stop();
      this.sync();
    }
  }

  override render(): unknown {
    const still = this.stillUrl
      ? html`<img
          class="still ${this.way === 'stills' ? '' : 'under'}"
          src=${this.stillUrl}
          alt=${this.way === 'stills' ? t.cameras.snapshotOf(this.name) : ''}
          @load=${() => this.way === 'stills' && this.report('live', t.cameras.snapshot)}
          @error=${() => (this.stillUrl = '')}
        />`
      : nothing;
    const video =
      this.way === 'stills'
        ? nothing
        : html`<video
            data-testid="live-video"
            aria-label=${t.cameras.livePicture(this.name)}
            autoplay
            muted
            playsinline
            disablepictureinpicture
            .muted=${true}
            @playing=${() => this.way === 'hls' && this.report('live')}
            @error=${() => this.way === 'hls' && this.use('stills')}
          ></video>`;
    return html`${video}${still}`;
  }

  private sync(): void {
    const wanted = this.isConnected && this.onScreen && document.visibilityState === 'visible';
    if (wanted === this.running) return;
    if (wanted) this.start();
    else this.stop();
  }

  private start(): void {
    this.running = true;
    if (!this.stillUrl) this.refreshStill();
    void this.updateComplete.then(() => {
      if (this.running) this.play();
    });
  }

  private play(): void {
    const video = this.video;
    if (this.way === 'stills' || !video) {
      this.ticker = setInterval(() => this.refreshStill(), SNAPSHOT_EVERY_MS);
      this.refreshStill();
      return;
    }
    if (this.way === 'hls') {
      video.src = urls.hls(this.camera);
      void video.play().catch(() => undefined); // the error event decides what comes next
      return;
    }
    this.feed = new LiveFeed(video, urls.live(this.camera, this.stream), {
      state: (state, reason, sinceMs) => this.report(state, reason, sinceMs),
      latency: (seconds) => this.dispatchEvent(new CustomEvent('live-latency', { detail: seconds })),
      unsupported: (mime) => {
        this.dispatchEvent(new CustomEvent('live-unsupported', { detail: mime }));
        this.use(nativeHls() ? 'hls' : 'stills');
      },
    });
    this.feed.start();
  }

  private stop(): void {
    this.running = false;
    clearInterval(this.ticker);
    this.feed?.stop();
    this.feed = undefined;
    if (this.way === 'hls' && this.video) {
      this.video.removeAttribute('src');
      this.video.load();
    }
    this.report('connecting');
  }

  private use(way: Way): void {
    const wasRunning = this.running;
    this.stop();
    this.way = way;
    if (wasRunning) this.start();
  }

  private refreshStill(): void {
    this.stillUrl = `${urls.snapshot(this.camera)}?t=${Date.now()}`;
  }

  private report(state: FeedState, reason = '', sinceMs = 0): void {
    this.setAttribute('data-state', state);
    this.dispatchEvent(new CustomEvent('live-state', { detail: { state, reason, sinceMs, way: this.way } }));
  }
}

function nativeHls(): boolean {
  return document.createElement('video').canPlayType('application/vnd.apple.mpegurl') !== '';
}
