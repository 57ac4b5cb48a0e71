import { html, LitElement } from 'lit';
import { customElement } from 'lit/decorators.js';

import { formStyles } from '../design/forms';
import { shared } from '../design/shared';
import { choose, language, LANGUAGES, type Language } from '../strings/language';
import { people as words } from '../strings/people';

const w = words.account;

/** The language of this browser. The page is loaded anew: every word that it shows changes. */
@customElement('vg-language-card')
export class LanguageCard extends LitElement {
  static override styles = [shared, formStyles];

  override render(): unknown {
    return html`<section class="card" aria-labelledby="language">
      <h2 id="language">${w.language}</h2>
      <p>${w.languageHelp}</p>
      <form>
        <label class="field">${w.language}
          <select data-testid="language" @change=${this.changed}>
            ${Object.entries(LANGUAGES).map(([id, name]) => html`<option value=${id} lang=${id} ?selected=${id === language()}>${name}</option>`)}
          </select>
        </label>
      </form>
    </section>`;
  }

  private changed(event: Event): void {
    choose((event.target as HTMLSelectElement).value as Language);
    location.reload();
  }
}
