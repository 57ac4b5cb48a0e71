import { html, LitElement, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { keyed } from 'lit/directives/keyed.js';

import { appStyles } from './app.styles';
import { api, type ApiError } from './api/client';
import type { VigilarEvent } from './api/types';
import './components/icon';
import type { IconName } from './components/icon';
import './components/mark';
import { failure } from './components/states';
import { shared } from './design/shared';
import './pages/home';
import { match, type Route } from './router';
import { app, ListenApp, WatchApp } from './state/app-state';
import { onNewVersion } from './worker';
import { said, t } from './strings';
import { spoken } from './strings/spoken';

type Section = 'home' | 'timeline' | 'events' | 'recordings' | 'alerts' | 'system';
const SECTIONS: { id: Section; path: string }[] = [
  { id: 'home', path: '/' },
  { id: 'timeline', path: '/timeline' },
  { id: 'events', path: '/events' },
  { id: 'recordings', path: '/recordings' },
  { id: 'alerts', path: '/alerts' },
  { id: 'system', path: '/system' },
];

/** Code of the pages that are not the first thing one sees. */
const LOADERS: Partial<Record<Route['page'], () => Promise<unknown>>> = {
  camera: () => import('./pages/camera'),
  timeline: () => import('./pages/timeline'),
  events: () => import('./pages/events'),
  event: () => import('./pages/event'),
  recordings: () => import('./pages/recordings'),
  recording: () => import('./pages/recording'),
  alerts: () => import('./pages/alerts'),
  system: () => import('./pages/system'),
  rules: () => import('./pages/rules'),
  pets: () => import('./pages/pets'),
  visitors: () => import('./pages/visitors'),
  logs: () => import('./pages/logs'),
  settings: () => import('./pages/settings'),
  account: () => import('./pages/account'),
  users: () => import('./pages/users'),
  audit: () => import('./pages/audit'),
  security: () => import('./pages/security'),
  reference: () => import('./pages/reference'),
  welcome: () => import('./pages/welcome'),
};

/** The frame around every page: navigation, announcements, and what to say when nothing answers. */
@customElement('vg-app')
export class App extends LitElement {
  static override styles = [shared, appStyles];

  /** None until the code of the first page is here: an element must not be made before it is defined. */
  @state() private route: Route | null = null;
  @state() private announcement = '';
  @state() private brokenPage = false;
  /** The service worker was replaced while this page was open: it is of an older build. */
  @state() private newVersion = false;
  private readonly announced = new Set<string>();

  constructor() {
    super();
    new WatchApp(this);
    onNewVersion(() => (this.newVersion = true));
    new ListenApp<VigilarEvent>(this, 'event', (event) => {
      if (this.announced.has(event.id) || event.ended_ms !== null) return;
      this.announced.add(event.id);
      this.announcement = t.events.announce(said(event.title));
    });
  }

  /** The first frame (index.html) stays until the words of the language are here. */
  override connectedCallback(): void {
    void spoken.then(() => super.connectedCallback());
  }

  /** Called by the router after every change of address. */
  async go(): Promise<void> {
    const route = match(location.pathname);
    try {
      await LOADERS[route.page]?.();
      this.brokenPage = false;
    } catch {
      this.brokenPage = true; // offline, or the files of an older build are gone
      void api.session().catch(() => undefined); // or the login has ended: then this leads to its page
    }
    this.route = route;
    document.title = this.pageTitle();
    await this.updateComplete;
    scrollTo({ top: 0 });
    this.renderRoot.querySelector<HTMLElement>('main')?.focus({ preventScroll: true });
  }

  override render(): unknown {
    const ready = app.session !== null;
    // Until there is something to show the frame of index.html stands.
    if (!(ready && this.route) && !app.sessionError) return html`<slot></slot>`;
    return html`
      <header class="bar">
        <button type="button" class="skip" @click=${this.skip}>${t.app.skip}</button>
        <a class="brand" href="/"><vg-mark></vg-mark><span class="truncate">${app.session?.name ?? t.app.name}</span></a>
        ${this.navigation()}
        ${app.session ? html`<a class="who" href="/account">${t.app.signedInAs(app.session.user)}</a>` : nothing}
      </header>
      <main id="main" tabindex="-1">
        ${this.newVersion ? html`<p class="lost" role="status" data-testid="new-version"><vg-icon name="info"></vg-icon><span class="grow">${t.app.newVersion}</span><button type="button" @click=${() => location.reload()}>${t.app.reload}</button></p>` : nothing}
        ${app.sessionError && !ready ? this.unreachable(app.sessionError) : nothing}
        ${ready && !app.linkUp ? html`<p class="lost" role="status"><vg-icon name="plug"></vg-icon>${t.app.linkLost}</p>` : nothing}
        ${ready && this.route ? this.page(this.route) : nothing}
      </main>
      <p class="visually-hidden" aria-live="polite">${this.announcement}</p>
    `;
  }

  /** What is true when nothing answers: this frame is from the device, and it knows nothing of the house. */
  private unreachable(error: ApiError): unknown {
    if (error.status) return failure(t.app.loadFailed, error, () => location.reload());
    return html`<vg-message whole role="alert" tone="bad" icon="plug" data-testid="offline"
      heading=${navigator.onLine ? t.app.loadFailed : t.app.offline}
      text=${`${navigator.onLine ? t.app.loadFailedHelp : t.app.offlineHelp} ${t.app.offlineKnows}`}>
      <vg-action @click=${() => location.reload()}>${t.app.retry}</vg-action>
    </vg-message>`;
  }

  private navigation(): unknown {
    const here = sectionOf(this.route);
    const findings = app.health.status === 'ready' ? app.health.value.findings.filter((f) => f.severity !== 'info').length : 0;
    return html`<nav aria-label=${t.app.mainNavigation}>
      ${SECTIONS.map(
        ({ id, path }) => html`<a
          href=${path}
          data-testid="nav-${id}"
          aria-current=${here === id ? 'page' : nothing}
        >
          <span class="glyph">
            <vg-icon name=${id satisfies IconName}></vg-icon>
            ${id === 'system' && findings ? html`<span class="count" aria-label=${t.alarm.attention(findings)}>${findings}</span>` : nothing}
          </span>
          <span class="label">${t.nav[id]}</span>
        </a>`,
      )}
    </nav>`;
  }

  private page(route: Route): unknown {
    if (this.brokenPage) {
      return html`<vg-message role="alert" tone="bad" icon="plug" heading=${t.app.loadFailed} text=${t.app.loadFailedHelp}>
        <vg-action @click=${() => location.reload()}>${t.app.retry}</vg-action>
      </vg-message>`;
    }
    switch (route.page) {
      case 'home':
        return html`<vg-home></vg-home>`;
      case 'camera':
        return keyed(route.id, html`<vg-camera .cameraId=${route.id}></vg-camera>`);
      case 'timeline':
        return html`<vg-timeline></vg-timeline>`;
      case 'events':
        return keyed(location.search, html`<vg-events></vg-events>`);
      case 'event':
        return keyed(route.id, html`<vg-event .eventId=${route.id}></vg-event>`);
      case 'recordings':
        return keyed(location.search, html`<vg-recordings></vg-recordings>`);
      case 'recording':
        return keyed(route.id, html`<vg-recording .recordingId=${route.id}></vg-recording>`);
      case 'alerts':
        return html`<vg-alerts></vg-alerts>`;
      case 'system':
        return html`<vg-system></vg-system>`;
      case 'pets':
        return html`<vg-pets></vg-pets>`;
      case 'rules':
        return keyed(location.search, html`<vg-rules></vg-rules>`);
      case 'visitors':
        return html`<vg-visitors></vg-visitors>`;
      case 'logs':
        return html`<vg-logs></vg-logs>`;
      case 'settings':
        return html`<vg-settings></vg-settings>`;
      case 'account':
        return html`<vg-account></vg-account>`;
      case 'users':
        return html`<vg-users></vg-users>`;
      case 'audit':
        return html`<vg-audit></vg-audit>`;
      case 'security':
        return html`<vg-security></vg-security>`;
      case 'reference':
        return html`<vg-reference></vg-reference>`;
      case 'welcome':
        return html`<vg-welcome></vg-welcome>`;
      case 'missing':
        return html`<vg-message whole heading=${t.app.notFound} text=${t.app.notFoundHelp}><vg-action href="/">${t.app.goHome}</vg-action></vg-message>`;
    }
  }

  private pageTitle(): string {
    const section = sectionOf(this.route);
    const name = app.session?.name ?? t.app.name;
    return section && section !== 'home' ? `${t.nav[section]} · ${name}` : name;
  }

  private skip(): void {
    this.renderRoot.querySelector<HTMLElement>('main')?.focus();
  }
}

function sectionOf(route: Route | null): Section | null {
  switch (route?.page) {
    case undefined:
      return null;
    case 'camera':
      return 'home';
    case 'event':
      return 'events';
    case 'recording':
      return 'recordings';
    case 'missing':
      return null;
    case 'pets':
    case 'rules':
    case 'visitors':
    case 'logs':
    case 'settings':
    case 'welcome':
    case 'account':
    case 'users':
    case 'audit':
    case 'security':
    case 'reference':
      return 'system';
    case 'home':
    case 'timeline':
    case 'events':
    case 'recordings':
    case 'alerts':
    case 'system':
      return route.page;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'vg-app': App;
  }
}
