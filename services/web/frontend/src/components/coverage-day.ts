import { css, html, LitElement, nothing, svg, type PropertyValues } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';

import { api } from '../api/client';
import type { Coverage, CoverageSpan } from '../api/types';
import { shared } from '../design/shared';
import { clockSeconds, dayKey, dayRange, duration } from '../format';
import { asApiError, type Loaded } from '../state/app-state';
import { t } from '../strings';
import { failure } from './states';

const WIDTH = 1000;
const HEIGHT = 24;
/** Of the spans without film, so many are listed; the rest is counted. */
const MAX_LISTED = 40;
const LEAST_LISTED_MS = 1_000;

/** Which seconds of a day exist for one camera, and why the others do not. */
@customElement('vg-coverage-day')
export class CoverageDay extends LitElement {
  static override styles = [
    shared,
    css`
      :host {
        margin-block-start: var(--s4);
      }
      section {
        display: grid;
        gap: var(--s3);
        padding: var(--s4) var(--s5);
      }
      .section-head {
        align-items: center;
        margin: 0;
      }
      svg {
        width: 100%;
        height: 1.5rem;
        border-radius: var(--radius-s);
        background: var(--surface-2);
      }
      .recorded {
        fill: var(--accent);
      }
      .gap {
        fill: var(--danger);
      }
      .deleted {
        fill: var(--warn);
      }
      ul {
        display: grid;
        gap: var(--s1);
        max-height: 16rem;
        overflow: auto;
      }
      li {
        display: flex;
        flex-wrap: wrap;
        gap: var(--s1) var(--s3);
        font-size: var(--text-s);
      }
      li span:last-child {
        flex: 1 1 12rem;
        color: var(--ink-2);
      }
    `,
  ];

  @property() cameraId = '';
  @state() private day = '';
  @state() private coverage: Loaded<Coverage> = { status: 'loading' };
  private turn = 0;

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('cameraId') && this.cameraId) {
      this.day ||= dayKey(Date.now());
      void this.load();
    }
  }

  private async load(): Promise<void> {
    const range = dayRange(this.day);
    if (!range) return;
    const turn = ++this.turn;
    try {
      const value = await api.coverage(this.cameraId, range.fromMs, range.toMs);
      if (turn === this.turn) this.coverage = { status: 'ready', value };
    } catch (error) {
      if (turn === this.turn) this.coverage = { status: 'failed', error: asApiError(error) };
    }
  }

  override render(): unknown {
    const { coverage } = this;
    return html`<section class="card" aria-labelledby="coverage" data-testid="coverage">
      <div class="section-head">
        <h2 id="coverage">${t.coverage.title}</h2>
        <input type="date" aria-label=${t.coverage.day} max=${dayKey(Date.now())} .value=${this.day} @change=${this.choose} />
      </div>
      ${coverage.status === 'failed' ? failure(t.coverage.failed, coverage.error, () => void this.load()) : nothing}
      ${coverage.status === 'ready' ? this.shown(coverage.value) : nothing}
    </section>`;
  }

  private readonly choose = (event: Event): void => {
    this.day = (event.target as HTMLInputElement).value;
    void this.load();
  };

  private shown(coverage: Coverage): unknown {
    const range = dayRange(this.day);
    if (!range) return nothing;
    const scale = WIDTH / (range.toMs - range.fromMs);
    const totals = Object.entries(coverage.totals_ms)
      .filter(([, ms]) => ms > 0)
      .map(([name, ms]) => `${t.coverage.state[name] ?? name} ${duration(ms)}`)
      .join(' · ');
    const absent = coverage.spans.filter((span) => span.state !== 'recorded' && span.to_ms - span.from_ms >= LEAST_LISTED_MS);
    return html`
      <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label=${totals || t.coverage.nothing}>
        ${coverage.spans
          .filter((span) => span.state !== 'idle')
          .map((span) => svg`<rect
              class=${span.state}
              x=${(span.from_ms - range.fromMs) * scale}
              width=${Math.max(1, (span.to_ms - span.from_ms) * scale)}
              height=${HEIGHT}
            ></rect>`)}
      </svg>
      <p class="num small">${totals || t.coverage.nothing}</p>
      ${absent.length
        ? html`<ul class="num" tabindex="0" aria-label=${t.coverage.absent}>
            ${absent.slice(0, MAX_LISTED).map((span) => this.row(span))}
            ${absent.length > MAX_LISTED ? html`<li>${t.coverage.more(absent.length - MAX_LISTED)}</li>` : nothing}
          </ul>`
        : nothing}
    `;
  }

  private row(span: CoverageSpan): unknown {
    const tone = span.state === 'gap' ? 'bad' : span.state === 'deleted' ? 'warn' : '';
    return html`<li>
      <span>${clockSeconds(span.from_ms)} – ${clockSeconds(span.to_ms)}</span>
      <span class="badge ${tone}">${t.coverage.state[span.state] ?? span.state}</span>
      <span>${span.reason}</span>
    </li>`;
  }
}
