import { css, html, LitElement, nothing } from 'lit';
import { customElement, query, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';

import { api, type ApiError } from '../api/client';
import type { RuleForm, RuleInfo, WrittenRule } from '../api/rules';
import type { Settings, SettingsTrial, Values } from '../api/settings';
import '../components/icon';
import '../components/rule-editor';
import '../components/rules-card';
import '../components/settings-review';
import type { SettingsReview } from '../components/settings-review';
import { failure } from '../components/states';
import { pageStyles, shared } from '../design/shared';
import { ago, duration } from '../format';
import { navigate } from '../router';
import { fresh, houseOf, orderOf, removalOf, rulesOf, savingOf, type House } from '../rules/model';
import { ruleWords } from '../rules/words';
import { app, asApiError, WatchApp } from '../state/app-state';
import { Now } from '../state/now';
import { Polled } from '../state/polled';
import { t } from '../strings';

const CHECK_AFTER_MS = 400;
const REFRESH_MS = 10_000;
const w = t.rulePage;
const NOTHING: SettingsTrial = { problems: [], warnings: [], differences: [], services: [] };

/** What was typed survives a look at another page. */
let draft: { of: string; rule: WrittenRule } | null = null;
let note = '';

/** Rules made, changed, ordered, switched and removed in plain words; every change is shown before it is saved. */
@customElement('vg-rules')
export class RulesPage extends LitElement {
  static override styles = [
    shared,
    pageStyles,
    css`
      ol > li {
        display: grid;
        grid-template-columns: minmax(0, 1fr) auto;
        gap: var(--s2) var(--s4);
        padding: var(--s4) var(--s5);
      }
      ol > li + li {
        border-block-start: var(--border) solid var(--line);
      }
      h2 {
        overflow-wrap: anywhere;
      }
      .off h2 {
        color: var(--ink-2);
      }
      p {
        overflow-wrap: anywhere;
        text-wrap: pretty;
      }
      .words {
        margin-block: var(--s1);
      }
      .about {
        margin-block: var(--s3);
      }
      .tools button {
        min-width: var(--tap);
        padding-inline: var(--s3);
      }
      .tools {
        display: flex;
        flex-wrap: wrap;
        gap: var(--s2);
        grid-column: 1 / -1;
      }
      .bar {
        position: sticky;
        z-index: 3;
        inset-block-end: calc(var(--bottom-nav) + var(--s2));
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--s2) var(--s3);
        margin-block-start: var(--s4);
        padding: var(--s3) var(--s4);
        box-shadow: var(--shadow-2);
      }
      .bar ul {
        flex-basis: 100%;
      }
      .error {
        color: var(--danger);
        font-weight: var(--weight-strong);
        overflow-wrap: anywhere;
      }
      .note {
        margin-block-end: var(--s4);
        padding: var(--s3) var(--s4);
        border-radius: var(--radius-s);
        background: var(--accent-soft);
      }
    `,
  ];

  @state() private settings: Settings | null = null;
  @state() private form: RuleForm | null = null;
  @state() private error: ApiError | null = null;
  @state() private trial: SettingsTrial | null = null;
  @state() private busy = false;
  @state() private saveError = '';
  @query('vg-settings-review') private readonly review!: SettingsReview;
  private wish: Values = {};
  private timer: ReturnType<typeof setTimeout> | undefined;
  private checks = 0;
  private readonly now = new Now(this);
  private readonly fired = new Polled<RuleInfo[]>(this, async () => (await api.rules()).items, REFRESH_MS);
  private readonly editing = new URLSearchParams(location.search).get('edit');
  private readonly making = new URLSearchParams(location.search).has('new');

  constructor() {
    super();
    new WatchApp(this);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void this.load();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.timer);
  }

  override render(): unknown {
    if (app.session && app.session.role !== 'admin') {
      return html`<a class="back" href="/system"><vg-icon name="left"></vg-icon>${t.nav.system}</a>
        <header class="page-head"><div><h1>${w.title}</h1><p>${w.help}</p></div></header><vg-rules-card></vg-rules-card>`;
    }
    const inside = this.editing !== null || this.making;
    const title = this.making ? w.newTitle : this.editing !== null ? draft?.rule.description || this.editing : w.title;
    return html`
      <a class="back" href=${inside ? '/rules' : '/system'}><vg-icon name="left"></vg-icon>${inside ? w.title : t.nav.system}</a>
      <header class="page-head"><div><h1>${title}</h1>${inside ? nothing : html`<p>${w.help}</p>`}</div>
        ${inside ? nothing : html`<a class="button primary" href="/rules?new" data-testid="new-rule"><vg-icon name="plus"></vg-icon>${w.add}</a>`}</header>
      ${note ? html`<p class="note" role="status" data-testid="rules-note">${note}</p>` : nothing}
      ${this.error ? html`<div class="card">${failure(w.failed, this.error, () => void this.load())}</div>` : nothing}
      ${this.settings && this.form
        ? inside
          ? this.editor(this.settings, this.form, houseOf(this.settings.values))
          : this.list(rulesOf(this.settings.values, this.form), houseOf(this.settings.values))
        : this.error
          ? nothing
          : html`<div class="skeleton tall" aria-busy="true"></div>`}
      <vg-settings-review .trial=${this.trial} .busy=${this.busy} .error=${this.saveError} @save=${() => void this.save()}></vg-settings-review>
    `;
  }

  private list(rules: WrittenRule[], house: House): unknown {
    if (!rules.length) {
      return html`<div class="card"><vg-message icon="bolt" heading=${w.none} text=${w.noneHelp}><vg-action href="/rules?new">${w.add}</vg-action></vg-message></div>`;
    }
    return html`${rules.length > 1 ? html`<p class="muted small about">${w.order}</p>` : nothing}
      <ol class="card" data-testid="rule-list">${repeat(rules, (rule) => rule.id, (rule, at) => this.row(rule, at, rules, house))}</ol>
      ${this.saveError ? html`<p class="error" role="alert">${this.saveError}</p>` : nothing}
      <p class="muted small about">${w.history} <a href="/settings?in=rules">${w.openHistory}</a></p>`;
  }

  private row(rule: WrittenRule, at: number, rules: WrittenRule[], house: House): unknown {
    const name = rule.description || rule.id;
    const words = ruleWords(rule, house);
    const info = this.fired.value?.find((one) => one.id === rule.id);
    const move = (by: number): void => {
      const ids = rules.map((one) => one.id);
      ids.splice(at + by, 0, ...ids.splice(at, 1));
      void this.ask(orderOf(ids));
    };
    return html`<li class=${rule.enabled ? '' : 'off'} data-testid="rule-row" data-rule=${rule.id}>
      <div>
        <h2>${name}</h2>
        <p class="words"><span class="muted">${w.when}</span> ${words.when}<br /><span class="muted">${w.then}</span> ${words.then}</p>
        <p class="muted small">${info?.last ? w.fired(info.count, ago(info.last.at_ms, this.now.ms)) : w.never}${info?.resting_s ? `, ${w.rests(duration(info.resting_s * 1000))}` : ''}</p>
      </div>
      <div>
        <button type="button" role="switch" aria-checked=${String(rule.enabled)} aria-label=${w.turn(name, !rule.enabled)} data-testid="rule-switch"
          class=${rule.enabled ? 'primary' : ''} @click=${() => void this.ask({ rules: [{ id: rule.id, enabled: !rule.enabled }] })}>${rule.enabled ? w.on : w.off}</button>
      </div>
      <div class="tools">
        <a class="button" href=${`/rules?edit=${rule.id}`} aria-label=${w.editOf(name)} data-testid="rule-edit">${w.edit}</a>
        <button type="button" aria-label=${w.up(name)} ?disabled=${at === 0} data-testid="rule-up" @click=${() => move(-1)}>↑</button>
        <button type="button" aria-label=${w.down(name)} ?disabled=${at === rules.length - 1} @click=${() => move(1)}>↓</button>
        <button type="button" class="quiet" aria-label=${w.removeOf(name)} data-testid="rule-remove" @click=${() => this.settings && void this.ask(removalOf(this.settings, rule.id))}>${w.remove}</button>
      </div>
    </li>`;
  }

  private editor(settings: Settings, form: RuleForm, house: House): unknown {
    const rules = rulesOf(settings.values, form);
    const of = this.editing ?? '';
    if (draft?.of !== of) {
      const last = Math.max(0, ...rules.map((one) => one.position));
      const rule = this.making ? fresh(last ? Math.min(10_000, last + 10) : 0) : rules.find((one) => one.id === of);
      if (!rule) return html`<vg-message heading=${t.app.notFound} text=${t.app.notFoundHelp}><vg-action href="/rules">${w.title}</vg-action></vg-message>`;
      draft = { of, rule };
      this.later();
    }
    const { rule } = draft;
    const taken = rules.map((one) => one.id);
    const clash = this.making && taken.includes(rule.id) ? w.taken : rule.id ? '' : w.needsId;
    const problems = clash ? [clash] : (this.trial?.problems.map((one) => one.text) ?? []);
    return html`<vg-rule-editor .rule=${rule} .form=${form} .house=${house} .trial=${clash ? null : this.trial} .taken=${taken} .isNew=${this.making}
        @rule=${(event: CustomEvent<WrittenRule>) => this.edit(of, event.detail)}></vg-rule-editor>
      <div class="bar card" data-testid="rule-bar">
        <strong class="grow ${problems.length ? 'error' : ''}" role="status">${problems.length ? w.problems : this.trial ? w.fine : w.checking}</strong>
        <button type="button" @click=${this.leave}>${w.cancel}</button>
        <button type="button" class="primary" data-testid="rule-save" ?disabled=${!this.trial || problems.length > 0} @click=${() => this.openReview()}>${w.save}</button>
        ${problems.length ? html`<ul class="small">${problems.map((text) => html`<li>${text}</li>`)}</ul>` : nothing}
      </div>`;
  }

  private edit(of: string, rule: WrittenRule): void {
    draft = { of, rule };
    note = '';
    this.trial = null;
    this.later();
  }

  /** Checked by the server a moment after the last change. */
  private later(): void {
    clearTimeout(this.timer);
    this.checks += 1;
    this.timer = setTimeout(() => void this.check(), CHECK_AFTER_MS);
    this.requestUpdate();
  }

  private async check(): Promise<void> {
    if (!this.settings || !this.form || !draft?.rule.id) return;
    const turn = this.checks;
    this.wish = savingOf(this.settings, draft.rule, this.form);
    const trial = await this.tried(this.wish);
    if (turn === this.checks) this.trial = trial;
  }

  private async tried(changes: Values): Promise<SettingsTrial> {
    try {
      return await api.trySettings(changes);
    } catch (error) {
      return { ...NOTHING, problems: [{ key: '', text: asApiError(error).message || t.app.loadFailedHelp }] };
    }
  }

  /** A change from the list: shown as a difference, saved when it is confirmed. */
  private async ask(changes: Values): Promise<void> {
    note = '';
    this.saveError = '';
    this.wish = changes;
    const trial = await this.tried(changes);
    this.trial = trial;
    if (trial.problems.length) this.saveError = trial.problems.map((one) => one.text).join('; ');
    else this.review.open();
  }

  private openReview(): void {
    this.saveError = '';
    this.review.open();
  }

  private async save(): Promise<void> {
    if (!this.settings || this.busy) return;
    this.busy = true;
    try {
      this.settings = await api.changeSettings(this.wish, this.settings.revision);
      this.review.close();
      draft = null;
      note = w.saved;
      if (this.editing !== null || this.making) navigate('/rules');
      void this.fired.refresh();
    } catch (error) {
      const failed = asApiError(error);
      this.saveError = failed.code === 'stale_revision' ? w.stale : failed.message || t.app.loadFailedHelp;
      if (failed.code === 'stale_revision') await this.load();
    } finally {
      this.busy = false;
    }
  }

  private async load(): Promise<void> {
    try {
      const [settings, form] = await Promise.all([api.settings(), this.form ?? api.ruleForm()]);
      this.settings = settings;
      this.form = form;
      this.error = null;
      if (draft && draft.of === (this.editing ?? '') && (this.making || this.editing !== null)) this.later();
    } catch (error) {
      this.error = asApiError(error);
    }
  }

  private readonly leave = (): void => {
    draft = null;
    navigate('/rules');
  };
}
