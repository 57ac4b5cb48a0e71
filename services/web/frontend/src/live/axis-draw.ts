/** The axis of time on a canvas: what was recorded and what not, what happened, how much moved. */

import type { Count, CoverageSpan, Mark, Severity, TimelineAnswer } from '../api/types';
import { ticks, xOf, type View } from './timescale';

export const RULER_PX = 26;
export const LANE_PX = 40;
export const WIDE_LANE_PX = 76;
const GLYPH_PX = 14;
const BAR_PX = 12;

export interface Lane {
  id: string;
  coverage: readonly CoverageSpan[];
}

export interface Palette {
  ink: string;
  ink2: string;
  line: string;
  surface: string;
  recorded: string;
  gap: string;
  deleted: string;
  playhead: string;
  future: string;
  severity: Record<Severity, string>;
  font: string;
}

export interface Scene {
  view: View;
  widthPx: number;
  lanes: readonly Lane[];
  /** One camera alone has room for how much moved. */
  wide: boolean;
  timeline: TimelineAnswer | null;
  atMs: number;
  nowMs: number;
  hoverMs: number | null;
  /** The house's own events (alarm, power) belong to no camera: shown in the ruler. */
  palette: Palette;
}

export const laneHeight = (wide: boolean): number => (wide ? WIDE_LANE_PX : LANE_PX);
export const heightOf = (lanes: number, wide: boolean): number => RULER_PX + Math.max(1, lanes) * laneHeight(wide);

const RANK: Record<Severity, number> = { info: 0, alert: 1, critical: 2 };

/** Which drawing stands for a kind of event. */
export function glyphOf(kind: string): keyof typeof GLYPHS {
  if (kind === 'person') return 'person';
  if (['car', 'truck', 'bus', 'motorcycle', 'bicycle', 'van'].includes(kind)) return 'vehicle';
  if (['dog', 'cat', 'bird', 'horse', 'sheep', 'cow', 'bear', 'fox', 'deer', 'animal'].includes(kind)) return 'animal';
  if (kind === 'package' || kind.startsWith('package_')) return 'package';
  if (kind === 'motion') return 'motion';
  return 'house';
}

/** On a grid of 14 × 14; filled. */
const GLYPHS = {
  person: 'M7 1a2.6 2.6 0 1 1 0 5.200a2.6 2.6 0 0 1 0-5.200zM2.500 13c0-3.200 2-5.500 4.500-5.500s4.500 2.300 4.500 5.500z',
  vehicle: 'M3.200 3h7.600l1.700 3.800V12h-2.300v-1.500H3.800V12H1.500V6.800zM4.200 4.600 3.300 6.800h7.400l-.9-2.200z',
  animal: 'M3 5.200a1.500 1.900 0 1 1 .1 0zM6 3.600a1.400 1.900 0 1 1 .1 0zM9 3.600a1.400 1.900 0 1 1 .1 0zM12 5.200a1.500 1.900 0 1 1 .1 0zM7.500 6c2.300 0 4.500 2.700 4.500 4.800 0 2.400-2.600 1.700-4.500 1.700s-4.500.7-4.500-1.700C3 8.700 5.200 6 7.500 6z',
  package: 'M2 4.500 7 2l5 2.500V10l-5 2.500L2 10zM7 6.600l3.300-1.600L7 3.400 3.700 5z',
  motion: 'M1 6.300h3L5.800 2l3 9.400 1.600-5.100H13v1.500h-1.600L8.900 13 5.700 5.300 5 7.800H1z',
  house: 'M7 1.500 13 12.500H1zM6.300 5.500h1.400v3.500H6.300zM6.300 10h1.400v1.300H6.300z',
} as const;

const paths = new Map<string, Path2D>();

function glyph(name: keyof typeof GLYPHS): Path2D {
  let path = paths.get(name);
  if (!path) paths.set(name, (path = new Path2D(GLYPHS[name])));
  return path;
}

