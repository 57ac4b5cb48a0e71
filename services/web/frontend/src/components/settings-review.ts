import { css, html, LitElement, nothing } from 'lit';
import { customElement, property, query } from 'lit/decorators.js';

import type { SettingsTrial } from '../api/settings';
import { shared } from '../design/shared';
import { brief } from '../settings/draft';
import { t } from '../strings';
import './icon';

/** What a change would do, before it is done. */
@customElement('vg-settings-review')
export class SettingsReview extends LitElement {
  static override styles = [
    shared,
    css`
      dialog {
        width: min(48rem, calc(100vw - 2rem));
        max-height: calc(100dvh - 4rem);
        padding: 0;
        border: var(--border) solid var(--line);
        border-radius: var(--radius-m);
        background: var(--surface);
        color: var(--ink);
      }
      dialog::backdrop {
        background: var(--scrim);
      }
      header,
      footer,
      .inside {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--s3);
        padding: var(--s4) var(--s5);
      }
      header {
        justify-content: space-between;
      }
      footer {
        position: sticky;
        bottom: 0;
        justify-content: flex-end;
        border-block-start: var(--border) solid var(--line);
        background: var(--surface);
      }
      dl {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
      }
      dl > div {
        padding: var(--s3) var(--s5);
        border-block-start: var(--border) solid var(--line);
      }
      dt {
        font-weight: var(--weight-strong);
        overflow-wrap: anywhere;
      }
      dd {
        display: flex;
        flex-wrap: wrap;
        gap: var(--s1) var(--s2);
        align-items: baseline;
        font-family: ui-monospace, 'Cascadia Mono', monospace;
        font-size: var(--text-s);
        overflow-wrap: anywhere;
      }
      del,
      ins {
        padding: 0 var(--s1);
        border-radius: var(--s1);
        text-decoration: none;
        max-width: 100%;
      }
      del {
        background: var(--danger-soft);
        color: var(--danger);
        text-decoration: line-through;
      }
      ins {
        background: var(--accent-soft);
        color: var(--accent);
      }
      .inside {
        display: block;
        color: var(--ink-2);
        font-size: var(--text-s);
      }
      .inside li {
        margin-block-start: var(--s1);
      }
      .error {
        flex: 1;
        color: var(--danger);
        font-weight: var(--weight-strong);
      }
    `,
  ];

  @property({ attribute: false }) trial: SettingsTrial | null = null;
  @property({ type: Boolean }) busy = false;
  @property() error = '';
  @query('dialog') private readonly dialog!: HTMLDialogElement;

  open(): void {
    this.dialog.showModal();
  }

  close(): void {
    this.dialog.close();
  }

  override render(): unknown {
    const trial = this.trial;
    return html`<dialog aria-labelledby="title" data-testid="settings-review">
      <header>
        <h2 id="title">${t.settings.reviewTitle}</h2>
        <button type="button" class="quiet icon-only" aria-label=${t.app.close} @click=${() => this.close()}><vg-icon name="close"></vg-icon></button>
      </header>
      ${trial ? this.content(trial) : nothing}
      <footer>
        <p class="error" role="alert">${this.error}</p>
        <button type="button" @click=${() => this.close()}>${t.app.cancel}</button>
        <button type="button" class="primary" data-testid="settings-save" ?disabled=${this.busy || !trial?.differences.length}
          @click=${() => this.dispatchEvent(new Event('save'))}>${this.busy ? t.settings.saving : t.settings.save}</button>
      </footer>
    </dialog>`;
  }

  private content(trial: SettingsTrial): unknown {
    return html`
      ${trial.differences.length
        ? html`<dl>${trial.differences.map(
            (one) => html`<div><dt>${one.key}</dt>
              <dd><span class="visually-hidden">${t.settings.before}</span><del>${brief(one.before)}</del>
                <span aria-hidden="true">→</span>
                <span class="visually-hidden">${t.settings.after}</span><ins>${brief(one.after)}</ins></dd></div>`,
          )}</dl>`
        : html`<p class="inside">${t.settings.noDifference}</p>`}
      ${trial.services.length ? html`<p class="inside">${t.settings.services(trial.services.join(', '))}</p>` : nothing}
      ${trial.warnings.length
        ? html`<div class="inside"><strong>${t.settings.warnings}</strong><ul>${trial.warnings.map((text) => html`<li>${text}</li>`)}</ul></div>`
        : nothing}
    `;
  }
}
