import { html, LitElement, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';

import type { Heartbeat } from '../api/types';
import { factStyles } from '../design/lists';
import { shared } from '../design/shared';
import { bytes, moment } from '../format';
import { Now } from '../state/now';
import { t } from '../strings';

/** Whether evidence leaves the house, where to, and how far behind it is. */
@customElement('vg-offsite')
export class OffsiteCard extends LitElement {
  static override styles = [shared, factStyles];

  @property({ attribute: false }) beat: Heartbeat | undefined;
  private readonly now = new Now(this);

  override render(): unknown {
    const key = this.beat?.detail?.public_key;
    return html`<section aria-labelledby="offsite">
      <div class="section-head"><h2 id="offsite">${t.offsite.title}</h2></div>
      <div class="card padded">
        <dl class="facts num" data-testid="offsite">
          ${this.rows().map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}
        </dl>
        ${key ? html`<details><summary>${t.offsite.key}</summary><pre class="scroll" tabindex="0">${key}</pre></details>` : nothing}
      </div>
    </section>`;
  }

  private rows(): [string, string][] {
    const told = this.beat?.detail;
    if (!told?.enabled) return [[t.offsite.evidence, t.offsite.off]];
    if (!this.beat?.ready) return [[t.offsite.evidence, t.offsite.silent]];
    return [
      [t.offsite.evidence, t.offsite.states[told.target_state ?? 'unknown'] ?? ''],
      [t.offsite.target, told.target ?? ''],
      [t.offsite.waiting, t.offsite.recordings(told.waiting ?? 0, told.waiting_alarm ?? 0)],
      [t.offsite.behind, told.waiting ? t.offsite.seconds(told.lag_s ?? 0) : '–'],
      [t.offsite.sent, told.last_sent_ms ? `${bytes(told.sent_bytes ?? 0)}, ${moment(told.last_sent_ms, this.now.ms)}` : t.offsite.nothing],
    ];
  }
}
