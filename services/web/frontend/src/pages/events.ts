import { css, html, LitElement, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';

import { api } from '../api/client';
import { serverNow } from '../api/server-clock';
import type { Page, ReviewWish, Understood, VigilarEvent } from '../api/types';
import { eventRows, eventSkeleton, reviewRows } from '../components/event-list';
import '../components/event-search';
import '../components/more';
import { failure } from '../components/states';
import { eventListStyles, reviewStyles } from '../design/lists';
import { pageStyles, shared } from '../design/shared';
import { dayKey, dayRange, dayTitle } from '../format';
import { navigate } from '../router';
import { app, asApiError, ListenApp, WatchApp } from '../state/app-state';
import { type EventFilter, matches, upsertEvent } from '../state/merge';
import { Now } from '../state/now';
import { marked, reviewPage, waits } from '../state/review';
import { Paged } from '../state/paged';
import { petNames, withChosen } from '../state/pets';
import { className, t } from '../strings';
import { CLASSES, SEVERITIES, TYPES } from './event-words';

const PAGE = 30;
const UNDO_MS = 12_000;
const NOTHING = { camera: '', type: '', class: '', severity: '', zone: '', person: '', pet: '', day: '' };

/** All events, newest first, by day; new ones come in at the top by themselves. */
@customElement('vg-events')
export class EventsPage extends LitElement {
  static override styles = [
    shared,
    pageStyles,
    eventListStyles,
    reviewStyles,
    css`
      vg-event-search {
        flex: 1 1 22rem;
        max-width: 40rem;
      }
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
  private words = '';
  private pets: readonly [string, string][] = [];
  private understood: Understood | null = null;
  private waiting: { waiting: number; more: boolean } | null = null;
  /** What was marked last, while it can be taken back, or why it could not be. */
  private done: { count: number; undo?: ReviewWish; error?: string } | null = null;
  private undoTimer: ReturnType<typeof setTimeout> | undefined;
  private readonly now = new Now(this);
  private readonly fresh = new Set<string>();
  private readonly list = new Paged<VigilarEvent>(
    (cursor) => (this.only || this.words ? this.ask(undefined, cursor) : reviewPage((reviewed, at) => this.ask(reviewed, at), cursor)),
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
    this.filter = { ...NOTHING };
    if (!this.only) for (const key of Object.keys(NOTHING) as (keyof typeof NOTHING)[]) this.filter[key] = search.get(key) ?? '';
    else this.filter.camera = this.only;
    this.words = this.only ? '' : (search.get('q') ?? '');
    void this.list.restart();
    if (!this.only) {
      void this.count();
      void petNames().then((found) => {
        this.pets = found;
        this.requestUpdate();
      });
    }
    document.addEventListener('keydown', this.key);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    document.removeEventListener('keydown', this.key);
    clearTimeout(this.undoTimer);
  }

  /** How many wait, for the words above the list. */
  private async count(): Promise<void> {
    try {
      this.waiting = await api.waiting();
    } catch {
      this.waiting = null; // the list itself says what is wrong
    }
    this.requestUpdate();
  }

  private readonly mark = (event: VigilarEvent, reviewed: boolean): void => {
    void this.review({ event_ids: [event.id], reviewed }, new Set([event.id]));
  };

  private readonly markAll = (): void => {
    const cameras = this.filter.camera ? { cameras: [this.filter.camera] } : {};
    void this.review({ until_ms: serverNow(), ...cameras }, 'all');
  };

  private async review(wish: ReviewWish, ids: ReadonlySet<string> | 'all'): Promise<void> {
    clearTimeout(this.undoTimer);
    const before = this.list.items;
    const again = wish.reviewed === false;
    this.list.items = marked(before, ids, again ? null : { by: app.session?.user ?? '', ts_ms: serverNow() });
    this.requestUpdate();
    try {
      const { count, marked_ms: markedMs } = await api.review(wish);
      this.done = again ? null : { count, undo: { undo_ms: markedMs } };
      this.undoTimer = setTimeout(() => this.forget(), UNDO_MS);
    } catch (error) {
      this.list.items = before;
      this.done = { count: 0, error: asApiError(error).message };
    }
    void this.count();
  }

  private readonly undo = async (): Promise<void> => {
    const undo = this.done?.undo;
    this.forget();
    if (!undo) return;
    try {
      await api.review(undo);
    } catch (error) {
      this.done = { count: 0, error: asApiError(error).message };
    }
    void this.list.restart();
    void this.count();
  };

  private forget(): void {
    this.done = null;
    this.requestUpdate();
  }

  /** Up and down through the list, E: looked at, U: undo. */
  private readonly key = (event: KeyboardEvent): void => {
    if (this.only || event.altKey || event.ctrlKey || event.metaKey) return;
    const path = event.composedPath() as { localName?: string }[];
    if (path.some((node) => ['input', 'select', 'textarea', 'dialog'].includes(node.localName ?? ''))) return;
    const rows = [...this.renderRoot.querySelectorAll<HTMLElement>('vg-event-item')];
    const at = rows.findIndex((row) => path.includes(row));
    const to = rows[event.key === 'ArrowDown' ? at + 1 : event.key === 'ArrowUp' ? at - 1 : -1];
    if (to) to.focus();
    else if (event.key === 'u') void this.undo();
    else if (event.key === 'e' && at >= 0) {
      const found = this.list.items.find((item) => item.id === rows[at]?.dataset['eventId']);
      if (found) this.mark(found, waits(found));
      (rows[at + 1] ?? rows[at])?.focus();
    } else return;
    event.preventDefault();
  };

  private async ask(reviewed: string | undefined, cursor: string | null): Promise<Page<VigilarEvent>> {
    if (this.words) {
      const answer = await api.search(this.words, cursor, PAGE);
      this.understood = answer.understood;
      return answer;
    }
    return api.events({ ...this.query(), ...(reviewed ? { reviewed } : {}), cursor, limit: PAGE });
  }

  private query(): EventFilter {
    const { day, ...wanted } = this.filter;
    const range = dayRange(day);
    return { ...wanted, from_ms: range?.fromMs ?? null, to_ms: range?.toMs ?? null };
  }

  private take(event: VigilarEvent): void {
    const known = this.list.items.some((item) => item.id === event.id);
    if (!known && (this.words || !matches(event, this.query()))) return;
    if (!known) this.fresh.add(event.id);
    this.list.items = upsertEvent(this.list.items, event);
    this.requestUpdate();
  }

  override render(): unknown {
    if (this.only) return this.body();
    return html`
      <header class="page-head">
        <h1>${t.events.title}</h1>
        <vg-event-search .words=${this.words} .understood=${this.understood} @search=${this.searched}></vg-event-search>
        ${this.words ? nothing : this.filters()}
      </header>
      ${this.body()}
    `;
  }

  private readonly searched = (event: CustomEvent<string>): void => {
    this.words = event.detail;
    this.understood = null;
    this.list.items = [];
    navigate(`/events${this.words ? `?${new URLSearchParams({ q: this.words }).toString()}` : ''}`, true);
    void this.list.restart();
  };

  private filters(): unknown {
    const cameras = app.cameras.status === 'ready' ? app.cameras.value : [];
    const filtered = Object.values(this.filter).some(Boolean);
    const classes = this.filter.class && !CLASSES.includes(this.filter.class) ? [...CLASSES, this.filter.class] : CLASSES;
    return html`<form aria-label=${t.events.filter} @submit=${(e: Event) => e.preventDefault()}>
      ${this.select('camera', t.events.camera, t.events.allCameras, cameras.map((camera) => [camera.id, camera.name]))}
      ${this.select('type', t.events.type, t.events.allTypes, TYPES.map((type) => [type, t.events.type_name[type] ?? type]))}
      ${this.select('class', t.events.objectClass, t.events.allClasses, classes.map((name) => [name, className(name)]))}
      ${this.select('severity', t.timeline.severity, t.timeline.allSeverities, SEVERITIES.map((name) => [name, t.events.severityName[name]]))}
      ${this.filter.zone ? this.select('zone', t.events.zones, t.events.allZones, withChosen([], this.filter.zone)) : nothing}
      ${this.filter.person ? this.select('person', t.events.person, t.events.allPersons, withChosen([], this.filter.person)) : nothing}
      ${this.pets.length || this.filter.pet ? this.select('pet', t.events.pet, t.events.allPets, withChosen(this.pets, this.filter.pet)) : nothing}
      <label
        >${t.events.day}
        <input type="date" max=${dayKey(this.now.ms)} .value=${this.filter.day} @change=${(e: Event) => this.choose('day', e)} />
      </label>
      ${filtered ? html`<button type="button" class="quiet" @click=${this.clear}>${t.events.clear}</button>` : nothing}
    </form>`;
  }

  private select(key: keyof typeof NOTHING, label: string, all: string, words: readonly (readonly [string, string])[]): unknown {
    return html`<label
      >${label}
      <select @change=${(e: Event) => this.choose(key, e)}>
        <option value="">${all}</option>
        ${words.map(([value, name]) => html`<option value=${value} ?selected=${value === this.filter[key]}>${name}</option>`)}
      </select>
    </label>`;
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
          heading=${this.words ? t.search.none : filtered ? t.events.noneFiltered : t.events.none}
          text=${this.words ? t.search.noneHelp : filtered && !this.only ? t.events.noneFilteredHelp : t.events.noneHelp}
        ></vg-message>
      </div>`;
    }
    return html`
      ${this.only || this.words ? this.days(items) : this.parts(items)}
      ${error
        ? failure(t.events.failed, error, () => void this.list.more())
        : ended
          ? html`<p class="end">${t.events.end}</p>`
          : html`<vg-more ?busy=${loading} @more=${() => void this.list.more()}></vg-more>`}
      ${this.undoBar()}
    `;
  }

  /** What nobody has looked at, then the rest. */
  private parts(items: readonly VigilarEvent[]): unknown {
    const open = items.filter(waits);
    const rest = items.filter((event) => !waits(event));
    const { waiting, more } = this.waiting ?? { waiting: open.length, more: false };
    return html`<div class="review">
        <p title=${t.review.swipe} role="status" data-testid="waiting">${open.length || waiting ? t.review.waiting(Math.max(waiting, open.length ? 1 : 0), more) : t.review.none}</p>
        ${open.length ? html`<button type="button" data-testid="review-all" @click=${this.markAll}><vg-icon name="check"></vg-icon>${t.review.markAll}</button>` : nothing}
      </div>
      ${this.days(open)} ${rest.length && open.length ? html`<p class="review muted">${t.review.done}</p>` : nothing} ${this.days(rest)}`;
  }

  private days(items: readonly VigilarEvent[]): unknown {
    return byDay(items).map(
      (day) => html`<section>
        <h2 class="day">${dayTitle(day[0]?.started_ms ?? 0, this.now.ms)}</h2>
        <ul class="rows">
          ${this.only ? eventRows(day, this.now.ms, true, this.fresh) : reviewRows(day, this.now.ms, this.fresh, this.mark)}
        </ul>
      </section>`,
    );
  }

  private undoBar(): unknown {
    const { done } = this;
    if (!done) return nothing;
    if (done.error) return html`<p class="undo bad" role="alert">${t.review.failed}: ${done.error}</p>`;
    return html`<div class="undo" role="status" data-testid="undo">
      <span>${t.review.marked(done.count)}</span><button type="button" @click=${this.undo}>${t.review.undo}</button>
    </div>`;
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
