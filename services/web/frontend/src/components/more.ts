import { css, html, LitElement } from 'lit';
import { customElement, property } from 'lit/decorators.js';

import { shared } from '../design/shared';
import { t } from '../strings';

/** The foot of a long list: asks for more when it comes into view; a button for those who do not scroll. */
@customElement('vg-more')
export class More extends LitElement {
  static override styles = [
    shared,
    css`
      :host {
        padding: var(--s4);
        text-align: center;
      }
    `,
  ];
  @property({ type: Boolean }) busy = false;
  private observer: IntersectionObserver | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    this.observer = new IntersectionObserver((entries) => entries.at(-1)?.isIntersecting && this.ask(), { rootMargin: '600px' });
    this.observer.observe(this);
  }
  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.observer?.disconnect();
  }
  override updated(): void {
    // A page shorter than the screen leaves this in view, and an observer reports only changes.
    if (!this.busy && this.observer) {
      this.observer.unobserve(this);
      this.observer.observe(this);
    }
  }
  override render(): unknown {
    return html`<button type="button" ?disabled=${this.busy} @click=${this.ask}>${this.busy ? t.app.loading : t.app.more}</button>`;
  }
  private readonly ask = (): void => {
    if (!this.busy) this.dispatchEvent(new Event('more'));
  };
}
