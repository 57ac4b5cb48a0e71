import { css, html, LitElement, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';

import { api } from '../api/client';
import type { Parcel } from '../api/outside';
import { shared } from '../design/shared';
import { ago, fullMoment } from '../format';
import { asApiError } from '../state/app-state';
import { Now } from '../state/now';
import { Polled } from '../state/polled';
import { t } from '../strings';
import { hideWhenEmpty } from './states';
import './thumb';

const REFRESH_MS = 5_000;

/** What lies outside, since when, and the two things that may be said of it; nothing where nobody looks for parcels. */
@customElement('vg-parcels-card')
export class ParcelsCard extends LitElement {
  static override styles = [
    shared,
    css`
      section {
        margin-block-start: var(--s4);
      }
      ul {
        display: grid;
        gap: var(--s4);
        grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr));
      }
      li {
        display: grid;
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
        overflow-wrap: anywhere;
      }
      .actions {
        grid-column: 1 / -1;
        display: flex;
        flex-wrap: wrap;
        gap: var(--s2);
      }
      .problem {
        margin-block-start: var(--s3);
        color: var(--danger);
        font-size: var(--text-s);
      }
    `,
  ];

  @state() private busy = '';
  @state() private problem = '';
  private readonly now = new Now(this);
  private readonly polled = new Polled(this, async () => (await api.packages()).items, REFRESH_MS);

  override render(): unknown {
    return hideWhenEmpty(this, this.content());
  }

  private content(): unknown {
    const parcels = this.polled.value;
    // While none lies there the home page has nothing to say about it.
    if (!parcels?.length) return this.polled.failed && parcels ? html`<p class="muted" role="status">${t.outside.parcelsFailed}</p>` : nothing;
    return html`<section class="card padded" aria-labelledby="parcels" data-testid="parcels">
      <div class="section-head">
        <h2 id="parcels">${t.outside.parcels}</h2>
        <span class="badge warn num">${parcels.length}</span>
      </div>
      <ul>
        ${repeat(parcels, (one) => one.package_id, (one) => this.row(one))}
      </ul>
      ${this.problem ? html`<p class="problem" role="alert">${this.problem}</p>` : nothing}
    </section>`;
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
    </li>`;
  }

  private async say(one: Parcel, action: 'collected' | 'not_a_parcel'): Promise<void> {
    this.busy = one.package_id;
    this.problem = '';
    try {
      await api.changePackage(one.package_id, action);
    } catch (error) {
      this.problem = asApiError(error).message || t.outside.failed;
    }
    await this.polled.refresh();
    this.busy = '';
  }
}
