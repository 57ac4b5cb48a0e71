import { html, LitElement, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';

import { api } from '../api/client';
import type { Values } from '../api/settings';
import { shared } from '../design/shared';
import { stepStyles } from '../design/steps';
import { asApiError } from '../state/app-state';
import { t } from '../strings';
import { saveSettings } from '../welcome';

const w = t.welcome.place;
const LOCATE_MS = 15_000;

/** Name of the house, time zone (the browser's is suggested) and place. */
@customElement('vg-welcome-place')
export class WelcomePlace extends LitElement {
  static override styles = [shared, stepStyles];

  @state() private name = '';
  @state() private zone = '';
  @state() private latitude = '';
  @state() private longitude = '';
  @state() private busy: '' | 'save' | 'locate' = '';
  @state() private note: { good: boolean; text: string } | null = null;
  private readonly suggested = Intl.DateTimeFormat().resolvedOptions().timeZone;
  private readonly zones = Intl.supportedValuesOf('timeZone');

  override connectedCallback(): void {
    super.connectedCallback();
    void this.load();
  }

  private async load(): Promise<void> {
    try {
      const { values, origins } = await api.settings();
      const system = values['system'] as Values;
      const place = values['location'] as Values;
      this.name = text(system['name']);
      // A zone that nobody chose is only a default.
      this.zone = origins['system.timezone'] === 'default' ? this.suggested : text(system['timezone']);
      this.latitude = place['latitude'] ? text(place['latitude']) : '';
      this.longitude = place['longitude'] ? text(place['longitude']) : '';
    } catch (error) {
      this.note = { good: false, text: `${t.welcome.failed}: ${asApiError(error).message}` };
    }
  }

  override render(): unknown {
    return html`<p class="why">${w.why}</p>
      <form @submit=${this.save} data-testid="place-form">
        <label>${w.name}<input name="name" maxlength="80" required .value=${this.name} @input=${(e: Event) => (this.name = value(e))} /></label>
        <label>${w.zone}<input name="zone" list="zones" required autocomplete="off" .value=${this.zone} @input=${(e: Event) => (this.zone = value(e))} />
          ${this.suggested && this.suggested !== this.zone ? html`<span class="muted small">${w.browserSays(this.suggested)}</span>` : nothing}</label>
        <datalist id="zones">${this.zones.map((zone) => html`<option value=${zone}></option>`)}</datalist>
        <div class="two">
          <label>${w.latitude}<input name="latitude" type="number" step="any" min="-90" max="90" .value=${this.latitude} @input=${(e: Event) => (this.latitude = value(e))} /></label>
          <label>${w.longitude}<input name="longitude" type="number" step="any" min="-180" max="180" .value=${this.longitude} @input=${(e: Event) => (this.longitude = value(e))} /></label>
        </div>
        <p class="row">
          <button type="submit" class="primary" ?disabled=${this.busy !== ''} data-testid="place-save">${this.busy === 'save' ? t.welcome.saving : t.welcome.save}</button>
          <button type="button" ?disabled=${this.busy !== '' || !isSecureContext} @click=${this.locate}>${this.busy === 'locate' ? w.locating : w.here}</button>
        </p>
        <p role="status" class=${this.note?.good ? '' : 'bad'}>${this.note?.text ?? ''}</p>
      </form>`;
  }

  private readonly locate = (): void => {
    this.busy = 'locate';
    this.note = null;
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        // A kilometre is enough for the sun.
        this.latitude = coords.latitude.toFixed(2);
        this.longitude = coords.longitude.toFixed(2);
        this.busy = '';
      },
      () => {
        this.note = { good: false, text: w.denied };
        this.busy = '';
      },
      { timeout: LOCATE_MS, maximumAge: 3_600_000 },
    );
  };

  private readonly save = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    this.busy = 'save';
    this.note = null;
    const place = this.latitude && this.longitude ? { location: { latitude: Number(this.latitude), longitude: Number(this.longitude) } } : {};
    try {
      await saveSettings(() => ({ system: { name: this.name.trim(), timezone: this.zone.trim() }, ...place }));
      this.note = { good: true, text: t.welcome.saved };
      this.dispatchEvent(new CustomEvent('changed', { bubbles: true, composed: true }));
    } catch (error) {
      this.note = { good: false, text: t.welcome.notSaved(asApiError(error).message) };
    }
    this.busy = '';
  };
}

/** Of a setting that is a word or a number. */
function text(setting: unknown): string {
  return typeof setting === 'string' || typeof setting === 'number' ? String(setting) : '';
}

function value(event: Event): string {
  return (event.target as HTMLInputElement).value;
}

declare global {
  interface HTMLElementTagNameMap {
    'vg-welcome-place': WelcomePlace;
  }
}
