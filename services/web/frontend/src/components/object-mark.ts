import { css, html, LitElement, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';

import { api } from '../api/client';
import type { Verdict, VigilarEvent } from '../api/types';
import { shared } from '../design/shared';
import { asApiError } from '../state/app-state';
import { className, t, within } from '../strings';

/** Whether an object is what it was taken for: said, and taken back, by who lives here. */
@customElement('vg-object-mark')
export class ObjectMark extends LitElement {
  static override styles = [
    shared,
    css`
      :host {
        display: block;
        margin-block-start: var(--s3);
      }
      .row {
        align-items: center;
      }
      p {
        margin-block-start: var(--s2);
        font-size: var(--text-s);
      }
      .problem {
        color: var(--danger);
      }
    `,
  ];

  @property({ attribute: false }) event!: VigilarEvent;
  /** What was said here since the page was loaded; undefined: nothing. */
  @state() private said: Verdict | undefined;
  @state() private words = '';
  @state() private problem = '';
  @state() private busy = false;

  override render(): unknown {
    const seen = this.event.object;
    if (!seen || !this.event.camera_id) return nothing;
    const verdict = this.said ?? seen.verdict ?? 'none';
    const name = within(className(seen.object_class));
    return html`<div class="row wrap" data-testid="object-mark" data-verdict=${verdict}>
        ${verdict === 'none'
          ? this.button('wrong', t.marks.wrong(name))
          : html`<span class="badge ${verdict === 'wrong' ? 'warn' : 'ok'}">${verdict === 'wrong' ? t.marks.isWrong(name) : t.marks.isRight}</span>
              ${this.button('none', t.marks.takeBack)}`}
      </div>
      <p class=${this.problem ? 'problem' : 'muted'} role="status">${this.problem || this.words}</p>`;
  }

  private button(verdict: Verdict, label: string): unknown {
    return html`<button type="button" data-testid="mark-${verdict}" ?disabled=${this.busy} @click=${() => void this.mark(verdict)}>${label}</button>`;
  }

  private async mark(verdict: Verdict): Promise<void> {
    const { object, camera_id: cameraId } = this.event;
    if (!object || !cameraId) return;
    this.busy = true;
    this.problem = '';
    try {
      this.words = (await api.mark(cameraId, object.track_id, object.object_class, verdict)).message;
      this.said = verdict;
    } catch (error) {
      this.problem = t.marks.failed(asApiError(error).message);
    }
    this.busy = false;
  }
}
