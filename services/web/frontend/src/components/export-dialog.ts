import { css, html, LitElement, nothing } from 'lit';
import { customElement, query, state } from 'lit/decorators.js';

import { api } from '../api/client';
import { footageApi } from '../api/footage';
import type { Export } from '../api/types';
import { shared } from '../design/shared';
import { bytes } from '../format';
import { asApiError } from '../state/app-state';
import { t } from '../strings';
import './icon';

const ASK_EVERY_MS = 1_000;
/** An answer that fails while the export is being made is asked for again so often. */
const MAX_FAILURES = 10;

/** Asks why, has the export made, shows how far it is, and gives the file. */
@customElement('vg-export-dialog')
export class ExportDialog extends LitElement {
  static override styles = [
    shared,
    css`
      dialog {
        width: min(30rem, calc(100vw - 2rem));
        padding: var(--s5);
        border: var(--border) solid var(--line);
        border-radius: var(--radius-m);
        background: var(--surface);
        color: var(--ink);
      }
      dialog::backdrop {
        background: rgb(8 14 12 / 55%);
      }
      header {
        display: flex;
        align-items: center;
        justify-content: space-between;
        gap: var(--s3);
        margin-block-end: var(--s3);
      }
      form,
      .body {
        display: grid;
        gap: var(--s3);
      }
      label {
        display: grid;
        gap: var(--s1);
        font-weight: var(--weight-strong);
      }
      p {
        color: var(--ink-2);
        text-wrap: pretty;
      }
      progress {
        width: 100%;
        accent-color: var(--accent);
      }
      code {
        overflow-wrap: anywhere;
        font-size: var(--text-s);
      }
      .error {
        color: var(--danger);
      }
    `,
  ];

  @state() private made: Export | null = null;
  @state() private error = '';
  @state() private busy = false;
  @state() private limits = '';
  @query('dialog') private readonly dialog!: HTMLDialogElement;
  @query('input') private readonly reason!: HTMLInputElement | null;
  /** A recording, or what a camera recorded in a time. */
  private what: { recordingId: string } | { cameraId: string; fromMs: number; toMs: number } = { recordingId: '' };
  private timer: ReturnType<typeof setTimeout> | undefined;
  private failures = 0;

  open(recordingId: string): void {
    this.show({ recordingId });
  }

  openSpan(cameraId: string, fromMs: number, toMs: number): void {
    this.show({ cameraId, fromMs, toMs });
  }

  private show(what: ExportDialog['what']): void {
    if (JSON.stringify(what) !== JSON.stringify(this.what) || this.made?.state !== 'running') {
      this.made = null;
      this.error = '';
    }
    this.what = what;
    this.dialog.showModal();
    void this.askLimits();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.timer);
  }

  override render(): unknown {
    return html`
      <dialog aria-labelledby="title" data-testid="export-dialog">
        <header>
          <h2 id="title">${t.exports.title}</h2>
          <button type="button" class="quiet icon-only" aria-label=${t.app.close} @click=${() => this.dialog.close()}>
            <vg-icon name="close"></vg-icon>
          </button>
        </header>
        ${this.made ? this.progress(this.made) : this.form()}
        <p class="error" role="alert">${this.error}</p>
      </dialog>
    `;
  }

  private form(): unknown {
    return html`<form method="dialog" @submit=${this.submit}>
      <p>${t.exports.help}</p>
      <label>${t.exports.reason}<input name="reason" maxlength="500" autocomplete="off" /></label>
      ${this.limits ? html`<p class="small">${this.limits}</p>` : nothing}
      <button type="submit" class="primary" data-testid="export-start" ?disabled=${this.busy}>${t.exports.start}</button>
    </form>`;
  }

  private progress(made: Export): unknown {
    if (made.state === 'running') {
      return html`<div class="body" role="status">
        <p>${t.exports.running(made.progress_pct)}</p>
        <progress max="100" .value=${made.progress_pct} aria-label=${t.exports.title}></progress>
        <button type="button" @click=${this.cancel}>${t.app.cancel}</button>
      </div>`;
    }
    if (made.state === 'failed' || !made.file_url) {
      return html`<div class="body">
        <p class="error">${t.exports.failed(made.error)}</p>
        <button type="button" @click=${() => (this.made = null)}>${t.app.retry}</button>
      </div>`;
    }
    return html`<div class="body">
      <p>${t.exports.done(bytes(made.size_bytes))}</p>
      ${made.left_out.map((item) => html`<p class="error">${t.exports.leftOut(item.reason)}</p>`)}
      <p class="small">SHA-256 <code>${made.sha256}</code></p>
      <a class="button primary" data-testid="export-file" href=${made.file_url} download>
        <vg-icon name="download"></vg-icon>${t.exports.save}
      </a>
    </div>`;
  }

  private async askLimits(): Promise<void> {
    try {
      const { limits } = await api.exports();
      this.limits = t.exports.limits(bytes(limits.max_bytes), Math.round(limits.keep_s / 3600));
    } catch {
      this.limits = ''; // the order itself will say what is wrong
    }
  }

  private async submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    this.busy = true;
    this.error = '';
    this.failures = 0;
    try {
      const why = this.reason?.value ?? '';
      const { what } = this;
      this.made = 'recordingId' in what ? await api.exportRecording(what.recordingId, why) : await footageApi.exportSpan(what.cameraId, what.fromMs, what.toMs, why);
      this.later();
    } catch (error) {
      this.error = asApiError(error).message || t.push.unreachable;
    } finally {
      this.busy = false;
    }
  }

  private later(): void {
    clearTimeout(this.timer);
    if (this.isConnected) this.timer = setTimeout(() => void this.look(), ASK_EVERY_MS);
  }

  private async look(): Promise<void> {
    if (!this.made) return;
    try {
      this.made = await api.export(this.made.id);
      this.failures = 0;
    } catch (error) {
      if (++this.failures > MAX_FAILURES || asApiError(error).status === 404) {
        this.error = asApiError(error).message;
        this.made = null;
        return;
      }
    }
    if (this.made.state === 'running') this.later();
  }

  private readonly cancel = async (): Promise<void> => {
    clearTimeout(this.timer);
    const { made } = this;
    this.made = null;
    if (made) await api.removeExport(made.id).catch((error: unknown) => (this.error = asApiError(error).message));
  };
}
