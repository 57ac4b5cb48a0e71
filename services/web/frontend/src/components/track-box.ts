import { css, html, LitElement, nothing, svg } from 'lit';
import { customElement, property } from 'lit/decorators.js';

import type { WayPoint } from '../api/types';
import { boxAt } from '../live/way';

/** Over a film: where the object is at the moment that is shown. */
@customElement('vg-track-box')
export class TrackBox extends LitElement {
  static override styles = css`
    :host {
      position: absolute;
      inset: 0;
      pointer-events: none;
    }
    svg {
      width: 100%;
      height: 100%;
    }
    rect {
      fill: none;
      stroke: #ffe45c;
      stroke-width: 2.5px;
      vector-effect: non-scaling-stroke;
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

  @property({ attribute: false }) way: readonly WayPoint[] = [];
  /** UTC ms. */
  @property({ type: Number }) startedMs = 0;
  @property({ type: Number }) atMs = 0;
  @property() label = '';
  /** Width and height of the film, for its proportions. */
  @property({ attribute: false }) size: readonly [number, number] = [16, 9];

  override render(): unknown {
    const box = boxAt(this.way, this.startedMs, this.atMs);
    this.toggleAttribute('data-shown', box !== null);
    if (!box) return nothing;
    const [width, height] = this.size;
    const top = Math.max(box.y * height - height / 100, height / 26);
    return html`<svg viewBox="0 0 ${width} ${height}" preserveAspectRatio="xMidYMid meet" aria-hidden="true">
      ${svg`<rect x=${box.x * width} y=${box.y * height} width=${box.w * width} height=${box.h * height} rx=${width / 160}></rect>
        <text font-size=${height / 32} x=${box.x * width} y=${top}>${this.label}</text>`}
    </svg>`;
  }
}
