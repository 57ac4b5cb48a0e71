import { css, html, LitElement, nothing, svg } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';

import { shared } from '../design/shared';
import { moment, number } from '../format';
import { readings, stepLine, type HistoryPage, type Reading } from '../live/history';
import { t } from '../strings';

const WIDTH = 300;
const HEIGHT = 48;

/** The last day of one number; fetched when it is opened. */
@customElement('vg-history-graph')
export class HistoryGraph extends LitElement {
  static override styles = [
    shared,
    css`
      :host {
        display: block;
        font-size: var(--text-s);
        font-weight: var(--weight);
      }
      summary {
        color: var(--ink-2);
        cursor: pointer;
      }
      svg {
        display: block;
        width: 100%;
        height: 3rem;
        margin-block: var(--s2);
      }
      polyline {
        fill: none;
        stroke: var(--accent);
        stroke-width: 1.5px;
        vector-effect: non-scaling-stroke;
      }
    `,
  ];

  @property() name = '';
  @property() unit = '';
  @property({ attribute: false }) page: ((cursor: string | null) => Promise<HistoryPage>) | null = null;
  @state() private found: Reading[] | null = null;
  @state() private failed = false;

  private async opened(event: Event): Promise<void> {
    if (!(event.target as HTMLDetailsElement).open || !this.page) return;
    try {
      this.found = await readings(this.page);
      this.failed = false;
    } catch {
      this.failed = true;
    }
  }

  override render(): unknown {
    return html`<details data-testid="history" @toggle=${(event: Event) => void this.opened(event)}>
      <summary>${t.history.title(this.name)}</summary>
      ${this.failed ? html`<p role="status">${t.history.failed}</p>` : this.graph()}
    </details>`;
  }

  private graph(): unknown {
    if (!this.found) return nothing;
    const now = Date.now();
    const line = stepLine(this.found, now, WIDTH, HEIGHT);
    if (!line) return html`<p role="status">${t.history.nothing}</p>`;
    const words = (value: number): string => `${number(value)}${this.unit ? ` ${this.unit}` : ''}`;
    const label = t.history.label(this.name, words(line.least), words(line.most), moment(line.fromMs, now));
    return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label=${label}>
        <title>${label}</title>
        ${svg`<polyline points=${line.points}></polyline>`}
      </svg>
      <p>${label}</p>`;
  }
}
