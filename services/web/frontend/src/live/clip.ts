/** Where a clip begins to play, so that the moment before the event shows. */

export const PRE_ROLL_MS = 5_000;

/** Seconds into the recording: the pre-roll's start, never before the recording's own. */
export function playFromS(offsetMs: number | null): number {
  return Math.max(0, (offsetMs ?? 0) - PRE_ROLL_MS) / 1000;
}

/** Seconds into the recording at which the event began, or null when that is not known. */
export function onsetS(offsetMs: number | null): number | null {
  return offsetMs === null || offsetMs < 0 ? null : offsetMs / 1000;
}
