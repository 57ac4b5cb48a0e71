import { html, LitElement, nothing } from 'lit';
import { customElement, query, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';

import { api, type ApiError } from '../api/client';
import type { FormField, FormSection, Settings, SettingsTrial } from '../api/settings';
import '../components/icon';
import '../components/setting-field';
import type { SettingChange } from '../components/setting-field';
import '../components/settings-review';
import type { SettingsReview } from '../components/settings-review';
import '../components/settings-versions';
import { failure } from '../components/states';
import { pageStyles, shared } from '../design/shared';
import { navigate } from '../router';
import { Draft, editable, groups, isDefault, keyOf, matches, originOf } from '../settings/draft';
import { app, asApiError } from '../state/app-state';
import { t } from '../strings';
import { settingsStyles } from './settings.styles';

const CHECK_AFTER_MS = 400;

/** What was typed survives a look at another page. */
const draft = new Draft();

/** Every key of the configuration, checked while typing, shown as a difference before it is saved. */
@customElement('vg-settings')
export class SettingsPage extends LitElement {
  static override styles = [shared, pageStyles, settingsStyles];

  @state() private settings: Settings | null = null;
  @state() private sections: FormSection[] = [];
  @state() private error: ApiError | null = null;
  @state() private group = '';
  @state() private search = '';
  @state() private trial: SettingsTrial | null = null;
  @state() private busy = false;
  @state() private saveError = '';
  @state() private note = '';
  @state() private addError: Record<string, string> = {};
  @query('vg-settings-review') private readonly review!: SettingsReview;
  private readonly draft = draft;
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** Of the newest check; the answer of an older one is not looked at. */
  private checks = 0;

  override connectedCallback(): void {
    super.connectedCallback();
    void this.load();
    addEventListener('beforeunload', this.keep);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.timer);
    removeEventListener('beforeunload', this.keep);
  }

  override render(): unknown {
    return html`
      <a class="back" href="/system"><vg-icon name="left"></vg-icon>${t.nav.system}</a>
      <header class="page-head"><div><h1>${t.settings.title}</h1><p>${t.settings.help}</p></div></header>
      ${this.note ? html`<p class="note" role="status" data-testid="settings-note">${this.note}</p>` : nothing}
      ${this.error ? html`<div class="card">${failure(t.settings.failed, this.error, () => void this.load())}</div>` : nothing}
      ${this.settings ? this.content(this.settings) : this.error ? nothing : html`<div class="skeleton tall" aria-busy="true"></div>`}
      <vg-settings-review .trial=${this.trial} .busy=${this.busy} .error=${this.saveError} @save=${() => void this.save()}></vg-settings-review>
    `;
  }

  private content(settings: Settings): unknown {
    const all = groups(this.sections);
    const here = all.find((one) => one.id === this.group) ?? all[0];
    const found = this.search.trim() ? this.matching() : null;
    return html`<div class="layout">
      <nav class="toc" aria-label=${t.settings.sections}>
        ${all.map((one) => html`<a href="/settings?in=${one.id}" aria-current=${one === here && !found ? 'page' : nothing}
          @click=${(event: MouseEvent) => this.go(event, one.id)}>${one.title}</a>`)}
      </nav>
      <div>
        <div class="tools">
          <label>${t.settings.search}<input type="search" data-testid="settings-search" autocomplete="off" .value=${this.search}
            @input=${(event: Event) => (this.search = (event.target as HTMLInputElement).value)} /></label>
          <label class="pick">${t.settings.sections}<select @change=${(event: Event) => this.choose((event.target as HTMLSelectElement).value)}>
            ${all.map((one) => html`<option value=${one.id} ?selected=${one === here}>${one.title}</option>`)}
          </select></label>
        </div>
        ${found ? this.results(settings, found) : here?.sections.map((section) => this.section(settings, section))}
        ${this.bar()}
        <vg-settings-versions .revision=${settings.revision} @goback=${(event: CustomEvent<string>) => void this.goBack(event.detail)}></vg-settings-versions>
      </div>
    </div>`;
  }

  private matching(): FormSection[] {
    return this.sections
      .map((section) => ({ ...section, fields: section.fields.filter((field) => matches(section, field, this.search)) }))
      .filter((section) => section.fields.length);
  }

  private results(settings: Settings, found: FormSection[]): unknown {
    const count = found.reduce((sum, section) => sum + section.fields.length, 0);
    if (!count) return html`<div class="card"><vg-message heading=${t.settings.nothing} text=${t.settings.nothingHelp}></vg-message></div>`;
    return html`<p class="muted small" role="status">${t.settings.found(count)}</p>
      ${found.map((section) => this.section(settings, section, true))}`;
  }

  private section(settings: Settings, section: FormSection, opened = false): unknown {
    return html`<section class="section" aria-labelledby=${`s-${section.path}`}>
      <div class="section-head"><h2 id=${`s-${section.path}`}>${section.title}</h2><code class="small muted">${section.path}</code></div>
      <p>${section.about}</p>
      <div class="card">
        ${section.entry_key ? this.list(settings, section, section.entry_key, opened) : section.fields.map((field) => this.field(settings, section, field, ''))}
      </div>
    </section>`;
  }

  private list(settings: Settings, section: FormSection, entryKey: string, opened: boolean): unknown {
    const names = this.draft.names(settings, section);
    const gone = this.draft.droppedOf(settings, section);
    const standard = isDefault(settings, section);
    return html`
      ${names.length || gone.length ? nothing : html`<p class="padded muted">${t.settings.none}</p>`}
      ${standard ? html`<p class="padded small muted">${t.settings.byDefault}</p>` : nothing}
      ${repeat(names, (name) => name, (name) => html`<details ?open=${opened} data-entry=${name}>
        <summary><vg-icon class="chevron" name="right"></vg-icon><span class="title">${name}</span></summary>
        <div class="fields">
          ${section.fields.filter((field) => field.key !== entryKey).map((field) => this.field(settings, section, field, name))}
          <p class="entry-foot"><button type="button" class="danger" aria-label=${t.settings.removeLabel(name)} ?disabled=${standard && names.length < 2}
            @click=${() => this.edit(() => this.draft.drop(section, name))}>${t.settings.remove}</button></p>
        </div>
      </details>`)}
      ${gone.map((name) => html`<div class="entry-foot gone"><span class="grow"><s>${name}</s> <span class="badge warn">${t.settings.removed}</span></span>
        <button type="button" @click=${() => this.edit(() => this.draft.add(section, name))}>${t.settings.putBack}</button></div>`)}
      <form class="add" @submit=${(event: SubmitEvent) => this.add(event, settings, section)}>
        <input name="name" required maxlength="120" autocomplete="off" aria-label=${t.settings.newName(entryKey)} placeholder=${t.settings.newName(entryKey)} />
        <button type="submit" aria-label=${t.settings.addTo(section.title)}>${t.settings.add}</button>
        <span class="error" role="alert">${this.addError[section.path] ?? ''}</span>
      </form>`;
  }

  private field(settings: Settings, section: FormSection, field: FormField, entry: string): unknown {
    const place = { section, entry, field };
    const name = keyOf(place);
    const problem = this.trial?.problems.find((one) => one.key === name || one.key.startsWith(`${name}.`));
    return html`<vg-setting .field=${field} .value=${this.draft.value(settings, place)} .name=${name} .layer=${originOf(settings, place)}
      .changed=${this.draft.has(place)} .problem=${problem?.text ?? ''} data-key=${name}
      @setting=${(event: SettingChange) => this.edit(() => this.draft.set(settings, place, event.detail.value))}></vg-setting>`;
  }

  private bar(): unknown {
    if (!this.draft.size) return nothing;
    const problems = this.trial?.problems ?? [];
    return html`<div class="bar card" data-testid="settings-bar">
      <strong class="grow" role="status">${t.settings.unsaved(this.draft.size)}${problems.length ? html` · <span class="error">${t.settings.problems(problems.length)}</span>` : nothing}</strong>
      <button type="button" @click=${() => this.edit(() => this.draft.clear())}>${t.settings.discard}</button>
      <button type="button" class="primary" data-testid="settings-review-open" ?disabled=${!this.trial || problems.length > 0} @click=${() => this.openReview()}>${t.settings.review}</button>
      ${problems.length ? html`<ul>${problems.map((one) => html`<li>${one.key ? html`<code>${one.key}</code>: ` : nothing}${one.text}</li>`)}</ul>` : nothing}
    </div>`;
  }

  private add(event: SubmitEvent, settings: Settings, section: FormSection): void {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const input = form.elements.namedItem('name') as HTMLInputElement;
    const name = input.value.trim();
    const taken = this.draft.names(settings, section).includes(name);
    this.addError = { ...this.addError, [section.path]: taken ? t.settings.taken : '' };
    if (!name || taken) return;
    form.reset();
    this.edit(() => this.draft.add(section, name));
    void this.updateComplete.then(() => this.renderRoot.querySelector(`details[data-entry="${CSS.escape(name)}"]`)?.setAttribute('open', ''));
  }

  /** Every change is tried out by the server a moment later. */
  private edit(change: () => void): void {
    change();
    this.note = '';
    this.saveError = '';
    clearTimeout(this.timer);
    this.checks += 1;
    this.trial = this.trial && { ...this.trial, differences: [] };
    if (!this.draft.size) this.trial = null;
    else this.timer = setTimeout(() => void this.check(), CHECK_AFTER_MS);
    this.requestUpdate();
  }

  private async check(): Promise<void> {
    if (!this.settings) return;
    const turn = ++this.checks;
    try {
      const trial = await api.trySettings(this.draft.changes(this.settings));
      if (turn === this.checks) this.trial = { ...trial, services: trial.services.filter(runs) };
    } catch (error) {
      if (turn !== this.checks) return;
      this.trial = { problems: [{ key: '', text: asApiError(error).message || t.app.loadFailedHelp }], warnings: [], differences: [], services: [] };
    }
  }

  private openReview(): void {
    this.saveError = '';
    this.review.open();
  }

  private async save(): Promise<void> {
    if (!this.settings) return;
    const changes = this.draft.changes(this.settings);
    await this.write((revision) => api.changeSettings(changes, revision));
  }

  private async goBack(version: string): Promise<void> {
    await this.write((revision) => api.returnSettings(version, revision));
  }

  private async write(send: (revision: string) => Promise<Settings>): Promise<void> {
    if (!this.settings || this.busy) return;
    this.busy = true;
    this.saveError = '';
    try {
      this.settings = await send(this.settings.revision);
      this.draft.clear();
      this.trial = null;
      this.note = t.settings.saved;
      this.review.close();
    } catch (error) {
      const failed = asApiError(error);
      if (failed.code === 'stale_revision') {
        this.review.close();
        await this.load();
        this.note = t.settings.stale;
      } else {
        this.saveError = failed.message || t.app.loadFailedHelp;
        this.note = this.review.isConnected && this.draft.size ? '' : this.saveError;
      }
    } finally {
      this.busy = false;
    }
  }

  private async load(): Promise<void> {
    const wish = new URLSearchParams(location.search);
    this.group ||= wish.get('in') ?? '';
    this.search ||= wish.get('q') ?? '';
    try {
      const [settings, form] = await Promise.all([api.settings(), this.sections.length ? null : api.settingsForm()]);
      if (form) this.sections = editable(form.sections);
      this.settings = settings;
      this.error = null;
      if (this.draft.size) void this.check();
    } catch (error) {
      this.error = asApiError(error);
    }
  }

  private go(event: MouseEvent, group: string): void {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    this.choose(group);
  }

  private choose(group: string): void {
    this.group = group;
    this.search = '';
    navigate(`/settings?in=${group}`, true);
    scrollTo({ top: 0 });
  }

  private readonly keep = (event: BeforeUnloadEvent): void => {
    if (this.draft.size) event.preventDefault();
  };
}

/** Whether a service is in this house at all; every one while that is not known. */
function runs(service: string): boolean {
  return app.health.status !== 'ready' || service in app.health.value.services;
}
