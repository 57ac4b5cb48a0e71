import { css, html, LitElement, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';

import { api } from '../api/client';
import type { ChannelStatistics } from '../api/types';
import { shared } from '../design/shared';
import { duration } from '../format';
import { asApiError } from '../state/app-state';
import { t } from '../strings';
import { channelName } from './delivery-rows';

/** Every way to be told: how long it takes, and a test that says in plain words what is wrong. */
@customElement('vg-channels-card')
export class ChannelsCard extends LitElement {
  static override styles = [
    shared,
    css`
      section {
        padding: var(--s4) var(--s5);
      }
      .channel + .channel {
        margin-block-start: var(--s4);
        padding-block-start: var(--s4);
        border-block-start: var(--border) solid var(--line);
      }
      .head {
        display: flex;
        align-items: center;
        justify-content: space-between;
        gap: var(--s3);
      }
      h3 {
        font-size: var(--text-m);
      }
      .numbers {
        display: flex;
        gap: var(--s5);
        margin-block-start: var(--s2);
      }
      .numbers dd {
        font-size: var(--text-xl);
        font-weight: var(--weight-strong);
        letter-spacing: -0.02em;
      }
      .numbers dt {
        color: var(--ink-2);
        font-size: var(--text-s);
      }
      .numbers div {
        display: flex;
        flex-direction: column-reverse;
      }
      .result {
        margin-block-start: var(--s2);
        font-size: var(--text-s);
        overflow-wrap: anywhere;
      }
      .result.good {
        color: var(--ok);
      }
      .result.bad {
        color: var(--danger);
      }
    `,
  ];

  /** Of the newest attempts, by channel. */
  @property({ attribute: false }) statistics: Record<string, ChannelStatistics> = {};
  @state() private on: string[] = [];
  @state() private busy = '';
  @state() private results: Record<string, { good: boolean; text: string }> = {};

  override connectedCallback(): void {
    super.connectedCallback();
    void this.load();
  }

  private async load(): Promise<void> {
    try {
      this.on = (await api.push()).channels;
    } catch {
      this.on = []; // alerts does not answer, which the card for this device says: what was sent is shown all the same
    }
  }

  override render(): unknown {
    const names = [...new Set([...this.on, ...Object.keys(this.statistics)])];
    if (!names.length) return nothing;
    return html`<section class="card" aria-labelledby="channels">
      <div class="section-head"><h2 id="channels">${t.alerts.channels}</h2><span class="muted small">${t.alerts.latency}</span></div>
      ${names.map((name) => this.channel(name))}
    </section>`;
  }

  private channel(name: string): unknown {
    const statistics = this.statistics[name];
    const counted: [string, number | null | undefined][] = [
      [t.alerts.p50, statistics?.p50_ms],
      [t.alerts.p95, statistics?.p95_ms],
    ];
    const known = counted.filter((pair): pair is [string, number] => typeof pair[1] === 'number');
    const result = this.results[name];
    return html`<div class="channel" data-testid="channel" data-channel=${name}>
      <div class="head">
        <h3>${channelName(name)}</h3>
        ${this.on.includes(name)
          ? html`<button type="button" data-testid="channel-test" aria-label=${t.alerts.testChannel(channelName(name))} ?disabled=${this.busy !== ''} @click=${() => void this.test(name)}>
              ${this.busy === name ? t.push.testing : t.alerts.test}
            </button>`
          : nothing}
      </div>
      ${known.length
        ? html`<dl class="numbers num">${known.map(([label, ms]) => html`<div><dt>${label}</dt><dd>${duration(ms)}</dd></div>`)}</dl>`
        : html`<p class="muted small">${t.alerts.noNumbers}</p>`}
      <p class="result ${result?.good ? 'good' : 'bad'}" role="status" data-testid="channel-result" ?hidden=${!result}>${result?.text ?? ''}</p>
    </div>`;
  }

  private async test(name: string): Promise<void> {
    this.busy = name;
    let result: { good: boolean; text: string };
    try {
      const { ok, message } = await api.channelTest(name);
      result = { good: ok, text: message };
    } catch (error) {
      const failure = asApiError(error);
      result = { good: false, text: failure.status ? failure.message || failure.code : t.push.unreachable };
    }
    this.results = { ...this.results, [name]: result };
    this.busy = '';
  }
}
