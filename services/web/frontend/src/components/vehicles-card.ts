import { css, html } from 'lit';
import { customElement } from 'lit/decorators.js';

import { api } from '../api/client';
import type { KnownVehicle } from '../api/outside';
import { ago } from '../format';
import { t } from '../strings';
import { OutsideCard } from './outside-card';

const REFRESH_MS = 10_000;

/** The known vehicles: at home or not, and where each was seen last; nothing where none is configured. */
@customElement('vg-vehicles-card')
export class VehiclesCard extends OutsideCard<KnownVehicle> {
  static override styles = [
    ...OutsideCard.styles,
    css`
      li {
        grid-template-columns: minmax(0, 1fr) auto;
        align-items: baseline;
      }
      .seen {
        grid-column: 1 / -1;
      }
    `,
  ];

  protected readonly what = 'vehicles';
  protected readonly heading = t.outside.vehicles;
  protected readonly failed = t.outside.vehiclesFailed;

  constructor() {
    super(() => api.vehicles(), REFRESH_MS);
  }

  protected rows(vehicles: readonly KnownVehicle[]): unknown {
    return vehicles.map((one) => this.row(one));
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
