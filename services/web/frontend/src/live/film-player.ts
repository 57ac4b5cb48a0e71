import { api } from '../api/client';
import { FilmIndex, HOLE_MS, WINDOW_MS, type Film, type Segment } from './film-index';
import { rangeOf, updated } from './film-parts';
import { mediaSourceClass, spans } from './mse';

const DAY_MS = 86_400_000;
/** How far ahead of the playhead is fetched, and how much is kept behind it. */
const AHEAD_MS = 20_000;
const BEHIND_MS = 30_000;
const TICK_MS = 200;
/** A window that is not over yet is asked for again. */
const GROWS_EVERY_MS = 1_500;
/** Nearer to now than this is for the live picture. */
export const EDGE_MS = 6_000;
const MAX_INITS = 8;
const RETRY_MS = 1_500;
const COVER_STEP_MS = 7 * DAY_MS;

export type FilmState = 'loading' | 'ready' | 'gap' | 'edge' | 'failed';

export interface FilmEvents {
  /** `reason` of a gap or a failure, in words. */
  state(state: FilmState, reason: string): void;
}

/** What lies where nothing can be shown. */
export interface Gap {
  fromMs: number;
  /** Null: nothing was recorded since. */
  toMs: number | null;
  reason: string;
}

/** This browser can fill its buffers itself; others have the page of each recording. */
export const playsFilm = (): boolean => mediaSourceClass() !== undefined;

/**
 * Plays the recordings of one camera on one continuous time: media time of the <video> is wall time, so a gap between
 * recordings is a gap in the buffer, and two recordings that follow one another are one film.
 */
