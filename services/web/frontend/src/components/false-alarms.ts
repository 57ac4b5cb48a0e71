import { css, html, LitElement, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';

import { api } from '../api/client';
import type { FalseAlarms, FalseAlarmSpan, MarkedObject, Verdict } from '../api/types';
import { shared } from '../design/shared';
import { decimal, fullMoment, moment } from '../format';
import { systemStyles } from '../pages/system.styles';
import { asApiError } from '../state/app-state';
import { Now } from '../state/now';
import { Polled } from '../state/polled';
import { className, t } from '../strings';

const EVERY_MS = 60_000;

/** How often a camera took something for what it is not, what is held back because of that, and the marks themselves. */
@customElement('vg-false-alarms')
export class FalseAlarmsCard extends LitElement {
  static override styles = [
    shared,
    systemStyles,
    css`
      :host {
        display: block;
        margin-block-start: var(--s5);
        max-width: none;
      }
      th,
      td {
        padding-inline: var(--s3);
        white-space: normal;
      }
      li {
        display: flex;
        flex-wrap: wrap;
        gap: var(--s1) var(--s3);
        align-items: center;
        justify-content: space-between;
        padding-block: var(--s2);
        border-block-end: var(--border) solid var(--line);
      }
      li:last-child {
        border: none;
      }
      details,
      .none {
        padding: var(--s3) var(--s5);
      }
      summary {
        cursor: pointer;
        font-weight: var(--weight-strong);
      }
      .problem {
        color: var(--danger);
      }
    `,
  ];

  @property() camera = '';
  @state() private problem = '';
  @state() private busy = '';
  private readonly now = new Now(this);
  private readonly found = new Polled<FalseAlarms>(this, () => api.falseAlarms(this.camera), EVERY_MS);

  override render(): unknown {
    const found = this.found.value;
    return html`<section aria-labelledby="false-alarms" data-testid="false-alarms">
      <div class="section-head"><h2 id="false-alarms">${t.marks.title}</h2></div>
      <div class="card">
        ${found ? this.numbers(found) : html`<p class="none muted" aria-busy=${String(!this.found.failed)}>${this.found.failed ? t.marks.unknown : t.app.loading}</p>`}
      </div>
    </section>`;
  }

  private numbers(found: FalseAlarms): unknown {
    const [held, marks] = [found.newest.filter((one) => one.suppressed), found.newest.filter((one) => !one.suppressed)];
    return html`<div class="scroll" tabindex="0" role="region" aria-labelledby="false-alarms">
        <table>
          <thead>
            <tr>
              <th scope="col">${t.marks.span}</th>
              ${[t.marks.told, t.marks.markedWrong, t.marks.rate, t.marks.suppressed].map((name) => html`<th scope="col" class="right">${name}</th>`)}
            </tr>
          </thead>
          <tbody>
            ${found.spans.map(
              (span) => html`<tr data-days=${span.days}>
                <th scope="row">${t.marks.days(span.days)}</th>
                ${[span.told, span.wrong, rate(span), span.suppressed].map((cell) => html`<td class="right num">${cell}</td>`)}
              </tr>`,
            )}
          </tbody>
        </table>
      </div>
      ${this.list('suppressed', t.marks.heldList(held.length), held)} ${this.list('marks', t.marks.markList(marks.length), marks)}
      ${this.problem ? html`<p class="none problem" role="alert">${this.problem}</p>` : nothing}`;
  }

  private list(name: string, heading: string, rows: readonly MarkedObject[]): unknown {
    if (!rows.length) return nothing;
    return html`<details data-testid="false-alarms-${name}">
      <summary>${heading}</summary>
      <ul>
        ${rows.map((row) => this.row(row))}
      </ul>
    </details>`;
  }

  private row(row: MarkedObject): unknown {
    const name = className(row.object_class);
    const what = row.suppressed ? name : html`<a href="/events/${row.event_id}">${name}</a>`;
    return html`<li>
      <span>
        ${what} <span class="muted num" title=${fullMoment(row.seen_ms)}>${moment(row.seen_ms, this.now.ms)}</span><br />
        <span class="muted small">${why(row)}</span>
      </span>
      ${this.button(row)}
    </li>`;
  }

  private button(row: MarkedObject): unknown {
    const [verdict, label]: [Verdict, string] = row.verdict !== 'none' ? ['none', t.marks.takeBack] : ['right', t.marks.wasRight];
    return html`<button type="button" class="quiet" ?disabled=${this.busy === row.id} @click=${() => void this.say(row, verdict)}>${label}</button>`;
  }

  private async say(row: MarkedObject, verdict: Verdict): Promise<void> {
    this.busy = row.id;
    this.problem = '';
    try {
      await api.mark(this.camera, row.id, row.object_class, verdict);
      await this.found.refresh();
    } catch (error) {
      this.problem = t.marks.failed(asApiError(error).message);
    }
    this.busy = '';
  }
}

/** Marked as wrong of what was told; a dash where nothing was. */
export function rate(span: FalseAlarmSpan): string {
  return span.told ? `${decimal((100 * span.wrong) / span.told, span.wrong && span.wrong * 10 < span.told ? 1 : 0)} %` : '–';
}

function why(row: MarkedObject): string {
  if (row.verdict !== 'none') return t.marks.by[row.verdict](row.marked_by || t.marks.somebody, row.learnt);
  return row.mask ? t.marks.inMask(row.mask) : t.marks.like(Math.round((row.likeness ?? 0) * 100));
}
