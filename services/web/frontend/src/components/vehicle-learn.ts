import { css, html, LitElement, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';

import { api } from '../api/client';
import type { KnownVehicle } from '../api/outside';
import { shared } from '../design/shared';
import { asApiError } from '../state/app-state';
import { t } from '../strings';
import { hideWhenEmpty } from './states';

/** Of an event that shows a vehicle: which of the known ones it is. Nothing where none is configured. */
@customElement('vg-vehicle-learn')
export class VehicleLearn extends LitElement {
  static override styles = [
    shared,
    css`
      form {
        display: flex;
        flex-wrap: wrap;
        gap: var(--s2) var(--s3);
        align-items: end;
        margin-block-start: var(--s3);
      }
      label {
        display: grid;
        gap: var(--s1);
        flex: 1 1 10rem;
        min-width: 0;
        font-size: var(--text-s);
        color: var(--ink-2);
      }
      select {
        width: 100%;
      }
      p {
        margin-block-start: var(--s2);
        color: var(--ink-2);
        font-size: var(--text-s);
      }
      .problem {
        color: var(--danger);
      }
    `,
  ];

  @property() eventId = '';
  @state() private known: KnownVehicle[] = [];
  @state() private busy = false;
  @state() private said = '';
  @state() private problem = '';

  override connectedCallback(): void {
    super.connectedCallback();
    void api.vehicles().then(
      ({ items }) => (this.known = items),
      () => (this.known = []),
    );
  }

  override render(): unknown {
    return hideWhenEmpty(this, this.known.length ? this.form() : nothing);
  }

  private form(): unknown {
    return html`<section class="card padded" aria-labelledby="which" data-testid="vehicle-learn">
      <h2 id="which">${t.outside.isVehicle}</h2>
      <p>${t.outside.isVehicleHelp}</p>
      <form @submit=${(event: SubmitEvent) => void this.learn(event)}>
        <label>
          ${t.outside.choose}
          <select name="vehicle" ?disabled=${this.busy}>
            ${this.known.map((one) => html`<option value=${one.name}>${one.name}</option>`)}
          </select>
        </label>
        <button type="submit" ?disabled=${this.busy}>${t.outside.learn}</button>
      </form>
      <p class=${this.problem ? 'problem' : ''} role="status">${this.problem || this.said}</p>
    </section>`;
  }

  private async learn(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const name = this.renderRoot.querySelector('select')?.value ?? '';
    this.busy = true;
    this.problem = this.said = '';
    try {
      this.said = (await api.learnVehicle(name, this.eventId)).message;
    } catch (error) {
      this.problem = asApiError(error).message || t.outside.failed;
    }
    this.busy = false;
  }
}
