import { describe, expect, it, vi } from 'vitest';

import type { SeenObject, WayPoint } from '../src/api/types';
import { boxAt, Ways } from '../src/live/way';

const WAY: WayPoint[] = [
  [0, 0.1, 0.5, 0.1, 0.2],
  [1_000, 0.3, 0.5, 0.1, 0.2],
  [4_000, 0.3, 0.7, 0.2, 0.2],
];

describe('where an object was', () => {
  it('lies between its points', () => {
    expect(boxAt(WAY, 5_000, 5_500)).toEqual({ x: 0.2, y: 0.5, w: 0.1, h: 0.2 });
    expect(boxAt(WAY, 5_000, 6_000)?.x).toBeCloseTo(0.3);
    expect(boxAt(WAY, 5_000, 7_500)?.w).toBeCloseTo(0.15);
  });

  it('is nowhere before and after it was seen, but for the part of a second between two looks', () => {
    expect(boxAt(WAY, 5_000, 4_700)?.x).toBe(0.1);
    expect(boxAt(WAY, 5_000, 4_500)).toBeNull();
    expect(boxAt(WAY, 5_000, 9_300)?.y).toBe(0.7);
    expect(boxAt(WAY, 5_000, 9_500)).toBeNull();
    expect(boxAt([], 5_000, 5_000)).toBeNull();
  });

  it('is asked for once per event, and a failure is no box', async () => {
    const ask = vi.fn(async (id: string) => {
      if (id === 'bad') throw new Error('gone');
      return Promise.resolve({ way: WAY } as SeenObject);
    });
    const ways = new Ways(ask);
    expect((await ways.boxAt('a', 0, 0))?.x).toBe(0.1);
    expect(await ways.boxAt('a', 0, 60_000)).toBeNull();
    expect(await ways.boxAt('bad', 0, 0)).toBeNull();
    expect(ask).toHaveBeenCalledTimes(2);
  });
});