export function draw(ctx: CanvasRenderingContext2D, scene: Scene): void {
  const height = heightOf(scene.lanes.length, scene.wide);
  const { widthPx, palette, view } = scene;
  ctx.clearRect(0, 0, widthPx, height);
  ruler(ctx, scene, height);
  const marks = groupMarks(scene.timeline?.marks ?? []);
  const counts = groupCounts(scene.timeline?.counts ?? []);
  const each = laneHeight(scene.wide);
  for (const [at, lane] of scene.lanes.entries()) {
    const top = RULER_PX + at * each;
    const bar = top + each - BAR_PX - 6;
    if (at) rect(ctx, palette.line, 0, top, widthPx, 1);
    coverage(ctx, scene, lane, bar);
    drawMarks(ctx, scene, marks.get(lane.id) ?? [], top, bar);
    drawCounts(ctx, scene, counts.get(lane.id) ?? [], top, bar);
  }
  house(ctx, scene, marks.get('') ?? []);
  const nowX = xOf(view, widthPx, scene.nowMs);
  if (nowX < widthPx) {
    rect(ctx, palette.future, Math.max(0, nowX), RULER_PX, widthPx, height);
    rect(ctx, palette.ink2, nowX, RULER_PX, 1, height);
  }
  if (scene.hoverMs !== null) rect(ctx, palette.ink2, xOf(view, widthPx, scene.hoverMs), 4, 1, height);
  const head = xOf(view, widthPx, scene.atMs);
  rect(ctx, palette.playhead, head - 1, 0, 2, height);
  ctx.fillStyle = palette.playhead;
  ctx.beginPath();
  ctx.moveTo(head - 6, 0);
  ctx.lineTo(head + 6, 0);
  ctx.lineTo(head, 8);
  ctx.fill();
}

function ruler(ctx: CanvasRenderingContext2D, scene: Scene, height: number): void {
  const { palette, widthPx, view } = scene;
  ctx.font = palette.font;
  ctx.textBaseline = 'middle';
  for (const tick of ticks(view, widthPx)) {
    const x = Math.round(xOf(view, widthPx, tick.ms));
    rect(ctx, palette.line, x, tick.day ? 0 : RULER_PX - 6, 1, height);
    ctx.fillStyle = tick.day ? palette.ink : palette.ink2;
    ctx.fillText(tick.label, x + 5, RULER_PX / 2);
  }
  rect(ctx, palette.line, 0, RULER_PX, widthPx, 1);
}

function coverage(ctx: CanvasRenderingContext2D, scene: Scene, lane: Lane, bar: number): void {
  const { palette, view, widthPx } = scene;
  for (const span of lane.coverage) {
    if (span.to_ms < view.fromMs || span.from_ms > view.toMs || span.state === 'idle') continue;
    const x = Math.max(-4, xOf(view, widthPx, span.from_ms));
    const width = Math.max(1, Math.min(widthPx + 4, xOf(view, widthPx, span.to_ms)) - x);
    if (span.state === 'recorded') {
      rect(ctx, palette.recorded, x, bar, width, BAR_PX);
      continue;
    }
    // Missing is told by its shape too: a broken line instead of a bar.
    const color = span.state === 'gap' ? palette.gap : palette.deleted;
    ctx.fillStyle = color;
    for (let at = x - (x % 6); at < x + width; at += 6) {
      const from = Math.max(x, at);
      ctx.fillRect(from, bar + BAR_PX / 2 - 1, Math.min(3, x + width - from), 2);
    }
    rect(ctx, color, x, bar, 1, BAR_PX);
  }
}

function drawMarks(ctx: CanvasRenderingContext2D, scene: Scene, marks: readonly Mark[], top: number, bar: number): void {
  const { view, widthPx, palette } = scene;
  let free = -GLYPH_PX;
  for (const mark of marks) {
    const x = xOf(view, widthPx, mark.started_ms);
    const end = xOf(view, widthPx, mark.ended_ms ?? Math.min(scene.nowMs, mark.started_ms + 60_000));
    if (end < -GLYPH_PX || x > widthPx) continue;
    if (scene.wide && mark.curve) heat(ctx, scene, mark, bar);
    ctx.fillStyle = palette.severity[mark.severity];
    ctx.beginPath();
    ctx.roundRect(x, bar, Math.max(3, end - x), BAR_PX, 3);
    ctx.fill();
    if (x < free) continue;
    free = x + GLYPH_PX + 2;
    ctx.save();
    ctx.translate(x - 1, top + 5);
    ctx.fill(glyph(glyphOf(mark.kind)), 'evenodd');
    ctx.restore();
  }
}

