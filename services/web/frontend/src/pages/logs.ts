import { css, html, LitElement, nothing } from 'lit';
import { customElement, query, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';

import { request } from '../api/client';
import { formStyles } from '../design/forms';
import { pageStyles, shared } from '../design/shared';
import { clockSeconds, fullMoment } from '../format';
import { chosenLines, LEVELS, type LogLine } from '../live/log-lines';
import { app, asApiError, WatchApp } from '../state/app-state';
import { t } from '../strings';
import '../components/icon';
import '../components/states';

const ASK_EVERY_MS = 1_500;
const KEPT = 2_000;
const SHOWN = 500;
const w = t.logWords;

interface Answer {
  lines: LogLine[];
  after: number;
  services: string[];
  lost: number;
}

/** The newest log lines of every service, followed while this page is looked at. */
@customElement('vg-logs')
export class LogsPage extends LitElement {
  static override styles = [
    shared,
    pageStyles,
    formStyles,
    css`
      form {
        margin-block: 0 var(--s3);
      }
      .lines {
        max-height: 70dvh;
        min-height: 12rem;
        overflow: auto;
        padding: var(--s3) var(--s4);
        font-size: var(--text-s);
      }
      li {
        display: grid;
        grid-template-columns: auto auto minmax(0, 1fr);
        gap: 0 var(--s3);
        padding-block: var(--s1);
        border-block-end: var(--border) solid var(--line);
        font-family: ui-monospace, 'Cascadia Mono', monospace;
      }
      li > span:last-child {
        overflow-wrap: anywhere;
        white-space: pre-wrap;
      }
      .from {
        color: var(--ink-2);
      }
      .ERROR,
      .CRITICAL {
        color: var(--danger);
      }
      .WARNING {
        color: var(--warn);
      }
      @media (max-width: 640px) {
        li {
          grid-template-columns: auto minmax(0, 1fr);
        }
        li > span:last-child {
          grid-column: 1 / -1;
        }
      }
      .foot {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        justify-content: space-between;
        gap: var(--s2) var(--s4);
        margin-block: var(--s3);
      }
    `,
  ];

  @state() private lines: LogLine[] = [];
  @state() private services: string[] = [];
  @state() private lost = 0;
  @state() private service = '';
  @state() private level = 'INFO';
  @state() private search = '';
  @state() private follow = true;
  @state() private problem = '';
  @state() private asked = false;
  @query('.lines') private readonly list!: HTMLElement | null;
  private seen = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    new WatchApp(this);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void this.ask();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.timer);
  }

  private async ask(): Promise<void> {
    if (document.visibilityState === 'visible' && app.session?.role === 'admin') {
      try {
        const answer = await request<Answer>('POST', '/api/v1/logs', { after: this.seen });
        this.seen = answer.after;
        this.services = answer.services;
        this.lost = answer.lost;
        if (answer.lines.length) this.lines = [...this.lines, ...answer.lines].sort((a, b) => a.ts_ms - b.ts_ms).slice(-KEPT);
        this.problem = '';
        this.asked = true;
      } catch (error) {
        this.problem = asApiError(error).message || t.app.loadFailedHelp;
      }
    }
    clearTimeout(this.timer);
    if (this.isConnected) this.timer = setTimeout(() => void this.ask(), ASK_EVERY_MS);
  }

  override updated(): void {
    if (this.follow && this.list) this.list.scrollTop = this.list.scrollHeight;
  }

  override render(): unknown {
    if (app.session && app.session.role !== 'admin') return html`<vg-message whole icon="info" heading=${w.title} text=${w.onlyAdmins}></vg-message>`;
    const found = chosenLines(this.lines, this.service, this.level, this.search);
    const file = `/api/v1/logs/file?${new URLSearchParams({ service: this.service, level: this.level }).toString()}`;
    return html`<a class="back" href="/system"><vg-icon name="left"></vg-icon>${t.nav.system}</a>
      <header class="page-head"><div><h1>${w.title}</h1><p>${w.help}</p></div></header>
      <section class="card" aria-label=${w.title}>
        <form @submit=${(event: Event) => event.preventDefault()}>
          <label class="field">${w.service}<select data-testid="log-service" @change=${(event: Event) => (this.service = (event.target as HTMLSelectElement).value)}>
            <option value="">${w.all}</option>${this.services.map((name) => html`<option value=${name} ?selected=${name === this.service}>${name}</option>`)}
          </select></label>
          <label class="field">${w.level}<select data-testid="log-level" @change=${(event: Event) => (this.level = (event.target as HTMLSelectElement).value)}>
            ${LEVELS.map((name) => html`<option value=${name} ?selected=${name === this.level}>${w.levels[name] ?? name}</option>`)}
          </select></label>
          <label class="field">${w.search}<input type="search" autocomplete="off" .value=${this.search} @input=${(event: Event) => (this.search = (event.target as HTMLInputElement).value)} /></label>
          <label class="check"><input type="checkbox" .checked=${this.follow} @change=${() => (this.follow = !this.follow)} />${w.follow}</label>
        </form>
        <p class="problem" role="alert">${this.problem ? `${w.failed}: ${this.problem}` : ''}</p>
      </section>
      <div class="foot"><span class="num" role="status" aria-live="off">${this.asked && this.lines.length ? w.shown(found.length, this.lines.length) : this.problem ? '' : w.waiting}</span>
        <a class="button" href=${file} download data-testid="log-save"><vg-icon name="download"></vg-icon>${w.save}</a></div>
      <div class="card lines" tabindex="0" role="region" aria-label=${w.list} data-testid="log-lines">
        ${found.length ? html`<ol>${repeat(found.slice(-SHOWN), (line) => line.n, (line) => row(line))}</ol>` : html`<p class="muted">${this.lines.length ? w.none : w.waiting}</p>`}
      </div>
      ${this.lost ? html`<p class="small muted">${w.lost(this.lost)}</p>` : nothing}
      <p class="small muted">${w.bounded}</p>`;
  }
}

function row(line: LogLine): unknown {
  return html`<li data-testid="log-line" data-service=${line.service}><span class="num" title=${fullMoment(line.ts_ms)}>${clockSeconds(line.ts_ms)}</span>
    <span class="from">${line.service}</span><span class=${line.level}>${line.level} ${line.text}</span></li>`;
}
