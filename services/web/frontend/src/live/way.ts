/** Where an object was at a moment: between the points that its event keeps. */

import type { Box, SeenObject, WayPoint } from '../api/types';

/** So long before its first and after its last look it is still shown: looks are a part of a second apart. */
const AROUND_MS = 400;
const MAX_KEPT = 64;

/** `startedMs`, `atMs`: UTC ms. Null: it was not there. */
export function boxAt(way: readonly WayPoint[], startedMs: number, atMs: number): Box | null {
  const [first, last] = [way[0], way.at(-1)];
  const ms = atMs - startedMs;
  if (!first || !last || ms < first[0] - AROUND_MS || ms > last[0] + AROUND_MS) return null;
  const next = way.find((point) => point[0] >= ms) ?? last;
  const before = way.findLast((point) => point[0] <= ms) ?? first;
  const share = next[0] > before[0] ? (ms - before[0]) / (next[0] - before[0]) : 0;
  const [x, y, w, h] = [1, 2, 3, 4].map((n) => (before[n] ?? 0) + share * ((next[n] ?? 0) - (before[n] ?? 0)));
  return { x: x ?? 0, y: y ?? 0, w: w ?? 0, h: h ?? 0 };
}

/** Of events on the axis: asked for once, when somebody points at one. */
export class Ways {
  private readonly kept = new Map<string, Promise<SeenObject | null>>();

  constructor(private readonly ask: (eventId: string) => Promise<SeenObject | null>) {}

  /** Null: the event shows no object, it was not there then, or its event cannot be had. */
  async boxAt(eventId: string, startedMs: number, atMs: number): Promise<Box | null> {
    let asked = this.kept.get(eventId);
    if (!asked) {
      asked = this.ask(eventId).catch(() => null);
      this.kept.set(eventId, asked);
      const [oldest] = this.kept.keys();
      if (this.kept.size > MAX_KEPT && oldest) this.kept.delete(oldest);
    }
    return boxAt((await asked)?.way ?? [], startedMs, atMs);
  }
}

/** On a picture that fills the canvas. */
export function drawBox(canvas: HTMLCanvasElement, { x, y, w, h }: Box): void {
  const context = canvas.getContext('2d');
  if (!context) return;
  const { width, height } = canvas;
  context.lineWidth = Math.max(2, width / 120);
  context.strokeStyle = '#ffe45c';
  context.strokeRect(x * width, y * height, w * width, h * height);
}
