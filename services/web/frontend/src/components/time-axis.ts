import { css, html, LitElement, nothing, type PropertyValues } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';

import type { Mark } from '../api/types';
import { shared } from '../design/shared';
import { clockSeconds, fullMoment, zoneName } from '../format';
import { AxisData, type AxisFilter } from '../live/axis-data';
import { draw, heightOf, laneHeight, markAt, RULER_PX, type Palette } from '../live/axis-draw';
import { clampSpan, msAt, twice, viewAround, type View } from '../live/timescale';
import { ListenApp } from '../state/app-state';
import { t } from '../strings';

/** A finger that moves less has tapped. */
const TAP_PX = 6;
const WHEEL = 0.0016;
/** How near to an event's mark counts as on it. */
const NEAR_PX = 7;

export interface Hover {
  ms: number;
  lane: string;
  /** From the left edge of the axis, pixels. */
  x: number;
  mark: Mark | null;
  /** Why nothing was recorded there; empty where something was. */
  missing: string;
}

/**
 * The axis of time: drag to scrub, tap to go there, wheel or two fingers to see more or less of it. The playhead stands
 * still and time runs under it. Fires `scrub` (ms, and whether the finger is still down), `span` and `hover`.
 */
@customElement('vg-time-axis')
export class TimeAxis extends LitElement {
  static override styles = [
    shared,
    css`
      :host {
        position: relative;
        touch-action: pan-y;
        cursor: grab;
        user-select: none;
        -webkit-user-select: none;
        border-radius: var(--radius-s);
      }
      :host([data-dragging]) {
        cursor: grabbing;
      }
      canvas {
        display: block;
        width: 100%;
      }
      .error {
        position: absolute;
        inset: auto var(--s2) var(--s1) var(--s2);
        color: var(--danger);
        font-size: var(--text-xs);
      }
    `,
  ];

  @property({ attribute: false }) lanes: readonly string[] = [];
  @property({ type: Number }) atMs = 0;
  @property({ type: Number }) spanMs = 3_600_000;
  @property({ type: Number }) nowMs = Date.now();
  @property({ attribute: false }) filter: AxisFilter = {};
  @property({ type: Boolean }) live = false;
  @state() private error = '';
  @query('canvas') private readonly canvas!: HTMLCanvasElement;
  readonly data = new AxisData(() => {
    this.error = this.data.error;
    this.redraw();
  });
  private palette: Palette | undefined;
  private widthPx = 0;
  private frame = 0;
  private readonly fingers = new Map<number, { x: number; y: number }>();
  private moved = 0;
  private downX = 0;
  private pinch = 0;
  private hoverX: number | null = null;
  private readonly resized = new ResizeObserver(([entry]) => {
    this.widthPx = Math.round(entry?.contentRect.width ?? 0);
    this.redraw();
  });
  private readonly colours = ['(prefers-color-scheme: dark)', '(prefers-contrast: more)'].map((one) => matchMedia(one));
  private readonly recoloured = (): void => {
    this.palette = undefined;
    this.redraw();
  };

  constructor() {
    super();
    new ListenApp<unknown>(this, 'event', () => this.data.stale());
    new ListenApp<undefined>(this, 'resync', () => this.data.stale());
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.tabIndex = 0;
    this.setAttribute('role', 'slider');
    this.setAttribute('aria-label', t.timeline.axis);
    this.resized.observe(this);
    for (const one of this.colours) one.addEventListener('change', this.recoloured);
    this.addEventListener('pointerdown', this.down);
    this.addEventListener('pointermove', this.move);
    this.addEventListener('pointerup', this.up);
    this.addEventListener('pointercancel', this.up);
    this.addEventListener('pointerleave', this.leave);
    this.addEventListener('wheel', this.wheel, { passive: false });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.resized.disconnect();
    for (const one of this.colours) one.removeEventListener('change', this.recoloured);
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.data.close();
  }

  override updated(changed: PropertyValues<this>): void {
    if (changed.has('lanes') || changed.has('filter')) this.data.stale();
    this.setAttribute('aria-valuenow', String(Math.round(this.atMs / 1000)));
    this.setAttribute('aria-valuemin', '0');
    this.setAttribute('aria-valuemax', String(Math.round(Math.max(this.nowMs, this.atMs) / 1000)));
    this.setAttribute('aria-valuetext', this.live ? t.timeline.isLive : fullMoment(this.atMs));
    this.redraw();
  }

  override render(): unknown {
    return html`<canvas aria-hidden="true"></canvas>${this.error ? html`<p class="error" role="status">${t.timeline.failed}</p>` : nothing}`;
  }

  get view(): View {
    return viewAround(this.atMs, this.spanMs);
  }

