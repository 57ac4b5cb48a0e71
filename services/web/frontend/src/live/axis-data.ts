import { api, type EventQuery } from '../api/client';
import type { CoverageSpan, TimelineAnswer } from '../api/types';
import { slotMs, type View } from './timescale';

/** So much more than is seen is fetched on each side, so that a finger finds it there. */
const MARGIN = 0.75;
const FRESH_MS = 5_000;
const AFTER_MS = 90;
/** Of a span that is longer than this recordings are joined. */
const COARSE_MS = 6 * 3_600_000;

export interface AxisFilter extends Pick<EventQuery, 'class' | 'zone' | 'type' | 'severity' | 'pet' | 'person'> {
  curves?: boolean;
}

/** What the axis shows: the newest answer for the view, kept until a better one is there. */
export class AxisData {
  timeline: TimelineAnswer | null = null;
  readonly coverage = new Map<string, { fromMs: number; toMs: number; spans: CoverageSpan[] }>();
  /** In words; empty while answers come. */
  error = '';
  private asked = '';
  private askedMs = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private abort: AbortController | undefined;
  private wish: { view: View; cameras: readonly string[]; filter: AxisFilter } | undefined;

  constructor(private readonly changed: () => void) {}

  /** Asks for what is not there yet; a finger that moves on is waited for. */
  want(view: View, cameras: readonly string[], filter: AxisFilter): void {
    const moving = this.wish && this.wish.view.toMs - this.wish.view.fromMs === view.toMs - view.fromMs;
    this.wish = { view, cameras, filter };
    if (this.covers(view, cameras, filter)) return;
    if (this.timer !== undefined) return;
    this.timer = setTimeout(() => void this.load(), moving || this.timeline ? AFTER_MS : 0);
  }

  /** Something happened: what is shown may be out of date. */
  stale(): void {
    this.asked = '';
    if (this.wish) this.want(this.wish.view, this.wish.cameras, this.wish.filter);
  }

  close(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.abort?.abort();
  }

  private key(view: View, cameras: readonly string[], filter: AxisFilter): string {
    return JSON.stringify([slotMs(view.toMs - view.fromMs), cameras, filter]);
  }

  private covers(view: View, cameras: readonly string[], filter: AxisFilter): boolean {
    const had = this.timeline;
    if (!had || this.asked !== this.key(view, cameras, filter)) return false;
    const spanMs = view.toMs - view.fromMs;
    const young = view.toMs < Date.now() || Date.now() - this.askedMs < FRESH_MS;
    return young && had.from_ms <= Math.max(0, view.fromMs - spanMs * 0.1) && had.to_ms >= view.toMs + spanMs * 0.1;
  }

  private async load(): Promise<void> {
    const wish = this.wish;
    if (!wish) return;
    const { view, cameras, filter } = wish;
    const spanMs = view.toMs - view.fromMs;
    const slot = slotMs(spanMs);
    const fromMs = Math.max(0, Math.floor((view.fromMs - spanMs * MARGIN) / slot) * slot);
    const toMs = Math.ceil((view.toMs + spanMs * MARGIN) / slot) * slot;
    this.abort?.abort();
    const abort = (this.abort = new AbortController());
    const key = this.key(view, cameras, filter);
    const { curves, ...words } = filter;
    const asked = { ...words, camera: cameras.join(','), from_ms: fromMs, to_ms: toMs, slot_ms: slot };
    const events = api.timeline({ ...asked, ...(curves ? { curves: 'true' } : {}) }, abort.signal);
    try {
      this.timeline = await events;
      this.asked = key;
      this.askedMs = Date.now();
      this.error = '';
      this.changed();
      await Promise.all(cameras.map((camera) => this.cover(camera, fromMs, toMs, spanMs, slot, abort.signal)));
    } catch (error) {
      if (!abort.signal.aborted) this.error = error instanceof Error ? error.message : String(error);
    } finally {
      this.timer = undefined;
      this.changed();
      if (this.wish && this.wish !== wish && !this.error) this.want(this.wish.view, this.wish.cameras, this.wish.filter);
    }
  }

  private async cover(camera: string, fromMs: number, toMs: number, spanMs: number, slot: number, signal: AbortSignal): Promise<void> {
    const until = Math.min(toMs, Date.now());
    if (until <= fromMs) return;
    const { spans } = await api.coverage(camera, fromMs, until, spanMs > COARSE_MS ? slot : 1);
    if (signal.aborted) return;
    this.coverage.set(camera, { fromMs, toMs: until, spans });
    this.changed();
  }
}
