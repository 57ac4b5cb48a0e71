import { html, LitElement, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';

import type { RuleKey } from '../api/rules';
import { ruleStyles } from '../design/rules';
import { shared } from '../design/shared';
import type { Named } from '../rules/model';
import { t } from '../strings';

const OTHER = '\u0000other';
const WINDOWS = ['22:00-06:00', 'mon-fri 08:00-17:00', 'sunset-sunrise', 'sunset-30m-23:00'];

export type KeyChange = CustomEvent<unknown>;

/** One key of a condition or an action, entered the way the server says. */
@customElement('vg-rule-key')
export class RuleKeyField extends LitElement {
  static override styles = [shared, ruleStyles];

  @property({ attribute: false }) of!: RuleKey;
  @property({ attribute: false }) value: unknown;
  @property({ attribute: false }) names: Named[] = [];
  /** Of actions several values are a list, of conditions they stand by commas. */
  @property({ type: Boolean }) asList = false;
  @property() problem = '';
  @state() private other = false;

  override render(): unknown {
    const { key } = this.of;
    const name = t.ruleKeys[key] ?? key;
    const many = this.of.asked === 'some' || this.of.asked === 'house_some';
    return many
      ? html`<fieldset><legend>${name}</legend>${this.ticks()}</fieldset>`
      : html`<label title=${this.of.about}>${name}${this.control()}</label>`;
  }

  private get text(): string {
    return typeof this.value === 'string' || typeof this.value === 'number' ? String(this.value) : '';
  }

  private get chosen(): string[] {
    if (Array.isArray(this.value)) return this.value.map(String);
    return this.text.split(',').map((one) => one.trim()).filter(Boolean);
  }

  private ticks(): unknown {
    const words: Named[] = this.of.asked === 'some' ? (this.of.choices ?? []).map((id) => ({ id, name: t.ruleValues[id] ?? id })) : this.names;
    return words.map(({ id, name }) => html`<label class="tick"><input type="checkbox" .checked=${this.chosen.includes(id)} @change=${() => this.toggle(words, id)} />${name}</label>`);
  }

  private toggle(words: Named[], id: string): void {
    const now = this.chosen;
    const next = words.map((one) => one.id).filter((one) => (one === id ? !now.includes(id) : now.includes(one)));
    this.say(this.asList ? next : next.join(','));
  }

  private control(): unknown {
    const { asked, choices = [], open, needed, minimum, maximum } = this.of;
    const invalid = String(Boolean(this.problem));
    const unknown = asked === 'one' && this.text !== '' && !choices.includes(this.text);
    switch (asked) {
      case 'one':
        return html`<select aria-invalid=${invalid} @change=${this.pick}>
            <option value="" ?selected=${!this.text && !this.other}>${needed || open ? t.rulePage.choose : '–'}</option>
            ${choices.map((word) => html`<option value=${word} ?selected=${word === this.text}>${t.ruleValues[word] ?? word}</option>`)}
            ${open ? html`<option value=${OTHER} ?selected=${this.other || unknown}>${t.rulePage.other}</option>` : nothing}
          </select>
          ${open && (this.other || unknown) ? html`<input type="text" maxlength="64" spellcheck="false" aria-label=${t.rulePage.other} .value=${this.text} @input=${this.type} />` : nothing}`;
      case 'house':
        return html`<select aria-invalid=${invalid} @change=${this.pick}>
          <option value="" ?selected=${!this.text}>${t.rulePage.anything}</option>
          ${this.withPresent().map(({ id, name }) => html`<option value=${id} ?selected=${id === this.text}>${name}</option>`)}
        </select>`;
      case 'seconds':
        return html`<input type="number" inputmode="numeric" min=${minimum ?? 0} max=${maximum ?? nothing} aria-invalid=${invalid}
          .value=${this.text || (typeof this.of.default === 'number' ? String(this.of.default) : '')} @input=${this.number} />`;
      case 'window':
        return html`<input type="text" spellcheck="false" autocomplete="off" list="windows" placeholder=${WINDOWS[0] ?? ''} aria-invalid=${invalid} .value=${this.text} @input=${this.type} />
          <datalist id="windows">${WINDOWS.map((one) => html`<option value=${one}></option>`)}</datalist>`;
      case 'text':
      case 'some':
      case 'house_some':
        return html`<input type="text" spellcheck="false" autocomplete="off" maxlength=${maximum ?? nothing} aria-invalid=${invalid} .value=${this.text} @input=${this.type} />`;
    }
  }

  /** What is named and gone stays to be seen: the server says that it does not exist. */
  private withPresent(): Named[] {
    const gone = this.text && !this.names.some((one) => one.id === this.text);
    return gone ? [...this.names, { id: this.text, name: this.text }] : this.names;
  }

  private readonly pick = (event: Event): void => {
    const { value } = event.target as HTMLSelectElement;
    this.other = value === OTHER;
    this.say(this.other ? '' : value);
  };

  private readonly type = (event: Event): void => this.say((event.target as HTMLInputElement).value);

  private readonly number = (event: Event): void => {
    const { value } = event.target as HTMLInputElement;
    this.say(value === '' ? '' : Number(value));
  };

  private say(value: unknown): void {
    this.dispatchEvent(new CustomEvent('value', { detail: value }) satisfies KeyChange);
  }
}
