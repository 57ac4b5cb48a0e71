import { css, html, LitElement, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';

import { api, ApiError } from '../api/client';
import type { CameraState, CameraSwitch } from '../api/types';
import { shared } from '../design/shared';
import { t } from '../strings';

const SWITCHES: readonly CameraSwitch[] = ['recording', 'detection', 'privacy'];

/** Recording, detection and privacy of one camera. The camera's state is the truth, not the click. */
@customElement('vg-camera-switches')
export class CameraSwitches extends LitElement {
  static override styles = [
    shared,
    css`
      :host {
        margin-block-start: var(--s3);
      }
      div {
        display: flex;
        flex-wrap: wrap;
        gap: var(--s2);
      }
      p {
        margin-block-start: var(--s2);
        color: var(--danger);
        text-wrap: pretty;
      }
    `,
  ];

  @property() camera = '';
  @property({ attribute: false }) truth: CameraState | null = null;
  @state() private busy: CameraSwitch | '' = '';
  @state() private problem = '';

  override render(): unknown {
    if (!this.truth) return nothing;
    return html`<div role="group" aria-label=${t.cameras.switches}>
        ${SWITCHES.map((which) => this.button(which))}
      </div>
      ${this.problem ? html`<p role="alert">${t.cameras.recordFailed(this.problem)}</p>` : nothing}`;
  }

  private button(which: CameraSwitch): unknown {
    const on = this.isOn(which);
    return html`<button
      type="button"
      role="switch"
      aria-checked=${on ? 'true' : 'false'}
      data-testid="switch-${which}"
      title=${t.cameras.switchHelp[which]}
      ?disabled=${this.busy !== ''}
      @click=${() => void this.send(which, !on)}
    >
      ${t.cameras.switchOf[which]}: ${on ? t.cameras.on : t.cameras.off}
    </button>`;
  }

  private isOn(which: CameraSwitch): boolean {
    if (which === 'privacy') return this.truth?.privacy ?? false;
    return (which === 'recording' ? this.truth?.recording_on : this.truth?.detection_on) ?? true;
  }

  private async send(which: CameraSwitch, on: boolean): Promise<void> {
    this.busy = which;
    this.problem = '';
    try {
      await api.switchCamera(this.camera, which, on);
    } catch (error) {
      this.problem = error instanceof ApiError || error instanceof Error ? error.message : String(error);
    } finally {
      this.busy = '';
    }
  }
}
