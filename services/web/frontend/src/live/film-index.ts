/** Which second of a camera lies where: pieces of recordings on one continuous time. */

export interface FilmPart {
  recording_id: string;
  uri: string;
  mime: string;
  init_bytes: number;
  finished: boolean;
  /** `[utc_ms, time_ms, duration_ms, offset, size]`, each from one keyframe to the next. */
  segments: [number, number, number, number, number][];
}

export interface Film {
  recordingId: string;
  uri: string;
  mime: string;
  initBytes: number;
}

export interface Segment {
  film: Film;
  fromMs: number;
  toMs: number;
  /** Where the recording itself says that it is. */
  mediaMs: number;
  offset: number;
  size: number;
}

/** Asked for at once: a few hundred segments. */
export const WINDOW_MS = 20 * 60_000;
/** Less than this between two segments is the rhythm of frames, not something missing. */
export const HOLE_MS = 1_200;
const MAX_WINDOWS = 12;

/** Windows of the past as they were asked for; those not used for long go. */
export class FilmIndex {
  private readonly windows = new Map<number, { segments: Segment[]; askedMs: number; final: boolean }>();

  static key(ms: number): number {
    return Math.floor(ms / WINDOW_MS);
  }

  /** Whether the window of that moment has to be asked for (again: it was not over when it was asked for last). */
  missing(key: number, nowMs: number, againAfterMs: number): boolean {
    const found = this.windows.get(key);
    return !found || (!found.final && nowMs - found.askedMs >= againAfterMs);
  }

  /** Fills the window; `nowMs` is when it was asked for. */
  put(key: number, parts: readonly FilmPart[], nowMs: number): void {
    const fromMs = key * WINDOW_MS;
    const segments = parts.flatMap((part) => {
      const film = { recordingId: part.recording_id, uri: part.uri, mime: part.mime, initBytes: part.init_bytes };
      return part.segments.map(([utcMs, mediaMs, durationMs, offset, size]) => ({
        film,
        fromMs: utcMs,
        toMs: utcMs + durationMs,
        mediaMs,
        offset,
        size,
      }));
    });
    const mine = segments.filter((one) => one.fromMs >= fromMs && one.fromMs < fromMs + WINDOW_MS);
    mine.sort((a, b) => a.fromMs - b.fromMs);
    const final = nowMs > fromMs + WINDOW_MS + 120_000 && parts.every((part) => part.finished);
    this.windows.delete(key);
    this.windows.set(key, { segments: mine, askedMs: nowMs, final });
    const oldest = this.windows.size > MAX_WINDOWS ? this.windows.keys().next().value : undefined;
    if (oldest !== undefined) this.windows.delete(oldest);
  }

  /** The segment that shows this moment. */
  at(ms: number): Segment | null {
    const found = this.next(ms);
    return found && found.fromMs <= ms ? found : null;
  }

  /** The first segment that ends after this moment, as far as the windows beside it are known. */
  next(ms: number): Segment | null {
    const key = FilmIndex.key(ms);
    for (const each of [key - 1, key, key + 1]) {
      const segments = this.windows.get(each)?.segments ?? [];
      let low = 0;
      let high = segments.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((segments[middle]?.toMs ?? 0) > ms) high = middle;
        else low = middle + 1;
      }
      const found = segments[low];
      if (found) return found;
    }
    return null;
  }

  /** Nothing was recorded here, as far as is known: until when. */
  holeAfter(ms: number): number | null {
    const found = this.next(ms);
    return found && found.fromMs - ms > HOLE_MS ? found.fromMs : null;
  }
}
