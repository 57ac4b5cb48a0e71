import { css, html, LitElement, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';

import type { CameraWork, Heartbeat } from '../api/types';
import { shared } from '../design/shared';
import { bytes, decimal } from '../format';
import { systemStyles } from '../pages/system.styles';
import { app } from '../state/app-state';
import { t } from '../strings';

const PREFIX = 'camera-worker-';

/** What each camera's worker does and costs, from its heartbeats. */
@customElement('vg-camera-work')
export class CameraWorkTable extends LitElement {
  static override styles = [
    shared,
    systemStyles,
    css`
      :host {
        max-width: none;
      }
      .late {
        color: var(--warn);
      }
    `,
  ];

  @property({ attribute: false }) services: Record<string, Heartbeat> = {};

  override render(): unknown {
    const rows = Object.entries(this.services)
      .filter(([name]) => name.startsWith(PREFIX))
      .sort(([a], [b]) => a.localeCompare(b));
    if (rows.length === 0) return nothing;
    const words = t.system.work;
    const columns: [string, string][] = [
      [words.arrive, words.arriveHelp],
      [words.decoded, words.decodedHelp],
      [words.search, ''],
      [words.lag, words.lagHelp],
      [words.cpu, words.cpuHelp],
      [t.system.memory, words.memoryHelp],
      [words.rate, ''],
      [words.lost, words.lostHelp],
    ];
    return html`<div class="section-head"><h2 id="work">${words.title}</h2></div>
      <div class="card scroll" tabindex="0" role="region" aria-labelledby="work">
        <table data-testid="camera-work">
          <thead>
            <tr>
              <th scope="col">${t.events.camera}</th>
              ${columns.map(([name, help]) => html`<th scope="col" class="right" title=${help || nothing}>${name}</th>`)}
            </tr>
          </thead>
          <tbody>
            ${rows.map(([name, beat]) => this.row(name.slice(PREFIX.length), beat.detail?.work))}
          </tbody>
        </table>
      </div>`;
  }

  private row(camera: string, work: CameraWork | undefined): unknown {
    const name = app.camera(camera)?.name ?? camera;
    const fps = (value: number | undefined): string => (value === undefined ? '–' : decimal(value));
    const words = t.system.work;
    const cells = work
      ? [
          fps(work.in_fps),
          work.decoded_fps === undefined ? '–' : words.of(fps(work.decoded_fps), fps(work.analysed_fps)),
          words.how(work.search),
          html`<span class=${work.lag_ms > 1000 ? 'late' : ''}>${words.ms(work.lag_ms)}</span>`,
          work.cpu_pct === undefined ? '–' : words.percent(decimal(work.cpu_pct)),
          work.mem_bytes ? bytes(work.mem_bytes) : '–',
          work.kbps === undefined ? '–' : words.mbps(decimal(work.kbps / 1000)),
          words.losses(work.gaps, work.reconnects),
        ]
      : Array<string>(8).fill('–');
    return html`<tr data-camera=${camera}>
      <th scope="row">${name}</th>
      ${cells.map((cell) => html`<td class="right num">${cell}</td>`)}
    </tr>`;
  }
}
