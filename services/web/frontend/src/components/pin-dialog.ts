import { html, LitElement, nothing } from 'lit';
import { customElement, query, state } from 'lit/decorators.js';

import { api, type ApiError } from '../api/client';
import type { ArmAction } from '../api/types';
import { shared } from '../design/shared';
import { duration } from '../format';
import { app, asApiError } from '../state/app-state';
import { t } from '../strings';
import './icon';
import { pinDialogStyles } from './pin-dialog.styles';

type Mode = keyof typeof t.alarm.modes;
const MODES = Object.keys(t.alarm.modes) as Mode[];
const MODE_KEY = 'vigilar.arm-mode';
const KEYS = ['1', '2', '3', '4', '5', '6', '7', '8', '9'];
const ICONS = { ARM_HOME: 'home', ARM_AWAY: 'away', ARM_NIGHT: 'moon', ARM_VACATION: 'suitcase' } as const;

/** Asks for mode and PIN; keypad for fingers, the keyboard for everybody else. */
@customElement('vg-pin-dialog')
export class PinDialog extends LitElement {
  static override styles = [shared, pinDialogStyles];

  @state() private disarming = false;
  @state() private needsPin = true;
  @state() private mode: Mode = 'ARM_AWAY';
  @state() private pin = '';
  @state() private busy = false;
  @state() private error = '';
  /** Sensors are open, and the next try may leave them out. */
  @state() private offerAnyway = false;
  /** Until when no try is allowed (monotonic ms), 0 when one is. */
  @state() private lockedUntil = 0;
  @state() private tick = 0;
  @query('dialog') private readonly dialog!: HTMLDialogElement;
  @query('input[name="pin"]') private readonly input!: HTMLInputElement | null;
  private timer: ReturnType<typeof setInterval> | undefined;

