import { html, LitElement, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';

import { formStyles } from '../design/forms';
import { shared } from '../design/shared';
import { app, WatchApp } from '../state/app-state';
import { people as words } from '../strings/people';

/** All cameras, or some. `value` is null for all; says `change`. */
@customElement('vg-camera-choice')
export class CameraChoice extends LitElement {
  static override styles = [shared, formStyles];

  @property({ attribute: false }) value: string[] | null = null;

  constructor() {
    super();
    new WatchApp(this);
  }

  override render(): unknown {
    const cameras = app.cameras.status === 'ready' ? app.cameras.value : [];
    const chosen = this.value;
    return html`<fieldset>
      <legend>${words.users.cameras}</legend>
      <label class="check">
        <input type="checkbox" .checked=${chosen === null} @change=${(event: Event) => this.put((event.target as HTMLInputElement).checked ? null : [])} />
        ${words.users.all}
      </label>
      ${chosen === null
        ? nothing
        : cameras.map(
            (camera) => html`<label class="check">
              <input
                type="checkbox"
                .checked=${chosen.includes(camera.id)}
                @change=${(event: Event) =>
                  this.put((event.target as HTMLInputElement).checked ? [...chosen, camera.id] : chosen.filter((one) => one !== camera.id))}
              />
              ${camera.name}
            </label>`,
          )}
    </fieldset>`;
  }

  private put(value: string[] | null): void {
    this.value = value;
    this.dispatchEvent(new Event('change'));
  }
}
