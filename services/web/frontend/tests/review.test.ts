import { describe, expect, it } from 'vitest';

import type { Page, VigilarEvent } from '../src/api/types';
import { marked, reviewPage, waits } from '../src/state/review';

const event = (id: string, toReview: boolean | null, startedMs = 1): VigilarEvent =>
  ({ id, to_review: toReview, started_ms: startedMs, reviewed: null }) as unknown as VigilarEvent;

/** Two pages of each part. */
function server(): { asked: string[]; ask: (reviewed: 'true' | 'false', cursor: string | null) => Promise<Page<VigilarEvent>> } {
  const asked: string[] = [];
  return {
    asked,
    ask: (reviewed, cursor) => {
      asked.push(`${reviewed} ${cursor ?? '-'}`);
      const last = cursor === 'x';
      return Promise.resolve({ items: [event(`${reviewed}${last ? 2 : 1}`, reviewed === 'false')], next: last ? null : 'x' });
    },
  };
}

describe('the list of events to look at', () => {
  it('begins with what waits and goes on with the rest, to the end', async () => {
    const { ask, asked } = server();
    const found: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Page<VigilarEvent> = await reviewPage(ask, cursor);
      found.push(...page.items.map((one) => one.id));
      cursor = page.next;
    } while (cursor !== null);
    expect(found).toEqual(['false1', 'false2', 'true1', 'true2']);
    expect(asked).toEqual(['false -', 'false x', 'true -', 'true x']);
  });

  it('shows the rest at once when nothing waits', async () => {
    const ask = (reviewed: string): Promise<Page<VigilarEvent>> =>
      Promise.resolve({ items: reviewed === 'true' ? [event('a', false)] : [], next: null });
    expect(await reviewPage(ask, null)).toEqual({ items: [event('a', false)], next: null });
  });

  it('takes an event that just came for one that waits', () => {
    expect([waits(event('a', null)), waits(event('b', false)), waits(event('c', true))]).toEqual([true, false, true]);
  });

  it('marks some, all until a moment, and takes it back', () => {
    const list = [event('a', true, 5), event('b', null, 9), event('c', false, 1)];
    const by = { by: 'anna', ts_ms: 7 };
    expect(marked(list, new Set(['b']), by).map(waits)).toEqual([true, false, false]);
    const all = marked(list, 'all', by);
    expect(all.map(waits)).toEqual([false, true, false]);
    expect([all[0]?.reviewed, all[2]?.reviewed]).toEqual([by, null]);
    expect(marked(all, new Set(['a']), null).map(waits)).toEqual([true, true, false]);
  });
});
