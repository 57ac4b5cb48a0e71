import { html, LitElement, nothing, type PropertyValues } from 'lit';
import { customElement, query, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';

import { serverNow } from '../api/server-clock';
import type { Camera, Mark } from '../api/types';
import '../components/icon';
import { failure } from '../components/states';
import type { SyncedPicture } from '../components/synced-picture';
import '../components/synced-picture';
import type { Hover, TimeAxis } from '../components/time-axis';
import '../components/time-axis';
import { clockWords, hoverTip, iconButton, jumpForm, liveButton, showTip, spanButtons, speedButton } from '../components/transport';
import { transportStyles } from '../design/player';
import { pageStyles, shared } from '../design/shared';
import { EDGE_MS } from '../live/film-player';
import { perform, type Playable, PlayerKeys } from '../live/player-keys';
import { Previews } from '../live/preview';
import { Clock } from '../live/sync';
import { navigate } from '../router';
import { app, WatchApp } from '../state/app-state';
import { petNames, withChosen } from '../state/pets';
import { className, t } from '../strings';
import { CLASSES, SEVERITIES } from './event-words';
import { timelineStyles } from './timeline.styles';

/** More pictures at once than a small machine plays. */
const MAX_TOGETHER = 9;
const BEAT_MS = 200;
const NO_FILTER = { class: '', severity: '', zone: '', person: '', pet: '' };

/** All cameras on one axis of time; those that are chosen play together by one clock. */
@customElement('vg-timeline')
export class TimelinePage extends LitElement implements Playable {
  /** Of several cameras none has the say. */
  readonly frameMs = 100;
  static override styles = [shared, pageStyles, transportStyles, timelineStyles];

  @state() private live = true;
  @state() atMs = serverNow();
  @state() private nowMs = serverNow();
  @state() spanMs = 21_600_000;
  @state() speed = 1;
  @state() playing = true;
  @state() private filter = NO_FILTER;
  @state() private pets: readonly [string, string][] = [];
  @state() private chosen: readonly string[] = [];
  @state() private hovered: Hover | null = null;
  @query('vg-time-axis') private readonly axis!: TimeAxis | null;
  private readonly clock = new Clock(serverNow(), () => performance.now());
  private readonly previews = new Previews();
  private dragging = false;
  private timer: ReturnType<typeof setInterval> | undefined;
  private frame = 0;
  private wantedMs: number | null = null;

  constructor() {
    super();
    new WatchApp(this);
    new PlayerKeys(this);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    const search = new URLSearchParams(location.search);
    const filter = { ...NO_FILTER };
    for (const key of Object.keys(NO_FILTER) as (keyof typeof NO_FILTER)[]) filter[key] = search.get(key) ?? '';
    this.filter = filter;
    this.chosen = (search.get('cameras') ?? '').split(',').filter(Boolean).slice(0, MAX_TOGETHER);
    const at = Number(search.get('at'));
    if (Number.isSafeInteger(at) && at > 0) this.wantedMs = at;
    void petNames().then((found) => (this.pets = found));
    this.timer = setInterval(this.beat, BEAT_MS);
    this.frame = requestAnimationFrame(this.turn);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.timer);
    cancelAnimationFrame(this.frame);
    this.previews.close();
  }

  get isLive(): boolean {
    return this.live;
  }

  private get pictures(): SyncedPicture[] {
    return [...this.renderRoot.querySelectorAll<SyncedPicture>('vg-synced-picture')];
  }

  private readonly beat = (): void => {
    this.nowMs = serverNow();
    if (this.wantedMs !== null && this.axis) {
      this.seek(this.wantedMs);
      this.wantedMs = null;
    }
    if (!this.live && this.clock.rate > 0 && this.clock.atMs > this.nowMs - EDGE_MS) this.goLive();
    const beat = { atMs: this.clock.atMs, rate: this.clock.rate, live: this.live, dragging: this.dragging };
    for (const picture of this.pictures) picture.beat(beat);
    if (this.clock.rate < 0 && !this.dragging) for (const picture of this.pictures) picture.jump(beat.atMs);
  };

  /** The axis moves with the clock, picture by picture. */
  private readonly turn = (): void => {
    this.frame = requestAnimationFrame(this.turn);
    if (this.live) {
      if (Math.abs(serverNow() - this.atMs) > 1_000) this.atMs = serverNow();
    } else if (!this.dragging && this.clock.rate) this.atMs = this.clock.atMs;
  };

  seek(ms: number): void {
    if (ms >= serverNow() - EDGE_MS) {
      this.goLive();
      return;
    }
    this.live = false;
    this.atMs = ms;
    this.clock.set(ms);
    this.clock.go(this.playing ? this.speed : 0);
    this.clock.set(ms);
    void this.updateComplete.then(() => {
      this.beat();
      for (const picture of this.pictures) picture.jump(ms);
    });
  }

  readonly goLive = (): void => {
    this.live = true;
    this.playing = true;
    this.speed = 1;
    this.clock.go(0);
    this.atMs = serverNow();
  };

  readonly toggle = (): void => {
    if (this.live) {
      this.playing = false;
      this.seek(serverNow() - EDGE_MS - 500);
      return;
    }
    this.playing = !this.playing;
    if (this.playing && this.speed < 0) this.speed = 1;
    this.clock.go(this.playing ? this.speed : 0);
    this.atMs = this.clock.atMs; // the axis was a frame behind
  };

  setSpeed(speed: number): void {
    this.speed = speed;
    if (this.live) {
      if (speed < 0) this.seek(serverNow() - EDGE_MS - 1_000);
      return;
    }
    this.playing = true;
    this.clock.go(speed);
  }

  step(by: 1 | -1): void {
    const found = this.axis?.markBeside(this.atMs, by);
    if (found) this.seek(found.started_ms - 1_000);
  }

  private readonly scrubbed = (event: CustomEvent<{ ms: number; dragging: boolean; mark: Mark | null }>): void => {
    const { ms, dragging } = event.detail;
    this.dragging = dragging;
    if (!dragging) {
      this.seek(ms);
      return;
    }
    this.live = false;
    this.atMs = ms;
    this.clock.set(ms);
    const [first] = this.pictures;
    if (first && !this.axis?.missingAt(first.camera, ms)) this.previews.want(first.camera, ms, this.spanMs, (found) => this.dragging && first.preview(found));
  };

  override updated(changed: PropertyValues): void {
    if (changed.has('hovered') && this.axis) showTip(this.renderRoot, this.hovered, this.axis.offsetWidth, this.previews, this.spanMs);
  }

  override render(): unknown {
    return html`<header class="page-head">
        <h1>${t.timeline.title}</h1>
        <a class="button" href="/recordings"><vg-icon name="recordings"></vg-icon>${t.nav.recordings}</a>
      </header>
      ${this.content()}`;
  }

  private content(): unknown {
    if (app.cameras.status === 'loading') return html`<div class="waiting skeleton" aria-busy="true"></div>`;
    if (app.cameras.status === 'failed') return failure(t.cameras.failed, app.cameras.error, () => app.reload());
    const cameras = app.cameras.value;
    if (!cameras.length) return html`<div class="card"><vg-message icon="camera" heading=${t.timeline.noCameras} text=${t.timeline.noCamerasHelp}></vg-message></div>`;
    const shown = this.shown(cameras);
    const across = Math.ceil(Math.sqrt(shown.length));
    return html`
      <div class="pictures" data-across=${across} ?data-many=${shown.length > 1}>
        ${repeat(shown, (camera) => camera.id, (camera) => html`<vg-synced-picture .camera=${camera.id} .name=${camera.name}></vg-synced-picture>`)}
      </div>
      <div class="board" data-testid="timeline">
        ${this.transport()}
        <div class="axis">
          <vg-time-axis
            data-testid="time-axis"
            .lanes=${this.lanes(cameras)}
            .filter=${this.filter}
            .atMs=${this.atMs}
            .nowMs=${this.nowMs}
            .spanMs=${this.spanMs}
            ?live=${this.live}
            @scrub=${this.scrubbed}
            @span=${(event: CustomEvent<number>) => (this.spanMs = event.detail)}
            @hover=${(event: CustomEvent<Hover | null>) => (this.hovered = event.detail)}
          ></vg-time-axis>
          ${cameras.length > 1 ? html`<div class="names" aria-hidden="true">${cameras.map((camera) => html`<span>${camera.name}</span>`)}</div>` : nothing}
          ${hoverTip(this.hovered, this.nowMs, app.camera(this.hovered?.lane ?? null)?.name ?? '')}
        </div>
        ${this.filters(cameras)} ${legend()}
      </div>
    `;
  }

  private transport(): unknown {
    const running = this.live || this.playing;
    return html`<div class="transport">
      ${clockWords(this.atMs, this.nowMs)}
      <div class="middle">
        ${speedButton(this.speed, () => perform(this, { kind: 'speed' }))} ${iconButton('previous', t.timeline.previous, () => this.step(-1), 'quiet')}
        ${iconButton(running ? 'pause' : 'play', running ? t.player.pause : t.player.play, this.toggle, 'play')}
        ${iconButton('next', t.timeline.next, () => this.step(1), 'quiet')}
      </div>
      ${liveButton(this.live, this.goLive)}
    </div>`;
  }

  private filters(cameras: readonly Camera[]): unknown {
    const select = (key: keyof typeof NO_FILTER, label: string, all: string, words: readonly [string, string][]): unknown =>
      html`<label
        >${label}<select @change=${(event: Event) => this.choose(key, (event.target as HTMLSelectElement).value)}>
          <option value="">${all}</option>
          ${words.map(([value, name]) => html`<option value=${value} ?selected=${value === this.filter[key]}>${name}</option>`)}
        </select></label
      >`;
    return html`<div class="filters" aria-label=${t.timeline.filter} role="group">
      ${spanButtons(this.spanMs, (ms) => (this.spanMs = ms))} ${jumpForm(this.atMs, this.nowMs, (ms) => this.seek(ms))}
      ${select('class', t.events.objectClass, t.events.allClasses, CLASSES.map((name) => [name, className(name)]))}
      ${select('severity', t.timeline.severity, t.timeline.allSeverities, SEVERITIES.map((name) => [name, t.events.severityName[name]]))}
      ${this.filter.zone ? select('zone', t.events.zones, t.events.allZones, [[this.filter.zone, this.filter.zone]]) : nothing}
      ${this.filter.person ? select('person', t.events.person, t.events.allPersons, [[this.filter.person, this.filter.person]]) : nothing}
      ${this.pets.length || this.filter.pet ? select('pet', t.events.pet, t.events.allPets, withChosen(this.pets, this.filter.pet)) : nothing}
      ${cameras.length > 1 ? this.cameraChips(cameras) : nothing}
    </div>`;
  }

  private cameraChips(cameras: readonly Camera[]): unknown {
    const shown = new Set(this.shown(cameras).map((camera) => camera.id));
    return html`<fieldset aria-label=${t.timeline.chooseCameras}>
      ${cameras.map(
        (camera) => html`<label class="chip"
          ><input type="checkbox" .checked=${shown.has(camera.id)} @change=${() => this.pick(camera.id, shown)} />${camera.name}</label
        >`,
      )}
    </fieldset>`;
  }

  private pick(id: string, shown: ReadonlySet<string>): void {
    const next = shown.has(id) ? [...shown].filter((one) => one !== id) : [...shown, id];
    if (!next.length) return;
    this.chosen = next.slice(-MAX_TOGETHER);
    this.remember();
    if (!this.live) this.seek(this.atMs);
  }

  private choose(key: keyof typeof NO_FILTER, value: string): void {
    this.filter = { ...this.filter, [key]: value };
    this.remember();
  }

  private remember(): void {
    const words = Object.entries({ ...this.filter, cameras: this.chosen.join(',') }).filter(([, value]) => value);
    const search = new URLSearchParams(words).toString();
    navigate(`/timeline${search ? `?${search}` : ''}`, true);
  }

  /** Those that are chosen, else the first few. */
  private shown(cameras: readonly Camera[]): Camera[] {
    const chosen = cameras.filter((camera) => this.chosen.includes(camera.id));
    return chosen.length ? chosen : cameras.slice(0, 4);
  }

  private lanesKept: string[] = [];
  private lanes(cameras: readonly Camera[]): string[] {
    const ids = cameras.map((camera) => camera.id);
    if (ids.join() !== this.lanesKept.join()) this.lanesKept = ids;
    return this.lanesKept;
  }
}

function legend(): unknown {
  const rows = Object.entries(t.timeline.legendRows).filter(([name]) => name !== 'deleted');
  return html`<p class="legend" aria-label=${t.timeline.legend}>${rows.map(([name, label]) => html`<span><i class=${name}></i>${label}</span>`)}</p>`;
}
