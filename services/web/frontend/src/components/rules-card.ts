import { css, html, LitElement, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';

import { api } from '../api/client';
import type { RuleDryRun, RuleInfo } from '../api/rules';
import { shared } from '../design/shared';
import { ago, duration, moment } from '../format';
import { Now } from '../state/now';
import { app } from '../state/app-state';
import { Polled } from '../state/polled';
import { t } from '../strings';
import { hideWhenEmpty } from './states';

const REFRESH_MS = 10_000;
const DRY_RUN_DAYS = 7;
const SHOWN_FIRINGS = 5;

type Trial = { state: 'running' } | { state: 'done'; found: RuleDryRun } | { state: 'failed'; why: string };

/** The rules, when each fired last and why, and what it would have done in the last days. */
@customElement('vg-rules-card')
export class RulesCard extends LitElement {
  static override styles = [
    shared,
    css`
      li + li {
        margin-block-start: var(--s4);
        padding-block-start: var(--s4);
        border-block-start: var(--border) solid var(--line);
      }
      .head {
        display: flex;
        flex-wrap: wrap;
        gap: var(--s2) var(--s3);
        align-items: center;
      }
      h3 {
        flex: 1;
        min-width: 12rem;
        font-size: var(--text-m);
        overflow-wrap: anywhere;
      }
      p,
      summary,
      details li {
        font-size: var(--text-s);
        overflow-wrap: anywhere;
      }
      details li,
      .trial li {
        margin: 0;
        padding: var(--s1) 0;
        border: 0;
      }
      .met {
        font-weight: var(--weight-strong);
      }
    `,
  ];

  @state() private trials: Record<string, Trial> = {};
  private readonly now = new Now(this);
  private readonly polled = new Polled(this, async () => (await api.rules()).items, REFRESH_MS);

  override render(): unknown {
    return hideWhenEmpty(this, this.content());
  }

  private content(): unknown {
    const rules = this.polled.value;
    const builder = app.session?.role === 'admin' ? html`<a href="/rules" data-testid="open-rules">${t.rulePage.open}</a>` : nothing;
    if (!rules?.length) {
      if (this.polled.failed) return html`<p class="muted" role="status">${t.rules.failed}</p>`;
      return builder === nothing ? nothing : html`<section class="card padded" aria-labelledby="rules"><div class="section-head"><h2 id="rules">${t.rules.title}</h2>${builder}</div><p class="muted">${t.rulePage.noneHelp}</p></section>`;
    }
    return html`<section aria-labelledby="rules">
      <div class="section-head">
        <h2 id="rules">${t.rules.title}</h2>
        ${this.polled.failed ? html`<span class="muted small" role="status">${t.rules.failed}</span>` : builder}
      </div>
      <ul class="card padded" data-testid="rules">${rules.map((rule) => this.rule(rule))}</ul>
    </section>`;
  }

  private rule(rule: RuleInfo): unknown {
    const trial = this.trials[rule.id];
    return html`<li data-testid="rule" data-rule=${rule.id}>
      <div class="head">
        <h3>${rule.description || rule.id}</h3>
        ${rule.enabled ? nothing : html`<span class="badge">${t.rules.off}</span>`}
        ${rule.resting_s ? html`<span class="badge">${t.rules.rests(duration(rule.resting_s * 1000))}</span>` : nothing}
        <button
          type="button"
          data-testid="rule-test"
          aria-label=${t.rules.tryOut(DRY_RUN_DAYS, rule.description || rule.id)}
          ?disabled=${trial?.state === 'running'}
          @click=${() => void this.tryOut(rule.id)}
        >
          ${trial?.state === 'running' ? t.rules.running : t.rules.try(DRY_RUN_DAYS)}
        </button>
      </div>
      <p class="muted">
        ${rule.last ? t.rules.fired(rule.count, ago(rule.last.at_ms, this.now.ms)) : t.rules.never}${rule.last ? html`: ${rule.last.because}` : nothing}
      </p>
      <details>
        <summary>${t.rules.why}</summary>
        <ul>
          ${rule.last
            ? rule.last.conditions.map(
                (one) => html`<li class=${one.caused ? 'met' : ''}>${one.text}: ${one.caused ? t.rules.caused : one.holds ? t.rules.held : t.rules.heldNot}</li>`,
              )
            : rule.conditions.map((text) => html`<li>${text}</li>`)}
        </ul>
        <p class="muted">${t.rules.does(rule.logic, rule.actions.join(', '))}</p>
      </details>
      <div class="trial" role="status" data-testid="rule-trial">${trial ? this.trial(trial) : nothing}</div>
    </li>`;
  }

  private trial(trial: Trial): unknown {
    if (trial.state === 'running') return nothing;
    if (trial.state === 'failed') return html`<p>${trial.why}</p>`;
    const { count, firings, complete, reason } = trial.found;
    return html`<p>${t.rules.wouldHave(count, DRY_RUN_DAYS)}${complete ? nothing : html` ${reason}`}</p>
      <ul>
        ${firings.slice(-SHOWN_FIRINGS).reverse().map((one) => html`<li class="small">${moment(one.at_ms, this.now.ms)}: ${one.because}</li>`)}
      </ul>`;
  }

  private async tryOut(id: string): Promise<void> {
    this.set(id, { state: 'running' });
    try {
      this.set(id, { state: 'done', found: await api.tryRule(id, DRY_RUN_DAYS) });
    } catch (error) {
      this.set(id, { state: 'failed', why: error instanceof Error && error.message ? error.message : t.rules.failed });
    }
  }

  private set(id: string, trial: Trial): void {
    this.trials = { ...this.trials, [id]: trial };
  }
}
