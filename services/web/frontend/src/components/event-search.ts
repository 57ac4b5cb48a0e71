import { css, html, LitElement, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';

import { api } from '../api/client';
import type { SavedSearch, Understood } from '../api/types';
import { shared } from '../design/shared';
import { clock, moment, shortDayName } from '../format';
import { app, asApiError } from '../state/app-state';
import { className, t } from '../strings';
import './icon';

/** The field for words, what they were taken for, and those that somebody keeps. Fires `search` with the words. */
@customElement('vg-event-search')
export class EventSearch extends LitElement {
  static override styles = [
    shared,
    css`
      form {
        display: flex;
        gap: var(--s2);
      }
      .field {
        position: relative;
        flex: 1;
      }
      .field vg-icon {
        position: absolute;
        inset: 50% auto auto var(--s3);
        translate: 0 -50%;
        color: var(--ink-3);
      }
      input {
        width: 100%;
        padding-inline-start: 2.75rem;
        border-radius: var(--radius-full);
      }
      .line {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--s1) var(--s2);
        margin-block-start: var(--s2);
        font-size: var(--text-s);
      }
      .line .badge {
        font-size: var(--text-s);
      }
      .saved {
        display: inline-flex;
        align-items: center;
        border-radius: var(--radius-full);
        background: var(--surface-2);
      }
      .saved button {
        min-height: 2.25rem;
        padding-inline: var(--s3) var(--s1);
        border-color: transparent;
        background: transparent;
        font-size: var(--text-s);
      }
      .saved .icon-only {
        width: 2.25rem;
        padding: 0;
      }
      .saved vg-icon {
        width: 1rem;
        height: 1rem;
      }
      .error {
        color: var(--danger);
      }
    `,
  ];

  @property() words = '';
  @property({ attribute: false }) understood: Understood | null = null;
  @state() private saved: SavedSearch[] = [];
  @state() private error = '';

  override connectedCallback(): void {
    super.connectedCallback();
    void this.load();
  }

  private async load(): Promise<void> {
    try {
      this.saved = (await api.savedSearches()).items;
    } catch {
      this.saved = []; // without them one types; the list of events says what is wrong
    }
  }

  override render(): unknown {
    return html`<form role="search" @submit=${this.submit}>
        <span class="field">
          <vg-icon name="search"></vg-icon>
          <input type="search" name="q" maxlength="300" autocomplete="off" aria-label=${t.search.label} placeholder=${t.search.placeholder} .value=${this.words} />
        </span>
        <button type="submit">${t.search.go}</button>
      </form>
      ${this.meaning()} ${this.kept()} ${this.error ? html`<p class="error" role="alert">${this.error}</p>` : nothing}`;
  }

  private meaning(): unknown {
    const { understood } = this;
    if (!this.words || !understood) return nothing;
    const parts = [
      ...understood.classes.map(className),
      ...understood.kinds.map((kind) => t.events.type_name[kind] ?? kind),
      ...understood.cameras.map((camera) => app.camera(camera)?.name ?? camera),
      understood.zone ?? '',
      understood.severity ? t.events.severityName[understood.severity] : '',
      understood.shortened_days ? t.search.limited(understood.shortened_days) : span(understood),
      understood.words.length ? t.search.words(understood.words.join(' ')) : '',
    ].filter(Boolean);
    return html`<p class="line num" data-testid="understood">
      <span class="muted">${t.search.understood}</span>${parts.map((part) => html`<span class="badge ok">${part}</span>`)}
      <button type="button" class="quiet" @click=${this.keep}><vg-icon name="star"></vg-icon>${t.search.save}</button>
    </p>`;
  }

  private kept(): unknown {
    if (!this.saved.length) return nothing;
    return html`<div class="line" role="group" aria-label=${t.search.saved}>
      ${this.saved.map(
        (one) => html`<span class="saved">
          <button type="button" @click=${() => this.go(one.words)}>${one.name}</button>
          <button type="button" class="icon-only" aria-label=${t.search.remove(one.name)} @click=${() => void this.forget(one)}><vg-icon name="close"></vg-icon></button>
        </span>`,
      )}
    </div>`;
  }

  private readonly submit = (event: SubmitEvent): void => {
    event.preventDefault();
    this.go(this.renderRoot.querySelector('input')?.value.trim() ?? '');
  };

  private go(words: string): void {
    this.dispatchEvent(new CustomEvent<string>('search', { detail: words }));
  }

  private readonly keep = async (): Promise<void> => {
    await this.attempt(api.keepSearch(this.words.slice(0, 80), this.words));
  };

  private async forget(one: SavedSearch): Promise<void> {
    await this.attempt(api.forgetSearch(one.id));
  }

  private async attempt(work: Promise<unknown>): Promise<void> {
    try {
      await work;
      this.error = '';
      await this.load();
    } catch (error) {
      this.error = asApiError(error).message || t.search.failed;
    }
  }
}

function span({ from_ms: fromMs, to_ms: toMs }: Understood): string {
  if (fromMs === null || toMs === null) return '';
  const days = clock(fromMs) === '00:00' && clock(toMs) === '00:00';
  const words = days ? [shortDayName(fromMs), shortDayName(toMs - 1)] : [moment(fromMs, 0), moment(toMs, 0)];
  return [...new Set(words)].join(' – ');
}
