import { css, html, LitElement, nothing, type PropertyValues } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';

import { api, urls } from '../api/client';
import { shared } from '../design/shared';
import { t } from '../strings';
import './export-dialog';
import type { ExportDialog } from './export-dialog';
import './icon';

/** Keep, download and export, for one recording. Asks for the star itself when nobody tells it. */
@customElement('vg-clip-actions')
export class ClipActions extends LitElement {
  static override styles = [
    shared,
    css`
      :host([compact]) .row {
        gap: 0;
        flex-wrap: nowrap;
      }
      .kept {
        color: var(--accent);
      }
      .error {
        color: var(--danger);
        font-size: var(--text-s);
      }
    `,
  ];

  @property() recordingId = '';
  @property({ type: Boolean }) starred: boolean | null = null;
  @property({ type: Boolean, reflect: true }) compact = false;
  @state() private busy = false;
  @state() private error = '';
  @query('vg-export-dialog') private readonly dialog!: ExportDialog | null;

  override updated(changed: PropertyValues<this>): void {
    if (changed.has('recordingId') && this.recordingId && this.starred === null) void this.ask();
  }

  private async ask(): Promise<void> {
    try {
      this.starred = (await api.recording(this.recordingId)).starred;
    } catch {
      this.starred = false; // the button still works; the answer to it will tell the truth
    }
  }

  override render(): unknown {
    const kept = this.starred === true;
    const label = kept ? t.player.starred : t.player.star;
    return html`<div class="row wrap">
      ${this.error ? html`<span class="error" role="alert">${this.error}</span>` : nothing}
      <button
        type="button"
        class="${kept ? 'kept' : ''} ${this.compact ? 'icon-only quiet' : ''}"
        data-testid="star"
        aria-pressed=${kept ? 'true' : 'false'}
        aria-label=${label}
        title=${t.player.starHelp}
        ?disabled=${this.busy || this.starred === null}
        @click=${this.toggle}
      >
        <vg-icon name=${kept ? 'star-on' : 'star'}></vg-icon>${this.compact ? nothing : label}
      </button>
      <a
        class="button ${this.compact ? 'icon-only quiet' : ''}"
        data-testid="download"
        href=${urls.download(this.recordingId)}
        download
        aria-label=${t.player.download}
        title=${t.player.download}
      >
        <vg-icon name="download"></vg-icon>${this.compact ? nothing : t.player.download}
      </a>
      ${this.compact
        ? nothing
        : html`<button type="button" data-testid="export" @click=${() => this.dialog?.open(this.recordingId)}>
              <vg-icon name="shield-on"></vg-icon>${t.exports.open}
            </button>
            <vg-export-dialog></vg-export-dialog>`}
    </div>`;
  }

  private async toggle(): Promise<void> {
    const wanted = this.starred !== true;
    this.busy = true;
    this.error = '';
    try {
      await api.star(this.recordingId, wanted);
      this.starred = wanted;
      this.dispatchEvent(new CustomEvent('starred', { detail: wanted }));
    } catch {
      this.error = t.recordings.failedStar;
    } finally {
      this.busy = false;
    }
  }
}
