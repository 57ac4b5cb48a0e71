import { css, html, LitElement, nothing } from 'lit';
import { customElement } from 'lit/decorators.js';

import { api } from '../api/client';
import type { KnownVehicle } from '../api/outside';
import { shared } from '../design/shared';
import { ago } from '../format';
import { Now } from '../state/now';
import { Polled } from '../state/polled';
import { t } from '../strings';
import { hideWhenEmpty } from './states';

const REFRESH_MS = 10_000;

/** The known vehicles: at home or not, and where each was seen last; nothing where none is configured. */
@customElement('vg-vehicles-card')
export class VehiclesCard extends LitElement {
  static override styles = [
    shared,
    css`
      section {
        margin-block-start: var(--s4);
      }
      ul {
        display: grid;
        gap: var(--s3) var(--s5);
        grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr));
      }
      li {
        display: grid;
        grid-template-columns: minmax(0, 1fr) auto;
        gap: 0 var(--s3);
        align-items: baseline;
      }
      .name {
        overflow-wrap: anywhere;
      }
      .seen {
        grid-column: 1 / -1;
      }
    `,
  ];

  private readonly now = new Now(this);
  private readonly polled = new Polled(this, async () => (await api.vehicles()).items, REFRESH_MS);

  override render(): unknown {
    return hideWhenEmpty(this, this.content());
  }

  private content(): unknown {
    const vehicles = this.polled.value;
    if (!vehicles?.length) return nothing;
    return html`<section class="card padded" aria-labelledby="vehicles" data-testid="vehicles">
      <div class="section-head">
        <h2 id="vehicles">${t.outside.vehicles}</h2>
        ${this.polled.failed ? html`<span class="muted small" role="status">${t.outside.vehiclesFailed}</span>` : nothing}
      </div>
      <ul>
        ${vehicles.map((one) => this.row(one))}
      </ul>
    </section>`;
  }

  private row(one: KnownVehicle): unknown {
    const seen = one.seen_ms ? t.outside.seen(ago(one.seen_ms, this.now.ms), one.camera_name ?? '') : t.outside.neverSeen;
    return html`<li data-testid="vehicle" data-home=${String(one.home)}>
      <span class="name">${one.name}</span>
      <span class="badge ${one.home ? 'ok' : ''}">${one.home === null ? t.house.unknown : one.home ? t.house.home : t.house.away}</span>
      <span class="seen muted small num">${one.event_id ? html`<a href="/events/${one.event_id}">${seen}</a>` : seen}</span>
    </li>`;
  }
}
