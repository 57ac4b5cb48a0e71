import { css, html, LitElement, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';

import type { Why } from '../api/alerts';
import { api, type ApiError } from '../api/client';
import { shared } from '../design/shared';
import { asApiError } from '../state/app-state';
import { t } from '../strings';

/** Why somebody was told of an event, or was not: then, and by the profiles of now. */
@customElement('vg-why')
export class WhyPanel extends LitElement {
  static override styles = [
    shared,
    css`
      p,
      li,
      summary {
        font-size: var(--text-s);
        overflow-wrap: anywhere;
      }
      p + p,
      details {
        margin-block-start: var(--s2);
      }
      summary {
        cursor: pointer;
        font-weight: var(--weight-strong);
      }
      li {
        padding-block: var(--s1);
      }
    `,
  ];

  @property() eventId = '';
  @state() private why: Why | null = null;
  @state() private error: ApiError | null = null;
  private asked = '';

  override willUpdate(): void {
    if (this.eventId && this.eventId !== this.asked) {
      this.asked = this.eventId;
      void this.load(this.eventId);
    }
  }

  private async load(eventId: string): Promise<void> {
    this.why = null;
    this.error = null;
    try {
      this.why = await api.why(eventId);
    } catch (error) {
      this.error = asApiError(error);
    }
  }

  override render(): unknown {
    if (this.error) return html`<p class="muted" role="status">${this.error.status === 404 ? t.why.unknown : t.why.failed}</p>`;
    if (!this.why) return html`<p class="muted" aria-busy="true">${t.app.loading}</p>`;
    const { decisions, today } = this.why;
    const checked = decisions[0]?.checked ?? [];
    return html`<div data-testid="why" data-outcome=${decisions[0]?.outcome ?? ''}>
      ${decisions.map((one) => html`<p>${one.text}${one.profile ? html` <span class="muted">${t.why.by(one.profile)}</span>` : nothing}</p>`)}
      <details>
        <summary>${t.why.checked}</summary>
        <ul>
          ${checked.map((one) => html`<li><strong>${one.profile}</strong>: ${one.why_not || t.why.fits}</li>`)}
        </ul>
        <p class="muted">${today.profile ? (today.mute ? t.why.muteToday(today.profile) : t.why.today(today.profile, t.events.severityName[today.severity])) : t.why.notToday}</p>
      </details>
    </div>`;
  }
}
