import { css, html, LitElement, nothing } from 'lit';

import { shared } from '../design/shared';
import { Now } from '../state/now';
import { Polled } from '../state/polled';
import { hideWhenEmpty } from './states';

/** A card of the home page with what is outside, asked for again and again; nothing where nobody looks for it. */
export abstract class OutsideCard<T> extends LitElement {
  static override styles = [
    shared,
    css`
      section {
        margin-block-start: var(--s4);
      }
      ul {
        display: grid;
        gap: var(--s3) var(--s5);
        grid-template-columns: repeat(auto-fill, minmax(min(100%, var(--least, 19rem)), 1fr));
      }
      li {
        display: grid;
        gap: 0 var(--s3);
      }
      .name {
        overflow-wrap: anywhere;
      }
    `,
  ];

  protected readonly now = new Now(this);
  protected readonly polled: Polled<T[] | null>;
  protected abstract readonly what: string;
  protected abstract readonly heading: string;
  protected abstract readonly failed: string;

  constructor(ask: () => Promise<{ items: T[] | null }>, everyMs: number) {
    super();
    this.polled = new Polled(this, async () => (await ask()).items, everyMs);
  }

  protected abstract rows(items: readonly T[]): unknown;

  /** Instead of the rows, where somebody looks and nothing is there. */
  protected empty(): unknown {
    return nothing;
  }

  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- the cards that have a badge look at them
  protected badge(_items: readonly T[]): unknown {
    return nothing;
  }

  override render(): unknown {
    return hideWhenEmpty(this, this.content());
  }

  private content(): unknown {
    const items = this.polled.value;
    const body = items?.length ? html`<ul>${this.rows(items)}</ul>` : items ? this.empty() : nothing;
    if (body === nothing || !items) return nothing;
    return html`<section class="card padded" aria-labelledby=${this.what} data-testid=${this.what}>
      <div class="section-head">
        <h2 id=${this.what}>${this.heading}</h2>
        ${this.polled.failed ? html`<span class="muted small" role="status">${this.failed}</span>` : this.badge(items)}
      </div>
      ${body}
    </section>`;
  }
}
