import { css, html, LitElement, nothing } from 'lit';
import { customElement, query, state } from 'lit/decorators.js';

import { footageApi, type Verification, type VerificationResult } from '../api/footage';
import { formStyles } from '../design/forms';
import { shared } from '../design/shared';
import { bytes, dayRange, duration, moment } from '../format';
import { field } from '../form';
import { app, asApiError, WatchApp } from '../state/app-state';
import { Now } from '../state/now';
import { Polled } from '../state/polled';
import './export-dialog';
import type { ExportDialog } from './export-dialog';
import { wallMs, wallText } from '../live/timescale';
import { t } from '../strings';

const ASK_EVERY_MS = 1_500;
const HOUR_MS = 3_600_000;
const w = t.footage.proof;

/** Verify the recordings: started here, watched with a bar, told with what was checked. And the export of a time with proof. */
@customElement('vg-verify-card')
export class VerifyCard extends LitElement {
  static override styles = [
    shared,
    formStyles,
    css`
      section + section {
        margin-block-start: var(--s4);
      }
      h3 {
        font-size: var(--text-m);
      }
      progress {
        width: 100%;
        height: 0.75rem;
        accent-color: var(--accent);
      }
      .run {
        display: grid;
        gap: var(--s2);
        margin-block-start: var(--s4);
      }
      .one {
        padding-block: var(--s3);
        border-block-start: var(--border) solid var(--line);
      }
      .one p {
        overflow-wrap: anywhere;
      }
      details li {
        padding-block: var(--s1);
        font-size: var(--text-s);
        overflow-wrap: anywhere;
      }
      summary {
        min-height: var(--tap);
        padding-block: var(--s2);
        cursor: pointer;
      }
      label.tick {
        display: inline-flex;
        align-items: center;
        gap: var(--s2);
        min-height: var(--tap);
        grid-column: 1 / -1;
      }
      label.tick input {
        width: 1.25rem;
        min-height: 1.25rem;
        accent-color: var(--accent);
      }
    `,
  ];

  @state() private error = '';
  @state() private exportError = '';
  @query('vg-export-dialog') private readonly dialog!: ExportDialog;
  private readonly now = new Now(this, 30_000);
  private readonly polled = new Polled<Verification[]>(this, async () => (await footageApi.verifications()).items, ASK_EVERY_MS);

  constructor() {
    super();
    new WatchApp(this);
  }

  override render(): unknown {
    const items = this.polled.value ?? [];
    const running = items.find((one) => one.state === 'running');
    return html`<section class="card" aria-labelledby="verify">
        <h2 id="verify">${w.title}</h2><p>${w.help}</p>
        ${running ? this.running(running) : this.form()}
        <p class="problem" role="alert">${this.error || (this.polled.failed ? w.failed : '')}</p>
        <h3>${w.last}</h3>
        ${items.length > (running ? 1 : 0) ? nothing : html`<p class="muted">${w.none}</p>`}
        ${items.filter((one) => one.state !== 'running').map((one) => this.one(one))}
      </section>
      <section class="card" aria-labelledby="export">
        <h2 id="export">${w.export}</h2><p>${w.exportHelp}</p>
        <form @submit=${this.export}>
          ${this.cameraChoice(false)}
          <label class="field">${t.footage.from}<input type="datetime-local" name="from" step="1" required .value=${wallText(this.now.ms - HOUR_MS)} /></label>
          <label class="field">${t.footage.to}<input type="datetime-local" name="to" step="1" required .value=${wallText(this.now.ms)} /></label>
          <div class="actions"><button type="submit" class="primary" data-testid="export-span">${t.exports.open}</button></div>
        </form>
        <p class="problem" role="alert">${this.exportError}</p>
        <vg-export-dialog></vg-export-dialog>
      </section>`;
  }

  private cameraChoice(all: boolean): unknown {
    const cameras = app.cameras.status === 'ready' ? app.cameras.value : [];
    return html`<label class="field">${t.footage.camera}<select name="camera">
      ${all ? html`<option value="">${t.footage.allCameras}</option>` : nothing}
      ${cameras.map((one) => html`<option value=${one.id}>${one.name}</option>`)}
    </select></label>`;
  }