  /** @param anyway arm this mode without what is open. */
  open(disarming: boolean, needsPin: boolean, anyway: Mode | null = null): void {
    this.disarming = disarming;
    this.offerAnyway = anyway !== null;
    this.needsPin = needsPin;
    this.pin = '';
    if (!this.lockedUntil) this.error = '';
    const last = localStorage.getItem(MODE_KEY);
    this.mode = anyway ?? MODES.find((mode) => mode === last) ?? 'ARM_AWAY';
    this.dialog.showModal();
    void this.updateComplete.then(() => {
      // On a touch screen the keypad is there already; the system keyboard would only cover it.
      if (matchMedia('(pointer: fine)').matches) this.input?.focus();
    });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.timer);
  }

  override render(): unknown {
    const title = this.disarming ? t.alarm.disarmTitle : t.alarm.armTitle;
    const waitS = this.waitS();
    const error = waitS > 0 ? t.alarm.errors.too_many_tries(duration(waitS * 1000)) : this.error;
    return html`
      <dialog aria-labelledby="title" @click=${this.backdrop} @close=${() => (this.pin = '')}>
        <form method="dialog" autocomplete="off" @submit=${this.submit}>
          <header>
            <h2 id="title">${title}</h2>
            <button type="button" class="quiet icon-only" aria-label=${t.app.close} @click=${this.close}>
              <vg-icon name="close"></vg-icon>
            </button>
          </header>
          ${this.disarming ? nothing : this.modes()} ${this.needsPin ? this.pinPad() : html`<p class="note">${t.alarm.noPin}</p>`}
          <p class="error" id="error" role="alert">${error}</p>
          ${this.offerAnyway ? this.anywayButton(waitS) : nothing}
          <button
            type="submit"
            class="big primary"
            data-testid="pin-submit"
            ?disabled=${this.busy || waitS > 0 || (this.needsPin && !this.pin)}
          >
            ${this.busy ? t.alarm.working : this.disarming ? t.alarm.disarm : t.alarm.arm}
          </button>
        </form>
      </dialog>
    `;
  }

  private anywayButton(waitS: number): unknown {
    return html`<button
        type="button"
        class="big"
        data-testid="arm-anyway"
        aria-describedby="anyway"
        ?disabled=${this.busy || waitS > 0 || (this.needsPin && !this.pin)}
        @click=${() => this.send(true)}
      >
        ${t.alarm.armAnyway}
      </button>
      <p class="note" id="anyway">${t.alarm.armAnywayHelp}</p>`;
  }

  private modes(): unknown {
    return html`<fieldset>
      <legend class="visually-hidden">${t.alarm.mode}</legend>
      ${MODES.map(
        (mode) => html`<label class="mode">
          <input type="radio" name="mode" value=${mode} .checked=${this.mode === mode} @change=${() => (this.mode = mode)} />
          <vg-icon name=${ICONS[mode]}></vg-icon>
          <span class="mode-name">${t.alarm.modes[mode].name}</span>
          <span class="mode-help">${t.alarm.modes[mode].help}</span>
        </label>`,
      )}
    </fieldset>`;
  }

  private pinPad(): unknown {
    return html`
      <label class="pin">
        <span class="visually-hidden">${t.alarm.pin}</span>
        <input
          name="pin"
          type="password"
          inputmode="numeric"
          autocomplete="off"
          maxlength="64"
          placeholder=${t.alarm.pin}
          data-testid="pin-input"
          aria-describedby="error"
          .value=${this.pin}
          @input=${(event: Event) => (this.pin = (event.target as HTMLInputElement).value)}
        />
      </label>
      <div class="pad" role="group" aria-label=${t.alarm.keypad}>
        ${KEYS.map((digit) => this.key(digit))}
        <span></span>
        ${this.key('0')}
        <button type="button" class="quiet" aria-label=${t.alarm.erase} @click=${() => (this.pin = this.pin.slice(0, -1))}>
          <vg-icon name="erase"></vg-icon>
        </button>
      </div>
      <p class="note"><a href="/system/reset-pin">${t.alarm.forgotten}</a></p>
    `;
  }

  private key(digit: string): unknown {
    return html`<button type="button" class="key num" aria-label=${t.alarm.digit(digit)} @click=${() => (this.pin += digit)}>
      ${digit}
    </button>`;
  }

  private readonly close = (): void => this.dialog.close();

  private backdrop(event: MouseEvent): void {
    if (event.target === this.dialog) this.dialog.close();
  }

  private async submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    await this.send(false);
  }

  private async send(anyway: boolean): Promise<void> {
    if (this.busy || this.waitS() > 0 || (this.needsPin && !this.pin)) return;
    const action: ArmAction = this.disarming ? 'DISARM' : this.mode;
    this.busy = true;
    this.error = '';
    try {
      const { state } = await api.setAlarm(action, this.pin, anyway);
      if (!this.disarming) localStorage.setItem(MODE_KEY, this.mode);
      if (app.alarm.status === 'ready') {
        app.alarm = { status: 'ready', value: { ...app.alarm.value, state } };
      }
      app.reload();
      this.dialog.close();
    } catch (error) {
      this.refused(asApiError(error));
    } finally {
      this.busy = false;
    }
  }

  private refused(error: ApiError): void {
    const texts = t.alarm.errors;
    if (error.code === 'open_sensors') {
      // The PIN was right: it need not be typed again to go on.
      this.offerAnyway = true;
      this.error = error.message;
      return;
    }
    this.pin = '';
    this.input?.focus();
    if (error.code === 'too_many_tries') {
      this.lock(error.retryAfterS || 30);
      return;
    }
    if (error.code in texts && error.code !== 'other' && error.code !== 'too_many_over') {
      this.error = texts[error.code as 'wrong_pin' | 'pin_not_allowed' | 'alarm_active' | 'alarm_unavailable' | 'unreachable'];
      return;
    }
    this.error = texts.other(error.message || error.code);
  }

  private lock(seconds: number): void {
    this.lockedUntil = performance.now() + seconds * 1000;
    clearInterval(this.timer);
    this.timer = setInterval(() => {
      this.tick++;
      if (this.waitS() > 0) return;
      clearInterval(this.timer);
      this.lockedUntil = 0;
      this.error = t.alarm.errors.too_many_over;
    }, 1000);
    this.tick++;
  }

  private waitS(): number {
    return this.lockedUntil ? Math.max(0, Math.ceil((this.lockedUntil - performance.now()) / 1000)) : 0;
  }
}
