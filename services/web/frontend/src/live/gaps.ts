import type { Coverage, CoverageSpan } from '../api/types';

export interface GapReason {
  reason: string;
  count: number;
  totalMs: number;
  longestMs: number;
}

export interface Gaps {
  count: number;
  totalMs: number;
  /** Per cent of what was to be recorded and is there; null when nothing was to be. */
  share: string | null;
  /** The most time first. */
  reasons: GapReason[];
  /** Newest first. */
  spans: CoverageSpan[];
}

/** What is missing of a camera's time, by reason. Deleted and idle times are not missing. */
export function gapsOf(coverage: Coverage): Gaps {
  const spans = coverage.spans.filter((span) => span.state === 'gap').sort((a, b) => b.from_ms - a.from_ms);
  const byReason = new Map<string, GapReason>();
  for (const span of spans) {
    const length = span.to_ms - span.from_ms;
    const one = byReason.get(span.reason) ?? { reason: span.reason, count: 0, totalMs: 0, longestMs: 0 };
    byReason.set(span.reason, { ...one, count: one.count + 1, totalMs: one.totalMs + length, longestMs: Math.max(one.longestMs, length) });
  }
  const totalMs = coverage.totals_ms['gap'] ?? 0;
  const there = (coverage.totals_ms['recorded'] ?? 0) + (coverage.totals_ms['deleted'] ?? 0);
  const share = there + totalMs > 0 ? floored((100 * there) / (there + totalMs)) : null;
  return { count: spans.length, totalMs, share, reasons: [...byReason.values()].sort((a, b) => b.totalMs - a.totalMs), spans };
}

/** Never rounded up to 100: that would say that nothing is missing. */
function floored(pct: number): string {
  return pct === 100 ? '100' : (Math.floor(pct * 100) / 100).toString();
}
