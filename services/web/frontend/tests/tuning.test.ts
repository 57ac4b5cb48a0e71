import { describe, expect, it } from 'vitest';

import type { MotionLook } from '../src/api/types';
import { asShares, cornersText, curveLine, graph, inwards, keepLooks, maskBits, readCorners, readPoints, SPAN_MS, tomlLines } from '../src/live/tuning';

const look = (ts_ms: number, score: number, phase = 'idle'): MotionLook =>
  ({ ts_ms, score, phase, boxes: [], zones: [], rejections: {} }) as unknown as MotionLook;

describe('masks', () => {
  it('unpack rows first, highest bit first', () => {
    expect([...maskBits(btoa('\xa0\x01'), 16)]).toEqual([1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
  });
  it('are empty when nothing was sent, or too little', () => {
    expect([...maskBits('', 4)]).toEqual([0, 0, 0, 0]);
    expect([...maskBits(btoa('\xff'), 10)]).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 0, 0]);
  });
});

describe('the score over time', () => {
  it('keeps a minute', () => {
    const kept = keepLooks([look(0, 0), look(1_000, 0)], [look(SPAN_MS + 500, 0)]);
    expect(kept.map((item) => item.ts_ms)).toEqual([1_000, SPAN_MS + 500]);
  });
  it('has the newest on the right, and the limit within the picture', () => {
    const shown = graph([look(0, 0), look(SPAN_MS, 0.04, 'moving')], 0.01, 600, 80);
    expect(shown.line).toBe('0,80 600,0');
    expect(shown.limitY).toBe(60);
    expect(shown.hits).toEqual([{ x: 0, width: 600 }]);
  });
  it('is drawn from nothing at all', () => {
    expect(graph([], 0.01, 600, 80).line).toBe('');
    expect(curveLine([0, 0.5, 0.25], 100, 40)).toBe('0,40 50,0 100,20');
    expect(curveLine([0.3], 100, 40)).toBe('0,0');
  });
});

describe('corners', () => {
  it('are read as they are written', () => {
    const corners = readCorners(' 0,0 0.5,0.25;1,1 ');
    expect(corners).toEqual([[0, 0], [0.5, 0.25], [1, 1]]);
    expect(cornersText(corners ?? [])).toBe('0,0 0.5,0.25 1,1');
  });
  it.each(['', '0,0 1,1', '0;0 1;1 2;2', '0,0 1,1 a,b', '-1,0 1,1 0,1'])('"%s" is refused', (text) => {
    expect(readCorners(text)).toBeNull();
  });
  it('in pixels become shares', () => {
    expect(asShares([[0, 0], [320, 180], [640, 360]], [640, 360])).toEqual([[0, 0], [0.5, 0.5], [1, 1]]);
    expect(asShares([[0, 0], [0.5, 1], [1, 1]], [640, 360])).toEqual([[0, 0], [0.5, 1], [1, 1]]);
  });
});

it('the lines for vigilar.toml quote what must be quoted', () => {
  const zones = [{ name: 'a "b"', mode: 'exclude' as const, polygon: [[0, 0], [1, 0], [0, 0.3333]] as [number, number][] }];
  expect(tomlLines({ motion_sensitivity: 0.5, motion_min_area_px: 900, zones, lines: [] })).toBe(
    'motion_sensitivity = 0.5\nmotion_min_area_px = 900\n\n[[cameras.zones]]\nname = "a \\"b\\""\npolygon = [[0, 0], [1, 0], [0, 0.333]]\nmode = "exclude"',
  );
});

describe('lines', () => {
  it('are two points', () => {
    expect(readPoints('0.1,0.6 0.9,0.6')).toEqual([[0.1, 0.6], [0.9, 0.6]]);
    expect(readPoints('0.1;0.6')).toBeNull();
  });
  it('have "in" on their right-hand side', () => {
    const [middle, tip] = inwards([0.2, 0.5], [0.8, 0.5], [100, 50]);
    expect(middle).toEqual([50, 25]);
    expect(tip).toEqual([50, 30]);
  });
  it('and masks stand in vigilar.toml too', () => {
    const zones = [{ name: 'Statue', mode: 'mask' as const, classes: ['person'], polygon: [[0, 0], [1, 0], [0, 1]] as [number, number][] }];
    const lines = [{ name: 'Gate', start: [0.1, 0.6] as [number, number], end: [0.9, 0.6] as [number, number] }];
    expect(tomlLines({ motion_sensitivity: 0.5, motion_min_area_px: 900, zones, lines })).toContain(
      'mode = "mask"\nclasses = ["person"]\n\n[[cameras.lines]]\nname = "Gate"\nstart = [0.1, 0.6]\nend = [0.9, 0.6]',
    );
  });
});
