import { html, LitElement, nothing } from 'lit';
import { customElement } from 'lit/decorators.js';

import { shared } from '../design/shared';
import { app, WatchApp } from '../state/app-state';
import { people as words } from '../strings/people';

const w = words.links;

/** The ways to accounts, the audit log and the API; who is no admin sees their own. */
@customElement('vg-people-links')
export class PeopleLinks extends LitElement {
  static override styles = [shared];

  constructor() {
    super();
    new WatchApp(this);
  }

  override render(): unknown {
    const admin = app.session?.role === 'admin';
    return html`<section class="card padded" aria-labelledby="access">
      <div class="section-head"><h2 id="access">${w.title}</h2></div>
      <p class="muted">${w.help}</p>
      <p class="row wrap">
        <a class="button" href="/account" data-testid="open-account">${w.account}</a>
        ${admin
          ? html`<a class="button" href="/users" data-testid="open-users">${w.users}</a>
              <a class="button" href="/security" data-testid="open-security">${w.security}</a>
              <a class="button" href="/audit" data-testid="open-audit">${w.audit}</a>`
          : nothing}
        ${app.session?.role !== 'viewer' ? html`<a class="button" href="/visitors" data-testid="open-visitors">${w.visitors}</a>` : nothing}
        <a class="button" href="/reference" data-testid="open-reference">${w.api}</a>
      </p>
    </section>`;
  }
}
