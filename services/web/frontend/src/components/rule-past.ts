import { css, html, LitElement, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';

import { api } from '../api/client';
import type { RuleCondition, RuleDryRun, WrittenRule } from '../api/rules';
import { shared } from '../design/shared';
import { moment } from '../format';
import { asApiError } from '../state/app-state';
import { Now } from '../state/now';
import { t } from '../strings';

const DAYS = [1, 3, 7, 14, 31];
const w = t.rulePage;

/** What a rule would have done: every firing, and what met a condition in vain, each with how the conditions stood. */
@customElement('vg-rule-past')
export class RulePast extends LitElement {
  static override styles = [
    shared,
    css`
      .ask {
        display: flex;
        flex-wrap: wrap;
        align-items: end;
        gap: var(--s3);
      }
      label {
        display: grid;
        gap: var(--s1);
        font-size: var(--text-s);
        color: var(--ink-2);
      }
      progress {
        width: 100%;
        accent-color: var(--accent);
      }
      h3 {
        margin: var(--s4) 0 var(--s1);
        font-size: var(--text-m);
      }
      details {
        border-block-start: var(--border) solid var(--line);
      }
      summary {
        padding-block: var(--s2);
        min-height: var(--tap);
        cursor: pointer;
        overflow-wrap: anywhere;
      }
      details li {
        display: flex;
        flex-wrap: wrap;
        gap: var(--s1) var(--s3);
        padding: var(--s1) 0 var(--s1) var(--s5);
        font-size: var(--text-s);
        overflow-wrap: anywhere;
      }
      .lists {
        max-height: 32rem;
        overflow: auto;
      }
    `,
  ];

  @property({ attribute: false }) rule!: WrittenRule;
  @property({ type: Boolean }) ready = false;
  @state() private days = 7;
  @state() private busy = false;
  @state() private found: RuleDryRun | null = null;
  @state() private problem = '';
  private readonly now = new Now(this);

  override render(): unknown {
    return html`<div class="ask">
        <label>${w.days}<select @change=${(event: Event) => (this.days = Number((event.target as HTMLSelectElement).value))}>
          ${DAYS.map((n) => html`<option value=${n} ?selected=${n === this.days}>${w.daysOf(n)}</option>`)}</select></label>
        <button type="button" data-testid="rule-try" ?disabled=${this.busy || !this.ready} @click=${() => void this.look()}>${w.tryIt}</button>
      </div>
      <div role="status" data-testid="rule-past">
        ${this.busy ? html`<p>${w.trying}</p><progress aria-label=${w.trying}></progress>` : nothing}
        ${this.problem ? html`<p class="error">${this.problem}</p>` : nothing}
        ${this.found && !this.busy ? this.summary(this.found) : nothing}
      </div>
      ${this.found && !this.busy ? html`<div class="lists" tabindex="0" role="group" aria-label=${w.past}>${this.lists(this.found)}</div>` : nothing}`;
  }

  private summary(found: RuleDryRun): unknown {
    const days = Math.max(1, Math.round((found.to_ms - found.from_ms) / 86_400_000));
    return html`<p><strong>${w.would(found.count, days)}</strong> <span class="muted small">${w.read(found.facts)} ${found.reason}</span></p>`;
  }

  private lists(found: RuleDryRun): unknown {
    return html`
      ${found.firings.length
        ? html`<h3>${w.firedThen}</h3>${newest(found.firings.length, found.count)}
            ${[...found.firings].reverse().map((one) => this.row(one.at_ms, one.because, one.conditions))}`
        : nothing}
      <h3>${w.missedThen}</h3>
      <p class="small muted">${found.missed ? w.missedHelp(found.missed) : w.noMisses}</p>
      ${[...found.misses].reverse().map((one) => this.row(one.at_ms, `${one.what}: ${w.why[one.why] ?? one.why}`, one.conditions))}`;
  }

  private row(atMs: number, text: string, conditions: RuleCondition[]): unknown {
    return html`<details data-testid="rule-past-row"><summary><span class="num">${moment(atMs, this.now.ms)}</span> ${text}</summary>
      <ul>${conditions.map((one) => html`<li><span class="badge ${one.caused ? 'ok' : one.holds ? '' : 'warn'}">${one.caused ? w.met : one.holds ? w.held : w.notHeld}</span><span>${one.text}</span></li>`)}</ul>
    </details>`;
  }

  private async look(): Promise<void> {
    this.busy = true;
    this.problem = '';
    try {
      this.found = await api.tryRuleDraft(this.rule, this.days);
    } catch (error) {
      this.found = null;
      this.problem = asApiError(error).message || t.rules.failed;
    } finally {
      this.busy = false;
    }
  }
}

function newest(shown: number, of: number): unknown {
  return shown < of ? html`<p class="small muted">${w.newest(shown, of)}</p>` : nothing;
}
