import { css, html, LitElement, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';

import type { Finding, Severity } from '../api/types';
import { shared } from '../design/shared';
import { moment } from '../format';
import { app } from '../state/app-state';
import { t } from '../strings';
import './icon';

const ORDER: Record<Severity, number> = { critical: 0, alert: 1, info: 2 };

/** Where in the page a cure is; only for who may go there. */
const CURED_AT: Record<string, { path: string; words: () => string }> = {
  pin_not_configured: { path: '/security', words: () => t.system.setPin },
  no_push_devices: { path: '/alerts', words: () => t.system.turnOnPush },
  push_unproven: { path: '/alerts', words: () => t.system.turnOnPush },
};

/** What is wrong or weak, each with its cure, worst first. */
@customElement('vg-findings')
export class Findings extends LitElement {
  static override styles = [
    shared,
    css`
      ul {
        display: grid;
        gap: var(--s2);
      }
      li {
        display: grid;
        grid-template-columns: auto minmax(0, 1fr);
        gap: var(--s1) var(--s3);
        padding: var(--s3) var(--s4);
        border-radius: var(--radius-m);
        background: var(--surface);
        border: var(--border) solid var(--line);
      }
      li.alert {
        background: var(--warn-soft);
        border-color: transparent;
      }
      li.critical {
        background: var(--danger-soft);
        border-color: transparent;
      }
      .alert vg-icon {
        color: var(--warn);
      }
      .critical vg-icon {
        color: var(--danger);
      }
      h3 {
        font-size: var(--text-m);
        font-weight: var(--weight-strong);
        overflow-wrap: anywhere;
      }
      .cure {
        color: var(--ink-2);
        font-size: var(--text-s);
        overflow-wrap: anywhere;
      }
      .where {
        color: var(--ink-2);
        font-size: var(--text-xs);
      }
      @media (min-width: 760px) {
        li > div {
          display: grid;
          grid-template-columns: minmax(0, 1fr) auto;
          column-gap: var(--s4);
        }
        .cure {
          grid-row: 2;
        }
        .where {
          grid-area: 1 / 2;
          align-self: center;
        }
      }
    `,
  ];

  @property({ attribute: false }) findings: readonly Finding[] = [];

  override render(): unknown {
    const sorted = [...this.findings].sort((a, b) => ORDER[a.severity] - ORDER[b.severity] || a.since_ms - b.since_ms);
    return html`<ul>
      ${sorted.map(
        (finding) => html`<li class=${finding.severity} data-testid="finding" data-code=${finding.code}>
          <vg-icon name=${finding.severity === 'info' ? 'info' : 'alarm'}></vg-icon>
          <div>
            <h3>
              <span class="visually-hidden">${t.events.severityName[finding.severity]}: </span>${finding.title}
            </h3>
            ${finding.cure ? html`<p class="cure">${finding.cure}${this.way(finding)}</p>` : nothing}
            <p class="where num">
              ${[finding.subject, finding.since_ms ? t.time.since(moment(finding.since_ms, Date.now())) : ''].filter(Boolean).join(' · ')}
            </p>
          </div>
        </li>`,
      )}
    </ul>`;
  }

  private way(finding: Finding): unknown {
    const found = CURED_AT[finding.code];
    return found && app.session?.role === 'admin' ? html` <a href=${found.path}>${found.words()}</a>` : nothing;
  }
}
