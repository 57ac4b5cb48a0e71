import { css, html, LitElement, nothing, svg, type PropertyValues } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';

import { shared } from '../design/shared';
import { t } from '../strings';
import type { Box } from '../api/types';
import type { IconName } from './icon';
import './icon';

/** An event may be told before its picture has reached storage: ask again a few times before giving up. */
const RETRY_AFTER_MS = [700, 1500, 3000, 6000, 12_000];

@customElement('vg-thumb')
export class Thumb extends LitElement {
  static override styles = [
    shared,
    css`
      :host {
        position: relative;
        overflow: hidden;
        aspect-ratio: 16 / 9;
        border-radius: var(--radius-s);
        background: var(--surface-2);
        color: var(--ink-3);
      }
      img {
        display: block;
        width: 100%;
        height: 100%;
        object-fit: cover;
        opacity: 0;
        transition: opacity var(--slow) var(--ease);
      }
      img.shown {
        opacity: 1;
      }
      .box {
        position: absolute;
        inset: 0;
        width: 100%;
        height: 100%;
      }
      .box rect {
        fill: none;
        stroke: #ffe45c;
        stroke-width: 2px;
        vector-effect: non-scaling-stroke;
      }
      .none {
        position: absolute;
        inset: 0;
        display: grid;
        place-items: center;
      }
      .skeleton {
        position: absolute;
        inset: 0;
        border-radius: 0;
      }
    `,
  ];

  @property() src: string | null = null;
  @property() icon: IconName = 'camera';
  /** Where in the picture the object is, as shares of its width and height. */
  @property({ attribute: false }) box: Box | null = null;
  @state() private shown = false;
  @state() private attempt = 0;
  @state() private gaveUp = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('src')) {
      clearTimeout(this.timer);
      this.shown = false;
      this.gaveUp = false;
      this.attempt = 0;
    }
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.timer);
  }

  override render(): unknown {
    const src = this.src;
    if (!src || this.gaveUp) {
      return html`<span class="none"><vg-icon name=${this.icon}></vg-icon><span class="visually-hidden">${t.events.noPicture}</span></span>`;
    }
    const address = this.attempt ? `${src}${src.includes('?') ? '&' : '?'}try=${this.attempt}` : src;
    return html`
      ${this.shown ? nothing : html`<span class="skeleton"></span>`}
      <img
        class=${this.shown ? 'shown' : ''}
        src=${address}
        alt=""
        loading="lazy"
        decoding="async"
        @load=${() => (this.shown = true)}
        @error=${this.failed}
      />
      ${this.shown && this.box ? this.frame(this.box) : nothing}
    `;
  }

  /** Drawn as the picture is: cut to fill the frame. */
  private frame({ x, y, w, h }: Box): unknown {
    const image = this.renderRoot.querySelector('img');
    const [width, height] = [image?.naturalWidth ?? 16, image?.naturalHeight ?? 9];
    return html`<svg class="box" viewBox="0 0 ${width} ${height}" preserveAspectRatio="xMidYMid slice" aria-hidden="true">
      ${svg`<rect x=${x * width} y=${y * height} width=${w * width} height=${h * height} rx=${width / 60}></rect>`}
    </svg>`;
  }

  private failed(): void {
    const waitMs = RETRY_AFTER_MS[this.attempt];
    if (waitMs === undefined) {
      this.gaveUp = true;
      return;
    }
    this.timer = setTimeout(() => this.attempt++, waitMs);
  }
}