/** How strongly it moved, above its bar. */
function heat(ctx: CanvasRenderingContext2D, scene: Scene, mark: Mark, bar: number): void {
  const curve = mark.curve ?? [];
  const stepMs = (mark.curve_step_s ?? 1) * 1000;
  const room = WIDE_LANE_PX - BAR_PX - 6 - GLYPH_PX - 12;
  ctx.save();
  ctx.globalAlpha = 0.35;
  ctx.fillStyle = scene.palette.severity[mark.severity];
  ctx.beginPath();
  ctx.moveTo(xOf(scene.view, scene.widthPx, mark.started_ms), bar - 2);
  for (const [at, value] of curve.entries()) {
    // Small motion is what people look for: its root shows it.
    ctx.lineTo(xOf(scene.view, scene.widthPx, mark.started_ms + at * stepMs), bar - 2 - Math.sqrt(Math.min(1, value)) * room);
  }
  ctx.lineTo(xOf(scene.view, scene.widthPx, mark.started_ms + curve.length * stepMs), bar - 2);
  ctx.fill();
  ctx.restore();
}

function drawCounts(ctx: CanvasRenderingContext2D, scene: Scene, counts: readonly Count[], top: number, bar: number): void {
  const timeline = scene.timeline;
  if (!timeline || !counts.length) return;
  const { view, widthPx, palette } = scene;
  const first = timeline.from_ms - (timeline.from_ms % timeline.slot_ms);
  const room = bar - top - 8;
  for (const [slot, sum] of summed(counts)) {
    const fromMs = first + slot * timeline.slot_ms;
    const x = xOf(view, widthPx, fromMs);
    const width = xOf(view, widthPx, fromMs + timeline.slot_ms) - x;
    if (x + width < 0 || x > widthPx) continue;
    const tall = Math.min(1, Math.log2(1 + sum.n) / 7) * room;
    rect(ctx, palette.severity[sum.severity], x, bar - 2 - tall, Math.max(1, width - 1), tall);
  }
}

/** Alarms, power: small, in the ruler. */
function house(ctx: CanvasRenderingContext2D, scene: Scene, marks: readonly Mark[]): void {
  for (const mark of marks) {
    const x = xOf(scene.view, scene.widthPx, mark.started_ms);
    if (x < -GLYPH_PX || x > scene.widthPx) continue;
    ctx.fillStyle = scene.palette.severity[mark.severity];
    ctx.beginPath();
    ctx.arc(x, RULER_PX, 4, 0, 7);
    ctx.fill();
  }
}

function rect(ctx: CanvasRenderingContext2D, color: string, x: number, y: number, width: number, height: number): void {
  ctx.fillStyle = color;
  ctx.fillRect(x, y, width, height);
}

let markedFor: readonly Mark[] | undefined;
let markGroups = new Map<string, Mark[]>();

/** The same answer is drawn many times: it is put in order once. */
function groupMarks(marks: readonly Mark[]): Map<string, Mark[]> {
  if (marks === markedFor) return markGroups;
  markedFor = marks;
  markGroups = new Map();
  for (const mark of marks) {
    const key = mark.camera_id ?? '';
    const group = markGroups.get(key);
    if (group) group.push(mark);
    else markGroups.set(key, [mark]);
  }
  return markGroups;
}

let countedFor: readonly Count[] | undefined;
let countGroups = new Map<string, Count[]>();

function groupCounts(counts: readonly Count[]): Map<string, Count[]> {
  if (counts === countedFor) return countGroups;
  countedFor = counts;
  countGroups = new Map();
  for (const count of counts) {
    const group = countGroups.get(count[1]);
    if (group) group.push(count);
    else countGroups.set(count[1], [count]);
  }
  return countGroups;
}

/** How many in each slot, and how grave the gravest. */
export function summed(counts: readonly Count[]): Map<number, { n: number; severity: Severity }> {
  const found = new Map<number, { n: number; severity: Severity }>();
  for (const [slot, , , severity, n] of counts) {
    const had = found.get(slot);
    if (!had) found.set(slot, { n, severity });
    else {
      had.n += n;
      if (RANK[severity] > RANK[had.severity]) had.severity = severity;
    }
  }
  return found;
}

/** The event under a point of a lane; the gravest where several lie. */
export function markAt(marks: readonly Mark[], camera: string, fromMs: number, toMs: number): Mark | null {
  let found: Mark | null = null;
  for (const mark of marks) {
    if ((mark.camera_id ?? '') !== camera || mark.started_ms > toMs || (mark.ended_ms ?? mark.started_ms) < fromMs) continue;
    if (!found || RANK[mark.severity] > RANK[found.severity]) found = mark;
  }
  return found;
}