  /** Draws with the next frame, however often it is asked to. */
  redraw(): void {
    if (this.frame || !this.isConnected) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.paint();
    });
  }

  private paint(): void {
    const { canvas, widthPx } = this;
    if (widthPx < 10) return;
    const wide = this.lanes.length <= 1;
    const height = heightOf(this.lanes.length, wide);
    const ratio = Math.min(3, devicePixelRatio || 1);
    if (canvas.width !== Math.round(widthPx * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(widthPx * ratio);
      canvas.height = Math.round(height * ratio);
      canvas.style.height = `${height}px`;
    }
    const ctx = canvas.getContext('2d');
    if (!ctx) return;
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    const view = this.view;
    this.data.want(view, this.lanes, this.filter);
    this.palette ??= readPalette(this);
    draw(ctx, {
      view,
      widthPx,
      lanes: this.lanes.map((id) => ({ id, coverage: this.data.coverage.get(id)?.spans ?? [] })),
      wide,
      timeline: this.data.timeline,
      atMs: this.atMs,
      nowMs: this.nowMs,
      hoverMs: this.hoverX === null ? null : msAt(view, widthPx, this.hoverX),
      palette: this.palette,
    });
  }

  private readonly down = (event: PointerEvent): void => {
    if (event.button) return;
    this.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
    this.moved = 0;
    this.downX = event.offsetX;
    this.pinch = this.spread();
    this.dataset['dragging'] = '';
    this.hover(null);
  };

  private readonly move = (event: PointerEvent): void => {
    const finger = this.fingers.get(event.pointerId);
    if (!finger) {
      if (event.pointerType === 'mouse') this.hover(event);
      return;
    }
    const dx = event.offsetX - finger.x;
    this.fingers.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
    if (this.fingers.size === 2) {
      const spread = this.spread();
      if (this.pinch > 10 && spread > 10) this.zoom(this.pinch / spread);
      this.pinch = spread;
      this.moved = TAP_PX + 1;
      return;
    }
    this.moved = Math.max(this.moved, Math.abs(event.offsetX - this.downX));
    if (this.moved > TAP_PX) this.scrub(this.atMs - (dx / this.widthPx) * this.spanMs, true);
  };

  private readonly up = (event: PointerEvent): void => {
    if (!this.fingers.delete(event.pointerId)) return;
    if (this.fingers.size) return;
    delete this.dataset['dragging'];
    if (event.type === 'pointercancel') return;
    if (this.moved > TAP_PX) {
      this.scrub(this.atMs, false);
      return;
    }
    const mark = this.markUnder(event.offsetX, event.offsetY);
    this.scrub(mark ? mark.started_ms : msAt(this.view, this.widthPx, event.offsetX), false, mark);
  };

  private readonly leave = (): void => {
    this.hover(null);
  };

  private readonly wheel = (event: WheelEvent): void => {
    event.preventDefault();
    const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey;
    if (sideways) this.scrub(this.atMs + ((event.deltaX || event.deltaY) / this.widthPx) * this.spanMs, false);
    else this.zoom(Math.exp(event.deltaY * WHEEL * (event.deltaMode ? 20 : 1)));
  };

  private spread(): number {
    const [a, b] = [...this.fingers.values()];
    return a && b ? Math.hypot(a.x - b.x, a.y - b.y) : 0;
  }

  private zoom(factor: number): void {
    this.spanMs = clampSpan(this.spanMs * factor);
    this.dispatchEvent(new CustomEvent<number>('span', { detail: this.spanMs }));
  }

  private scrub(ms: number, dragging: boolean, mark: Mark | null = null): void {
    const atMs = Math.min(this.nowMs, Math.max(0, ms));
    this.atMs = atMs;
    this.dispatchEvent(new CustomEvent<{ ms: number; dragging: boolean; mark: Mark | null }>('scrub', { detail: { ms: atMs, dragging, mark } }));
  }

  private hover(event: PointerEvent | null): void {
    this.hoverX = event ? event.offsetX : null;
    let detail: Hover | null = null;
    if (event) {
      const ms = msAt(this.view, this.widthPx, event.offsetX);
      const lane = this.laneUnder(event.offsetY);
      const mark = this.markUnder(event.offsetX, event.offsetY);
      detail = { ms, lane, x: event.offsetX, mark, missing: this.missingAt(lane, ms) };
    }
    this.dispatchEvent(new CustomEvent<Hover | null>('hover', { detail }));
    this.redraw();
  }

  /** The event before or after this moment, as far as events are told one by one. */
  markBeside(ms: number, by: 1 | -1): Mark | null {
    const marks = this.data.timeline?.marks ?? [];
    return (by > 0 ? marks.find((one) => one.started_ms > ms + 1_500) : marks.findLast((one) => one.started_ms < ms - 2_500)) ?? null;
  }

  /** Why nothing was recorded then; empty where something was, or nothing is known. */
  missingAt(lane: string, ms: number): string {
    const span = this.data.coverage.get(lane)?.spans.find((one) => one.from_ms <= ms && ms < one.to_ms);
    return span && span.state !== 'recorded' ? span.reason : '';
  }

  private laneUnder(y: number): string {
    const at = Math.floor((y - RULER_PX) / laneHeight(this.lanes.length <= 1));
    return this.lanes[Math.max(0, Math.min(this.lanes.length - 1, at))] ?? '';
  }

  private markUnder(x: number, y: number): Mark | null {
    const { view, widthPx } = this;
    const marks = this.data.timeline?.marks ?? [];
    const camera = y < RULER_PX + 5 ? '' : this.laneUnder(y);
    return markAt(marks, camera, msAt(view, widthPx, x - NEAR_PX), msAt(view, widthPx, x + NEAR_PX));
  }
}

function readPalette(host: HTMLElement): Palette {
  const style = getComputedStyle(host);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  return {
    ink: colour('--ink'),
    ink2: colour('--ink-2'),
    line: colour('--line'),
    surface: colour('--surface'),
    recorded: colour('--tl-recorded'),
    gap: colour('--danger'),
    deleted: colour('--warn'),
    playhead: colour('--ink'),
    future: colour('--tl-future'),
    severity: { info: colour('--tl-info'), alert: colour('--tl-alert'), critical: colour('--tl-critical') },
    font: `600 11px ${colour('--font')}`,
  };
}

/** "14:02:11", and which of two equal times is meant. */
export function exactTime(ms: number): string {
  return twice(ms) ? `${clockSeconds(ms)} ${zoneName(ms)}` : clockSeconds(ms);
}