  private form(): unknown {
    return html`<form @submit=${this.start}>
      ${this.cameraChoice(true)}
      <label class="field">${w.since}<input type="date" name="from" /></label>
      <label class="tick"><input type="checkbox" name="quick" />${w.quick}</label>
      <div class="actions"><button type="submit" class="primary" data-testid="verify-start">${w.start}</button></div>
    </form>`;
  }

  private running(one: Verification): unknown {
    const text = w.running(one.progress_pct, bytes(one.done_bytes), bytes(one.total_bytes));
    return html`<div class="run" data-testid="verify-running"><p role="status">${text}</p>
      <progress max="100" .value=${one.progress_pct} aria-label=${text}></progress>
      <p><button type="button" @click=${() => void this.tell(footageApi.cancel(one.id))}>${w.cancel}</button></p></div>`;
  }

  private one(one: Verification): unknown {
    const tone = !one.result ? '' : one.result.exit_code === 0 ? 'ok' : one.result.exit_code === 3 ? 'bad' : 'warn';
    const told = one.result ? (one.result.exit_code === 0 ? w.good : one.result.exit_code === 3 ? w.bad : w.unchecked) : `${w.state[one.state] ?? one.state}${one.error ? `: ${one.error}` : ''}`;
    const facts = [w.by(one.actor, moment(one.created_ms, this.now.ms)), one.camera_id ? w.of(app.camera(one.camera_id)?.name ?? one.camera_id) : '', one.ended_ms ? w.took(duration(one.ended_ms - one.created_ms)) : ''];
    return html`<div class="one" data-testid="verification" data-state=${one.state} data-code=${one.result?.exit_code ?? ''}>
      <p><span class="badge ${tone}">${told}</span> <span class="muted small num">${facts.filter(Boolean).join(', ')}</span></p>
      ${one.result ? this.result(one.result) : nothing}
    </div>`;
  }

  private result(result: VerificationResult): unknown {
    const files = Object.values(result.counts).reduce((sum, n) => sum + n, 0);
    const counts = Object.entries(result.counts).map(([name, n]) => `${n} ${w.counts[name] ?? name}`);
    const more = [result.deleted ? w.deleted(result.deleted) : '', result.not_encrypted ? w.plain(result.not_encrypted) : ''];
    const found = [...result.ledger.problems, ...result.ledger.unchecked];
    return html`<p class="num">${w.checked(files, bytes(result.bytes))}: ${[...counts, ...more].filter(Boolean).join('; ')}.</p>
      <p class="muted small num">${w.ledger(result.ledger.entries, result.ledger.checkpoints)}</p>
      ${found.length || result.files.length
        ? html`<details><summary>${w.found}</summary><ul>
            ${found.map((text) => html`<li>${text}</li>`)}
            ${result.files.map((file) => html`<li><span class="badge">${w.counts[file.state] ?? file.state}</span> ${file.from_ms ? moment(file.from_ms, this.now.ms) : ''} ${app.camera(file.camera_id)?.name ?? file.camera_id} <code>${file.path || file.id}</code> ${file.detail}</li>`)}
          </ul></details>`
        : nothing}`;
  }

  private readonly start = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    const camera = field(form, 'camera');
    const from = dayRange(field(form, 'from'))?.fromMs;
    const wish = { quick: form.has('quick'), ...(camera ? { camera_id: camera } : {}), ...(from === undefined ? {} : { from_ms: from }) };
    void this.tell(footageApi.verify(wish));
  };

  private readonly export = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    const from = wallMs(field(form, 'from'));
    const to = wallMs(field(form, 'to'));
    this.exportError = from !== null && to !== null && from < to ? '' : `${t.footage.from} < ${t.footage.to}`;
    if (from !== null && to !== null && from < to) this.dialog.openSpan(field(form, 'camera'), from, to);
  };

  private async tell(wish: Promise<unknown>): Promise<void> {
    this.error = '';
    try {
      await wish;
    } catch (error) {
      this.error = asApiError(error).message || t.app.loadFailedHelp;
    }
    await this.polled.refresh();
  }
}
