/** The axis of time: where a moment lies on the screen, which moments are written on it, and how finely events are counted. */

import { clock, clockSeconds, dayKey, dayRange, localOffsetMs, shortDayName, zoneName } from '../format';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

export const MIN_SPAN_MS = 20_000;
export const MAX_SPAN_MS = 31 * DAY_MS;
/** Where the playhead stands: more of what was than of what comes. */
export const ANCHOR = 0.7;

export interface View {
  fromMs: number;
  toMs: number;
}

export function viewAround(atMs: number, spanMs: number): View {
  return { fromMs: atMs - spanMs * ANCHOR, toMs: atMs + spanMs * (1 - ANCHOR) };
}

export function clampSpan(spanMs: number): number {
  return Math.min(MAX_SPAN_MS, Math.max(MIN_SPAN_MS, spanMs));
}

export const xOf = (view: View, widthPx: number, ms: number): number => ((ms - view.fromMs) / (view.toMs - view.fromMs)) * widthPx;
export const msAt = (view: View, widthPx: number, x: number): number => view.fromMs + (x / widthPx) * (view.toMs - view.fromMs);

/** Lengths that events are counted in; from five minutes on each is one that storage has counted already, or a multiple. */
const SLOTS_MS = [SECOND_MS, 5_000, 15_000, MINUTE_MS, 120_000, 300_000, 1_800_000, 10_800_000, DAY_MS];
const MOST_SLOTS = 400;

export function slotMs(spanMs: number): number {
  return SLOTS_MS.find((slot) => spanMs / slot <= MOST_SLOTS) ?? DAY_MS;
}

export interface Tick {
  ms: number;
  label: string;
  /** The beginning of a day of the house. */
  day: boolean;
}

const FINE_MS = [1, 2, 5, 10, 15, 30].map((s) => s * SECOND_MS).concat([1, 2, 5, 10, 15, 30, 60].map((m) => m * MINUTE_MS));
const HOURS = [2, 3, 6, 12];
const DAYS = [1, 2, 7];

/** Moments to write on the axis, none nearer than `leastPx` to the next. Hours are those of the house's clocks. */
export function ticks(view: View, widthPx: number, leastPx = 84): Tick[] {
  const leastMs = ((view.toMs - view.fromMs) / widthPx) * leastPx;
  const fine = FINE_MS.find((step) => step >= leastMs);
  if (fine) return stepped(view, fine).map((ms) => tick(ms, fine < MINUTE_MS));
  const hours = HOURS.find((step) => step * HOUR_MS >= leastMs);
  if (hours) {
    return stepped(view, HOUR_MS)
      .filter((ms) => hourOf(ms) % hours === 0 && hourOf(ms - HOUR_MS) !== hourOf(ms))
      .map((ms) => tick(ms, false));
  }
  const days = DAYS.find((step) => step * DAY_MS >= leastMs) ?? 7;
  return midnights(view)
    .filter((ms) => Math.round((ms + localOffsetMs(ms)) / DAY_MS) % days === 0)
    .map((ms) => tick(ms, false));
}

/** Whole steps of the house's clocks, followed through a change of them. */
function stepped(view: View, stepMs: number): number[] {
  const found: number[] = [];
  const offset = localOffsetMs(view.fromMs);
  for (let ms = Math.ceil((view.fromMs + offset) / stepMs) * stepMs - offset; ms <= view.toMs; ms += stepMs) found.push(ms);
  return found;
}

function midnights(view: View): number[] {
  const found: number[] = [];
  let day = dayRange(dayKey(view.fromMs));
  while (day && day.fromMs <= view.toMs) {
    if (day.fromMs >= view.fromMs) found.push(day.fromMs);
    day = dayRange(dayKey(day.toMs));
  }
  return found;
}

function tick(ms: number, seconds: boolean): Tick {
  const time = seconds ? clockSeconds(ms) : clock(ms);
  if (clock(ms) === '00:00' && ms % MINUTE_MS === 0) return { ms, label: shortDayName(ms), day: true };
  return { ms, label: twice(ms) ? `${time} ${zoneName(ms)}` : time, day: false };
}

/** Whether the clocks of the house show this time twice that day. */
export function twice(ms: number): boolean {
  const time = clock(ms);
  return time === clock(ms + HOUR_MS) || time === clock(ms - HOUR_MS);
}

function hourOf(ms: number): number {
  return Math.floor((((ms + localOffsetMs(ms)) % DAY_MS) + DAY_MS) % DAY_MS / HOUR_MS);
}

/** What a text field for date and time holds: `2026-03-29T14:05:00`, by the house's clocks. */
export function wallText(ms: number): string {
  return new Date(ms + localOffsetMs(ms)).toISOString().slice(0, 19);
}

/**
 * The moment that such a text names. Of an hour that comes twice the first; of one that the clocks leave out, as long
 * after midnight as it says. Null for no date.
 */
export function wallMs(text: string): number | null {
  const match = /^(\d{4}-\d{2}-\d{2})T(\d{2}):(\d{2})(?::(\d{2}))?/.exec(text);
  const day = match ? dayRange(match[1] ?? '') : null;
  if (!match || !day) return null;
  const intoMs = Number(match[2]) * HOUR_MS + Number(match[3]) * MINUTE_MS + Number(match[4] ?? 0) * SECOND_MS;
  const plain = day.fromMs + intoMs;
  const wanted = text.slice(0, 16);
  for (const ms of [plain - HOUR_MS, plain, plain + HOUR_MS, plain - HOUR_MS / 2, plain + HOUR_MS / 2]) {
    if (wallText(ms).slice(0, 16) === wanted) return ms;
  }
  return plain;
}
