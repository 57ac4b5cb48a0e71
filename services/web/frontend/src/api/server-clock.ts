/** What time it is in the house: a browser's clock may be off by hours. */

/** The header says whole seconds, and the answer took a while. */
const TOLERANCE_MS = 3_000;

let offsetMs = 0;

/** @param date the `Date` header of an answer that came at `nowMs`. */
export function heardServer(date: string | null, nowMs = Date.now()): void {
  const server = date ? Date.parse(date) : NaN;
  if (Number.isNaN(server)) return;
  const off = server - nowMs;
  offsetMs = Math.abs(off) > TOLERANCE_MS ? off : 0;
}

export const serverNow = (): number => Date.now() + offsetMs;
