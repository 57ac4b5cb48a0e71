/** What a number was over time: pages of the API made into one line. */

export interface Reading {
  ts_ms: number;
  value: number;
}

export interface HistoryPage {
  items: Reading[];
  next: string | null;
}

export const SPAN_MS = 86_400_000;
/** More than this is not fetched; a sensor that talks more often shows a shorter past. */
export const MAX_PAGES = 5;

/** Oldest first. */
export async function readings(page: (cursor: string | null) => Promise<HistoryPage>): Promise<Reading[]> {
  const found: Reading[] = [];
  let cursor: string | null = null;
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const news: HistoryPage = await page(cursor);
    found.push(...news.items);
    cursor = news.next;
    if (!cursor) break;
  }
  return found.reverse();
}

export interface Line {
  /** Points of an SVG polyline. */
  points: string;
  least: number;
  most: number;
  fromMs: number;
  toMs: number;
}

/** The value holds until the next reading: a line of steps. Null where there is nothing to draw. */
export function stepLine(all: readonly Reading[], nowMs: number, width: number, height: number): Line | null {
  const first = all[0];
  if (!first) return null;
  const values = all.map((reading) => reading.value);
  const least = Math.min(...values);
  const most = Math.max(...values);
  const spanMs = Math.max(1, nowMs - first.ts_ms);
  const room = most - least || 1;
  const x = (ms: number): number => round((width * (ms - first.ts_ms)) / spanMs);
  const y = (value: number): number => round(most === least ? height / 2 : height * (1 - (value - least) / room));
  const points: string[] = [];
  for (const [at, reading] of all.entries()) {
    points.push(`${x(reading.ts_ms)},${y(reading.value)}`, `${x(all[at + 1]?.ts_ms ?? nowMs)},${y(reading.value)}`);
  }
  return { points: points.join(' '), least, most, fromMs: first.ts_ms, toMs: nowMs };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
