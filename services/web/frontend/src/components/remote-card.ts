import { html, LitElement, nothing } from 'lit';
import { customElement } from 'lit/decorators.js';

import { api } from '../api/client';
import type { RemoteInfo } from '../api/types';
import { factStyles } from '../design/lists';
import { shared } from '../design/shared';
import { Polled } from '../state/polled';
import { decimal } from '../format';
import { t } from '../strings';
import { hideWhenEmpty } from './states';

const REFRESH_MS = 10_000;

/** What somebody who comes through the tunnel gets, and how much of the uplink is in use. */
@customElement('vg-remote-card')
export class RemoteCard extends LitElement {
  static override styles = [shared, factStyles];

  private readonly polled = new Polled(this, () => api.remote(), REFRESH_MS);

  override render(): unknown {
    return hideWhenEmpty(this, this.content());
  }

  private content(): unknown {
    const info = this.polled.value;
    if (!info) return this.polled.failed ? html`<p class="muted" role="status">${t.remote.failed}</p>` : nothing;
    return html`<section aria-labelledby="remote">
      <div class="section-head">
        <h2 id="remote">${t.remote.title}</h2>
        ${info.enabled && info.you_are_remote ? html`<span class="badge warn">${t.remote.you}</span>` : nothing}
      </div>
      <div class="card padded">
        <dl class="facts num" data-testid="remote-facts">
          ${rows(info).map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}
        </dl>
      </div>
    </section>`;
  }
}

function rows(info: RemoteInfo): [string, string][] {
  const address: [string, string] = [t.remote.address, info.tunnel_ip];
  if (!info.enabled) return [[t.remote.profile, t.remote.off], address];
  const { width_px, height_px, fps, bitrate_kbps } = info.profile;
  const most = info.max_viewers ? String(info.max_viewers) : t.remote.unlimited;
  return [
    address,
    [t.remote.networks, info.tunnel_networks.join(', ')],
    [t.remote.profile, t.remote.profileOf(width_px, height_px, fps, bitrate_kbps)],
    [t.remote.viewers, t.remote.ofMost(info.viewers, most)],
    [t.remote.uplink, t.remote.mbpsOf(decimal(info.used_mbps), String(info.upload_bandwidth_mbps))],
  ];
}
