import { describe, expect, it } from 'vitest';

import { MAX_PAGES, readings, stepLine, type HistoryPage } from '../src/live/history';

describe('the past of a number', () => {
  it('is put together from pages, oldest first', async () => {
    const pages: Record<string, HistoryPage> = {
      first: { items: [{ ts_ms: 30, value: 3 }, { ts_ms: 20, value: 2 }], next: 'more' },
      more: { items: [{ ts_ms: 10, value: 1 }], next: null },
    };
    const found = await readings((cursor) => Promise.resolve(pages[cursor ?? 'first'] as HistoryPage));
    expect(found.map((reading) => reading.value)).toEqual([1, 2, 3]);
  });
  it('ends after so many pages, however many there are', async () => {
    let asked = 0;
    await readings(() => {
      asked += 1;
      return Promise.resolve({ items: [{ ts_ms: 100 - asked, value: 1 }], next: 'again' });
    });
    expect(asked).toBe(MAX_PAGES);
  });
  it('holds each value until the next one', () => {
    const line = stepLine([{ ts_ms: 0, value: 10 }, { ts_ms: 50, value: 20 }], 100, 200, 40);
    expect(line).toEqual({ points: '0,40 100,40 100,0 200,0', least: 10, most: 20, fromMs: 0, toMs: 100 });
  });
  it('is a level line where nothing changed, and none where nothing was said', () => {
    expect(stepLine([{ ts_ms: 0, value: 7 }], 100, 200, 40)?.points).toBe('0,20 200,20');
    expect(stepLine([], 100, 200, 40)).toBeNull();
  });
});
