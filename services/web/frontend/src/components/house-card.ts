import { css, html, LitElement, nothing } from 'lit';
import { customElement } from 'lit/decorators.js';

import { api } from '../api/client';
import type { PeopleInfo, PowerInfo } from '../api/types';
import { factStyles } from '../design/lists';
import { shared } from '../design/shared';
import { ago, clockSeconds, duration } from '../format';
import { Now } from '../state/now';
import { SPAN_MS } from '../live/history';
import { Polled } from '../state/polled';
import { t } from '../strings';
import './history-graph';
import { hideWhenEmpty } from './states';

const REFRESH_MS = 5_000;

/** The power and the people of the house; nothing of what is switched off. */
@customElement('vg-house-card')
export class HouseCard extends LitElement {
  static override styles = [
    shared,
    factStyles,
    css`
      .house {
        display: grid;
        gap: var(--s4);
        grid-template-columns: repeat(auto-fit, minmax(min(100%, 19rem), 1fr));
        margin-block-start: var(--s4);
      }
      ul {
        display: grid;
        gap: var(--s2);
      }
      li {
        display: flex;
        gap: var(--s3);
        align-items: baseline;
      }
      li .name {
        flex: 1;
        overflow-wrap: anywhere;
      }
      .note {
        margin-block-start: var(--s3);
        color: var(--ink-2);
        font-size: var(--text-s);
        overflow-wrap: anywhere;
      }
      .note.bad {
        color: var(--danger);
      }
    `,
  ];

  private readonly now = new Now(this);
  private readonly polled = new Polled(this, () => api.house(), REFRESH_MS);

  override render(): unknown {
    return hideWhenEmpty(this, this.content());
  }

  private content(): unknown {
    const house = this.polled.value;
    if (!house?.power && !house?.people) return nothing;
    return html`<div class="house">
      ${house.power ? power(house.power) : nothing} ${house.people ? this.people(house.people) : nothing}
      ${this.polled.failed ? html`<p class="note" role="status">${t.house.failed}</p>` : nothing}
    </div>`;
  }

  private people(people: PeopleInfo): unknown {
    return html`<section class="card padded" aria-labelledby="people" data-testid="people">
      <div class="section-head">
        <h2 id="people">${t.house.people}</h2>
        <span class="badge" data-testid="household">${people.state ? t.house.household[people.state] : t.house.unknown}</span>
      </div>
      <ul>
        ${people.members.map(
          (member) => html`<li data-testid="person" data-home=${String(member.home)}>
            <span class="name">${member.name}</span>
            ${member.since_ms ? html`<span class="muted small num">${ago(member.since_ms, this.now.ms)}</span>` : nothing}
            <span class="badge ${member.home ? 'ok' : ''}">
              ${member.home === null ? t.house.unknown : member.home ? t.house.home : t.house.away}
            </span>
          </li>`,
        )}
      </ul>
      ${people.reason ? html`<p class="note">${people.reason}</p>` : nothing}
    </section>`;
  }
}

const TONE: Record<PowerInfo['state'], string> = { on_line: 'ok', on_battery: 'warn', low_battery: 'bad', unknown: '' };

function power(info: PowerInfo): unknown {
  const { charge_pct, runtime_s, load_pct, input_v } = info.values;
  const facts: [string, string][] = [];
  if (charge_pct !== null) facts.push([t.house.charge, t.house.percent(Math.round(charge_pct))]);
  if (runtime_s !== null) facts.push([t.house.runtime, duration(runtime_s * 1000)]);
  if (load_pct !== null) facts.push([t.house.load, t.house.percent(Math.round(load_pct))]);
  if (input_v !== null) facts.push([t.house.mains, t.house.volts(Math.round(input_v))]);
  return html`<section class="card padded" aria-labelledby="power" data-testid="power" data-state=${info.state}>
    <div class="section-head">
      <h2 id="power">${t.house.power}</h2>
      <span class="badge ${TONE[info.state]}">${t.house.powerState[info.state]}</span>
    </div>
    ${facts.length ? html`<dl class="facts num">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>` : nothing}
    ${charge_pct === null ? nothing : past('charge_pct', t.house.charge)} ${load_pct === null ? nothing : past('load_pct', t.house.load)}
    ${info.shutdown
      ? html`<p class="note bad" role="alert">
          ${info.shutdown === 'begun' ? t.house.shutdownBegun : t.house.shutdownPlanned(clockSeconds(info.shutdown_at_ms))}
        </p>`
      : nothing}
    ${info.reason ? html`<p class="note">${info.reason}</p>` : nothing}
  </section>`;
}

function past(key: 'charge_pct' | 'load_pct', name: string): unknown {
  const fromMs = Date.now() - SPAN_MS;
  return html`<vg-history-graph
    name=${name}
    unit="%"
    .page=${(cursor: string | null) => api.powerHistory(key, fromMs, cursor)}
  ></vg-history-graph>`;
}
