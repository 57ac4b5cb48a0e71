import { describe, expect, it } from 'vitest';

import type { StorageUsage } from '../src/api/footage';
import type { Coverage, CoverageSpan } from '../src/api/types';
import { told } from '../src/components/storage-forecast';
import { gapsOf } from '../src/live/gaps';

const span = (from: number, to: number, state: CoverageSpan['state'], reason = ''): CoverageSpan => ({ from_ms: from, to_ms: to, state, reason, recording_id: null });
const coverage = (spans: CoverageSpan[]): Coverage => {
  const totals: Record<string, number> = {};
  for (const one of spans) totals[one.state] = (totals[one.state] ?? 0) + one.to_ms - one.from_ms;
  return { camera_id: 'front', from_ms: 0, to_ms: 100, spans, totals_ms: totals };
};

describe('gaps', () => {
  it('are put together by reason, the most time first, and what was deleted or not wanted is none', () => {
    const found = gapsOf(coverage([
      span(0, 50, 'recorded'), span(50, 60, 'gap', 'offline'), span(60, 65, 'gap', 'restart'), span(65, 95, 'idle'),
      span(95, 97, 'deleted'), span(97, 98, 'gap', 'offline'), span(98, 100, 'recorded'),
    ]));
    expect(found.count).toBe(3);
    expect(found.reasons.map((one) => [one.reason, one.count, one.totalMs, one.longestMs])).toEqual([['offline', 2, 11, 10], ['restart', 1, 5, 5]]);
    expect(found.share).toBe('77.14');
    expect(found.spans.map((one) => one.from_ms)).toEqual([97, 60, 50]);
  });

  it('never look smaller than they are', () => {
    expect(gapsOf(coverage([span(0, 99_999_999, 'recorded'), span(99_999_999, 100_000_000, 'gap')])).share).toBe('99.99');
    expect(gapsOf(coverage([span(0, 100, 'recorded')])).share).toBe('100');
    expect(gapsOf(coverage([span(0, 100, 'idle')])).share).toBeNull();
  });
});

describe('the sentence about the disk', () => {
  const usage = (change: Partial<StorageUsage['forecast']>): StorageUsage => ({ forecast: { bytes_per_day: 10, days_until_critical: 3, days_kept: 12, ...change } }) as StorageUsage;

  it('says what ends first', () => {
    expect(told(usage({}))).toMatch(/12 days.*3 days.*oldest film goes first/);
    expect(told(usage({ days_until_critical: null, days_kept: null }))).toMatch(/as long as its camera/);
    expect(told(usage({ days_until_critical: 0 }))).toMatch(/as full as it may be/);
    expect(told(usage({ bytes_per_day: 0 }))).toMatch(/long enough to say/);
  });
});
