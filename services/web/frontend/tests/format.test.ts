import { beforeEach, describe, expect, it } from 'vitest';

import { ago, bytes, clock, dayKey, dayRange, dayTitle, duration, place, secondsLeft, setTimeZone, timecode } from '../src/format';

const HOUR_MS = 3_600_000;
const at = (iso: string): number => Date.parse(iso);

beforeEach(() => setTimeZone('Europe/Berlin'));

describe('times', () => {
  it('are those of the house, not of the device', () => {
    expect(clock(at('2026-07-01T22:30:00Z'))).toBe('00:30');
    expect(dayKey(at('2026-07-01T22:30:00Z'))).toBe('2026-07-02');
    setTimeZone('America/New_York');
    expect(clock(at('2026-07-01T22:30:00Z'))).toBe('18:30');
  });
  it('name today, yesterday and older days', () => {
    const now = at('2026-07-02T10:00:00Z');
    expect(dayTitle(at('2026-07-01T22:30:00Z'), now)).toBe('Today');
    expect(dayTitle(at('2026-07-01T12:00:00Z'), now)).toBe('Yesterday');
    expect(dayTitle(at('2026-06-01T12:00:00Z'), now)).toContain('June 2026');
  });
  it('count down to nothing, and never below it', () => {
    expect(secondsLeft(61_400, 1_000)).toBe(61);
    expect(secondsLeft(1_001, 1_000)).toBe(1);
    expect(secondsLeft(0, 1_000)).toBe(0);
  });
  it('are relative for an hour, then a clock, then a date', () => {
    const now = at('2026-07-02T10:00:00Z');
    expect(ago(now - 20_000, now)).toBe('just now');
    expect(ago(now - 5 * 60_000, now)).toBe('5 min ago');
    expect(ago(now - 2 * HOUR_MS, now)).toBe('10:00');
    expect(ago(now - 48 * HOUR_MS, now)).toBe('30 Jun, 12:00');
  });
  it('of an unknown zone fall back to the device’s own', () => {
    setTimeZone('Not/AZone');
    expect(clock(at('2026-07-01T22:30:00Z'))).toMatch(/^\d\d:\d\d$/);
  });
});

describe('a day to filter by', () => {
  it('is 24 hours long, and 23 or 25 when clocks change', () => {
    const hours = (key: string): number => {
      const range = dayRange(key);
      return range ? (range.toMs - range.fromMs) / HOUR_MS : 0;
    };
    expect(hours('2026-07-02')).toBe(24);
    expect(hours('2026-03-29')).toBe(23);
    expect(hours('2026-10-25')).toBe(25);
  });
  it('begins at midnight of the house', () => {
    expect(dayRange('2026-07-02')?.fromMs).toBe(at('2026-07-01T22:00:00Z'));
    setTimeZone('Pacific/Auckland');
    expect(dayRange('2026-07-02')?.fromMs).toBe(at('2026-07-01T12:00:00Z'));
    setTimeZone('America/Los_Angeles');
    expect(dayRange('2026-11-01')?.fromMs).toBe(at('2026-11-01T07:00:00Z'));
  });
  it.each(['', 'today', '2026-13', '2026-7-2'])('is none for %j', (text) => expect(dayRange(text)).toBeNull());
});

describe('numbers', () => {
  it('read as people say them', () => {
    expect([0, 850, 1400, 42_000, 185_000, 7_800_000, 273_600_000].map(duration)).toEqual(['0 ms', '850 ms', '1.4 s', '42 s', '3 min 5 s', '2 h 10 min', '3 d 4 h']);
    expect([0, 512, 1_400_000, 212e9].map(bytes)).toEqual(['0 B', '512 B', '1.4 MB', '212 GB']);
    expect([7, 760, 3729, Number.NaN].map(timecode)).toEqual(['0:07', '12:40', '1:02:09', '0:00']);
    expect(place('FRONT_YARD')).toBe('Front yard');
  });
});
