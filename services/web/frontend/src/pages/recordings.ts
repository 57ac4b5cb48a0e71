import { css, html, LitElement, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';

import { api } from '../api/client';
import type { Recording } from '../api/types';
import '../components/clip-actions';
import '../components/icon';
import '../components/gap-report';
import '../components/more';
import { sealBadges } from '../components/seal-badges';
import { failure } from '../components/states';
import '../components/storage-forecast';
import '../components/verify-card';
import { eventListStyles } from '../design/lists';
import { pageStyles, shared } from '../design/shared';
import { bytes, dayRange, duration, moment } from '../format';
import { app, ListenApp, WatchApp } from '../state/app-state';
import { Paged } from '../state/paged';
import { t } from '../strings';

const w = t.footage;

/** The ways into the pages about recordings. */
function views(here: string): unknown {
  return html`<nav class="views" aria-label=${w.viewsName}>${Object.entries(w.views).map(
    ([view, name]) => html`<a class="button" href=${view === 'list' ? '/recordings' : `/recordings?view=${view}`} data-testid=${`view-${view}`} aria-current=${view === here ? 'page' : nothing}>${name}</a>`,
  )}</nav>`;
}

@customElement('vg-recordings')
export class RecordingsPage extends LitElement {
  static override styles = [
    shared,
    pageStyles,
    eventListStyles,
    css`
      :host {
        max-width: 72rem;
    margin-inline: 0;
      }
      li {
        display: flex;
        align-items: center;
        gap: var(--s3);
        padding: var(--s2) var(--s3);
        border-block-end: var(--border) solid var(--line);
      }
      li:last-child {
        border-block-end: 0;
      }
      .open {
        display: flex;
        flex: 1;
        min-width: 0;
        align-items: center;
        gap: var(--s3);
        padding-block: var(--s1);
        color: inherit;
        text-decoration: none;
        border-radius: var(--radius-s);
      }
      .disc {
        display: grid;
        place-items: center;
        flex: none;
        width: var(--tap);
        height: var(--tap);
        border-radius: 50%;
        background: var(--accent-soft);
        color: var(--accent);
        transition: background var(--fast) var(--ease);
      }
      .open:hover .disc {
        background: var(--accent);
        color: var(--accent-ink);
      }
      .name,
      .meta {
        display: block;
      }
      .name {
        font-weight: var(--weight-strong);
      }
      .meta {
        color: var(--ink-2);
        font-size: var(--text-s);
      }
      @media (max-width: 560px) {
        li {
          gap: 0;
          padding-inline: var(--s3) 0;
        }
        .open {
          flex-wrap: wrap;
        }
        .open .grow {
          flex-basis: 55%;
        }
        .open .badge {
          margin-inline-start: calc(var(--tap) + var(--s3));
        }
      }
      .views {
        display: flex;
        flex-wrap: wrap;
        gap: var(--s2);
      }
      .views a[aria-current] {
        background: var(--accent-soft);
        border-color: var(--accent);
        color: var(--accent);
      }
      .filters {
        display: flex;
        flex-wrap: wrap;
        align-items: end;
        gap: var(--s3);
        margin-block-end: var(--s4);
      }
      .filters label:not(.only) {
        display: grid;
        gap: var(--s1);
        flex: 1 1 9rem;
        min-width: 0;
        max-width: 16rem;
        font-size: var(--text-s);
        color: var(--ink-2);
      }
      .filters select,
      .filters input:not([type='checkbox']) {
        width: 100%;
        min-width: 0;
        color: var(--ink);
      }
      label.only {
        display: inline-flex;
        align-items: center;
        gap: var(--s2);
        min-height: var(--tap);
        font-weight: var(--weight-strong);
        cursor: pointer;
      }
      label.only input {
        width: 1.25rem;
        height: 1.25rem;
        min-height: 0;
        accent-color: var(--accent);
      }
    `,
  ];

  @state() private onlyStarred = false;
  @state() private camera = new URLSearchParams(location.search).get('camera') ?? '';
  @state() private from = '';
  @state() private to = '';
  private readonly view = new URLSearchParams(location.search).get('view') ?? 'list';
  private readonly list = new Paged<Recording>(
    (cursor) =>
      api.recordings({
        cursor,
        limit: 40,
        starred: this.onlyStarred ? 'true' : '',
        camera: this.camera,
        from_ms: dayRange(this.from)?.fromMs ?? null,
        to_ms: dayRange(this.to)?.toMs ?? null,
      }),
    (recording) => recording.id,
    () => this.requestUpdate(),
  );

  constructor() {
    super();
    new WatchApp(this);
    new ListenApp<undefined>(this, 'resync', () => void this.list.refresh());
  }

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.view === 'list') void this.list.restart();
  }

  override render(): unknown {
    return html`
      <header class="page-head">
        <h1>${t.recordings.title}</h1>
        ${app.session?.all_cameras && app.session.role !== 'viewer' ? views(this.view) : nothing}
      </header>
      ${this.shown()}
    `;
  }

  private shown(): unknown {
    switch (this.view) {
      case 'storage':
        return html`<vg-storage-forecast></vg-storage-forecast>`;
      case 'gaps':
        return html`<vg-gap-report></vg-gap-report>`;
      case 'proof':
        return html`<vg-verify-card></vg-verify-card>`;
      default:
        return html`${this.filters()}${this.body()}`;
    }
  }

  private filters(): unknown {
    const cameras = app.cameras.status === 'ready' ? app.cameras.value : [];
    const date = (name: 'from' | 'to'): unknown => html`<label>${w[name]}<input type="date" name=${name} .value=${this[name]}
      @change=${(event: Event) => this.choose({ [name]: (event.target as HTMLInputElement).value })} /></label>`;
    return html`<div class="filters" role="group" aria-label=${t.recordings.title}>
      <label>${w.camera}<select name="camera" @change=${(event: Event) => this.choose({ camera: (event.target as HTMLSelectElement).value })}>
        <option value="">${w.allCameras}</option>${cameras.map((one) => html`<option value=${one.id} ?selected=${one.id === this.camera}>${one.name}</option>`)}
      </select></label>
      ${date('from')} ${date('to')}
      <label class="only"><input type="checkbox" .checked=${this.onlyStarred} @change=${(event: Event) => this.choose({ onlyStarred: (event.target as HTMLInputElement).checked })} />${t.recordings.onlyStarred}</label>
    </div>`;
  }

  private choose(change: { camera?: string; from?: string; to?: string; onlyStarred?: boolean }): void {
    this.camera = change.camera ?? this.camera;
    this.from = change.from ?? this.from;
    this.to = change.to ?? this.to;
    this.onlyStarred = change.onlyStarred ?? this.onlyStarred;
    void this.list.restart();
  }

  private get filtered(): boolean {
    return this.onlyStarred || Boolean(this.camera || this.from || this.to);
  }

  private body(): unknown {
    const { items, loading, ended, error, loadedOnce } = this.list;
    if (error && !items.length) return html`<div class="card">${failure(t.recordings.failed, error, () => void this.list.restart())}</div>`;
    if (!loadedOnce) return html`<div class="skeleton" aria-busy="true"><vg-message icon="recordings" heading=${t.app.loading}></vg-message></div>`;
    if (!items.length) {
      return html`<div class="card"><vg-message icon="recordings" heading=${this.filtered ? w.noneHere : t.recordings.none} text=${this.filtered ? '' : t.recordings.noneHelp}>
        ${this.filtered ? html`<vg-action @click=${() => this.choose({ camera: '', from: '', to: '', onlyStarred: false })}>${w.clear}</vg-action>` : nothing}</vg-message></div>`;
    }
    return html`
      <ul class="card">
        ${repeat(items, (recording) => recording.id, (recording) => this.row(recording))}
      </ul>
      ${error
        ? failure(t.recordings.failed, error, () => void this.list.more())
        : ended
          ? nothing
          : html`<vg-more ?busy=${loading} @more=${() => void this.list.more()}></vg-more>`}
    `;
  }

  private row(recording: Recording): unknown {
    const name = app.camera(recording.camera_id)?.name ?? recording.camera_id;
    const length = recording.ended_ms === null ? t.time.ongoing : duration(recording.ended_ms - recording.started_ms);
    const meta = [t.recordings.trigger[recording.trigger] ?? recording.trigger, length, recording.size_bytes ? bytes(recording.size_bytes) : ''];
    const tone = recording.state === 'damaged' ? 'bad' : recording.state === 'recovered' ? 'warn' : 'ok';
    return html`<li data-testid="recording-item" data-recording-id=${recording.id} data-state=${recording.state}>
      <a class="open" href="/recordings/${recording.id}">
        <span class="disc"><vg-icon name="play"></vg-icon></span>
        <span class="grow">
          <span class="name num">${moment(recording.started_ms, Date.now())} · ${name}</span>
          <span class="meta num">${meta.filter(Boolean).join(' · ')}</span>
        </span>
        ${sealBadges(recording)}
        ${recording.state === 'complete' ? nothing : html`<span class="badge ${tone}">${t.recordings.state[recording.state] ?? recording.state}</span>`}
      </a>
      <vg-clip-actions compact .recordingId=${recording.id} .starred=${recording.starred}></vg-clip-actions>
    </li>`;
  }
}
