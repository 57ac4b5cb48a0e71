import { describe, expect, it } from 'vitest';

import { FilmIndex, WINDOW_MS, type FilmPart } from '../src/live/film-index';
import { Clock, correction, DRIFT_S } from '../src/live/sync';
import { clampZoom, WHOLE, zoomAt } from '../src/live/zoom';

const BASE = WINDOW_MS * 1000;
const part = (id: string, fromMs: number, count: number, finished = true): FilmPart => ({
  recording_id: id,
  uri: `/${id}`,
  mime: 'video/mp4; codecs="avc1.64001f"',
  init_bytes: 900,
  finished,
  segments: Array.from({ length: count }, (_, i) => [fromMs + i * 2_000, i * 2_000, 2_000, 900 + i * 100, 100]),
});

describe('the index of film', () => {
  it('finds what shows a moment across recordings, and what comes next', () => {
    const index = new FilmIndex();
    index.put(1000, [part('a', BASE, 3), part('b', BASE + 60_000, 2)], BASE + 10 * WINDOW_MS);
    expect(index.at(BASE + 5_900)?.film.recordingId).toBe('a');
    expect(index.at(BASE + 5_900)?.mediaMs).toBe(4_000);
    expect(index.at(BASE + 6_000)).toBeNull();
    expect(index.next(BASE + 6_000)?.film.recordingId).toBe('b');
    expect(index.holeAfter(BASE + 6_000)).toBe(BASE + 60_000);
    expect(index.holeAfter(BASE + 60_100)).toBeNull();
    expect(index.next(BASE + 64_000)).toBeNull();
  });

  it('keeps a segment in the window in which it begins, whichever was asked for', () => {
    const index = new FilmIndex();
    const across = part('a', BASE + WINDOW_MS - 1_000, 2);
    index.put(1000, [across], BASE + 10 * WINDOW_MS);
    index.put(1001, [across], BASE + 10 * WINDOW_MS);
    expect(index.at(BASE + WINDOW_MS + 500)?.mediaMs).toBe(0);
    expect(index.at(BASE + WINDOW_MS + 1_500)?.mediaMs).toBe(2_000);
  });

  it('asks again only for what is not over', () => {
    const index = new FilmIndex();
    const nowMs = BASE + 5_000;
    expect(index.missing(1000, nowMs, 1_500)).toBe(true);
    index.put(1000, [part('a', BASE, 2, false)], nowMs);
    expect(index.missing(1000, nowMs + 1_000, 1_500)).toBe(false);
    expect(index.missing(1000, nowMs + 1_500, 1_500)).toBe(true);
    index.put(1000, [part('a', BASE, 2)], BASE + 2 * WINDOW_MS);
    expect(index.missing(1000, BASE + 90 * WINDOW_MS, 1_500)).toBe(false);
  });

  it('forgets windows that were not used for long', () => {
    const index = new FilmIndex();
    for (let key = 0; key < 30; key++) index.put(key, [], 1e15);
    expect(index.missing(0, 1e15, 0)).toBe(true);
    expect(index.missing(29, 1e15, 0)).toBe(false);
  });
});

describe('several pictures on one clock', () => {
  it('lets small drift be, makes up for more by speed, and jumps when it is far off', () => {
    expect(correction(DRIFT_S / 2, 1)).toEqual({ kind: 'rate', rate: 1 });
    const faster = correction(0.3, 2);
    expect(faster.kind === 'rate' && faster.rate > 2 && faster.rate <= 2.2).toBe(true);
    const slower = correction(-0.15, 1);
    expect(slower.kind === 'rate' && slower.rate < 1).toBe(true);
    expect(correction(5, 1)).toEqual({ kind: 'seek' });
    expect(correction(-5, 1)).toEqual({ kind: 'seek' });
  });

  it('goes as fast as it is told, from where it stands', () => {
    let now = 0;
    const clock = new Clock(1_000, () => now);
    now = 500;
    expect(clock.atMs).toBe(1_000);
    clock.go(2);
    now = 1_000;
    expect(clock.atMs).toBe(2_000);
    clock.go(-1);
    now = 1_400;
    expect(clock.atMs).toBe(1_600);
    clock.set(9_000);
    expect(clock.atMs).toBe(9_000);
  });
});

describe('looking closer', () => {
  it('keeps what lies under the finger there, and no gap at the edge', () => {
    const zoom = zoomAt(WHOLE, 2, 100, 50, 400, 200);
    expect(zoom).toEqual({ scale: 2, x: -100, y: -50 });
    expect(zoomAt(zoom, 0.1, 100, 50, 400, 200)).toEqual({ scale: 1, x: 0, y: 0 });
    expect(clampZoom({ scale: 2, x: 50, y: -900 }, 400, 200)).toEqual({ scale: 2, x: 0, y: -200 });
    expect(zoomAt(WHOLE, 99, 0, 0, 400, 200).scale).toBe(8);
  });
});
