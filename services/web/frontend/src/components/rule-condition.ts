import { html, LitElement, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';

import type { RuleForm, RuleKey, WrittenCondition } from '../api/rules';
import { ruleStyles } from '../design/rules';
import { shared } from '../design/shared';
import { asked, namesOf, problemsAt, type House } from '../rules/model';
import { t } from '../strings';
import './icon';
import './rule-key';
import type { KeyChange } from './rule-key';

/** The changed condition; null takes it away. */
export type ConditionChange = CustomEvent<WrittenCondition | null>;

/** One condition of a rule, or a group with others inside. */
@customElement('vg-rule-condition')
export class RuleConditionBox extends LitElement {
  static override styles = [shared, ruleStyles];

  @property({ attribute: false }) condition!: WrittenCondition;
  @property({ attribute: false }) form!: RuleForm;
  @property({ attribute: false }) house!: House;
  @property({ attribute: false }) problems: { key: string; text: string }[] = [];
  @property() ruleId = '';
  /** `conditions.0.conditions.1` */
  @property() path = '';
  @property({ type: Number }) depth = 1;
  @property({ type: Number }) number = 1;

  override render(): unknown {
    const { condition, form } = this;
    const part = form.conditions.find((one) => one.type === condition.type);
    const wrong = problemsAt(this.problems, this.ruleId, this.path);
    return html`<div class="box ${part?.group ? 'group' : ''} ${wrong.length ? 'wrong' : ''}" data-testid="rule-condition" data-path=${this.path}>
      <div class="head">
        <label>${t.rulePage.whatKind}<select @change=${this.chooseType}>
          ${form.conditions.filter((one) => !one.group || this.depth < form.limits.depth).map((one) => html`<option value=${one.type} ?selected=${one.type === condition.type}>${t.ruleTypes[one.type] ?? one.type}</option>`)}
        </select></label>
        <button type="button" class="quiet icon-only" aria-label=${t.rulePage.removeCondition(this.number)} @click=${() => this.say(null)}><vg-icon name="close"></vg-icon></button>
      </div>
      ${part?.group ? this.group() : html`<div class="keys">${(part?.keys ?? []).filter((key) => asked(key, this.text('event'))).map((key) => this.key(key, wrong))}</div>`}
      ${wrong.length ? html`<p class="error" role="alert">${wrong.join('; ')}</p>` : nothing}
    </div>`;
  }

  private text(key: string): string {
    const value = this.condition[key];
    return typeof value === 'string' ? value : '';
  }

  private key(key: RuleKey, wrong: string[]): unknown {
    const ofMember = this.condition.type === 'presence' && key.key === 'value' && this.text('member');
    const of = ofMember ? { ...key, choices: this.form.of_member } : key;
    return html`<vg-rule-key class=${of.asked === 'some' ? 'wide' : ''} .of=${of} .value=${this.condition[key.key]} .names=${of.of ? namesOf(this.house, of.of, this.text('camera_id')) : []}
      .problem=${wrong.find((text) => text.startsWith(key.key)) ?? ''} @value=${(event: KeyChange) => this.set(key.key, event.detail)}></vg-rule-key>`;
  }

  private set(key: string, value: unknown): void {
    const next: WrittenCondition = { ...this.condition, [key]: value };
    if (key === 'camera_id') delete next['zone'];
    if (key === 'member' && this.condition.type === 'presence') delete next['value'];
    for (const other of this.form.conditions.find((one) => one.type === next.type)?.keys ?? []) {
      if (!asked(other, typeof next['event'] === 'string' ? next['event'] : '')) Reflect.deleteProperty(next, other.key);
    }
    this.say(next);
  }

  private group(): unknown {
    const inside = this.condition.conditions ?? [];
    return html`${inside.map((one, at) => html`<vg-rule-condition .condition=${one} .form=${this.form} .house=${this.house} .problems=${this.problems}
        .ruleId=${this.ruleId} .path=${`${this.path}.conditions.${at}`} .depth=${this.depth + 1} .number=${at + 1}
        @condition=${(event: ConditionChange) => { event.stopPropagation(); this.say({ ...this.condition, conditions: changed(inside, at, event.detail) }); }}></vg-rule-condition>`)}
      <p><button type="button" @click=${() => this.say({ ...this.condition, conditions: [...inside, first(this.form)] })}><vg-icon name="plus"></vg-icon>${t.rulePage.addInside}</button></p>`;
  }

  private readonly chooseType = (event: Event): void => {
    const type = (event.target as HTMLSelectElement).value;
    const group = this.form.conditions.find((one) => one.type === type)?.group;
    this.say(group ? { type, conditions: this.condition.conditions ?? [] } : { type });
  };

  private say(detail: WrittenCondition | null): void {
    this.dispatchEvent(new CustomEvent('condition', { detail }) satisfies ConditionChange);
  }
}

/** What a new condition begins as. */
export function first(form: RuleForm): WrittenCondition {
  return { type: form.conditions.find((one) => one.happens)?.type ?? form.conditions[0]?.type ?? '' };
}

/** The list with one entry changed, or taken away. */
export function changed<T>(list: T[], at: number, value: T | null): T[] {
  return value === null ? list.filter((_, index) => index !== at) : list.map((one, index) => (index === at ? value : one));
}
