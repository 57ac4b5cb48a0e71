import { css, html, LitElement, nothing, svg } from 'lit';
import { customElement, property } from 'lit/decorators.js';

import type { ScoreHistory } from '../api/types';
import { curveLine } from '../live/tuning';
import { decimal } from '../format';
import { t } from '../strings';

const WIDTH = 300;
const HEIGHT = 48;

/** How strongly something moved while a motion lasted. */
@customElement('vg-score-curve')
export class ScoreCurve extends LitElement {
  static override styles = css`
    svg {
      display: block;
      width: 100%;
      height: 3rem;
      margin-block-start: var(--s3);
    }
    polyline {
      fill: none;
      stroke: var(--accent);
      stroke-width: 1.5px;
      vector-effect: non-scaling-stroke;
    }
  `;

  @property({ attribute: false }) history: ScoreHistory | null = null;

  override render(): unknown {
    const history = this.history;
    if (!history || history.points.length < 2) return nothing;
    const label = t.events.curve(decimal(history.peak * 100), decimal(history.mean * 100));
    return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label=${label}>
      <title>${label}</title>
      ${svg`<polyline points=${curveLine(history.points, WIDTH, HEIGHT)}></polyline>`}
    </svg>`;
  }
}
