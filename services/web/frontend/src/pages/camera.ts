import { css, html, LitElement, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';

import type { Camera, CameraState } from '../api/types';
import '../components/camera-player';
import '../components/camera-switches';
import '../components/coverage-day';
import '../components/icon';
import '../components/false-alarms';
import '../components/motion-overlay';
import '../components/record-button';
import '../components/tune-panel';
import type { TunePanel, TuneView } from '../components/tune-panel';
import type { LiveState } from '../components/live-video';
import { liveHelp, liveWords } from '../components/live-words';
import { failure } from '../components/states';
import { factStyles } from '../design/lists';
import { pageStyles, shared } from '../design/shared';
import { decimal, moment, place } from '../format';
import type { Corner } from '../live/tuning';
import { app, WatchApp } from '../state/app-state';
import { Now } from '../state/now';
import { seenNow, t } from '../strings';
import './events';

/** What the page says of the search for motion: words, and what they mean. */
function motionSearch(truth: CameraState): [string, string] {
  if (!truth.analysis || truth.analysis === 'none') return ['–', ''];
  const every = truth.analysis === 'full';
  const words = t.cameras.searchIn(truth.analysis_stream ?? 'main', every, truth.analysis_device ?? '');
  return [words, every ? t.cameras.searchEvery(truth.analysis_reason ?? '') : truth.analysis_reason || t.cameras.searchFew];
}

/** Where a link says that the player should begin: `?at=<UTC ms>`. */
function momentOf(search: string): number | null {
  const ms = Number(new URLSearchParams(search).get('at'));
  return Number.isSafeInteger(ms) && ms > 0 ? ms : null;
}

/** One camera, large, with the truth about its stream and what it has seen. */
@customElement('vg-camera')
export class CameraPage extends LitElement {
  static override styles = [
    shared,
    pageStyles,
    factStyles,
    css`
      .tune {
        margin-block-start: var(--s2);
      }
      .columns {
        display: grid;
        gap: var(--s5);
      }
      .columns > * {
        min-width: 0;
      }
      @media (min-width: 1280px) {
        .columns {
          grid-template-columns: minmax(0, 1fr) minmax(20rem, 25rem);
          align-items: start;
        }
      }
      .facts {
        grid-template-columns: repeat(auto-fill, minmax(7rem, 1fr));
        margin-block-start: var(--s4);
        padding: var(--s4) var(--s5);
      }
      .offline {
        position: absolute;
        inset: 0;
        display: grid;
        align-content: center;
        justify-items: center;
        gap: var(--s2);
        padding: var(--s5);
        text-align: center;
        background: rgb(8 14 12 / 62%);
      }
      .offline vg-icon {
        width: 3rem;
        height: 3rem;
      }
      .offline p {
        color: var(--on-video-2);
        overflow-wrap: anywhere;
      }
      .waiting {
        aspect-ratio: 16 / 9;
        max-height: 74dvh;
        border-radius: var(--radius-m);
      }
      .notice:empty {
        display: none;
      }
      .notice {
        margin-block-start: var(--s3);
        color: var(--warn);
      }
      .notes {
        margin-block-start: var(--s3);
        padding-inline-start: var(--s4);
        color: var(--warn);
        text-wrap: pretty;
      }
      .notes .bad {
        color: var(--danger);
        font-weight: var(--weight-strong);
      }
      vg-events {
        padding: 0;
      }
      @media (max-width: 520px) {
        .back {
          display: none; /* the way home is under the thumb */
        }
        .page-head {
          margin-block-end: var(--s3);
        }
        .page-head .row {
          flex: 1 1 100%;
        }
        vg-record-button {
          margin-inline-start: auto;
        }
      }
    `,
  ];

  @property() cameraId = '';
  @state() private live: LiveState | undefined;
  @state() private latency: number | null = null;
  @state() private past = false;
  @state() private tuning = new URLSearchParams(location.search).has('tune');
  @state() private view: TuneView | null = null;
  private readonly now = new Now(this);
  private readonly startMs = momentOf(location.search);

  constructor() {
    super();
    new WatchApp(this);
  }

  override updated(): void {
    const truth = app.camera(this.cameraId)?.state;
    if (truth?.width_px && truth.height_px) this.style.setProperty('--ratio', `${truth.width_px} / ${truth.height_px}`);
  }

  override render(): unknown {
    return html`<a class="back" href="/"><vg-icon name="left"></vg-icon>${t.nav.home}</a> ${this.content()}`;
  }

  private content(): unknown {
    if (app.cameras.status === 'loading') return html`<div class="waiting skeleton" aria-busy="true"></div>`;
    if (app.cameras.status === 'failed') return failure(t.cameras.failed, app.cameras.error, () => app.reload());
    const camera = app.camera(this.cameraId);
    if (!camera) return html`<vg-message whole icon="camera" heading=${t.app.notFound} text=${t.app.notFoundHelp}></vg-message>`;
    return html`
      <header class="page-head">
        <h1>${camera.name}</h1>
        <div class="row wrap">
          ${this.badges(camera)}
          <vg-record-button camera=${camera.id} .truth=${camera.state}></vg-record-button>
        </div>
      </header>
      <div class="columns">
        <div>
          <vg-camera-player
            .camera=${camera.id}
            .name=${camera.name}
            .fps=${camera.state?.fps ?? 0}
            .startMs=${this.startMs}
            @live-state=${(e: CustomEvent<LiveState>) => (this.live = e.detail)}
            @live-latency=${(e: CustomEvent<number | null>) => (this.latency = e.detail)}
            @player-mode=${(e: CustomEvent<string>) => (this.past = e.detail === 'past')}
          >
            ${this.overlay(camera)} ${this.offline(camera)}
          </vg-camera-player>
          <p class="notice" role="status" data-testid="live-help">${liveHelp(this.live)}</p>
          ${this.facts(camera)}
          <vg-camera-switches camera=${camera.id} .truth=${camera.state}></vg-camera-switches>
          ${this.tunePanel(camera)} ${camera.objects ? html`<vg-false-alarms camera=${camera.id}></vg-false-alarms>` : nothing}
          <vg-coverage-day .cameraId=${camera.id}></vg-coverage-day>
        </div>
        <section aria-labelledby="its-events">
          <div class="section-head">
            <h2 id="its-events">${t.cameras.itsEvents}</h2>
            <a href="/events?camera=${camera.id}">${t.events.all}</a>
          </div>
          <vg-events only=${camera.id}></vg-events>
        </section>
      </div>
    `;
  }

  private overlay(camera: Camera): unknown {
    const view = this.tuning ? this.view : null;
    if (!view) return nothing;
    const size = camera.state?.width_px ? [camera.state.width_px, camera.state.height_px] : [16, 9];
    return html`<vg-motion-overlay
      slot="over"
      .look=${view.look}
      .zones=${view.zones}
      .lines=${view.lines}
      .resolution=${view.resolution}
      .corners=${view.corners}
      .picture=${size}
      ?drawing=${view.drawing}
      @corner=${(e: CustomEvent<Corner>) => this.renderRoot.querySelector<TunePanel>('vg-tune-panel')?.corner(e.detail)}
    ></vg-motion-overlay>`;
  }

  private tunePanel(camera: Camera): unknown {
    return html`<p class="tune">
        <button
          type="button"
          data-testid="tune"
          aria-expanded=${this.tuning ? 'true' : 'false'}
          @click=${() => {
            this.tuning = !this.tuning;
            this.view = null;
          }}
        >
          ${this.tuning ? t.tune.close : t.tune.open}
        </button>
      </p>
      ${this.tuning
        ? html`<vg-tune-panel camera=${camera.id} @tune-view=${(e: CustomEvent<TuneView>) => (this.view = e.detail)}></vg-tune-panel>`
        : nothing}`;
  }

  private badges(camera: Camera): unknown {
    const truth = camera.state;
    const offline = truth?.condition === 'offline';
    const tone = offline ? 'bad' : this.live?.state === 'live' ? 'ok' : 'warn';
    return html`
      ${this.past && !offline ? nothing : html`<span class="badge ${tone}" role="status">${offline ? t.cameras.offline : liveWords(this.live)}</span>`}
      ${truth?.recording && !offline ? html`<span class="badge bad">${t.cameras.recording}</span>` : nothing}
      ${truth?.motion && !offline ? html`<span class="badge ok">${t.cameras.motion}</span>` : nothing}
    `;
  }

  private offline(camera: Camera): unknown {
    const truth = camera.state;
    if (truth?.condition !== 'offline') return nothing;
    return html`<div class="offline">
      <vg-icon name="camera-off"></vg-icon>
      <strong>${t.cameras.offline}</strong>
      <p>${truth.reason || t.cameras.noReason}</p>
      ${truth.since_ms ? html`<p class="num">${t.time.since(moment(truth.since_ms, this.now.ms))}</p>` : nothing}
    </div>`;
  }

  private facts(camera: Camera): unknown {
    const truth = camera.state;
    if (!truth) return html`<p class="notice">${t.cameras.neverSeen}</p>`;
    const size = truth.width_px ? `${truth.width_px} × ${truth.height_px}` : '–';
    const rows: [string, string, string][] = [
      [t.cameras.picture, size, ''],
      [t.cameras.codec, truth.codec ? truth.codec.toUpperCase() : '–', ''],
      [t.cameras.rate, truth.fps ? t.cameras.fps(decimal(truth.fps, truth.fps % 1 ? 1 : 0)) : '–', ''],
      [t.cameras.search, ...motionSearch(truth)],
      [t.cameras.delay, this.latency === null ? '–' : t.cameras.latency(decimal(this.latency)), t.cameras.latencyHelp],
    ];
    if (camera.objects) rows.push([t.cameras.seesNow, camera.objects.known ? seenNow(camera) || t.cameras.nobody : '–', camera.objects.reason ?? '']);
    if (camera.location) rows.push([t.cameras.location, place(camera.location), '']);
    if (truth.since_ms) rows.push([t.cameras.since, moment(truth.since_ms, this.now.ms), '']);
    return html`<dl class="facts card num" data-testid="camera-facts">
        ${rows.map(([name, value, help]) => html`<div title=${help || nothing}><dt>${name}</dt><dd>${value}</dd></div>`)}
      </dl>
      ${this.notes(truth)}`;
  }

  private notes(truth: CameraState): unknown {
    const problem = truth.recording_problem ? html`<li class="bad">${t.cameras.notRecording(truth.recording_problem)}</li>` : nothing;
    if (problem === nothing && truth.findings.length === 0) return nothing;
    return html`<ul class="notes" data-testid="camera-notes">
      ${problem}${truth.findings.map((finding) => html`<li>${finding}</li>`)}
    </ul>`;
  }
}
