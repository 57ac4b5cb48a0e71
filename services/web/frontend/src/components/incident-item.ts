import { css, html, LitElement, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';

import type { AlertEvent, Incident, Receipt } from '../api/alerts';
import { api } from '../api/client';
import type { Delivery } from '../api/types';
import { shared } from '../design/shared';
import { ago, duration, fullMoment, moment } from '../format';
import { app, asApiError } from '../state/app-state';
import { said, t } from '../strings';
import { deliveryRows, deliveryStyles } from './delivery-rows';
import './thumb';

const SNOOZE_S = 3600;
const TONE: Record<string, string> = { critical: 'bad', alert: 'warn', info: '' };

/** One alert: what happened, who was told and has seen it, and what can be done about it. */
@customElement('vg-incident')
export class IncidentItem extends LitElement {
  static override styles = [
    shared,
    deliveryStyles,
    css`
      article {
        display: grid;
        grid-template-columns: 7.5rem minmax(0, 1fr);
        gap: var(--s3) var(--s4);
        padding: var(--s4) 0;
        border-block-end: var(--border) solid var(--line);
      }
      .plain {
        grid-template-columns: minmax(0, 1fr);
      }
      vg-thumb {
        border-radius: var(--radius-s);
      }
      h3 {
        font-size: var(--text-m);
        font-weight: var(--weight-strong);
        overflow-wrap: anywhere;
      }
      p,
      summary,
      li {
        font-size: var(--text-s);
        overflow-wrap: anywhere;
      }
      p {
        margin-block-start: var(--s1);
      }
      .badges,
      .row {
        display: flex;
        flex-wrap: wrap;
        gap: var(--s2);
        margin-block-start: var(--s2);
      }
      summary {
        padding-block: var(--s2);
        cursor: pointer;
        font-weight: var(--weight-strong);
      }
      .events li {
        padding: var(--s2) 0;
      }
      .events a {
        color: inherit;
      }
      .problem {
        color: var(--danger);
      }
      @media (max-width: 600px) {
        article {
          grid-template-columns: minmax(0, 1fr);
        }
        vg-thumb {
          max-width: 14rem;
        }
      }
    `,
  ];

  @property({ attribute: false }) incident!: Incident;
  @property({ attribute: false }) nowMs = 0;
  @state() private more: AlertEvent[] | null = null;
  @state() private deliveries: Delivery[] | null = null;
  @state() private busy = false;
  @state() private said = '';
  @state() private problem = '';

  override render(): unknown {
    const one = this.incident;
    return html`<article
      class=${one.picture_url ? '' : 'plain'}
      data-testid="incident"
      data-alert-id=${one.alert_id}
      data-count=${one.count}
      data-acknowledged=${String(one.acknowledged !== null)}
      aria-labelledby="title"
    >
      ${one.picture_url ? this.picture(one.picture_url, one.lead) : nothing}
      <div>
        <h3 id="title">${said(one.headline)}</h3>
        <div class="badges">
          <span class="badge ${TONE[one.severity] ?? ''}">${t.events.severityName[one.severity]}</span>
          <span class="badge">${t.incidents.count(one.count)}</span>
          ${one.held ? html`<span class="badge">${t.incidents.held[one.held] ?? one.held}</span>` : nothing}
          ${one.acknowledged ? html`<span class="badge ok">${t.incidents.acknowledged}</span>` : nothing}
        </div>
        <p class="muted num" title=${fullMoment(one.opened_ms)}>${this.when(one)}</p>
        ${one.count > 1 && one.summary ? html`<p>${one.summary}</p>` : nothing}
        ${one.acknowledged ? html`<p>${t.incidents.acknowledgedBy(one.acknowledged.by, moment(one.acknowledged.ts_ms, this.nowMs))}</p>` : nothing}
        ${one.escalates_ms !== null ? html`<p data-testid="escalates">${t.incidents.escalates(duration(Math.max(0, one.escalates_ms - this.nowMs)))}</p>` : nothing}
        <div class="row">
          ${one.acknowledged
            ? nothing
            : html`<button
                type="button"
                class=${one.escalates_ms === null ? '' : 'primary'}
                data-testid="acknowledge"
                aria-label=${t.incidents.acknowledgeOf(said(one.title))}
                ?disabled=${this.busy}
                @click=${() => void this.acknowledge()}
              >
                ${t.incidents.acknowledge}
              </button>`}
          ${one.cameras.length === 1
            ? html`<button type="button" data-testid="incident-snooze" ?disabled=${this.busy} @click=${() => void this.snooze()}>
                ${t.incidents.snooze(app.camera(one.cameras[0] ?? null)?.name ?? one.cameras[0] ?? '')}
              </button>`
            : nothing}
        </div>
        <p class=${this.problem ? 'problem' : ''} role="status">${this.problem || this.said}</p>
        ${this.events(one)} ${this.told(one)}
      </div>
    </article>`;
  }

  /** What the alert is about, where it is seen best; it leads to that moment. */
  private picture(src: string, lead: string | null): unknown {
    const thumb = html`<vg-thumb .src=${src}></vg-thumb>`;
    return lead ? html`<a href="/events/${lead}" aria-label=${t.incidents.moment} data-testid="incident-picture">${thumb}</a>` : thumb;
  }

  private when(one: Incident): string {
    const length = one.last_ms - one.opened_ms;
    return length < 1000 ? ago(one.opened_ms, this.nowMs) : t.incidents.lasted(ago(one.opened_ms, this.nowMs), duration(length));
  }

  private events(one: Incident): unknown {
    const rows = this.more ?? one.events;
    return html`<details data-testid="incident-events" @toggle=${(event: Event) => (event.target as HTMLDetailsElement).open && this.opened()}>
      <summary>${t.incidents.events}</summary>
      <ul class="events">
        ${rows.map(
          (row) => html`<li>
            ${row.event_id ? html`<a href="/events/${row.event_id}">${said(row.title)}</a>` : said(row.title)}
            <span class="muted num">${moment(row.ts_ms, this.nowMs)}</span>
            <br /><span class="muted">${row.why}</span>
          </li>`,
        )}
      </ul>
      ${rows.length < one.count
        ? html`<button type="button" ?disabled=${this.busy} @click=${() => void this.all()}>${t.incidents.all(one.count)}</button>`
        : nothing}
    </details>`;
  }

  private told(one: Incident): unknown {
    return html`<details data-testid="incident-told" @toggle=${(event: Event) => (event.target as HTMLDetailsElement).open && void this.loadTold()}>
      <summary>${t.incidents.told}</summary>
      ${one.receipts.length ? html`<ul>${one.receipts.map((row) => html`<li>${receipt(row, this.nowMs)}</li>`)}</ul>` : nothing}
      ${this.deliveries?.length === 0 ? html`<p class="muted">${t.incidents.nobody}</p>` : nothing}
      <ul class="deliveries">${deliveryRows(this.deliveries ?? [], false)}</ul>
    </details>`;
  }

  private acknowledge(): Promise<void> {
    return this.send(async () => {
      const { message, alert } = await api.acknowledge(this.incident.alert_id);
      const detail = { ...this.incident, ...alert, picture_url: this.incident.picture_url, events: this.incident.events };
      this.dispatchEvent(new CustomEvent<Incident>('changed', { detail }));
      return message;
    });
  }

  private snooze(): Promise<void> {
    return this.send(async () => (await api.snooze(this.incident.cameras[0] ?? null, SNOOZE_S)).message);
  }

  /** A receipt: that somebody looked at it. Nobody waits for its answer, and the server keeps the first of each person. */
  private opened(): void {
    void api.opened(this.incident.alert_id).catch(() => undefined);
  }

  /** Each time it is opened: updates bring new attempts. */
  private loadTold(): Promise<void> {
    return this.send(async () => {
      this.deliveries = (await api.deliveries(this.incident.alert_id)).items;
      return '';
    });
  }

  private all(): Promise<void> {
    return this.send(async () => {
      let next: number | null = 0;
      let rows: AlertEvent[] = [];
      while (next !== null && rows.length < 1000) {
        const page: { events: AlertEvent[]; next: number | null } = await api.incident(this.incident.alert_id, next);
        rows = [...rows, ...page.events];
        next = page.next;
      }
      this.more = rows;
      return '';
    });
  }

  private async send(request: () => Promise<string>): Promise<void> {
    this.busy = true;
    this.problem = '';
    try {
      this.said = await request();
    } catch (error) {
      this.problem = asApiError(error).message || t.alerts.failed;
    }
    this.busy = false;
  }
}

function receipt(row: Receipt, nowMs: number): string {
  return t.incidents.receipt[row.kind](row.by, moment(row.ts_ms, nowMs));
}
