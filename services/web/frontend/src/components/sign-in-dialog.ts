import { css, html, LitElement, nothing } from 'lit';
import { customElement, query, state } from 'lit/decorators.js';

import { toLogin, type AskAgain } from '../api/client';
import { signInApi } from '../api/people';
import { shared } from '../design/shared';
import { field } from '../form';
import { duration } from '../format';
import { passkeysWork, usePasskey } from '../passkeys';
import { app, asApiError } from '../state/app-state';
import { people as words } from '../strings/people';
import { t } from '../strings';
import { pinDialogStyles } from './pin-dialog.styles';

const w = words.again;

/** Signing in, or confirming who one is, over the page: what was typed there stays. */
@customElement('vg-sign-in')
export class SignInDialog extends LitElement {
  static override styles = [
    shared,
    pinDialogStyles,
    css`
      label {
        display: grid;
        gap: var(--s1);
        font-size: var(--text-s);
        color: var(--ink-2);
      }
      input {
        width: 100%;
        color: var(--ink);
      }
      .note {
        margin: 0;
      }
    `,
  ];

  @state() private why: AskAgain = 'sign-in';
  @state() private pending = '';
  @state() private busy = false;
  @state() private error = '';
  @query('dialog') private readonly dialog!: HTMLDialogElement;
  private done: ((signedIn: boolean) => void) | undefined;

  /** True when the person has signed in or confirmed. */
  async ask(why: AskAgain): Promise<boolean> {
    this.why = why;
    this.pending = this.error = '';
    await this.updateComplete;
    this.dialog.showModal();
    return new Promise((resolve) => (this.done = resolve));
  }

  override render(): unknown {
    const signIn = this.why === 'sign-in';
    return html`<dialog aria-labelledby="title" data-testid="sign-in-again" @close=${() => this.finish(false)}>
      <form autocomplete="on" @submit=${(event: SubmitEvent) => void this.submit(event)}>
        <header><h2 id="title">${signIn ? w.signIn : w.confirm}</h2></header>
        <p class="note">${signIn ? w.signInHelp : w.confirmHelp}</p>
        ${this.pending ? this.codeField() : this.passwordFields(signIn)}
        <p class="error" role="alert">${this.error}</p>
        <button type="submit" class="big primary" ?disabled=${this.busy}>${signIn ? w.go : w.confirmGo}</button>
        ${passkeysWork() && !this.pending
          ? html`<button type="button" class="big" ?disabled=${this.busy} @click=${() => void this.passkey()}>${w.passkey}</button>`
          : nothing}
        <button type="button" class="quiet" @click=${this.leave}>${signIn ? w.leave : t.app.cancel}</button>
      </form>
    </dialog>`;
  }

  private passwordFields(signIn: boolean): unknown {
    return html`${signIn
        ? html`<label>${w.username}
            <input name="username" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="120" required .value=${app.session?.user ?? ''} />
          </label>`
        : nothing}
      <label>${w.password}<input name="password" type="password" autocomplete="current-password" maxlength="1024" required autofocus /></label>`;
  }

  private codeField(): unknown {
    return html`<label>${w.code}<input name="code" autocomplete="one-time-code" maxlength="40" required autofocus /></label>`;
  }

  private async submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    await this.trying(async () => {
      if (this.why === 'confirm') {
        await signInApi.confirm({ password: field(form, 'password') });
      } else {
        const answer = this.pending
          ? await signInApi.code(this.pending, field(form, 'code'))
          : await signInApi.password(field(form, 'username'), field(form, 'password'));
        if (answer.pending) {
          this.pending = answer.pending;
          return false;
        }
      }
      return true;
    });
  }

  private async passkey(): Promise<void> {
    await this.trying(async () => {
      const { challenge_id, options } = await signInApi.challenge();
      const credential = await usePasskey(options);
      if (!credential) {
        this.error = w.noPasskey;
        return false;
      }
      if (this.why === 'confirm') await signInApi.confirm({ passkey: { challenge_id, credential } });
      else await signInApi.passkey(challenge_id, credential);
      return true;
    });
  }

  private async trying(attempt: () => Promise<boolean>): Promise<void> {
    this.busy = true;
    this.error = '';
    try {
      if (await attempt()) {
        this.finish(true);
        this.dialog.close();
      }
    } catch (error) {
      const failed = asApiError(error);
      this.error = failed.retryAfterS ? w.wait(duration(failed.retryAfterS * 1000)) : failed.message || t.app.loadFailed;
    }
    this.busy = false;
  }

  private finish(signedIn: boolean): void {
    this.done?.(signedIn);
    this.done = undefined;
  }

  private readonly leave = (): void => {
    if (this.why === 'sign-in') toLogin();
    this.dialog.close();
  };
}

let asking: Promise<boolean> | undefined;

/** One dialog however many requests have failed. */
export function askOver(why: AskAgain): Promise<boolean> {
  asking ??= show(why).finally(() => (asking = undefined));
  return asking;
}

async function show(why: AskAgain): Promise<boolean> {
  const dialog = document.createElement('vg-sign-in');
  document.body.append(dialog);
  try {
    return await dialog.ask(why);
  } finally {
    dialog.remove();
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'vg-sign-in': SignInDialog;
  }
}
