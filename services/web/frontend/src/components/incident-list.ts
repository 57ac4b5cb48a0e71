import { css, html, LitElement, nothing } from 'lit';
import { customElement } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';

import type { Incident, Snooze } from '../api/alerts';
import { api } from '../api/client';
import type { Delivery } from '../api/types';
import { shared } from '../design/shared';
import { ListenApp, WatchApp } from '../state/app-state';
import { Now } from '../state/now';
import { Paged } from '../state/paged';
import { t } from '../strings';
import './incident-item';
import './more';
import { failure } from './states';

/** Facts of one incident come in bursts: the list is asked for once they pause. */
const SETTLE_MS = 400;

/** Every alert, newest first, and what holds alerts back now. */
@customElement('vg-incidents')
export class IncidentList extends LitElement {
  static override styles = [
    shared,
    css`
      section {
        padding: var(--s4) var(--s5);
      }
    `,
  ];

  private quiet = false;
  private heldBack = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly now = new Now(this, 5_000);
  private readonly list = new Paged<Incident>(
    async (cursor) => {
      const page = await api.incidents(cursor);
      this.dispatchEvent(new CustomEvent<Snooze[]>('snoozes', { detail: page.snoozes }));
      this.quiet = page.quiet;
      this.heldBack = page.held_back;
      return page;
    },
    (incident) => incident.alert_id,
    () => this.requestUpdate(),
  );

  constructor() {
    super();
    new WatchApp(this);
    new ListenApp<undefined>(this, 'resync', () => this.soon());
    new ListenApp<Delivery>(this, 'alert', () => this.soon());
    new ListenApp<unknown>(this, 'alerts', () => this.soon());
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void this.list.restart();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.timer);
  }

  override render(): unknown {
    return html`<section class="card" aria-labelledby="incidents">
      <h2 id="incidents">${t.incidents.title}</h2>
      ${this.quiet ? html`<p class="muted" role="status">${t.incidents.quiet(this.heldBack)}</p>` : nothing} ${this.rows()}
    </section>`;
  }

  private rows(): unknown {
    const { items, loading, ended, error, loadedOnce } = this.list;
    if (error && !items.length) return failure(t.incidents.failed, error, () => void this.list.restart());
    if (!loadedOnce && !items.length) return html`<p class="muted" aria-busy="true">${t.app.loading}</p>`;
    if (!items.length) return html`<vg-message icon="alerts" heading=${t.incidents.none} text=${t.incidents.noneHelp}></vg-message>`;
    return html`<ul data-testid="incidents">
        ${repeat(
          items,
          (one) => one.alert_id,
          (one) => html`<li>
            <vg-incident
              .incident=${one}
              .nowMs=${this.now.ms}
              @changed=${(event: CustomEvent<Incident>) => this.put(event.detail)}
            ></vg-incident>
          </li>`,
        )}
      </ul>
      ${error
        ? failure(t.incidents.failed, error, () => void this.list.more())
        : ended
          ? nothing
          : html`<vg-more ?busy=${loading} @more=${() => void this.list.more()}></vg-more>`}`;
  }

  /** What somebody just did shows at once; the server's word follows. */
  private put(changed: Incident): void {
    this.list.items = this.list.items.map((one) => (one.alert_id === changed.alert_id ? changed : one));
    this.requestUpdate();
  }

  private soon(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.list.refresh(), SETTLE_MS);
  }
}
