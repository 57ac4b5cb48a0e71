import { css, html, LitElement, nothing } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';

import { footageApi } from '../api/footage';
import { shared } from '../design/shared';
import { navigate } from '../router';
import { app, asApiError, WatchApp } from '../state/app-state';
import { t } from '../strings';

const w = t.footage;

/** For admins: delete a recording, after asking, with a reason that stands in the ledger. */
@customElement('vg-delete-recording')
export class DeleteRecording extends LitElement {
  static override styles = [
    shared,
    css`
      :host {
        margin-block-start: var(--s5);
      }
      dialog {
        width: min(30rem, calc(100vw - 2rem));
        padding: var(--s5);
        border: var(--border) solid var(--line);
        border-radius: var(--radius-m);
        background: var(--surface);
        color: var(--ink);
      }
      dialog::backdrop {
        background: var(--scrim);
      }
      form,
      label {
        display: grid;
        gap: var(--s3);
      }
      .error {
        color: var(--danger);
      }
    `,
  ];

  @property() recordingId = '';
  @state() private busy = false;
  @state() private error = '';
  @query('dialog') private readonly dialog!: HTMLDialogElement;
  @query('input') private readonly reason!: HTMLInputElement;

  constructor() {
    super();
    new WatchApp(this);
  }

  override render(): unknown {
    if (app.session?.role !== 'admin') return nothing;
    return html`<button type="button" data-testid="delete-recording" @click=${() => this.dialog.showModal()}>${w.delete}</button>
      <dialog aria-labelledby="title"><form @submit=${this.submit}>
        <h2 id="title">${w.deleteTitle}</h2><p class="muted">${w.deleteHelp}</p>
        <label>${w.deleteWhy}<input maxlength="500" autocomplete="off" /></label>
        <p class="error" role="alert">${this.error}</p>
        <p class="row wrap"><button type="button" @click=${() => this.dialog.close()}>${t.app.cancel}</button>
          <button type="submit" class="danger" data-testid="delete-yes" ?disabled=${this.busy}>${this.busy ? w.deleting : w.deleteYes}</button></p>
      </form></dialog>`;
  }

  private readonly submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    this.busy = true;
    this.error = '';
    try {
      await footageApi.remove(this.recordingId, this.reason.value);
      this.dialog.close();
      navigate('/recordings');
    } catch (error) {
      const failed = asApiError(error);
      this.error = failed.code === 'starred' ? w.deleteStarred : failed.message || t.app.loadFailedHelp;
    } finally {
      this.busy = false;
    }
  };
}
