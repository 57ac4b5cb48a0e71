import { css, html, LitElement, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';

import type { RuleForm, WrittenAction, WrittenRule } from '../api/rules';
import type { SettingsTrial } from '../api/settings';
import { ruleStyles } from '../design/rules';
import { shared } from '../design/shared';
import { action, idFrom, namesOf, problemsAt, sent, type House } from '../rules/model';
import { ruleWords } from '../rules/words';
import { t } from '../strings';
import './icon';
import { changed, first, type ConditionChange } from './rule-condition';
import './rule-key';
import type { KeyChange } from './rule-key';
import './rule-past';

const w = t.rulePage;

/** A rule being made or changed: every change is said upwards, where it is checked. */
@customElement('vg-rule-editor')
export class RuleEditor extends LitElement {
  static override styles = [
    shared,
    ruleStyles,
    css`
      section {
        display: grid;
        gap: var(--s3);
        padding: var(--s5);
      }
      section + section {
        margin-block-start: var(--s4);
      }
      .sentence {
        overflow-wrap: anywhere;
        text-wrap: pretty;
      }
    `,
  ];

  @property({ attribute: false }) rule!: WrittenRule;
  @property({ attribute: false }) form!: RuleForm;
  @property({ attribute: false }) house!: House;
  @property({ attribute: false }) trial: SettingsTrial | null = null;
  @property({ attribute: false }) taken: string[] = [];
  @property({ type: Boolean }) isNew = false;

  override render(): unknown {
    const words = ruleWords(this.rule, this.house);
    return html`
      <section class="card" aria-labelledby="about">
        <h2 id="about" class="visually-hidden">${w.description}</h2>
        <div class="keys">
          <label class="wide">${w.description}<input type="text" data-testid="rule-description" maxlength=${this.form.limits.description} autocomplete="off" .value=${this.rule.description} @input=${this.describe} /></label>
          ${this.isNew
            ? html`<label>${w.id}<input type="text" data-testid="rule-id" maxlength="64" pattern="[A-Za-z0-9_\\-]+" spellcheck="false" autocomplete="off" aria-describedby="id-help" .value=${this.rule.id} @input=${this.rename} />
                <span id="id-help">${w.idHelp}</span></label>`
            : html`<div class="named">${w.id}<code>${this.rule.id}</code></div>`}
        </div>
        <label class="tick"><input type="checkbox" .checked=${this.rule.enabled} @change=${() => this.put({ enabled: !this.rule.enabled })} />${w.enabled}</label>
        <p class="sentence" data-testid="rule-sentence"><span class="muted">${w.when}</span> ${words.when}<br /><span class="muted">${w.then}</span> ${words.then}</p>
      </section>
      <section class="card" aria-labelledby="conditions">
        <h2 id="conditions">${w.conditions}</h2>
        <label>${w.logic}<select @change=${(event: Event) => this.put({ logic: (event.target as HTMLSelectElement).value as 'AND' | 'OR' })}>
          <option value="AND" ?selected=${this.rule.logic === 'AND'}>${w.all}</option>
          <option value="OR" ?selected=${this.rule.logic === 'OR'}>${w.any}</option>
        </select></label>
        ${this.rule.conditions.map((one, at) => html`<vg-rule-condition .condition=${one} .form=${this.form} .house=${this.house} .problems=${this.trial?.problems ?? []}
          .ruleId=${this.rule.id} .path=${`conditions.${at}`} .number=${at + 1}
          @condition=${(event: ConditionChange) => this.put({ conditions: changed(this.rule.conditions, at, event.detail) })}></vg-rule-condition>`)}
        <p><button type="button" data-testid="add-condition" @click=${() => this.put({ conditions: [...this.rule.conditions, first(this.form)] })}><vg-icon name="plus"></vg-icon>${w.addCondition}</button></p>
      </section>
      <section class="card" aria-labelledby="actions">
        <h2 id="actions">${w.actions}</h2>
        ${this.rule.actions.map((one, at) => this.action(action(one, this.form), at))}
        <p><button type="button" data-testid="add-action" @click=${() => this.put({ actions: [...this.rule.actions, { type: this.form.actions[0]?.type ?? '' }] })}><vg-icon name="plus"></vg-icon>${w.addAction}</button></p>
        <div class="keys">
          <label>${w.cooldown}<input type="number" inputmode="numeric" min="0" max=${this.form.limits.cooldown_s} .value=${String(this.rule.cooldown_s)}
            @input=${(event: Event) => this.put({ cooldown_s: Number((event.target as HTMLInputElement).value) })} /></label>
          <label class="tick"><input type="checkbox" .checked=${this.rule.allow_disarm} @change=${() => this.put({ allow_disarm: !this.rule.allow_disarm })} />
            <span>${w.mayDisarm}<br /><span class="small muted">${w.mayDisarmHelp}</span></span></label>
        </div>
      </section>
      <section class="card" aria-labelledby="past">
        <h2 id="past">${w.past}</h2>
        <p class="muted small">${w.pastHelp}</p>
        <vg-rule-past .rule=${sent(this.rule, this.form)} .ready=${Boolean(this.trial && !this.trial.problems.length)}></vg-rule-past>
      </section>
    `;
  }

  private action(one: WrittenAction, at: number): unknown {
    const part = this.form.actions.find((known) => known.type === one.type);
    const wrong = problemsAt(this.trial?.problems ?? [], this.rule.id, `actions.${at}`);
    const put = (next: WrittenAction | null): void => this.put({ actions: changed<string | WrittenAction>(this.rule.actions, at, next) });
    return html`<div class="box ${wrong.length ? 'wrong' : ''}" data-testid="rule-action">
      <div class="head">
        <label>${w.whatAction}<select @change=${(event: Event) => put({ type: (event.target as HTMLSelectElement).value })}>
          ${this.form.actions.map((known) => html`<option value=${known.type} ?selected=${known.type === one.type}>${t.ruleTypes[known.type] ?? known.type}</option>`)}
        </select></label>
        <button type="button" class="quiet icon-only" aria-label=${w.removeAction(at + 1)} @click=${() => put(null)}><vg-icon name="close"></vg-icon></button>
      </div>
      <div class="keys">${(part?.keys ?? []).map((key) => html`<vg-rule-key asList class=${key.asked.endsWith('some') ? 'wide' : ''} .of=${key} .value=${one[key.key] ?? key.default}
        .names=${key.of ? namesOf(this.house, key.of, '') : []} .problem=${wrong.find((text) => text.startsWith(key.key)) ?? ''}
        @value=${(event: KeyChange) => put({ ...one, [key.key]: event.detail })}></vg-rule-key>`)}</div>
      ${wrong.length ? html`<p class="error" role="alert">${wrong.join('; ')}</p>` : nothing}
    </div>`;
  }

  /** While nobody named a new rule, its name follows what it is for. */
  private readonly describe = (event: Event): void => {
    const description = (event.target as HTMLInputElement).value;
    const follows = this.isNew && this.rule.id === idFrom(this.rule.description, this.taken);
    this.put({ description, ...(follows ? { id: idFrom(description, this.taken) } : {}) });
  };

  private readonly rename = (event: Event): void => this.put({ id: (event.target as HTMLInputElement).value.trim() });

  private put(change: Partial<WrittenRule>): void {
    this.dispatchEvent(new CustomEvent('rule', { detail: { ...this.rule, ...change } }));
  }
}
