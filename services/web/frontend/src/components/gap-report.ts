import { css, html, LitElement, nothing, svg, type PropertyValues } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';

import { api } from '../api/client';
import type { Coverage } from '../api/types';
import { shared } from '../design/shared';
import { duration, moment } from '../format';
import { gapsOf, type Gaps } from '../live/gaps';
import { app, asApiError, WatchApp, type Loaded } from '../state/app-state';
import { t } from '../strings';
import { failure } from './states';

const DAY_MS = 86_400_000;
const LEAST_MS = 60_000;
const MAX_LISTED = 60;
const WIDTH = 1000;
const w = t.footage.gaps;

/** Of each camera: how much of what was to be recorded is there, and what is missing with its reasons. */
@customElement('vg-gap-report')
export class GapReport extends LitElement {
  static override styles = [
    shared,
    css`
      .ask {
        display: grid;
        gap: var(--s1);
        width: max-content;
        max-width: 100%;
        margin-block-end: var(--s4);
        font-size: var(--text-s);
        color: var(--ink-2);
      }
      section.card {
        display: grid;
        gap: var(--s3);
        padding: var(--s4) var(--s5);
      }
      section + section {
        margin-block-start: var(--s4);
      }
      svg {
        width: 100%;
        height: 1.25rem;
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
      .scroll {
        overflow-x: auto;
      }
      table {
        width: 100%;
        border-collapse: collapse;
        font-size: var(--text-s);
      }
      th,
      td {
        padding: var(--s2) var(--s3) var(--s2) 0;
        border-block-end: var(--border) solid var(--line);
        text-align: start;
        overflow-wrap: anywhere;
      }
      summary {
        min-height: var(--tap);
        padding-block: var(--s2);
        cursor: pointer;
      }
      details li {
        display: flex;
        flex-wrap: wrap;
        gap: var(--s1) var(--s3);
        padding-block: var(--s1);
        font-size: var(--text-s);
      }
    `,
  ];

  @state() private days = 7;
  @state() private found: Record<string, Loaded<Coverage>> = {};
  private turn = 0;
  private asked = '';

  constructor() {
    super();
    new WatchApp(this);
  }

  override updated(changed: PropertyValues): void {
    super.updated(changed);
    const ids = app.cameras.status === 'ready' ? app.cameras.value.map((one) => one.id).join(',') : '';
    const wanted = `${this.days}:${ids}`;
    if (ids && wanted !== this.asked) {
      this.asked = wanted;
      void this.load(ids.split(','));
    }
  }

  private async load(ids: string[]): Promise<void> {
    const turn = ++this.turn;
    this.found = {};
    const toMs = Date.now();
    for (const id of ids) {
      const answer = await this.one(id, toMs);
      if (turn !== this.turn || !this.isConnected) return;
      this.found = { ...this.found, [id]: answer };
    }
  }

  private async one(id: string, toMs: number): Promise<Loaded<Coverage>> {
    try {
      return { status: 'ready', value: await api.coverage(id, toMs - this.days * DAY_MS, toMs, LEAST_MS) };
    } catch (error) {
      return { status: 'failed', error: asApiError(error) };
    }
  }

  override render(): unknown {
    const cameras = app.cameras.status === 'ready' ? app.cameras.value : [];
    return html`
      <label class="ask">${w.span}<select data-testid="gap-span" @change=${(event: Event) => (this.days = Number((event.target as HTMLSelectElement).value))}>
        ${Object.entries(w.spans).map(([days, name]) => html`<option value=${days} ?selected=${Number(days) === this.days}>${name}</option>`)}
      </select></label>
      ${repeat(cameras, (one) => one.id, ({ id, name }) => html`<section class="card" aria-label=${name} data-testid="gap-camera" data-camera=${id}>
        <h2>${name}</h2>${this.camera(id)}
      </section>`)}
      <p class="muted small">${w.least}</p>`;
  }

  private camera(id: string): unknown {
    const found = this.found[id] ?? { status: 'loading' };
    if (found.status === 'failed') return failure(w.failed, found.error, () => { this.asked = ''; this.requestUpdate(); });
    if (found.status === 'loading') return html`<div class="skeleton" aria-busy="true"><p>${t.app.loading}</p></div>`;
    const gaps = gapsOf(found.value);
    return html`${strip(found.value)}
      <p>${gaps.count ? html`<strong>${w.missing(duration(gaps.totalMs), gaps.count)}.</strong> ` : html`<strong>${w.none}</strong> `}${gaps.share === null ? nothing : html`<span class="num">${w.share(gaps.share)}</span>.`}</p>
      ${gaps.count ? this.reasons(id, gaps) : nothing}`;
  }

  private reasons(id: string, gaps: Gaps): unknown {
    return html`<div class="scroll" tabindex="0" role="region" aria-label=${w.reason}><table><thead><tr><th scope="col">${w.reason}</th><th scope="col">${w.total}</th><th scope="col">${w.longest}</th></tr></thead>
        <tbody>${gaps.reasons.map((one) => html`<tr><th scope="row">${one.reason || w.noReason}</th><td class="num">${duration(one.totalMs)}, ${w.times(one.count)}</td><td class="num">${duration(one.longestMs)}</td></tr>`)}</tbody></table></div>
      <details><summary>${w.list}</summary><ul class="num">
        ${gaps.spans.slice(0, MAX_LISTED).map((span) => html`<li><a href=${`/cameras/${id}?at=${span.from_ms}`} aria-label=${`${w.look}: ${moment(span.from_ms, Date.now())}`}>${moment(span.from_ms, Date.now())}</a><span>${duration(span.to_ms - span.from_ms)}</span><span class="muted">${span.reason || w.noReason}</span></li>`)}
        ${gaps.spans.length > MAX_LISTED ? html`<li>${w.more(gaps.spans.length - MAX_LISTED)}</li>` : nothing}
      </ul></details>`;
  }
}

function strip(coverage: Coverage): unknown {
  const scale = WIDTH / Math.max(1, coverage.to_ms - coverage.from_ms);
  const totals = Object.entries(coverage.totals_ms).filter(([, ms]) => ms > 0).map(([name, ms]) => `${t.coverage.state[name] ?? name} ${duration(ms)}`).join(' · ');
  return html`<svg viewBox="0 0 ${WIDTH} 20" preserveAspectRatio="none" role="img" aria-label=${totals || t.coverage.nothing}>
      ${coverage.spans.filter((span) => span.state !== 'idle').map((span) => svg`<rect class=${span.state} x=${(span.from_ms - coverage.from_ms) * scale} width=${Math.max(1, (span.to_ms - span.from_ms) * scale)} height="20"></rect>`)}
    </svg><p class="muted small num">${totals}</p>`;
}
