import { css, html, LitElement, nothing } from 'lit';
import { customElement } from 'lit/decorators.js';

import { shared } from '../design/shared';
import { app, WatchApp } from '../state/app-state';
import { t } from '../strings';
import { tick, ticked } from '../welcome';
import { hideWhenEmpty } from './states';

/** On Home, for admins: what a house cannot do without and is not set up yet. Looks only at what Home knows anyway. */
@customElement('vg-first-steps')
export class FirstSteps extends LitElement {
  static override styles = [
    shared,
    css`
      section {
        display: flex;
        flex-wrap: wrap;
        gap: var(--s3) var(--s4);
        align-items: center;
        margin-block-start: var(--s4);
      }
      .grow {
        flex: 1;
        min-width: 14rem;
      }
      p {
        color: var(--ink-2);
        margin-block-start: var(--s1);
      }
    `,
  ];

  constructor() {
    super();
    new WatchApp(this);
  }

  override render(): unknown {
    return hideWhenEmpty(this, this.content());
  }

  private content(): unknown {
    if (app.session?.role !== 'admin' || ticked('hidden')) return nothing;
    const { steps } = t.welcome;
    const missing = [
      ...(app.cameras.status === 'ready' && !app.cameras.value.length ? [steps.cameras] : []),
      ...(app.alarm.status === 'ready' && !app.alarm.value.pin_configured ? [steps.pin] : []),
    ];
    if (!missing.length) return nothing;
    return html`<section class="card padded" aria-labelledby="unfinished" data-testid="first-steps">
      <div class="grow"><h2 id="unfinished">${t.welcome.unfinished}</h2><p>${t.welcome.unfinishedHelp(missing.join(', '))}</p></div>
      <a class="button primary" href="/welcome">${t.welcome.open}</a>
      <button type="button" class="quiet" @click=${this.hide}>${t.welcome.hide}</button>
    </section>`;
  }

  private readonly hide = (): void => {
    tick('hidden');
    this.requestUpdate();
  };
}

declare global {
  interface HTMLElementTagNameMap {
    'vg-first-steps': FirstSteps;
  }
}
