import { css, html, LitElement, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';

import type { ApiError } from '../api/client';
import { shared } from '../design/shared';
import { t } from '../strings';
import type { IconName } from './icon';
import './icon';

/** The quiet page for "nothing here" and "this did not work"; an action may be slotted in. */
@customElement('vg-message')
export class Message extends LitElement {
  static override styles = [
    shared,
    css`
      :host {
        padding: var(--s6) var(--s4);
        text-align: center;
      }
      .disc {
        display: inline-grid;
        place-items: center;
        width: 3.5rem;
        height: 3.5rem;
        margin-block-end: var(--s3);
        border-radius: 50%;
        background: var(--surface-2);
        color: var(--ink-2);
      }
      :host([tone='bad']) .disc {
        background: var(--danger-soft);
        color: var(--danger);
      }
      h2 {
        text-wrap: balance;
      }
      p {
        max-width: 44ch;
        margin: var(--s2) auto 0;
        color: var(--ink-2);
        text-wrap: pretty;
      }
      ::slotted(*) {
        margin-block-start: var(--s4);
      }
    `,
  ];

  @property() icon: IconName = 'info';
  @property() heading = '';
  @property() text = '';
  /** The message is all there is on the page. */
  @property({ type: Boolean }) whole = false;
  @property({ reflect: true }) tone: 'calm' | 'bad' = 'calm';

  override render(): unknown {
    return html`
      <span class="disc"><vg-icon name=${this.icon}></vg-icon></span>
      ${this.whole ? html`<h1>${this.heading}</h1>` : html`<h2>${this.heading}</h2>`}
      ${this.text ? html`<p>${this.text}</p>` : nothing}
      <slot></slot>
    `;
  }
}

/** An error of a request, in words, with the way out. */
export function failure(heading: string, error: ApiError, retry: () => void): unknown {
  const text = error.status === 0 ? t.app.loadFailedHelp : error.message;
  return html`<vg-message role="alert" tone="bad" icon="plug" heading=${heading} text=${text}>
    <vg-action @click=${retry}>${t.app.retry}</vg-action>
  </vg-message>`;
}

/** What a component shows; without anything it takes no room beside its neighbours either. */
export function hideWhenEmpty(host: HTMLElement, content: unknown): unknown {
  host.hidden = content === nothing;
  return content;
}

/** A button that can be slotted into another component and still look like all others. */
@customElement('vg-action')
export class Action extends LitElement {
  static override shadowRootOptions: ShadowRootInit = { mode: 'open', delegatesFocus: true };
  static override styles = [
    shared,
    css`
      :host {
        display: inline-block;
      }
    `,
  ];
  @property() href = '';

  override render(): unknown {
    return this.href
      ? html`<a class="button" href=${this.href}><slot></slot></a>`
      : html`<button type="button"><slot></slot></button>`;
  }
}
