import { css, html, LitElement, nothing, svg } from 'lit';
import { customElement } from 'lit/decorators.js';

import { footageApi, type CameraForecast, type StorageUsage } from '../api/footage';
import { factStyles } from '../design/lists';
import { shared } from '../design/shared';
import { ago, bytes } from '../format';
import { app, WatchApp } from '../state/app-state';
import { Now } from '../state/now';
import { Polled } from '../state/polled';
import { t } from '../strings';
import './states';

const REFRESH_MS = 60_000;
const WIDTH = 1000;
const w = t.footage.storage;

/** How long film lasts: what fills the disk, when it is full, how many days are kept, and the numbers behind it. */
@customElement('vg-storage-forecast')
export class StorageForecast extends LitElement {
  static override styles = [
    shared,
    factStyles,
    css`
      .card {
        display: grid;
        gap: var(--s4);
        padding: var(--s5);
      }
      svg {
        width: 100%;
        height: 1.5rem;
        border-radius: var(--radius-s);
        background: var(--surface-3);
      }
      .film {
        fill: var(--accent);
      }
      .others {
        fill: var(--ink-3);
      }
      .limit {
        stroke: var(--danger);
        stroke-width: 4;
      }
      .key {
        display: flex;
        flex-wrap: wrap;
        gap: var(--s1) var(--s4);
        font-size: var(--text-s);
      }
      .key span::before {
        content: '';
        display: inline-block;
        width: 0.75rem;
        height: 0.75rem;
        margin-inline-end: var(--s2);
        border-radius: 3px;
        background: var(--surface-3);
      }
      .key .film::before {
        background: var(--accent);
      }
      .key .others::before {
        background: var(--ink-3);
      }
      .key .limit::before {
        background: var(--danger);
        width: 0.25rem;
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
        padding: var(--s2) var(--s3);
        border-block-end: var(--border) solid var(--line);
        text-align: end;
        white-space: nowrap;
      }
      th:first-child {
        text-align: start;
      }
      thead th {
        color: var(--ink-2);
      }
      h3 {
        font-size: var(--text-m);
      }
      .told {
        font-size: var(--text-l);
        text-wrap: pretty;
      }
    `,
  ];

  private readonly now = new Now(this, 60_000);
  private readonly polled = new Polled<StorageUsage>(this, () => footageApi.storage(), REFRESH_MS);

  constructor() {
    super();
    new WatchApp(this);
  }

  override render(): unknown {
    const usage = this.polled.value;
    if (!usage) {
      return this.polled.failed
        ? html`<div class="card"><vg-message role="alert" tone="bad" icon="plug" heading=${w.failed}></vg-message></div>`
        : html`<div class="skeleton tall" aria-busy="true"></div>`;
    }
    return html`<section class="card" aria-labelledby="lasts" data-testid="forecast">
      <h2 id="lasts">${w.title}</h2>
      <p class="told">${told(usage)}</p>
      ${bar(usage)}
      <h3>${w.behind}</h3>
      <p class="muted small">${w.behindHelp(usage.forecast.measured_days)}</p>
      ${this.facts(usage)}
      ${usage.forecast.cameras.length ? this.cameras(usage) : nothing}
      ${app.session?.role === 'admin' ? html`<p><a class="button" href="/settings?q=retention_days">${w.change}</a></p>` : nothing}
    </section>`;
  }

  private facts(usage: StorageUsage): unknown {
    const { recordings, forecast, disks, database_bytes } = usage;
    const rows = [
      [w.perDay, forecast.bytes_per_day ? bytes(forecast.bytes_per_day) : '–'],
      [w.stored, w.ofNow(bytes(recordings.bytes), recordings.count)],
      [w.oldest, recordings.oldest_ms ? ago(recordings.oldest_ms, this.now.ms) : '–'],
      [w.room, bytes(Math.max(0, forecast.critical_bytes - disks.recordings.used_bytes))],
      [w.prunable, bytes(forecast.prunable_bytes)],
      [w.database, bytes(database_bytes)],
    ];
    return html`<dl class="facts num">${rows.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
  }

  private cameras(usage: StorageUsage): unknown {
    return html`<h3 id="cameras">${w.cameras}</h3>
      <div class="scroll" tabindex="0" role="region" aria-labelledby="cameras"><table>
        <thead><tr>${[w.camera, w.aDay, w.measured, w.now, w.oldestOf, w.setting, w.kept].map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
        <tbody>${usage.forecast.cameras.map((one) => this.row(one, usage.forecast.days_kept))}</tbody>
      </table></div>`;
  }

  private row(one: CameraForecast, daysKept: number | null): unknown {
    const kept = daysKept === null ? one.retention_days : Math.min(one.retention_days, daysKept);
    return html`<tr data-testid="forecast-camera"><th scope="row">${app.camera(one.camera_id)?.name ?? one.camera_id}</th>
      <td class="num">${one.bytes_per_day ? bytes(one.bytes_per_day) : '–'}</td><td class="num">${w.days(one.days_measured)}</td><td class="num">${bytes(one.kept_bytes)}</td>
      <td class="num">${one.oldest_days === null ? '–' : w.days(one.oldest_days)}</td><td class="num">${w.days(one.retention_days)}</td>
      <td class="num">${one.bytes_per_day ? html`<span class="badge ${kept < one.retention_days ? 'warn' : 'ok'}">${w.days(kept)}</span>` : '–'}</td></tr>`;
  }
}

/** The one sentence that an owner wants. */
export function told({ forecast }: StorageUsage): string {
  if (!forecast.bytes_per_day) return w.unknown;
  if (forecast.days_until_critical === null) return w.retention;
  const when = forecast.days_until_critical === 0 ? w.fullNow : w.full(w.days(forecast.days_until_critical));
  return [forecast.days_kept === null ? '' : w.keeps(w.days(forecast.days_kept)), when, w.pruned].filter(Boolean).join(' ');
}

function bar({ disks, recordings, forecast }: StorageUsage): unknown {
  const disk = disks.recordings;
  const scale = WIDTH / Math.max(1, disk.total_bytes);
  const film = Math.min(recordings.bytes, disk.used_bytes) * scale;
  const others = (disk.used_bytes - Math.min(recordings.bytes, disk.used_bytes)) * scale;
  const sizes = [bytes(recordings.bytes), bytes(Math.max(0, disk.used_bytes - recordings.bytes)), bytes(disk.free_bytes)] as const;
  return html`<svg viewBox="0 0 ${WIDTH} 24" preserveAspectRatio="none" role="img" aria-label=${w.bar(...sizes)}>
      ${svg`<rect class="others" x="0" width=${others} height="24"></rect><rect class="film" x=${others} width=${Math.max(film, film > 0 ? 2 : 0)} height="24"></rect>
        <line class="limit" x1=${forecast.critical_bytes * scale} x2=${forecast.critical_bytes * scale} y1="0" y2="24"></line>`}
    </svg>
    <p class="key num"><span class="others">${w.others} ${sizes[1]}</span><span class="film">${w.used} ${sizes[0]}</span><span>${w.free} ${sizes[2]}</span><span class="limit">${w.limit(forecast.critical_pct)}</span></p>`;
}
