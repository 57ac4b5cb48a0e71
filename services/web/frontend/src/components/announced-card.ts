import { html, LitElement } from 'lit';
import { customElement, property } from 'lit/decorators.js';

import type { Heartbeat } from '../api/types';
import { factStyles } from '../design/lists';
import { shared } from '../design/shared';
import { moment } from '../format';
import { Now } from '../state/now';
import { t } from '../strings';

/** Whether the house is announced to Home Assistant, and how much of it. */
@customElement('vg-announced')
export class AnnouncedCard extends LitElement {
  static override styles = [shared, factStyles];

  @property({ attribute: false }) beat: Heartbeat | undefined;
  private readonly now = new Now(this);

  override render(): unknown {
    return html`<section aria-labelledby="announced">
      <div class="section-head"><h2 id="announced">${t.announced.title}</h2></div>
      <div class="card padded">
        <dl class="facts num" data-testid="announced">
          ${this.rows().map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}
        </dl>
      </div>
    </section>`;
  }

  private rows(): [string, string][] {
    const told = this.beat?.detail;
    if (!told?.enabled) return [[t.announced.discovery, t.announced.off]];
    if (!this.beat?.ready) return [[t.announced.discovery, t.announced.silent]];
    const devices = Object.entries(told.devices ?? {}).map(([kind, count]) => `${count} ${t.announced.kinds[kind] ?? kind}`);
    return [
      [t.announced.discovery, t.announced.on],
      [t.announced.devices, devices.join(', ') || '–'],
      [t.announced.entities, String(told.entities ?? 0)],
      [t.announced.born, told.born_ms ? moment(told.born_ms, this.now.ms) : t.announced.notSeen],
    ];
  }
}
