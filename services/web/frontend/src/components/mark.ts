import { css, html, LitElement } from 'lit';
import { customElement } from 'lit/decorators.js';

/** The mark: a lantern window, arched above and pointed below, with a watching eye as its light. */
@customElement('vg-mark')
export class Mark extends LitElement {
  static override styles = css`
    :host {
      display: inline-flex;
      flex: none;
      width: 1.75rem;
      height: 1.75rem;
    }
    svg {
      width: 100%;
      height: 100%;
    }
    .body {
      fill: var(--accent);
    }
    .eye {
      fill: var(--bg);
    }
    .iris {
      fill: var(--accent);
    }
  `;

  override render(): unknown {
    return html`<svg viewBox="0 0 32 32" aria-hidden="true">
      <path class="body" d="M16 2a12 12 0 0 1 12 12c0 7.6-5 12.8-12 16C9 26.8 4 21.6 4 14A12 12 0 0 1 16 2z" />
      <path class="eye" d="M6.8 14.500C9.4 10.9 12.5 9 16 9s6.6 1.9 9.2 5.500C22.6 18.1 19.5 20 16 20s-6.6-1.9-9.2-5.500z" />
      <circle class="iris" cx="16" cy="14.5" r="3.9" />
      <circle class="eye" cx="17.4" cy="13.1" r="1.1" />
    </svg>`;
  }
}
