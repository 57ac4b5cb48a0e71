import { css, html, LitElement, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';

import type { FormField } from '../api/settings';
import { shared } from '../design/shared';
import { brief, shown, typed } from '../settings/draft';
import { t } from '../strings';

export type SettingChange = CustomEvent<{ value: unknown }>;

/** One key: its name, its meaning, the right control for its kind, and what is wrong with what was typed. */
@customElement('vg-setting')
export class Setting extends LitElement {
  static override styles = [
    shared,
    css`
      :host {
        padding: var(--s4) var(--s5);
        border-block-start: var(--border) solid var(--line);
      }
      :host(:first-of-type) {
        border-block-start: 0;
      }
      .grid {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: var(--s2) var(--s5);
      }
      @media (min-width: 62rem) {
        .grid {
          grid-template-columns: minmax(0, 5fr) minmax(0, 6fr);
        }
      }
      .name {
        display: flex;
        flex-wrap: wrap;
        align-items: baseline;
        gap: var(--s1) var(--s2);
        font-weight: var(--weight-strong);
      }
      code {
        color: var(--ink-3);
        font-size: var(--text-xs);
        font-weight: var(--weight);
        overflow-wrap: anywhere;
      }
      .about {
        max-width: 60ch;
        color: var(--ink-2);
        font-size: var(--text-s);
        text-wrap: pretty;
      }
      .control {
        display: grid;
        align-content: start;
        justify-items: start;
        gap: var(--s2);
      }
      .line {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--s2);
        width: 100%;
      }
      input:not([type='checkbox']),
      select,
      textarea {
        flex: 1 1 12rem;
        min-width: 0;
        max-width: 34rem;
      }
      input[type='number'] {
        flex: 0 1 11rem;
      }
      textarea {
        width: 100%;
        min-height: var(--tap);
        padding: var(--s2) var(--s3);
        border: var(--border) solid var(--line-strong);
        border-radius: var(--radius-s);
        background: var(--surface);
        color: inherit;
        font: inherit;
        resize: vertical;
      }
      textarea.code {
        font-family: ui-monospace, 'Cascadia Mono', monospace;
        font-size: var(--text-s);
      }
      [aria-invalid='true'] {
        border-color: var(--danger);
      }
      .switch {
        display: inline-flex;
        align-items: center;
        gap: var(--s3);
        min-height: var(--tap);
        cursor: pointer;
      }
      input[type='checkbox'] {
        width: 1.25rem;
        height: 1.25rem;
        min-height: 0;
        margin: 0;
        accent-color: var(--accent);
      }
      fieldset {
        display: flex;
        flex-wrap: wrap;
        gap: 0 var(--s4);
        margin: 0;
        padding: 0;
        border: 0;
      }
      .small-button {
        min-height: 2.25rem;
        padding: 0 var(--s3);
        font-size: var(--text-s);
      }
      .error {
        color: var(--danger);
        font-size: var(--text-s);
        font-weight: var(--weight-strong);
      }
    `,
  ];

  @property({ attribute: false }) field!: FormField;
  @property({ attribute: false }) value: unknown;
  /** Dotted name with the entry, unique on the page. */
  @property() name = '';
  @property() layer = 'default';
  @property({ type: Boolean }) changed = false;
  @property() problem = '';
  @state() private wrong: keyof typeof t.settings.wrong | '' = '';

  override render(): unknown {
    const error = this.wrong ? t.settings.wrong[this.wrong] : this.problem;
    const single = this.field.kind !== 'choices';
    return html`<div class="grid">
      <div>
        <p class="name">
          ${single ? html`<label for="control">${this.field.title}</label>` : html`<span id="label">${this.field.title}</span>`}
          <code>${this.field.key}</code>
          ${this.badge()}
        </p>
        <p class="about" id="about">${this.field.about}${this.bounds()}</p>
      </div>
      <div class="control">
        <div class="line">${this.control(Boolean(error))}${this.back()}</div>
        ${this.layer === 'environment' ? html`<p class="small muted">${t.settings.fixed}</p>` : nothing}
        <p class="error" id="error" role="alert" ?hidden=${!error}>${error}</p>
      </div>
    </div>`;
  }

  private badge(): unknown {
    if (this.changed) return html`<span class="badge warn">${t.settings.changed}</span>`;
    if (this.field.required) return html`<span class="badge">${t.settings.required}</span>`;
    if (this.layer === 'default') return nothing;
    return html`<span class="badge ${this.layer === 'settings.toml' ? 'ok' : ''}">${t.settings.layer[this.layer] ?? this.layer}</span>`;
  }

  /** What fits and what the default is, in words, where that helps. */
  private bounds(): unknown {
    const { minimum, maximum, kind } = this.field;
    const parts: string[] = [];
    if (minimum !== undefined || maximum !== undefined) parts.push(t.settings.range(minimum, maximum));
    const standard = this.field.default;
    const telling = (kind === 'integer' || kind === 'number' || kind === 'choice' || kind === 'text') && standard !== '' && standard !== undefined;
    if (telling && standard !== null) parts.push(t.settings.defaultIs(brief(standard)));
    return parts.length ? html` <span class="num">(${parts.join('; ')})</span>` : nothing;
  }

  private back(): unknown {
    if (this.changed) {
      return html`<button type="button" class="quiet small-button" aria-label=${t.settings.undoLabel(this.field.title)} @click=${() => this.say(undefined)}>
        ${t.settings.undo}
      </button>`;
    }
    if (this.layer !== 'settings.toml') return nothing;
    return html`<button type="button" class="quiet small-button" aria-label=${t.settings.resetLabel(this.field.title)} @click=${() => this.say(null)}>
      ${t.settings.reset}
    </button>`;
  }

  private control(invalid: boolean): unknown {
    const { field } = this;
    const described = 'about error';
    switch (field.kind) {
      case 'flag':
        return html`<span class="switch"><input
          id="control" type="checkbox" role="switch" aria-describedby=${described}
          .checked=${this.value === true}
          @change=${(event: Event) => this.say((event.target as HTMLInputElement).checked)}
        /></span>`;
      case 'choice':
        return html`<select id="control" aria-describedby=${described} aria-invalid=${String(invalid)}
          @change=${(event: Event) => this.say((event.target as HTMLSelectElement).value)}>
          ${(field.choices ?? []).map((word) => html`<option value=${word} ?selected=${word === this.value}>${word || t.settings.none}</option>`)}
        </select>`;
      case 'choices':
        return html`<fieldset aria-labelledby="label" aria-describedby=${described}>
          ${(field.choices ?? []).map((word) => html`<label class="switch"><input type="checkbox" value=${word}
            .checked=${this.chosen.includes(word)} @change=${() => this.toggle(word)} />${word}</label>`)}
        </fieldset>`;
      case 'integer':
      case 'number':
        return html`<input id="control" type="number" inputmode="decimal" aria-describedby=${described} aria-invalid=${String(invalid)}
          step=${field.kind === 'integer' ? '1' : 'any'} min=${field.minimum ?? nothing} max=${field.maximum ?? nothing}
          .value=${shown(field, this.value)} @input=${this.type} />`;
      case 'texts':
      case 'json':
        return html`<textarea id="control" rows=${Math.min(8, shown(field, this.value).split('\n').length + (field.kind === 'texts' ? 1 : 0))} class=${field.kind === 'json' ? 'code' : ''} spellcheck="false"
          placeholder=${field.kind === 'json' ? t.settings.asJson : t.settings.onePerLine}
          aria-describedby=${described} aria-invalid=${String(invalid)}
          .value=${shown(field, this.value)} @change=${this.type}></textarea>`;
      case 'secret':
        return html`<input id="control" type="password" autocomplete="new-password" aria-describedby=${described} aria-invalid=${String(invalid)}
            placeholder=${this.value ? t.settings.secretSet : t.settings.secretUnset}
            .value=${this.changed && typeof this.value === 'string' ? this.value : ''} @input=${this.type} />
          ${this.value && !this.changed ? html`<button type="button" class="quiet small-button" @click=${() => this.say('')}>${t.settings.secretClear}</button>` : nothing}`;
      case 'text':
        return html`<input id="control" type="text" autocomplete="off" spellcheck="false" maxlength=${field.max_length ?? nothing}
          aria-describedby=${described} aria-invalid=${String(invalid)} .value=${shown(field, this.value)} @input=${this.type} />`;
    }
  }

  private get chosen(): string[] {
    return Array.isArray(this.value) ? this.value.filter((one): one is string => typeof one === 'string') : [];
  }

  private toggle(word: string): void {
    const chosen = this.chosen.includes(word) ? this.chosen.filter((one) => one !== word) : [...this.chosen, word];
    this.say((this.field.choices ?? []).filter((one) => chosen.includes(one)));
  }

  private readonly type = (event: Event): void => {
    const found = typed(this.field, (event.target as HTMLInputElement).value);
    this.wrong = 'error' in found ? found.error : '';
    if ('value' in found) this.say(found.value);
  };

  private say(value: unknown): void {
    this.wrong = '';
    this.dispatchEvent(new CustomEvent('setting', { detail: { value } }) satisfies SettingChange);
  }
}
