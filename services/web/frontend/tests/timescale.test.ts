import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { dayRange, setTimeZone } from '../src/format';
import { ANCHOR, clampSpan, MAX_SPAN_MS, MIN_SPAN_MS, msAt, slotMs, ticks, viewAround, wallMs, wallText, xOf } from '../src/live/timescale';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const day = (key: string): { fromMs: number; toMs: number } => dayRange(key) ?? { fromMs: NaN, toMs: NaN };

describe('the axis of time', () => {
  beforeAll(() => setTimeZone('Europe/Vienna'));
  afterAll(() => setTimeZone('UTC'));

  it('finds the moment under a pixel again', () => {
    const view = viewAround(1_000_000, 10_000);
    expect(xOf(view, 500, 1_000_000)).toBeCloseTo(500 * ANCHOR);
    expect(msAt(view, 500, xOf(view, 500, 998_000))).toBeCloseTo(998_000);
    expect([clampSpan(1), clampSpan(1e15)]).toEqual([MIN_SPAN_MS, MAX_SPAN_MS]);
  });

  it('counts long spans only in slots that storage has counted', () => {
    expect(slotMs(HOUR)).toBe(15_000);
    for (const span of [DAY, 3 * DAY, 7 * DAY, 31 * DAY]) {
      const slot = slotMs(span);
      expect(slot % 300_000).toBe(0);
      expect(span / slot).toBeLessThanOrEqual(400);
    }
  });

  it('shows 25 hours on the day the clocks go back, and which of the two is meant', () => {
    const { fromMs, toMs } = day('2026-10-25');
    expect(toMs - fromMs).toBe(25 * HOUR);
    const hours = ticks({ fromMs, toMs: toMs - 1 }, 2_500).map((tick) => tick.label);
    expect(hours).toHaveLength(25);
    expect(hours.slice(0, 5)).toEqual(['Sun 25 Oct', '01:00', '02:00 CEST', '02:00 CET', '03:00']);
    expect(new Set(hours).size).toBe(25);
  });

  it('shows 23 hours on the day the clocks go forward, and no hour that was not', () => {
    const { fromMs, toMs } = day('2026-03-29');
    expect(toMs - fromMs).toBe(23 * HOUR);
    const hours = ticks({ fromMs, toMs: toMs - 1 }, 2_300).map((tick) => tick.label);
    expect(hours).toHaveLength(23);
    expect(hours.slice(0, 4)).toEqual(['Sun 29 Mar', '01:00', '03:00', '04:00']);
  });

  it('keeps to the hours of the clock through a change: every third, each once', () => {
    const { fromMs, toMs } = day('2026-10-25');
    const labels = ticks({ fromMs: fromMs - DAY, toMs: toMs + DAY - 1 }, 2_200).map((tick) => tick.label);
    expect(labels).toEqual(
      ['Sat 24', 'Sun 25', 'Mon 26'].flatMap((name) => [
        expect.stringContaining(name) as string,
        ...['03:00', '06:00', '09:00', '12:00', '15:00', '18:00', '21:00'],
      ]),
    );
  });

  it('writes days at their own midnights', () => {
    const { fromMs } = day('2026-10-23');
    const found = ticks({ fromMs, toMs: fromMs + 5 * DAY }, 600);
    expect(found.map((tick) => tick.ms)).toEqual(['23', '24', '25', '26', '27'].map((d) => day(`2026-10-${d}`).fromMs));
    expect(found.every((tick) => tick.day)).toBe(true);
  });

  it('never puts two labels nearer than asked', () => {
    for (const span of [30_000, 600_000, HOUR, 5 * HOUR, DAY, 7 * DAY, 31 * DAY]) {
      const view = viewAround(Date.UTC(2026, 5, 1), span);
      const found = ticks(view, 390);
      expect(found.length).toBeGreaterThan(0);
      for (const [at, tick] of found.entries()) {
        const before = found[at - 1];
        if (before) expect(xOf(view, 390, tick.ms) - xOf(view, 390, before.ms)).toBeGreaterThan(70);
      }
    }
  });

  it('reads and writes the time of the house', () => {
    const summer = Date.UTC(2026, 6, 1, 12, 5, 7);
    expect(wallText(summer)).toBe('2026-07-01T14:05:07');
    expect(wallMs('2026-07-01T14:05:07')).toBe(summer);
    expect(wallMs('2026-07-01T14:05')).toBe(summer - 7_000);
    expect(wallMs('nothing')).toBeNull();
    expect(wallMs('2026-02-31')).toBeNull();
  });

  it('takes the first of two equal times, and moves on from one that is left out', () => {
    expect(wallMs('2026-10-25T02:30')).toBe(Date.UTC(2026, 9, 25, 0, 30));
    expect(wallMs('2026-10-25T03:30')).toBe(Date.UTC(2026, 9, 25, 2, 30));
    expect(wallMs('2026-03-29T02:30')).toBe(Date.UTC(2026, 2, 29, 1, 30));
    expect(wallText(Date.UTC(2026, 2, 29, 1, 30))).toBe('2026-03-29T03:30:00');
  });
});
