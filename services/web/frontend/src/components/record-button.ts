import { css, html, LitElement, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';

import { api, ApiError } from '../api/client';
import type { CameraState } from '../api/types';
import { shared } from '../design/shared';
import { secondsLeft } from '../format';
import { Now } from '../state/now';
import { t } from '../strings';

/** Starts a recording by hand and, while one runs, stops it. The camera's state is the truth, not the click. */
@customElement('vg-record-button')
export class RecordButton extends LitElement {
  static override styles = [
    shared,
    css`
      :host {
        display: inline-grid;
        justify-items: end;
        gap: var(--s1);
      }
      p {
        max-width: 40ch;
        color: var(--danger);
        text-wrap: pretty;
      }
    `,
  ];

  @property() camera = '';
  @property({ attribute: false }) truth: CameraState | null = null;
  @state() private busy = false;
  @state() private problem = '';
  private readonly now = new Now(this, 1000);

  override render(): unknown {
    const leftS = secondsLeft(this.truth?.ordered_until_ms ?? 0, this.now.ms);
    const runs = leftS > 0;
    return html`<button
        type="button"
        data-testid="record"
        aria-pressed=${runs ? 'true' : 'false'}
        title=${runs ? nothing : t.cameras.recordHelp}
        ?disabled=${this.busy}
        @click=${() => void this.send(runs ? 'stop' : 'start')}
      >
        ${runs ? t.cameras.recordStop(leftS) : t.cameras.recordNow}
      </button>
      ${this.problem ? html`<p role="alert">${t.cameras.recordFailed(this.problem)}</p>` : nothing}`;
  }

  private async send(action: 'start' | 'stop'): Promise<void> {
    this.busy = true;
    this.problem = '';
    try {
      await api.record(this.camera, action);
    } catch (error) {
      this.problem = error instanceof ApiError || error instanceof Error ? error.message : String(error);
    } finally {
      this.busy = false;
    }
  }
}
