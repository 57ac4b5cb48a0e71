import { css, html, LitElement, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';

import { api } from '../api/client';
import type { VigilarEvent } from '../api/types';
import { eventRows, eventSkeleton } from '../components/event-list';
import '../components/more';
import { failure } from '../components/states';
import { eventListStyles } from '../design/lists';
import { pageStyles, shared } from '../design/shared';
import { dayKey, dayRange, dayTitle } from '../format';
import { navigate } from '../router';
import { app, ListenApp, WatchApp } from '../state/app-state';
import { type EventFilter, matches, upsertEvent } from '../state/merge';
import { Now } from '../state/now';
import { Paged } from '../state/paged';
import { className, t } from '../strings';
import { CLASSES, TYPES } from './event-words';

const PAGE = 30;
const NOTHING = { camera: '', type: '', class: '', zone: '', day: '' };

/** All events, newest first, by day; new ones come in at the top by themselves. */
@customElement('vg-events')
export class EventsPage extends LitElement {
  static override styles = [
    shared,
    pageStyles,
    eventListStyles,
    css`
      form {
        display: flex;
        flex-wrap: wrap;
        gap: var(--s2) var(--s3);
        align-items: end;
      }
      label {
        display: grid;
        gap: 0.125rem;
        flex: 1 1 9rem;
        color: var(--ink-2);
        font-size: var(--text-xs);
        font-weight: var(--weight-strong);
      }
      select,
      input {
        width: 100%;
        color: var(--ink);
        font-size: var(--text-m);
        font-weight: var(--weight);
      }
      @media (min-width: 760px) {
        :host(:not([only])) .rows {
          --thumb: 10.5rem;
          grid-template-columns: repeat(auto-fill, minmax(24rem, 1fr));
          gap: var(--s2);
        }
      }
      :host([only]) .day {
        margin-block-start: 0;
      }
    `,
  ];

  /** Without one, the whole page with its filters; with one, only the list of that camera's events. */
  @property({ reflect: true }) only: string | undefined;
  private filter = { ...NOTHING };
  private readonly now = new Now(this);
  private readonly fresh = new Set<string>();
  private readonly list = new Paged<VigilarEvent>(
    (cursor) => api.events({ ...this.query(), cursor, limit: PAGE }),
    (event) => event.id,
    () => this.requestUpdate(),
  );

  constructor() {
    super();
    new WatchApp(this);
    new ListenApp<undefined>(this, 'resync', () => void this.list.refresh());
    new ListenApp<VigilarEvent>(this, 'event', (event) => this.take(event));
  }

  override connectedCallback(): void {
    super.connectedCallback();
    const search = new URLSearchParams(location.search);
    this.filter = {
      camera: this.only ?? search.get('camera') ?? '',
      type: this.only ? '' : (search.get('type') ?? ''),
      class: this.only ? '' : (search.get('class') ?? ''),
      zone: this.only ? '' : (search.get('zone') ?? ''),
      day: this.only ? '' : (search.get('day') ?? ''),
    };
    void this.list.restart();
  }

  private query(): EventFilter {
    const { day, ...wanted } = this.filter;
    const range = dayRange(day);
    return { ...wanted, from_ms: range?.fromMs ?? null, to_ms: range?.toMs ?? null };
  }

  private take(event: VigilarEvent): void {
    const known = this.list.items.some((item) => item.id === event.id);
    if (!known && !matches(event, this.query())) return;
    if (!known) this.fresh.add(event.id);
    this.list.items = upsertEvent(this.list.items, event);
    this.requestUpdate();
  }

  override render(): unknown {
    if (this.only) return this.body();
    return html`
      <header class="page-head">
        <h1>${t.events.title}</h1>
        ${this.filters()}
      </header>
      ${this.body()}
    `;
  }

  private filters(): unknown {
    const cameras = app.cameras.status === 'ready' ? app.cameras.value : [];
    const filtered = Object.values(this.filter).some(Boolean);
    const classes = this.filter.class && !CLASSES.includes(this.filter.class) ? [...CLASSES, this.filter.class] : CLASSES;
    return html`<form aria-label=${t.events.filter} @submit=${(e: Event) => e.preventDefault()}>
      <label
        >${t.events.camera}
        <select @change=${(e: Event) => this.choose('camera', e)}>
          <option value="">${t.events.allCameras}</option>
          ${cameras.map((camera) => html`<option value=${camera.id} ?selected=${camera.id === this.filter.camera}>${camera.name}</option>`)}
        </select>
      </label>
      <label
        >${t.events.type}
        <select @change=${(e: Event) => this.choose('type', e)}>
          <option value="">${t.events.allTypes}</option>
          ${TYPES.map((type) => html`<option value=${type} ?selected=${type === this.filter.type}>${t.events.type_name[type]}</option>`)}
        </select>
      </label>
      <label
        >${t.events.objectClass}
        <select @change=${(e: Event) => this.choose('class', e)}>
          <option value="">${t.events.allClasses}</option>
          ${classes.map((name) => html`<option value=${name} ?selected=${name === this.filter.class}>${className(name)}</option>`)}
        </select>
      </label>
      ${this.filter.zone
        ? html`<label
            >${t.events.zones}
            <select @change=${(e: Event) => this.choose('zone', e)}>
              <option value="">${t.events.allZones}</option>
              <option value=${this.filter.zone} selected>${this.filter.zone}</option>
            </select>
          </label>`
        : nothing}
      <label
        >${t.events.day}
        <input type="date" max=${dayKey(this.now.ms)} .value=${this.filter.day} @change=${(e: Event) => this.choose('day', e)} />
      </label>
      ${filtered ? html`<button type="button" class="quiet" @click=${this.clear}>${t.events.clear}</button>` : nothing}
    </form>`;
  }

  private choose(key: keyof typeof NOTHING, event: Event): void {
    this.filter = { ...this.filter, [key]: (event.target as HTMLInputElement | HTMLSelectElement).value };
    this.refilter();
  }

  private readonly clear = (): void => {
    this.filter = { ...NOTHING };
    for (const select of this.renderRoot.querySelectorAll('select')) select.value = '';
    this.refilter();
  };

  private refilter(): void {
    const search = new URLSearchParams(Object.entries(this.filter).filter(([, value]) => value));
    navigate(`/events${search.size ? `?${search.toString()}` : ""}`, true);
    void this.list.restart();
  }

  private body(): unknown {
    const { items, loading, ended, error, loadedOnce } = this.list;
    if (error && !items.length) return html`<div class="card">${failure(t.events.failed, error, () => void this.list.restart())}</div>`;
    if (!loadedOnce) return html`<ul aria-busy="true">${eventSkeleton(8)}</ul>`;
    if (!items.length) {
      const filtered = Object.values(this.filter).some(Boolean);
      return html`<div class="card">
        <vg-message
          icon="events"
          heading=${filtered ? t.events.noneFiltered : t.events.none}
          text=${filtered && !this.only ? t.events.noneFilteredHelp : t.events.noneHelp}
        ></vg-message>
      </div>`;
    }
    return html`
      ${byDay(items).map(
        (day) => html`<section>
          <h2 class="day">${dayTitle(day[0]?.started_ms ?? 0, this.now.ms)}</h2>
          <ul class="rows">${eventRows(day, this.now.ms, true, this.fresh)}</ul>
        </section>`,
      )}
      ${error
        ? failure(t.events.failed, error, () => void this.list.more())
        : ended
          ? html`<p class="end">${t.events.end}</p>`
          : html`<vg-more ?busy=${loading} @more=${() => void this.list.more()}></vg-more>`}
    `;
  }
}

function byDay(events: readonly VigilarEvent[]): VigilarEvent[][] {
  const days: VigilarEvent[][] = [];
  let last = '';
  for (const event of events) {
    const key = dayKey(event.started_ms);
    if (key !== last) days.push([]);
    last = key;
    days.at(-1)?.push(event);
  }
  return days;
}
