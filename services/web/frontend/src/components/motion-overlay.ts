import { css, html, LitElement, svg } from 'lit';
import { customElement, property, query } from 'lit/decorators.js';

import type { MotionLook, MotionZone, ObjectLine } from '../api/types';
import { asShares, inwards, maskBits, type Corner } from '../live/tuning';
import { className, t } from '../strings';

const COUNTED = [47, 224, 142, 150] as const;
const EXPLAINED = [224, 155, 31, 130] as const;

/** Over a live picture: what the motion detector sees, and the zones. While `drawing`, a click sets a corner. */
@customElement('vg-motion-overlay')
export class MotionOverlay extends LitElement {
  static override styles = css`
    :host {
      position: absolute;
      inset: 0;
      pointer-events: none;
    }
    canvas,
    svg {
      position: absolute;
      inset: 0;
      width: 100%;
      height: 100%;
      object-fit: contain;
    }
    canvas {
      image-rendering: pixelated;
    }
    .drawing {
      pointer-events: auto;
      cursor: crosshair;
    }
    rect,
    polygon,
    polyline {
      fill: none;
      stroke: #2fe08e;
      stroke-width: 2px;
      vector-effect: non-scaling-stroke;
    }
    .exclude {
      stroke: #ff6b5e;
      fill: rgb(255 107 94 / 18%);
    }
    .include {
      stroke: #6bb8ff;
      fill: rgb(107 184 255 / 12%);
    }
    .mask {
      stroke: #e09b1f;
      fill: rgb(224 155 31 / 18%);
    }
    polyline {
      stroke: #fff;
      stroke-dasharray: 4 3;
    }
    line {
      stroke: #ffd479;
      stroke-width: 3px;
      vector-effect: non-scaling-stroke;
    }
    .in {
      stroke-width: 1.5px;
      marker-end: url(#arrow);
    }
    .object {
      stroke: #fff;
      stroke-width: 1.5px;
    }
    .told {
      stroke: #ffe45c;
      stroke-width: 3px;
    }
    .held,
    .rests {
      stroke-dasharray: 5 4;
    }
    text {
      font-family: var(--font);
      font-weight: 600;
      fill: #fff;
      stroke: rgb(0 0 0 / 80%);
      stroke-width: 3px;
      paint-order: stroke;
    }
  `;

  @property({ attribute: false }) look: MotionLook | null = null;
  @property({ attribute: false }) zones: readonly MotionZone[] = [];
  @property({ attribute: false }) lines: readonly ObjectLine[] = [];
  @property({ attribute: false }) resolution: readonly [number, number] = [640, 360];
  @property({ attribute: false }) corners: readonly Corner[] = [];
  /** Width and height of the picture below, for its proportions. */
  @property({ attribute: false }) picture: readonly [number, number] = [16, 9];
  @property({ type: Boolean }) drawing = false;
  @query('canvas') private readonly canvas!: HTMLCanvasElement;
  @query('svg') private readonly frame!: SVGSVGElement;

  override render(): unknown {
    const [width, height] = this.picture;
    const points = (polygon: readonly Corner[]): string => polygon.map(([x, y]) => `${x * width},${y * height}`).join(' ');
    return html`<canvas width=${width} height=${height} aria-hidden="true"></canvas>
      <svg
        class=${this.drawing ? 'drawing' : ''}
        viewBox="0 0 ${width} ${height}"
        preserveAspectRatio="xMidYMid meet"
        role="img"
        aria-label=${t.tune.overlay}
        @click=${this.place}
      >
        <defs>
          <marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" orient="auto"><path d="M0 0 8 4 0 8z" fill="#ffd479"></path></marker>
        </defs>
        ${this.zones.map((zone) => svg`<polygon class=${zone.mode} points=${points(asShares(zone.polygon, this.resolution))}></polygon>`)}
        ${(this.look?.boxes ?? []).map(
          ([x, y, w, h]) => svg`<rect x=${x * width} y=${y * height} width=${w * width} height=${h * height}></rect>`,
        )}
        ${this.lines.map((line) => this.line(line))} ${this.objects()} ${svg`<polyline points=${points(this.corners)}></polyline>`}
      </svg>`;
  }

  private line(line: ObjectLine): unknown {
    const [width, height] = this.picture;
    const [start, end] = asShares([line.start, line.end], this.resolution) as [Corner, Corner];
    const [middle, tip] = inwards(start, end, this.picture);
    return svg`<line x1=${start[0] * width} y1=${start[1] * height} x2=${end[0] * width} y2=${end[1] * height}></line>
      <line class="in" x1=${middle[0]} y1=${middle[1]} x2=${tip[0]} y2=${tip[1]}></line>
      <text font-size=${height / 30} x=${middle[0]} y=${middle[1]}>${line.name}</text>`;
  }

  private objects(): unknown {
    const [width, height] = this.picture;
    return (this.look?.objects ?? []).map(
      ([name, score, x, y, w, h, how]) => svg`<rect class="object ${how}" x=${x * width} y=${y * height} width=${w * width} height=${h * height}></rect>
        <text font-size=${height / 36} x=${x * width} y=${Math.max(y * height - height / 100, height / 30)}>${t.tune.object(className(name), Math.round(score * 100), how)}</text>`,
    );
  }

  protected override updated(): void {
    const context = this.canvas.getContext('2d');
    if (!context) return;
    const { width, height } = this.canvas;
    context.clearRect(0, 0, width, height);
    const look = this.look;
    if (!look || (!look.counted && !look.explained)) return;
    const [columns, rows] = look.mask_size;
    const image = context.createImageData(columns, rows);
    const counted = maskBits(look.counted, columns * rows);
    const explained = maskBits(look.explained, columns * rows);
    for (let at = 0; at < columns * rows; at++) {
      if (counted[at]) image.data.set(COUNTED, at * 4);
      else if (explained[at]) image.data.set(EXPLAINED, at * 4);
    }
    const small = new OffscreenCanvas(columns, rows);
    small.getContext('2d')?.putImageData(image, 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(small, 0, 0, width, height);
  }

  private readonly place = (event: MouseEvent): void => {
    if (!this.drawing) return;
    const matrix = this.frame.getScreenCTM();
    if (!matrix) return;
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
    const share = (value: number, of: number): number => Math.round(Math.min(1, Math.max(0, value / of)) * 1000) / 1000;
    const corner: Corner = [share(at.x, this.picture[0]), share(at.y, this.picture[1])];
    this.dispatchEvent(new CustomEvent<Corner>('corner', { detail: corner }));
  };
}
