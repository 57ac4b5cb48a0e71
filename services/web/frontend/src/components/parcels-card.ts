import { css, html } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';

import { api } from '../api/client';
import type { Parcel } from '../api/outside';
import { ago, fullMoment } from '../format';
import { asApiError } from '../state/app-state';
import { t } from '../strings';
import { OutsideCard } from './outside-card';
import './thumb';

const REFRESH_MS = 5_000;

/** What lies outside, since when, and the two things that may be said of it; nothing where nobody looks for parcels. */
@customElement('vg-parcels-card')
export class ParcelsCard extends OutsideCard<Parcel> {
  static override styles = [
    ...OutsideCard.styles,
    css`
      ul {
        --least: 22rem;
        gap: var(--s4);
      }
      li {
        grid-template-columns: 7rem minmax(0, 1fr);
        gap: var(--s2) var(--s3);
        align-items: start;
      }
      .words {
        display: grid;
        gap: var(--s1);
        min-width: 0;
      }
      .name {
        font-weight: var(--weight-strong);
      }
      .actions {
        grid-column: 1 / -1;
        display: flex;
        flex-wrap: wrap;
        gap: var(--s2);
      }
      .problem {
        grid-column: 1 / -1;
        color: var(--danger);
        font-size: var(--text-s);
      }
    `,
  ];

  @state() private busy = '';
  @state() private problem: { id: string; text: string } | null = null;
  protected readonly what = 'parcels';
  protected readonly heading = t.outside.parcels;
  protected readonly failed = t.outside.parcelsFailed;

  constructor() {
    super(() => api.packages(), REFRESH_MS);
  }

  protected override empty(): unknown {
    return html`<p class="muted small" data-testid="no-parcels">${t.outside.none}. ${t.outside.noneHelp}</p>`;
  }

  protected override badge(parcels: readonly Parcel[]): unknown {
    return html`<span class="badge ${parcels.length ? 'warn' : ''} num">${parcels.length}</span>`;
  }

  protected rows(parcels: readonly Parcel[]): unknown {
    return repeat(parcels, (one) => one.package_id, (one) => this.row(one));
  }

  private row(one: Parcel): unknown {
    const place = t.outside.parcelAt(one.camera_name ?? one.camera_id, one.zone);
    const since = html`<span class="muted small num" title=${fullMoment(one.since_ms)}>${t.outside.since(ago(one.since_ms, this.now.ms))}</span>`;
    return html`<li data-testid="parcel" data-id=${one.package_id}>
      <vg-thumb .src=${one.picture_url}></vg-thumb>
      <div class="words">
        ${one.event_id ? html`<a class="name" href="/events/${one.event_id}">${place}</a>` : html`<span class="name">${place}</span>`}
        ${since}
      </div>
      <div class="actions">
        <button type="button" class="primary" ?disabled=${this.busy !== ''} aria-label=${t.outside.collectedOf(place)} @click=${() => void this.say(one, 'collected')}>
          ${t.outside.collected}
        </button>
        <button type="button" ?disabled=${this.busy !== ''} aria-label=${t.outside.notParcelOf(place)} @click=${() => void this.say(one, 'not_a_parcel')}>
          ${t.outside.notParcel}
        </button>
      </div>
      ${this.problem?.id === one.package_id ? html`<p class="problem" role="alert">${this.problem.text}</p>` : ''}
    </li>`;
  }

  private async say(one: Parcel, action: 'collected' | 'not_a_parcel'): Promise<void> {
    this.busy = one.package_id;
    this.problem = null;
    try {
      await api.changePackage(one.package_id, action);
    } catch (error) {
      this.problem = { id: one.package_id, text: asApiError(error).message || t.outside.failed };
    }
    await this.polled.refresh();
    this.busy = '';
  }
}
