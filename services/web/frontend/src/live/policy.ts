/** Decisions of the live player, kept free of the browser so that they can be tested. */

export const RATE_ABOVE_S = 1;
export const JUMP_ABOVE_S = 3;
export const CATCH_UP_RATE = 1.1;
/** Once it hurries, it does so until it is this near: one second would be settled for otherwise. */
export const CAUGHT_UP_S = 0.4;
/** A new viewer gets the whole group of pictures at once and starts at its end, not at its beginning. */
export const FIRST_JUMP_ABOVE_S = 0.5;
/** Where a jump lands behind the newest frame: enough not to run dry at once. */
export const JUMP_MARGIN_S = 0.15;
export const KEEP_BEHIND_S = 10;
export const TRIM_STEP_S = 4;
export const STALLED_AFTER_MS = 4_000;
export const MAX_QUEUED_BYTES = 8_000_000;
/** A viewer for whom there is no room asks again after this long. */
export const REFUSED_RETRY_MS = 10_000;
const BACKOFF_FIRST_MS = 400;
const BACKOFF_MAX_MS = 15_000;

/** Doubles from 0.4 s to 15 s, with up to 25 % shaved off so that many tiles do not come back as one. */
export function backoffMs(failures: number, random: () => number = Math.random): number {
  const full = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(failures, 10));
  return Math.round(full * (1 - 0.25 * random()));
}

export interface Span {
  start: number;
  end: number;
}

export type CatchUp = { kind: 'play'; rate: number } | { kind: 'jump'; to: number };

/**
 * What to do with the playhead at `position` given what is buffered (seconds, oldest first).
 * @param rate the present playback rate
 * @param settled false until the playhead has once been near the newest picture
 */
export function catchUp(position: number, buffered: readonly Span[], rate: number, settled: boolean): CatchUp {
  const newest = buffered.at(-1);
  if (!newest) return { kind: 'play', rate: 1 };
  const behind = newest.end - position;
  const outside = position < newest.start - 0.05 || behind < -0.05;
  if (outside || behind > (settled ? JUMP_ABOVE_S : FIRST_JUMP_ABOVE_S)) {
    return { kind: 'jump', to: Math.max(newest.start, newest.end - JUMP_MARGIN_S) };
  }
  return { kind: 'play', rate: behind > (rate > 1 ? CAUGHT_UP_S : RATE_ABOVE_S) ? CATCH_UP_RATE : 1 };
}

/** What to remove from the buffer, or null: in steps, because every removal costs a decoder its rest. */
export function trim(position: number, buffered: readonly Span[]): Span | null {
  const oldest = buffered[0];
  if (!oldest) return null;
  const end = position - KEEP_BEHIND_S;
  return end - oldest.start >= TRIM_STEP_S ? { start: oldest.start, end } : null;
}

/**
 * How old the picture on screen is, in seconds, as far as the browser can know: what waits in the buffer
 * plus one part (a part is sent when its last frame is complete). The camera's own delay is not in it.
 */
export function latencyS(position: number, buffered: readonly Span[], partIntervalMs: number): number | null {
  const newest = buffered.at(-1);
  return newest ? Math.max(0, newest.end - position) + partIntervalMs / 1000 : null;
}

/** What the server may send; a client asks for one of the first three and may be given another. */
export type LiveStream = 'main' | 'sub' | 'h264' | 'remote';

/** How a live picture gets on the screen, best first. */
export type Way = { by: 'mse'; stream: LiveStream } | { by: 'hls' } | { by: 'mjpeg' } | { by: 'stills' };

/**
 * What to try when `tried` does not work in this browser; null when nothing is left.
 * @param given the stream that the server really sent; its remote profile is H.264 already
 */
export function nextWay(tried: Way, given: LiveStream | '', nativeHls: boolean): Way | null {
  switch (tried.by) {
    case 'mse':
      if (tried.stream !== 'h264' && given !== 'remote') return { by: 'mse', stream: 'h264' };
      return nativeHls ? { by: 'hls' } : { by: 'mjpeg' };
    case 'hls':
      return { by: 'mjpeg' };
    case 'mjpeg':
      return { by: 'stills' };
    case 'stills':
      return null;
  }
}

/** The first way to try. */
export function firstWay(stream: LiveStream, mediaSource: boolean, nativeHls: boolean): Way {
  if (mediaSource) return { by: 'mse', stream };
  return nativeHls ? { by: 'hls' } : { by: 'mjpeg' };
}

/** Refused because of this stream, not because of this viewer: another way may still be open. */
export function otherWayHelps(code: string): boolean {
  return code === 'too_many_transcodes';
}

export function hasSound(mime: string): boolean {
  return /mp4a|opus|flac/i.test(mime);
}

export type LiveText =
  | { kind: 'codec'; mime: string; stream: LiveStream | '' }
  | { kind: 'refused'; code: string; message: string }
  | { kind: 'skip' }
  | { kind: 'state'; condition: string; reason: string; sinceMs: number }
  | { kind: 'unknown' };

/** Reads one text frame of the live socket; the state may be a word or a whole CameraState. */
export function readLiveText(text: string): LiveText {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return { kind: 'unknown' };
  }
  if (typeof body !== 'object' || body === null) return { kind: 'unknown' };
  const fields = body as Record<string, unknown>;
  if (typeof fields['codec'] === 'string') {
    return { kind: 'codec', mime: fields['codec'], stream: streamName(fields['stream']) };
  }
  const refused = fields['refused'];
  if (typeof refused === 'object' && refused !== null) {
    const why = refused as Record<string, unknown>;
    return { kind: 'refused', code: word(why['code']), message: word(why['message']) };
  }
  if (fields['skip'] === true) return { kind: 'skip' };
  const state = fields['state'];
  if (typeof state === 'string') {
    return { kind: 'state', condition: state, reason: word(fields['reason']), sinceMs: Number(fields['since_ms'] ?? 0) };
  }
  if (typeof state === 'object' && state !== null) {
    const whole = state as Record<string, unknown>;
    return {
      kind: 'state',
      condition: word(whole['condition']),
      reason: word(whole['reason']),
      sinceMs: Number(whole['since_ms'] ?? 0),
    };
  }
  return { kind: 'unknown' };
}

function streamName(value: unknown): LiveStream | '' {
  return value === 'main' || value === 'sub' || value === 'h264' || value === 'remote' ? value : '';
}

function word(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
