/** What the page that tunes motion computes: masks, the score over time, corners and the lines for vigilar.toml. */

import type { MotionLook, MotionSettings, MotionZone, ObjectLine } from '../api/types';

export type Corner = [number, number];

/** How much of the score's past is shown. */
export const SPAN_MS = 60_000;
const MAX_LOOKS = 700;

/** One number per pixel, 0 or 1, of a mask packed into base64, rows first, highest bit first; empty when there is none. */
export function maskBits(text: string, pixels: number): Uint8Array {
  const out = new Uint8Array(pixels);
  const packed = atob(text);
  for (let at = 0; at < pixels && at >> 3 < packed.length; at++) {
    out[at] = (packed.charCodeAt(at >> 3) >> (7 - (at & 7))) & 1;
  }
  return out;
}

/** Looks of the last minute, at most so many as a minute can hold. */
export function keepLooks(before: readonly MotionLook[], news: readonly MotionLook[]): MotionLook[] {
  const all = [...before, ...news].slice(-MAX_LOOKS);
  const newest = all.at(-1)?.ts_ms ?? 0;
  return all.filter((look) => newest - look.ts_ms <= SPAN_MS);
}

export interface Graph {
  /** Points of an SVG polyline. */
  line: string;
  /** Where on the y axis the smallest motion lies. */
  limitY: number;
  /** What the top of the graph stands for, as a share of the picture. */
  top: number;
  /** Spans in which something counted as motion: x and width. */
  hits: { x: number; width: number }[];
}

/** `limit` is the share of the picture that the smallest motion covers. */
export function graph(looks: readonly MotionLook[], limit: number, width: number, height: number): Graph {
  const newest = looks.at(-1)?.ts_ms ?? 0;
  const top = Math.max(limit * 2, ...looks.map((look) => Math.min(1, look.score)), 0.001);
  const x = (ms: number): number => round(width * (1 - (newest - ms) / SPAN_MS));
  const y = (share: number): number => round(height * (1 - Math.min(1, share / top)));
  const hits: Graph['hits'] = [];
  for (const [at, look] of looks.entries()) {
    if (look.phase !== 'moving' && look.phase !== 'quiet') continue;
    const from = x(looks[at - 1]?.ts_ms ?? look.ts_ms);
    hits.push({ x: from, width: round(Math.max(1, x(look.ts_ms) - from)) });
  }
  return { line: looks.map((look) => `${x(look.ts_ms)},${y(look.score)}`).join(' '), limitY: y(limit), top, hits };
}

/** Points of a polyline for a motion's history: one for each step. */
export function curveLine(points: readonly number[], width: number, height: number): string {
  const top = Math.max(...points, 0.001);
  const step = points.length > 1 ? width / (points.length - 1) : 0;
  return points.map((value, at) => `${round(at * step)},${round(height * (1 - value / top))}`).join(' ');
}

export function cornersText(polygon: readonly Corner[]): string {
  return polygon.map(([x, y]) => `${short(x)},${short(y)}`).join(' ');
}

/** Corners written as "x,y x,y x,y"; null when that cannot be read or there are fewer than three. */
export function readCorners(text: string): Corner[] | null {
  const corners = readPoints(text);
  return corners && corners.length >= 3 ? corners : null;
}

/** Points written as "x,y x,y"; null when that cannot be read. */
export function readPoints(text: string): Corner[] | null {
  const corners: Corner[] = [];
  for (const word of text.trim().split(/[\s;]+/)) {
    const match = /^(\d+(?:\.\d+)?),(\d+(?:\.\d+)?)$/.exec(word);
    if (!match) return null;
    corners.push([Number(match[1]), Number(match[2])]);
  }
  return corners;
}

/** Corners as shares of the picture: pixels are those of `resolution_motion`. */
export function asShares(polygon: readonly Corner[], [width, height]: readonly [number, number]): Corner[] {
  const pixels = polygon.some(([x, y]) => x > 1 || y > 1);
  return polygon.map(([x, y]) => (pixels ? [x / width, y / height] : [x, y]));
}

/** The same settings as lines for vigilar.toml, for who keeps everything there. */
export function tomlLines(wanted: Pick<MotionSettings, 'motion_sensitivity' | 'motion_min_area_px' | 'zones' | 'lines'>): string {
  const lines = [`motion_sensitivity = ${wanted.motion_sensitivity}`, `motion_min_area_px = ${wanted.motion_min_area_px}`];
  for (const zone of wanted.zones) lines.push('', ...zoneLines(zone));
  for (const line of wanted.lines) lines.push('', ...lineLines(line));
  return lines.join('\n');
}

function zoneLines(zone: MotionZone): string[] {
  const corners = zone.polygon.map(([x, y]) => `[${short(x)}, ${short(y)}]`).join(', ');
  const lines = ['[[cameras.zones]]', `name = ${JSON.stringify(zone.name)}`, `polygon = [${corners}]`, `mode = "${zone.mode}"`];
  return zone.classes?.length ? [...lines, `classes = ${JSON.stringify(zone.classes)}`] : lines;
}

function lineLines({ name, start, end }: ObjectLine): string[] {
  const point = ([x, y]: Corner): string => `[${short(x)}, ${short(y)}]`;
  return ['[[cameras.lines]]', `name = ${JSON.stringify(name)}`, `start = ${point(start)}`, `end = ${point(end)}`];
}

/** From the middle of a line to where "in" is: to its right-hand side, so long as a tenth of the picture's height. */
export function inwards(start: Corner, end: Corner, [width, height]: readonly [number, number]): [Corner, Corner] {
  const middle: Corner = [((start[0] + end[0]) / 2) * width, ((start[1] + end[1]) / 2) * height];
  const [across, down] = [(end[0] - start[0]) * width, (end[1] - start[1]) * height];
  const scale = (0.1 * height) / (Math.hypot(across, down) || 1);
  return [middle, [middle[0] - down * scale, middle[1] + across * scale]];
}

function short(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
