import { css, html, LitElement, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';

import type { Snooze } from '../api/alerts';
import { api } from '../api/client';
import type { ChannelStatistics, Delivery } from '../api/types';
import '../components/channels-card';
import { deliveryRows, deliveryStyles } from '../components/delivery-rows';
import '../components/incident-list';
import '../components/more';
import '../components/push-card';
import '../components/snooze-card';
import { failure } from '../components/states';
import { eventListStyles } from '../design/lists';
import { pageStyles, shared } from '../design/shared';
import { ListenApp } from '../state/app-state';
import { deliveryKey, upsertDelivery } from '../state/merge';
import { Paged } from '../state/paged';
import { t } from '../strings';

/** Every attempt to tell somebody, how long it took, and how to be told on this device. */
@customElement('vg-alerts')
export class AlertsPage extends LitElement {
  static override styles = [
    shared,
    pageStyles,
    eventListStyles,
    deliveryStyles,
    css`
      :host {
        max-width: 80rem;
    margin-inline: 0;
      }
      .columns {
        display: grid;
        gap: var(--s5);
      }
      .columns > * {
        min-width: 0;
      }
      @media (min-width: 1000px) {
        .columns {
          grid-template-columns: minmax(0, 1fr) minmax(19rem, 24rem);
          align-items: start;
        }
        .side {
          grid-area: 1 / 2 / span 2 / auto;
        }
      }
      .panel {
        padding: var(--s4) var(--s5);
      }
    `,
  ];

  @state() private snoozes: Snooze[] = [];
  @state() private channels: Record<string, ChannelStatistics> = {};
  private readonly list = new Paged<Delivery>(
    async (cursor) => {
      const page = await api.alerts(cursor);
      this.channels = page.channels;
      return page;
    },
    deliveryKey,
    () => this.requestUpdate(),
  );

  constructor() {
    super();
    new ListenApp<undefined>(this, 'resync', () => void this.list.refresh());
    new ListenApp<Delivery>(this, 'alert', (row) => {
      this.list.items = upsertDelivery(this.list.items, row);
      this.requestUpdate();
    });
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void this.list.restart();
  }

  override render(): unknown {
    return html`
      <header class="page-head">
        <div>
          <h1>${t.alerts.title}</h1>
          <p>${t.alerts.help}</p>
        </div>
      </header>
      <div class="columns">
        <vg-incidents @snoozes=${(event: CustomEvent<Snooze[]>) => (this.snoozes = event.detail)}></vg-incidents>
        <div class="side stack">
          <vg-push-card></vg-push-card>
          <vg-snooze-card .snoozes=${this.snoozes} @snoozes=${(event: CustomEvent<Snooze[]>) => (this.snoozes = event.detail)}></vg-snooze-card>
          <vg-channels-card .statistics=${this.channels}></vg-channels-card>
        </div>
        <section class="card panel" aria-labelledby="ledger">
          <h2 id="ledger">${t.alerts.ledger}</h2>
          ${this.ledger()}
        </section>
      </div>
    `;
  }

  private ledger(): unknown {
    const { items, loading, ended, error, loadedOnce } = this.list;
    if (error && !items.length) return failure(t.alerts.failed, error, () => void this.list.restart());
    if (!loadedOnce && !items.length) return html`<ul aria-busy="true"><li class="skeleton"><vg-message heading=${t.app.loading}></vg-message></li></ul>`;
    if (!items.length) return html`<vg-message icon="alerts" heading=${t.alerts.none} text=${t.alerts.noneHelp}></vg-message>`;
    return html`
      <ul class="deliveries">${deliveryRows(items, true)}</ul>
      ${error
        ? failure(t.alerts.failed, error, () => void this.list.more())
        : ended
          ? nothing
          : html`<vg-more ?busy=${loading} @more=${() => void this.list.more()}></vg-more>`}
    `;
  }
}
