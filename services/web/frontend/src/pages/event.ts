import { css, html, LitElement, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';

import { api, urls } from '../api/client';
import type { EventDetail, Recording, SeenObject, SeenVehicle, VigilarEvent } from '../api/types';
import '../components/clip-actions';
import { isOngoing } from '../components/event-item';
import { deliveryRows, deliveryStyles } from '../components/delivery-rows';
import '../components/event-player';
import '../components/icon';
import '../components/object-mark';
import '../components/score-curve';
import '../components/vehicle-learn';
import '../components/why';
import { sealBadges } from '../components/seal-badges';
import { failure } from '../components/states';
import { factStyles } from '../design/lists';
import { pageStyles, shared } from '../design/shared';
import { decimal, duration, fullMoment } from '../format';
import { onsetS, playFromS } from '../live/clip';
import { asApiError, ListenApp, type Loaded } from '../state/app-state';
import { className, said, t } from '../strings';

const ASK_AGAIN_WITHIN_MS = 120_000;
const ASK_AGAIN_AFTER_MS = 3_000;

/** One event: its clip from before it began, what is known of it, and who was told. */
@customElement('vg-event')
export class EventPage extends LitElement {
  static override styles = [
    shared,
    pageStyles,
    factStyles,
    deliveryStyles,
    css`
      .columns {
        display: grid;
        gap: var(--s5);
      }
      .columns > * {
        min-width: 0;
      }
      @media (min-width: 1080px) {
        .columns {
          grid-template-columns: minmax(0, 1fr) minmax(19rem, 24rem);
          align-items: start;
        }
      }
      h1 {
        overflow-wrap: anywhere;
      }
      .panel {
        padding: var(--s4) var(--s5);
      }
      .panel h2 {
        margin-block-end: var(--s3);
      }
      .facts {
        grid-template-columns: repeat(auto-fill, minmax(8rem, 1fr));
      }
      .wide {
        grid-column: 1 / -1;
      }
      .hint {
        display: inline-flex;
        align-items: center;
        gap: var(--s2);
      }
      .hint::before {
        content: '';
        width: 0.5rem;
        height: 0.5rem;
        border-radius: 2px;
        background: #e09b1f;
        transform: rotate(45deg);
      }
      .links {
        display: flex;
        flex-wrap: wrap;
        gap: var(--s1) var(--s4);
        margin-block-start: var(--s3);
      }
      .under {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        justify-content: space-between;
        gap: var(--s3);
        margin-block-start: var(--s3);
      }
      vg-thumb {
        border-radius: var(--radius-m);
      }
    `,
  ];

  @property() eventId = '';
  @state() private detail: Loaded<EventDetail> = { status: 'loading' };
  @state() private recording: Recording | null = null;

  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    new ListenApp<undefined>(this, 'resync', () => void this.load());
    new ListenApp<VigilarEvent>(this, 'event', (event) => {
      if (event.id === this.eventId) void this.load();
    });
    new ListenApp<{ event_id: string | null }>(this, 'alert', (row) => {
      if (row.event_id === this.eventId) void this.load();
    });
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void this.load();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.timer);
  }

  private async load(): Promise<void> {
    try {
      const event = await api.event(this.eventId);
      this.detail = { status: 'ready', value: event };
      void this.loadRecording(event.recording_id);
      // A motion is told before its recording is known: ask again while it may still come.
      const young = Date.now() - event.started_ms < ASK_AGAIN_WITHIN_MS;
      clearTimeout(this.timer);
      if (['motion', 'object'].includes(event.type) && !event.recording_id && young && this.isConnected) {
        this.timer = setTimeout(() => void this.load(), ASK_AGAIN_AFTER_MS);
      }
    } catch (error) {
      if (this.detail.status !== 'ready') this.detail = { status: 'failed', error: asApiError(error) };
    }
  }

  /** For its badges; when it cannot be had the player says why. */
  private async loadRecording(recordingId: string | null): Promise<void> {
    if (recordingId === (this.recording?.id ?? null)) return;
    this.recording = recordingId ? await api.recording(recordingId).catch(() => null) : null;
  }

  override render(): unknown {
    const detail = this.detail;
    return html`
      <a class="back" href="/events"><vg-icon name="left"></vg-icon>${t.nav.events}</a>
      ${detail.status === 'ready' ? this.page(detail.value) : nothing}
      ${detail.status === 'loading' ? html`<div class="skeleton" aria-busy="true"><vg-thumb></vg-thumb></div>` : nothing}
      ${detail.status === 'failed'
        ? detail.error.status === 404
          ? html`<vg-message whole icon="info" heading=${t.app.notFound} text=${t.app.notFoundHelp}></vg-message>`
          : failure(t.events.failed, detail.error, () => void this.load())
        : nothing}
    `;
  }

  private page(event: EventDetail): unknown {
    return html`
      <header class="page-head">
        <div>
          <h1>${said(event.title)}</h1>
          <p class="num">${fullMoment(event.started_ms)}</p>
          ${this.recording ? html`<div class="row wrap">${sealBadges(this.recording)}</div>` : nothing}
        </div>
      </header>
      <div class="columns">
        <div>${this.clip(event)}</div>
        <div class="stack">
          <section class="card panel" aria-labelledby="details">
            <h2 id="details">${t.events.details}</h2>
            ${this.facts(event)} ${event.object && event.type === 'object' ? html`<vg-object-mark .event=${event}></vg-object-mark>` : nothing} ${event.object ? objectLinks(event) : nothing}
            <vg-score-curve .history=${event.score_curve ?? null}></vg-score-curve>
          </section>
          ${event.object?.vehicle?.measure.length ? html`<vg-vehicle-learn .eventId=${event.id}></vg-vehicle-learn>` : nothing}
          <section class="card panel" aria-labelledby="told">
            <h2 id="told">${t.events.deliveries}</h2>
            ${event.deliveries.length
              ? html`<ul class="deliveries">${deliveryRows(event.deliveries, false)}</ul>`
              : html`<p class="muted">${t.events.noDeliveries}</p>`}
          </section>
          <section class="card panel" aria-labelledby="why">
            <h2 id="why">${t.why.title}</h2>
            <vg-why .eventId=${event.id}></vg-why>
          </section>
        </div>
      </div>
    `;
  }

  private clip(event: EventDetail): unknown {
    if (!event.recording_id) {
      return event.picture_url
        ? html`<vg-thumb .src=${event.picture_url} .box=${event.object?.picture_box ?? null}></vg-thumb>`
        : html`<div class="card"><vg-message icon="recordings" heading=${t.events.noClip} text=${t.events.noClipHelp}></vg-message></div>`;
    }
    const startS = playFromS(event.recording_offset_ms);
    const onset = onsetS(event.recording_offset_ms);
    return html`
      <vg-event-player
        .playlist=${event.playlist_url ?? urls.playlist(event.recording_id)}
        .startS=${startS}
        .onsetS=${onset}
        .wallStartMs=${event.started_ms - (event.recording_offset_ms ?? 0)}
        .poster=${event.picture_url ?? ''}
        .way=${event.object?.way ?? []}
        .wayStartMs=${event.started_ms}
        .wayLabel=${event.object ? objectLabel(event.object) : ''}
        .growing=${isOngoing(event)}
      ></vg-event-player>
      <div class="under">
        ${onset === null ? html`<span></span>` : html`<span class="hint muted small">${t.player.beforeOnset(Math.round(onset - startS))}</span>`}
        <vg-clip-actions .recordingId=${event.recording_id}></vg-clip-actions>
      </div>
    `;
  }

  private facts(event: EventDetail): unknown {
    const rows: [string, unknown][] = [
      [t.events.type, t.events.type_name[event.type] ?? event.type],
      [t.events.severity, t.events.severityName[event.severity]],
      [t.events.armState, t.alarm.state[event.arm_state]],
    ];
    if (event.ended_ms !== null) rows.push([t.events.lasted, duration(event.ended_ms - event.started_ms)]);
    else if (isOngoing(event)) rows.push([t.events.lasted, t.time.ongoing]);
    if (event.camera_id) rows.unshift([t.events.camera, html`<a href="/cameras/${event.camera_id}">${event.camera_name ?? event.camera_id}</a>`]);
    if (event.object) rows.unshift(...objectFacts(event.object));
    if (event.zones.length) rows.push([t.events.zones, zoneLinks(event)]);
    if (event.type === 'motion' && event.score > 0) rows.push([t.events.score, `${decimal(event.score * 100)} %`]);
    return html`<dl class="facts num">${rows.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
  }
}

/** How the object went; what only its end knows is left out before. */
function objectFacts(seen: SeenObject): [string, unknown][] {
  const rows: [string, unknown][] = [
    [t.events.objectClass, className(seen.object_class)],
    [t.events.confidence, `${Math.round(seen.confidence * 100)} %`],
  ];
  const vehicle = seen.vehicle ? vehicleWords(seen.vehicle) : '';
  if (vehicle) rows.push([t.outside.vehicle, vehicle]);
  if (seen.speed) rows.push([t.events.speed, t.events.speedName[seen.speed]]);
  if (seen.direction) rows.push([t.events.direction, t.events.directionName[seen.direction] ?? seen.direction]);
  if (seen.crossed?.length) {
    rows.push([t.events.crossed, seen.crossed.map(({ line, direction }) => t.events.crossing(line, direction === 'in')).join(', ')]);
  }
  const dwelt = Object.entries(seen.dwell_s ?? {}).filter(([, seconds]) => seconds >= 1);
  if (dwelt.length) rows.push([t.events.dwell, dwelt.map(([zone, seconds]) => `${zone} ${duration(seconds * 1000)}`).join(', ')]);
  if (seen.loitered) rows.push([t.events.loitered, t.events.yes]);
  if (seen.reason) rows.push([t.events.left, t.events.leftWhy[seen.reason]]);
  return rows;
}

const objectLabel = (seen: SeenObject): string => `${className(seen.object_class)} ${Math.round(seen.confidence * 100)} %`;

/** To the whole stay of a vehicle, and to what decides what is told of objects. */
function objectLinks({ camera_id: camera, object }: EventDetail): unknown {
  return html`<p class="links small">
    ${object?.object_event_id ? html`<a href="/events/${object.object_event_id}">${t.events.whole}</a>` : nothing}
    ${camera ? html`<a href="/cameras/${camera}?tune">${t.events.linesZones}</a>` : nothing}
    <a href="/settings?q=loitering_s">${t.events.loiteringSetting}</a>
  </p>`;
}

function vehicleWords(seen: SeenVehicle): string {
  const who = seen.name ? (seen.recognition === 'household' ? t.outside.known(seen.name) : t.outside.like(seen.name)) : '';
  const looks = [t.outside.colours[seen.colour] ?? seen.colour, t.outside.sizes[seen.size] ?? seen.size];
  const words = [...looks, who || (seen.recognition === 'stranger' ? t.outside.stranger : '')];
  return words.filter(Boolean).join(', ');
}

function zoneLinks(event: VigilarEvent): unknown {
  return event.zones.map((zone, i) => {
    const search = new URLSearchParams({ camera: event.camera_id ?? '', zone });
    return html`${i ? ', ' : ''}<a href=${`/events?${search.toString()}`}>${zone}</a>`;
  });
}
