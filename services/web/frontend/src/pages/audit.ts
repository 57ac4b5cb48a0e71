import { css, html, LitElement, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';

import { peopleApi, type AuditRow, type Person } from '../api/people';
import '../components/more';
import { failure } from '../components/states';
import { formStyles } from '../design/forms';
import { pageStyles, shared } from '../design/shared';
import { moment } from '../format';
import { Paged } from '../state/paged';
import { Now } from '../state/now';
import { people as words } from '../strings/people';
import { t } from '../strings';

const w = words.audit;
const TONES: Record<string, string> = { done: 'ok', refused: 'warn', failed: 'bad' };

/** Who did what, when and from where. */
@customElement('vg-audit')
export class AuditPage extends LitElement {
  static override styles = [
    shared,
    pageStyles,
    formStyles,
    css`
      form {
        margin-block: 0 var(--s4);
      }
    `,
  ];

  @state() private account = '';
  @state() private outcome = '';
  @state() private search = '';
  @state() private people: Person[] = [];
  @state() private lost = 0;
  private readonly now = new Now(this, 30_000);
  private readonly list = new Paged<AuditRow>(
    async (cursor) => {
      const page = await peopleApi.audit({ account: this.account, outcome: this.outcome, cursor });
      this.lost = page.lost;
      return page;
    },
    (row) => row.id,
    () => this.requestUpdate(),
  );

  override connectedCallback(): void {
    super.connectedCallback();
    void this.list.restart();
    void this.loadPeople();
  }

  private async loadPeople(): Promise<void> {
    try {
      this.people = (await peopleApi.people()).items;
    } catch {
      this.people = []; // the log itself says what is wrong
    }
  }

  override render(): unknown {
    return html`<a class="back" href="/system"><vg-icon name="left"></vg-icon>${t.nav.system}</a>
      <header class="page-head"><div><h1>${w.title}</h1><p>${w.help}</p></div></header>
      ${this.lost ? html`<p class="problem" role="alert">${w.lost(this.lost)}</p>` : nothing}
      <section class="card">
        <form @submit=${(event: Event) => event.preventDefault()}>
          <label class="field">${w.who}
            <select @change=${(event: Event) => this.filter('account', event)}>
              <option value="">${w.anybody}</option>
              ${this.people.map((person) => html`<option value=${person.id}>${person.name}</option>`)}
            </select>
          </label>
          <label class="field">${w.outcome}
            <select @change=${(event: Event) => this.filter('outcome', event)}>
              <option value="">${w.any}</option>
              ${Object.entries(w.outcomes).map(([value, name]) => html`<option value=${value}>${name}</option>`)}
            </select>
          </label>
          <label class="field">${w.search}
            <input type="search" placeholder=${w.searchHelp} @input=${(event: Event) => (this.search = (event.target as HTMLInputElement).value)} />
          </label>
        </form>
        ${this.rows()}
      </section>`;
  }

  private filter(name: 'account' | 'outcome', event: Event): void {
    const { value } = event.target as HTMLSelectElement;
    if (name === 'account') this.account = value;
    else this.outcome = value;
    void this.list.restart();
  }

  private rows(): unknown {
    const { items, loading, ended, error, loadedOnce } = this.list;
    if (error && !items.length) return failure(w.failed, error, () => void this.list.restart());
    if (!loadedOnce && !items.length) return html`<div class="skeleton tall" aria-busy="true"></div>`;
    const found = items.filter((row) => matches(row, this.search));
    return html`${found.length
        ? html`<ul class="rows">${found.map((row) => this.row(row))}</ul>`
        : html`<vg-message icon="info" heading=${w.none} text=${w.noneHelp}></vg-message>`}
      ${error
        ? failure(w.failed, error, () => void this.list.more())
        : ended
          ? nothing
          : html`<vg-more ?busy=${loading} @more=${() => void this.list.more()}></vg-more>`}`;
  }

  private row(row: AuditRow): unknown {
    const facts = [moment(row.ts_ms, this.now.ms), row.address, row.device, w.by[row.method] ?? row.method, row.detail];
    return html`<li data-testid="audit-row" data-action=${row.action}>
      <span><span class="name">${row.actor || w.nobody}</span> ${w.actions[row.action] ?? row.action} ${row.subject ? html`<span class="muted">${row.subject}</span>` : nothing}<br />
        <span class="muted small num">${facts.filter(Boolean).join(' · ')}</span></span>
      <span class="badge ${TONES[row.outcome] ?? ''}">${w.outcomes[row.outcome] ?? row.outcome}</span>
    </li>`;
  }
}

function matches(row: AuditRow, search: string): boolean {
  const whole = [row.actor, row.action, w.actions[row.action], row.subject, row.address, row.device, row.detail].join(' ').toLowerCase();
  return search.toLowerCase().split(/\s+/).every((word) => whole.includes(word));
}