export class FilmPlayer {
  /** Which gap the playhead stands in. */
  gap: Gap | null = null;
  private readonly index = new FilmIndex();
  private source: MediaSource | undefined;
  private url = '';
  private buffer: SourceBuffer | undefined;
  private baseMs = 0;
  private mime = '';
  private lastFilm = '';
  private readonly inits = new Map<string, ArrayBuffer>();
  private appended = new Set<string>();
  private abort = new AbortController();
  private busy = false;
  private closed = false;
  private turn = 0;
  private sought = false;
  private targetMs = 0;
  private state: FilmState = 'loading';
  private readonly ticker: ReturnType<typeof setInterval>;
  private retryAt = 0;
  private readonly asking = new Map<number, Promise<void>>();
  /** Until the piece that was begun before has left the buffer alone. */
  private last: Promise<void> = Promise.resolve();
  private readonly listening = new AbortController();

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly cameraId: string,
    private readonly events: FilmEvents,
    /** What the server's clock says. */
    private readonly now: () => number = Date.now,
  ) {
    this.ticker = setInterval(() => this.tick(), TICK_MS);
    // A picture that is there is told at once: the ticker alone would make a seek look a fifth of a second slower.
    for (const name of ['loadeddata', 'seeked', 'canplay']) {
      video.addEventListener(name, () => this.settle(), { signal: this.listening.signal });
    }
  }

  /** Wall time of the picture. */
  get atMs(): number {
    return this.gap || !this.source ? this.targetMs : this.baseMs + this.video.currentTime * 1000;
  }

  get ready(): boolean {
    return this.state === 'ready' && this.video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA && !this.video.seeking;
  }

  /** Somebody may go there next: what a seek needs besides the film itself is fetched. Nothing is shown. */
  prepare(ms: number): void {
    if (this.closed) return;
    if (!this.source) {
      this.targetMs = ms;
      this.open(ms);
    }
    this.know(ms).catch(() => undefined); // the seek asks again, and tells
  }

  seek(ms: number): void {
    if (this.closed) return;
    this.sought = true;
    this.targetMs = ms;
    this.gap = null;
    const inside = ms > this.baseMs && ms < this.baseMs + 2 * DAY_MS;
    if (!this.source || !inside) this.open(ms);
    const seconds = (ms - this.baseMs) / 1000;
    const buffered = spans(this.video.buffered).some((one) => one.start <= seconds && seconds < one.end - 0.05);
    if (!buffered) {
      this.appended = this.without(ms, ms + 1); // whatever became of it, it is wanted now
      this.turn++;
      this.abort.abort();
      this.abort = new AbortController();
      this.busy = false;
      this.to('loading');
    }
    if (this.source?.readyState === 'open' || buffered) this.video.currentTime = seconds;
    this.retryAt = 0;
    void this.pump();
  }

  destroy(): void {
    this.closed = true;
    this.turn++;
    clearInterval(this.ticker);
    this.listening.abort();
    this.abort.abort();
    this.close();
  }

  private open(ms: number): void {
    this.close();
    const Source = mediaSourceClass();
    if (!Source) return;
    this.baseMs = ms - DAY_MS;
    const source = new Source();
    this.source = source;
    this.url = URL.createObjectURL(source);
    source.addEventListener(
      'sourceopen',
      () => {
        if (this.source !== source) return;
        source.duration = (2 * DAY_MS) / 1000;
        this.video.currentTime = (this.targetMs - this.baseMs) / 1000;
        void this.pump();
      },
      { once: true },
    );
    this.video.disableRemotePlayback = true; // ManagedMediaSource opens only with this or an AirPlay alternative
    this.video.src = this.url;
  }

  private close(): void {
    this.source = undefined;
    this.buffer = undefined;
    this.mime = this.lastFilm = '';
    this.appended = new Set();
    if (!this.url) return;
    URL.revokeObjectURL(this.url);
    this.url = '';
    this.video.removeAttribute('src');
    this.video.load();
  }

  private tick(): void {
    if (this.closed || !this.source) return;
    this.nudge();
    this.settle();
    void this.pump();
  }

  private settle(): void {
    if (this.closed || !this.source || this.gap || this.state !== 'loading' || this.video.seeking) return;
    if (this.video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) this.to('ready');
  }

  /** Over the small hole between two recordings. */
  private nudge(): void {
    if (this.video.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA || this.gap) return;
    const at = this.video.currentTime;
    const next = spans(this.video.buffered).find((one) => one.start > at && one.start - at < HOLE_MS / 1000);
    const inside = spans(this.video.buffered).some((one) => one.start <= at && at < one.end - 0.1);
    if (next && !inside) this.video.currentTime = next.start + 0.01;
  }

  /** Fetches what is needed next, one piece after the other. */
  private async pump(): Promise<void> {
    if (this.busy || this.closed || !this.sought || this.source?.readyState !== 'open' || this.now() < this.retryAt) return;
    this.busy = true;
    const turn = this.turn;
    const { signal } = this.abort;
    const before = this.last;
    let done = (): void => undefined;
    this.last = new Promise((resolve) => (done = resolve));
    try {
      for (let pieces = 0; pieces < 100 && turn === this.turn; pieces++) {
        if (!(await this.step(turn, signal, before))) break;
      }
    } catch (error) {
      if (!signal.aborted && turn === this.turn) {
        this.retryAt = this.now() + RETRY_MS;
        this.to('failed', error instanceof Error ? error.message : String(error));
      }
    } finally {
      void before.then(done);
      if (turn === this.turn) this.busy = false;
    }
  }

  /** One piece; false when nothing more is wanted for now. */
  private async step(turn: number, signal: AbortSignal, before: Promise<void>): Promise<boolean> {
    const fromMs = this.gap ? this.targetMs : this.atMs;
    const reachedMs = this.bufferedUntil(fromMs);
    if (reachedMs - fromMs > AHEAD_MS * Math.max(1, this.video.playbackRate)) return false;
    await this.know(reachedMs);
    if (turn !== this.turn) return true;
    const segment = this.wanted(reachedMs);
    if (!segment || segment.fromMs - reachedMs > HOLE_MS) {
      if (reachedMs - fromMs < 300) await this.nothingHere(fromMs, segment, turn);
      return false;
    }
    if (this.gap) {
      this.gap = null;
      this.to('loading');
    }
    await this.append(segment, turn, signal, before);
    if (this.state === 'failed') this.to('loading');
    return true;
  }

  private wanted(reachedMs: number): Segment | null {
    let segment = this.index.next(reachedMs + 40);
    // What was put in once is not put in again, whatever the browser made of its borders.
    for (let skipped = 0; segment && this.appended.has(keyOf(segment)) && skipped < 20; skipped++) {
      segment = this.index.next(segment.toMs + 1);
    }
    return segment;
  }

  private bufferedUntil(ms: number): number {
    let reached = ms;
    for (const one of spans(this.video.buffered)) {
      const start = this.baseMs + one.start * 1000;
      const end = this.baseMs + one.end * 1000;
      if (start <= reached + HOLE_MS && end > reached) reached = end;
    }
    return reached;
  }

  private async know(ms: number): Promise<void> {
    const first = FilmIndex.key(ms - 15_000);
    const last = FilmIndex.key(ms + AHEAD_MS);
    // A window that still grows is asked for again only when what is known of it is used up.
    const grown = this.index.next(ms + 40) ? Infinity : GROWS_EVERY_MS;
    const asked: Promise<void>[] = [];
    for (let key = first; key <= last; key++) {
      if (this.asking.has(key) || this.index.missing(key, this.now(), grown)) asked.push(this.ask(key));
    }
    await Promise.all(asked);
  }

  /** Once for all who want it: another moment that is sought in between mostly lies in the same window. */
  private ask(key: number): Promise<void> {
    const running = this.asking.get(key);
    if (running) return running;
    const askedMs = this.now();
    const asked = api
      .film(this.cameraId, key * WINDOW_MS, (key + 1) * WINDOW_MS, this.listening.signal)
      .then((parts) => this.index.put(key, parts, askedMs))
      .finally(() => this.asking.delete(key));
    this.asking.set(key, asked);
    return asked;
  }

  private async append(segment: Segment, turn: number, signal: AbortSignal, before: Promise<void>): Promise<void> {
    const [init, response] = await Promise.all([
      this.init(segment.film, signal),
      rangeOf(segment.film.uri, segment.offset, segment.size, signal),
    ]);
    await before;
    if (turn !== this.turn) return;
    const buffer = this.bufferFor(segment.film.mime);
    if (segment.film.recordingId !== this.lastFilm) {
      await this.put(buffer, init);
      this.lastFilm = segment.film.recordingId;
    }
    const reader = response.body?.getReader();
    if (!reader || turn !== this.turn) return;
    buffer.timestampOffset = (segment.fromMs - segment.mediaMs - this.baseMs) / 1000;
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        if (turn !== this.turn) throw new DOMException('another moment is wanted', 'AbortError');
        await this.put(buffer, value);
      }
      this.appended.add(keyOf(segment));
    } catch (error) {
      // Half a fragment must not be glued to the next one.
      if (this.source?.readyState === 'open') buffer.abort();
      throw error;
    }
  }

  private bufferFor(mime: string): SourceBuffer {
    const source = this.source;
    if (!source) throw new Error('closed');
    if (!this.buffer) {
      this.buffer = source.addSourceBuffer(mime);
      this.mime = mime;
    } else if (this.mime !== mime) {
      this.buffer.changeType(mime);
      this.mime = mime;
    }
    return this.buffer;
  }

  private async init(film: Film, signal: AbortSignal): Promise<ArrayBuffer> {
    let init = this.inits.get(film.recordingId);
    if (!init) {
      init = await (await rangeOf(film.uri, 0, film.initBytes, signal)).arrayBuffer();
      this.inits.set(film.recordingId, init);
      const oldest = this.inits.size > MAX_INITS ? this.inits.keys().next().value : undefined;
      if (oldest !== undefined) this.inits.delete(oldest);
    }
    return init;
  }

  private async put(buffer: SourceBuffer, data: BufferSource): Promise<void> {
    await this.trim(buffer, BEHIND_MS);
    try {
      buffer.appendBuffer(data);
    } catch (error) {
      if (!(error instanceof DOMException) || error.name !== 'QuotaExceededError') throw error;
      await this.trim(buffer, 2_000, true);
      buffer.appendBuffer(data);
    }
    await updated(buffer);
  }

  /** What lies far behind the playhead goes; with `ahead` also what lies far before it. */
  private async trim(buffer: SourceBuffer, behindMs: number, ahead = false): Promise<void> {
    const at = this.video.currentTime;
    // Before it is where it was sent, the playhead says nothing of what may go.
    if (!ahead && (this.video.seeking || this.video.readyState < HTMLMediaElement.HAVE_METADATA)) return;
    for (const one of spans(buffer.buffered)) {
      const end = Math.min(one.end, at - behindMs / 1000);
      if (end - one.start > 4) await this.remove(buffer, one.start, end);
      if (one.start > at + (ahead ? 5 : 120)) await this.remove(buffer, one.start, one.end);
    }
  }

  private async remove(buffer: SourceBuffer, start: number, end: number): Promise<void> {
    buffer.remove(start, end);
    await updated(buffer);
    this.appended = this.without(this.baseMs + start * 1000, this.baseMs + end * 1000);
  }

  private without(fromMs: number, toMs: number): Set<string> {
    return new Set([...this.appended].filter((key) => !overlaps(key, fromMs, toMs)));
  }

  private async nothingHere(atMs: number, next: Segment | null, turn: number): Promise<void> {
    if (this.now() - atMs < EDGE_MS * 2) {
      this.to(this.now() - atMs < EDGE_MS ? 'edge' : 'loading');
      return;
    }
    if (this.gap && (this.gap.toMs !== null || this.now() - atMs > WINDOW_MS)) return;
    const gap = await this.look(atMs, next);
    if (turn !== this.turn) return;
    this.targetMs = atMs;
    this.gap = gap;
    this.to('gap', gap.reason);
  }

  /** Why nothing is here, and where it goes on. */
  private async look(atMs: number, next: Segment | null): Promise<Gap> {
    const toMs = next?.fromMs ?? Math.min(atMs + COVER_STEP_MS, this.now());
    // A long time is told coarsely: it is only asked where it goes on.
    const { spans: found } = await api.coverage(this.cameraId, Math.floor(atMs), Math.ceil(toMs), next ? 1 : 60_000);
    const reason = found.find((one) => one.state !== 'recorded')?.reason ?? '';
    const again = found.find((one) => one.state === 'recorded' && one.to_ms > atMs + HOLE_MS && one.from_ms > atMs);
    return { fromMs: atMs, toMs: next?.fromMs ?? again?.from_ms ?? null, reason };
  }

  private to(state: FilmState, reason = ''): void {
    if (state === this.state && !reason) return;
    this.state = state;
    this.events.state(state, reason);
  }
}

const keyOf = (segment: Segment): string => `${segment.fromMs}/${segment.toMs}/${segment.film.recordingId}`;

function overlaps(key: string, fromMs: number, toMs: number): boolean {
  const [start = 0, end = 0] = key.split('/', 2).map(Number);
  return start < toMs && end > fromMs;
}
