import { toLogin } from '../api/client';
import { LiveBuffer, spans } from './mse';
import {
  backoffMs,
  catchUp,
  hasSound,
  latencyS,
  otherWayHelps,
  readLiveText,
  REFUSED_RETRY_MS,
  STALLED_AFTER_MS,
  type LiveStream,
} from './policy';

export type FeedState = 'connecting' | 'live' | 'stalled' | 'offline' | 'refused';

export interface FeedEvents {
  state(state: FeedState, reason: string, sinceMs: number): void;
  latency(seconds: number | null): void;
  /** What the server sends: which stream it is, and whether sound is in it. */
  given(stream: LiveStream | '', sound: boolean): void;
  /** This browser cannot play this stream through media source extensions, or the server does not make it. */
  unsupported(mime: string): void;
}

const TICK_MS = 250;
const UNSUPPORTED_CLOSE = 4000;
/** A browser that says it can play a codec and then refuses so often in a row cannot. */
const MAX_REFUSALS = 3;
const GIVE_UP_AFTER_MS = 10_000;
/** How long the pictures of the past that a new viewer gets may take to come in. */
const SETTLE_MS = 1_500;
/** The server closes with it when the login has ended. */
const LOGGED_OUT_CLOSE = 4401;

/** One live picture over one WebSocket: connects, reconnects with back-off, keeps the playhead near now. */
export class LiveFeed {
  private socket: WebSocket | undefined;
  private buffer: LiveBuffer | undefined;
  private failures = 0;
  private refusals = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private ticker: ReturnType<typeof setInterval> | undefined;
  private lastPartMs = 0;
  private settled = false;
  private firstPartMs = 0;
  private partIntervalMs = 0;
  private current: FeedState = 'connecting';
  private stopped = true;

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly url: string,
    private readonly events: FeedEvents,
  ) {}

  start(): void {
    if (!this.stopped) return;
    this.stopped = false;
    this.ticker = setInterval(() => this.tick(), TICK_MS);
    this.connect();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.retry);
    clearInterval(this.ticker);
    this.socket?.close();
    this.socket = undefined;
    this.buffer?.close();
    this.buffer = undefined;
  }

  private connect(): void {
    if (this.stopped) return;
    if (this.current !== 'offline' && this.current !== 'refused') this.to('connecting');
    this.lastPartMs = 0;
    this.settled = false;
    this.firstPartMs = 0;
    const socket = new WebSocket(this.url);
    socket.binaryType = 'arraybuffer';
    this.socket = socket;
    socket.onmessage = (message: MessageEvent<string | ArrayBuffer>) => {
      if (this.socket !== socket) return;
      if (typeof message.data === 'string') this.text(message.data);
      else this.part(message.data);
    };
    socket.onclose = (event) => {
      if (event.code === LOGGED_OUT_CLOSE) toLogin();
      else if (this.current === 'refused') this.later(socket);
      else if (this.socket === socket) this.again();
    };
  }

  private again(reason = ''): void {
    if (this.stopped) return;
    const old = this.socket;
    this.socket = undefined;
    old?.close();
    this.buffer?.close();
    this.buffer = undefined;
    if (this.current !== 'offline') this.to('connecting', reason);
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.connect(), backoffMs(this.failures++));
  }

  private later(socket: WebSocket): void {
    if (this.stopped || this.socket !== socket) return;
    this.socket = undefined;
    this.retry = setTimeout(() => this.connect(), REFUSED_RETRY_MS);
  }

  private text(data: string): void {
    const message = readLiveText(data);
    switch (message.kind) {
      case 'codec':
        this.events.given(message.stream, hasSound(message.mime));
        this.open(message.mime);
        break;
      case 'refused':
        if (otherWayHelps(message.code)) this.impossible(message.message);
        else this.to('refused', message.message);
        break;
      case 'skip':
        this.buffer?.skip();
        break;
      case 'state':
        if (message.condition === 'offline') this.to('offline', message.reason, message.sinceMs);
        else if (this.current === 'offline') this.to('connecting');
        break;
      case 'unknown':
        break; // a newer server may say more than this page knows
    }
  }

  private open(mime: string): void {
    this.buffer?.close();
    if (!LiveBuffer.supports(mime)) {
      this.impossible(mime);
      return;
    }
    this.buffer = new LiveBuffer(
      this.video,
      mime,
      (reason) => this.refusedBy(reason),
      () => this.again(),
    );
  }

  private refusedBy(reason: string): void {
    if (++this.refusals >= MAX_REFUSALS) this.impossible(reason);
    else this.again(reason);
  }

  private impossible(what: string): void {
    this.socket?.close(UNSUPPORTED_CLOSE);
    this.stop();
    this.events.unsupported(what);
  }

  private part(data: ArrayBuffer): void {
    const nowMs = performance.now();
    if (this.lastPartMs) {
      const intervalMs = Math.min(nowMs - this.lastPartMs, 1000);
      this.partIntervalMs = this.partIntervalMs ? this.partIntervalMs * 0.9 + intervalMs * 0.1 : intervalMs;
    }
    this.firstPartMs ||= nowMs;
    this.lastPartMs = nowMs;
    this.buffer?.append(data);
  }

  private tick(): void {
    const video = this.video;
    const buffered = spans(video.buffered);
    if (this.buffer && buffered.length) {
      const next = catchUp(video.currentTime, buffered, video.playbackRate, this.settled);
      this.settled = performance.now() - this.firstPartMs > SETTLE_MS;
      if (next.kind === 'jump') video.currentTime = next.to;
      else video.playbackRate = next.rate;
      if (video.paused) void video.play().catch(() => undefined); // muted autoplay may need a first touch
      this.events.latency(latencyS(video.currentTime, buffered, this.partIntervalMs));
    }
    if ((this.current === 'offline' || this.current === 'refused') && !this.fresh()) return;
    if (this.lastPartMs && this.fresh() && video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) {
      this.failures = 0;
      this.refusals = 0;
      this.to('live');
    } else if (this.current === 'live' && !this.fresh()) {
      this.to('stalled', '', Date.now() - (performance.now() - this.lastPartMs));
    } else if (this.current === 'stalled' && performance.now() - this.lastPartMs > GIVE_UP_AFTER_MS) {
      this.again(); // a half-open connection never says that it is closed
    }
  }

  private fresh(): boolean {
    return performance.now() - this.lastPartMs < STALLED_AFTER_MS && this.lastPartMs > 0;
  }

  private to(state: FeedState, reason = '', sinceMs = 0): void {
    if (state === this.current && !reason) return;
    this.current = state;
    if (state !== 'live') this.events.latency(null);
    this.events.state(state, reason, sinceMs);
  }
}
