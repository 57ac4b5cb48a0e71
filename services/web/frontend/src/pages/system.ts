import { html, LitElement, nothing } from 'lit';
import { customElement } from 'lit/decorators.js';

import { api, toLogin } from '../api/client';
import type { DiskUsage, Heartbeat, SystemHealth } from '../api/types';
import '../components/announced-card';
import '../components/find-cameras';
import '../components/camera-work';
import '../components/detector-card';
import '../components/findings';
import '../components/icon';
import '../components/offsite-card';
import '../components/people-links';
import '../components/remote-card';
import '../components/rules-card';
import '../components/sensor-list';
import { failure } from '../components/states';
import { factStyles } from '../design/lists';
import { pageStyles, shared } from '../design/shared';
import { bytes, duration } from '../format';
import { app, WatchApp } from '../state/app-state';
import { Now } from '../state/now';
import { t } from '../strings';
import { systemStyles } from './system.styles';

/** How Vigilar itself is: findings with cures, services, disks, versions. */
@customElement('vg-system')
export class SystemPage extends LitElement {
  static override styles = [shared, pageStyles, factStyles, systemStyles];

  private readonly now = new Now(this);
  constructor() {
    super();
    new WatchApp(this);
  }

  override render(): unknown {
    const health = app.health;
    return html`
      <header class="page-head">
        <h1>${t.system.title}</h1>
        <p class="row wrap">${health.status === 'ready' ? status(health.value.status) : nothing}
          ${app.session?.role === 'admin' ? html`<a class="button" href="/settings" data-testid="open-settings">${t.settings.open}</a> <a class="button" href="/logs" data-testid="open-logs">${t.logWords.open}</a> <a class="button" href="/welcome" data-testid="open-welcome">${t.welcome.open}</a>` : nothing}</p>
      </header>
      ${health.status === 'failed' ? html`<div class="card">${failure(t.system.failed, health.error, () => app.reload())}</div>` : nothing}
      ${health.status === 'loading' ? html`<div class="skeleton tall" aria-busy="true"></div>` : nothing}
      <div class="stack">
        ${health.status === 'ready' ? this.health(health.value) : nothing}
        <vg-people-links></vg-people-links>
        <vg-sensor-list></vg-sensor-list>
        ${app.session?.all_cameras && app.session.role !== 'viewer' ? html`<vg-rules-card></vg-rules-card>` : nothing}
        ${app.session?.role === 'admin' ? html`<vg-find-cameras></vg-find-cameras>` : nothing}
        <vg-remote-card></vg-remote-card>
        ${health.status === 'ready' ? html`<vg-detector .beat=${health.value.services['detector']}></vg-detector>` : nothing}
        ${health.status === 'ready' ? html`<vg-announced .beat=${health.value.services['homeassistant']}></vg-announced>
              <vg-offsite .beat=${health.value.services['offsite']}></vg-offsite>` : nothing}
        ${this.about()}
      </div>
    `;
  }

  private health(health: SystemHealth): unknown {
    return html`
      <section aria-labelledby="findings">
        <div class="section-head"><h2 id="findings">${t.system.findings}</h2></div>
        ${health.findings.length
          ? html`<vg-findings .findings=${health.findings}></vg-findings>`
          : html`<p class="card fine"><vg-icon name="check"></vg-icon>${t.system.noFindings}</p>`}
      </section>
      <section>
        <div class="section-head">
          <h2 id="services">${t.system.services}</h2>
          <p class="row wrap">
            ${link(t.system.broker, health.mqtt_connected)} ${roundTrip(health)} ${link(t.system.storage, health.storage_reachable)}
          </p>
        </div>
        <div class="card scroll" tabindex="0" role="region" aria-labelledby="services">
          <table>
            <thead>
              <tr>
                <th scope="col">${t.system.service}</th>
                <th scope="col">${t.system.state}</th>
                <th scope="col" class="right">${t.system.memory}</th>
                <th scope="col" class="right">${t.system.runningFor}</th>
                <th scope="col" class="right">${t.system.waiting}</th>
              </tr>
            </thead>
            <tbody>
              ${Object.entries(health.services).sort(([a], [b]) => a.localeCompare(b)).map(([name, beat]) => this.service(name, beat))}
            </tbody>
          </table>
        </div>
      </section>
      <vg-camera-work .services=${health.services}></vg-camera-work>
      <section aria-labelledby="disks">
        <div class="section-head"><h2 id="disks">${t.system.disks}</h2></div>
        <div class="disks">${Object.entries(health.disks).map(([name, disk]) => usage(name, disk))}</div>
      </section>
    `;
  }

  private service(name: string, beat: Heartbeat): unknown {
    const why = beat.config_error ? `${t.system.configError}: ${beat.config_error}` : beat.reason;
    return html`<tr data-testid="service-row" data-service=${name} data-ready=${String(beat.ready)}>
      <th scope="row">${name}${why ? html`<span class="why">${why}</span>` : nothing}</th>
      <td><span class="badge ${beat.ready ? (beat.config_error ? 'warn' : 'ok') : 'bad'}">${beat.ready ? t.system.ready : t.system.notReady}</span></td>
      <td class="right num">${beat.rss_bytes ? bytes(beat.rss_bytes) : '–'}</td>
      <td class="right num">${beat.started_ms ? duration(Math.max(0, this.now.ms - beat.started_ms)) : '–'}</td>
      <td class="right num">${beat.outbox_facts}</td>
    </tr>`;
  }

  private about(): unknown {
    const session = app.session;
    if (!session) return nothing;
    const rows = [
      [t.system.version, session.version],
      [t.system.timezone, session.timezone],
      [t.system.account, session.user],
    ];
    return html`<section aria-labelledby="about">
      <div class="section-head"><h2 id="about">${t.system.about}</h2></div>
      <div class="card about">
        <dl class="facts">${rows.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
        <button type="button" data-testid="sign-out" @click=${signOut}><vg-icon name="signout"></vg-icon>${t.app.signOut}</button>
      </div>
    </section>`;
  }
}

export async function signOut(): Promise<void> {
  await api.logout().catch(() => undefined); // the login page is the right place either way
  toLogin();
}

function status(value: SystemHealth['status']): unknown {
  const tone = { ok: 'ok', warning: 'warn', critical: 'bad' }[value];
  return html`<span class="badge ${tone} status" role="status">${t.system.status[value]}</span>`;
}

function link(name: string, up: boolean): unknown {
  return html`<span class="badge ${up ? 'ok' : 'bad'}">${name}: ${up ? t.system.connected : t.system.notConnected}</span>`;
}

/** Of health's own heartbeat, to the broker and back. */
function roundTrip(health: SystemHealth): unknown {
  const ms = health.services['health']?.detail?.broker_round_trip_ms;
  return typeof ms === 'number' ? html`<span class="badge num" data-testid="round-trip">${t.logWords.roundTrip(Math.round(ms))}</span>` : nothing;
}

function usage(name: string, disk: DiskUsage): unknown {
  const tone = disk.used_pct >= 95 ? 'bad' : disk.used_pct >= 85 ? 'warn' : '';
  return html`<div class="card disk">
    <div class="row"><h3 class="grow">${t.system.diskName[name] ?? name}</h3><span class="num">${Math.round(disk.used_pct)} %</span></div>
    <meter class=${tone} min="0" max="100" value=${disk.used_pct} aria-label="${t.system.diskName[name] ?? name}, ${Math.round(disk.used_pct)} %"></meter>
    <p class="muted small num">${t.system.free(bytes(disk.free_bytes), bytes(disk.total_bytes))}</p>
    <p class="muted path">${disk.path}</p>
  </div>`;
}
