import { css, html, LitElement, nothing } from 'lit';
import { customElement } from 'lit/decorators.js';

import { api } from '../api/client';
import type { Sensor } from '../api/types';
import { shared } from '../design/shared';
import { ago, number } from '../format';
import { systemStyles } from '../pages/system.styles';
import { Now } from '../state/now';
import { SPAN_MS } from '../live/history';
import { Polled } from '../state/polled';
import { t } from '../strings';
import './history-graph';
import { hideWhenEmpty } from './states';

const REFRESH_MS = 5_000;
/** The number that a type is there for. */
const NUMBERS: Record<string, string> = { TEMPERATURE: 'temperature', HUMIDITY: 'humidity', ILLUMINANCE: 'illuminance', POWER: 'power' };

/** Every sensor: its state, its battery, when it was last heard. Nothing where there are none. */
@customElement('vg-sensor-list')
export class SensorList extends LitElement {
  static override styles = [
    shared,
    systemStyles,
    css`
      .where {
        display: block;
        color: var(--ink-2);
        font-size: var(--text-s);
        font-weight: var(--weight);
      }
    `,
  ];

  private readonly now = new Now(this);
  private readonly polled = new Polled(this, async () => (await api.sensors()).items, REFRESH_MS);

  override render(): unknown {
    return hideWhenEmpty(this, this.content());
  }

  private content(): unknown {
    const sensors = this.polled.value;
    if (!sensors?.length) return this.polled.failed ? html`<p class="muted" role="status">${t.sensors.failed}</p>` : nothing;
    return html`<section>
      <div class="section-head">
        <h2 id="sensors">${t.sensors.title}</h2>
        ${this.polled.failed ? html`<span class="badge warn" role="status">${t.sensors.failed}</span>` : nothing}
      </div>
      <div class="card scroll" tabindex="0" role="region" aria-labelledby="sensors">
        <table>
          <thead>
            <tr>
              <th scope="col">${t.sensors.sensor}</th>
              <th scope="col">${t.sensors.state}</th>
              <th scope="col" class="right">${t.sensors.battery}</th>
              <th scope="col" class="right">${t.sensors.heard}</th>
            </tr>
          </thead>
          <tbody>
            ${sensors.map((sensor) => this.row(sensor))}
          </tbody>
        </table>
      </div>
    </section>`;
  }

  private history(sensor: Sensor): unknown {
    const key = NUMBERS[sensor.type];
    if (!key) return nothing;
    const fromMs = Date.now() - SPAN_MS;
    return html`<vg-history-graph
      name=${t.sensors.numbers[key] ?? key}
      unit=${sensor.units[key] ?? ''}
      .page=${(cursor: string | null) => api.sensorHistory(sensor.id, key, fromMs, cursor)}
    ></vg-history-graph>`;
  }

  private row(sensor: Sensor): unknown {
    const battery = sensor.values['battery'];
    return html`<tr data-testid="sensor-row" data-sensor=${sensor.id} data-known=${String(sensor.known)}>
      <th scope="row">
        ${sensor.name}${sensor.location ? html`<span class="where">${sensor.location}</span>` : nothing}
        ${sensor.known ? nothing : html`<span class="why">${sensor.reason}</span>`}
        ${this.history(sensor)}
      </th>
      <td><span class="badge ${tone(sensor)}">${words(sensor)}</span></td>
      <td class="right num">
        ${sensor.battery_low ? html`<span class="badge bad">${t.sensors.low}</span> ` : nothing}${typeof battery === 'number'
          ? t.sensors.percent(Math.round(battery))
          : sensor.battery_low ? nothing : '–'}
      </td>
      <td class="right num">${sensor.heard_ms ? ago(sensor.heard_ms, this.now.ms) : t.sensors.never}</td>
    </tr>`;
  }
}

function words(sensor: Sensor): string {
  if (!sensor.known) return t.sensors.unknown;
  if (sensor.values['tamper'] === true) return t.sensors.tamper;
  const [matter, fine] = t.sensors.words[sensor.type] ?? [];
  if (matter && fine && sensor.active !== null) return sensor.active ? matter : fine;
  const key = NUMBERS[sensor.type];
  const value = key ? sensor.values[key] : undefined;
  if (key && typeof value === 'number') return t.sensors.measured(number(value), sensor.units[key] ?? '');
  if (matter) return t.sensors.unknown;
  return sensor.type === 'BUTTON' ? t.sensors.pressed : t.sensors.nothing;
}

function tone(sensor: Sensor): string {
  if (!sensor.known || sensor.values['tamper'] === true) return 'bad';
  return sensor.active ? 'warn' : '';
}
