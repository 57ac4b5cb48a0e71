import { css, html, LitElement, nothing } from 'lit';
import { customElement } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';

import type { VigilarEvent } from '../api/types';
import '../components/alarm-panel';
import '../components/camera-tile';
import { eventRows, eventSkeleton } from '../components/event-list';
import '../components/findings';
import '../components/first-steps';
import '../components/house-card';
import '../components/parcels-card';
import '../components/vehicles-card';
import { failure } from '../components/states';
import { pageStyles, shared } from '../design/shared';
import { eventListStyles } from '../design/lists';
import { app, ListenApp, WatchApp } from '../state/app-state';
import { Now } from '../state/now';
import { t } from '../strings';

const SHOWN_EVENTS = 8;

@customElement('vg-home')
export class HomePage extends LitElement {
  static override styles = [
    shared,
    pageStyles,
    eventListStyles,
    css`
      .columns {
        display: grid;
        gap: var(--s5);
        margin-block-start: var(--s5);
      }
      .columns > * {
        min-width: 0;
      }
      .tiles {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr));
        gap: var(--s4);
      }
      .tiles.one {
        grid-template-columns: minmax(0, 1fr);
      }
      .tiles > .skeleton {
        aspect-ratio: 16 / 9;
        border-radius: var(--radius-m);
      }
      vg-findings {
        margin-block-start: var(--s4);
      }
      .newest {
        padding: var(--s4) var(--s3) var(--s3);
      }
      .newest .section-head {
        padding-inline: var(--s2);
      }
      @media (min-width: 1080px) {
        .columns {
          grid-template-columns: minmax(0, 1fr) minmax(20rem, 25rem);
          align-items: start;
        }
      }
    `,
  ];

  private readonly fresh = new Set<string>();
  private readonly now = new Now(this);
  private known = new Set<string>();
  constructor() {
    super();
    new WatchApp(this);
    new ListenApp<VigilarEvent>(this, 'event', (event) => {
      if (!this.known.has(event.id)) this.fresh.add(event.id);
    });
  }

  override updated(): void {
    if (app.events.status === 'ready') this.known = new Set(app.events.value.map((event) => event.id));
  }

  override render(): unknown {
    const findings = app.health.status === 'ready' ? app.health.value.findings.filter((f) => f.severity !== 'info') : [];
    return html`
      <vg-alarm-panel></vg-alarm-panel>
      <vg-first-steps></vg-first-steps>
      ${findings.length
        ? html`<section aria-labelledby="findings"><h2 id="findings" class="visually-hidden">${t.system.findings}</h2><vg-findings .findings=${findings}></vg-findings></section>`
        : nothing}
      <vg-parcels-card></vg-parcels-card>
      <vg-house-card></vg-house-card>
      <vg-vehicles-card></vg-vehicles-card>
      <div class="columns">
        <section aria-labelledby="cameras">
          <div class="section-head"><h2 id="cameras">${t.cameras.title}</h2></div>
          ${this.cameras()}
        </section>
        <section class="card newest" aria-labelledby="newest">
          <div class="section-head">
            <h2 id="newest">${t.events.newest}</h2>
            <a href="/events">${t.events.all}</a>
          </div>
          ${this.events()}
        </section>
      </div>
    `;
  }

  private cameras(): unknown {
    const cameras = app.cameras;
    if (cameras.status === 'failed') return html`<div class="card">${failure(t.cameras.failed, cameras.error, () => app.reload())}</div>`;
    if (cameras.status === 'loading') {
      return html`<div class="tiles" aria-busy="true"><div class="skeleton"></div><div class="skeleton"></div></div>`;
    }
    if (!cameras.value.length) {
      return html`<div class="card"><vg-message icon="camera" heading=${t.cameras.none} text=${t.cameras.noneHelp}>${app.session?.role === 'admin' ? html`<vg-action href="/welcome?step=cameras">${t.cameras.addFirst}</vg-action>` : nothing}</vg-message></div>`;
    }
    return html`<div class="tiles ${cameras.value.length === 1 ? 'one' : ''}">
      ${repeat(
        cameras.value,
        (camera) => camera.id,
        (camera) => html`<vg-camera-tile
          data-testid="camera-tile"
          data-camera-id=${camera.id}
          .camera=${camera}
          .stream=${cameras.value.length === 1 ? 'main' : 'sub'}
          .nowMs=${this.now.ms}
        ></vg-camera-tile>`,
      )}
    </div>`;
  }

  private events(): unknown {
    const events = app.events;
    if (events.status === 'failed') return failure(t.events.failed, events.error, () => app.reload());
    if (events.status === 'loading') return html`<ul aria-busy="true">${eventSkeleton(5)}</ul>`;
    if (!events.value.length) {
      return html`<vg-message icon="events" heading=${t.events.none} text=${t.events.noneHelp}></vg-message>`;
    }
    return html`<ul class="rows">${eventRows(events.value.slice(0, SHOWN_EVENTS), this.now.ms, false, this.fresh)}</ul>`;
  }
}
