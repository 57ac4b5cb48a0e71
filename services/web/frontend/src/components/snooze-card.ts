import { css, html, LitElement, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';

import type { Snooze } from '../api/alerts';
import { api } from '../api/client';
import { shared } from '../design/shared';
import { duration } from '../format';
import { app, asApiError, WatchApp } from '../state/app-state';
import { Now } from '../state/now';
import { t } from '../strings';

const CHOICES_S = [900, 3600, 4 * 3600, 12 * 3600];
const ALL = '';

/** Holds alerts back for a while, of one camera or of all; critical ones are told all the same. */
@customElement('vg-snooze-card')
export class SnoozeCard extends LitElement {
  static override styles = [
    shared,
    css`
      section {
        padding: var(--s4) var(--s5) var(--s5);
      }
      p {
        margin-block-start: var(--s2);
        color: var(--ink-2);
        text-wrap: pretty;
      }
      form,
      li {
        display: flex;
        flex-wrap: wrap;
        gap: var(--s2) var(--s3);
        align-items: end;
        margin-block-start: var(--s3);
      }
      li {
        align-items: center;
        justify-content: space-between;
      }
      label {
        display: grid;
        gap: var(--s1);
        flex: 1 1 8rem;
        min-width: 0;
        font-size: var(--text-s);
        color: var(--ink-2);
      }
      select {
        width: 100%;
        color: var(--ink);
      }
      .result {
        font-size: var(--text-s);
      }
      .problem {
        color: var(--danger);
      }
    `,
  ];

  @property({ attribute: false }) snoozes: Snooze[] = [];
  @state() private camera = ALL;
  @state() private seconds = 3600;
  @state() private busy = false;
  @state() private said = '';
  @state() private problem = '';
  private readonly now = new Now(this, 5_000);

  constructor() {
    super();
    new WatchApp(this);
  }

  override render(): unknown {
    const cameras = app.cameras.status === 'ready' ? app.cameras.value : [];
    const active = this.snoozes.filter((one) => one.until_ms > this.now.ms);
    return html`<section class="card" aria-labelledby="snooze" data-testid="snooze-card">
      <h2 id="snooze">${t.snooze.title}</h2>
      <p>${t.snooze.help}</p>
      ${active.length
        ? html`<ul>
            ${active.map(
              (one) => html`<li data-testid="snoozed" data-camera=${one.camera_id ?? ''}>
                <span>${t.snooze.holds(this.nameOf(one.camera_id), duration(one.until_ms - this.now.ms), one.by)}</span>
                <button type="button" ?disabled=${this.busy} aria-label=${t.snooze.endOf(this.nameOf(one.camera_id))} @click=${() => void this.end(one)}>
                  ${t.snooze.end}
                </button>
              </li>`,
            )}
          </ul>`
        : nothing}
      <form @submit=${(event: Event) => void this.start(event)}>
        <label>
          ${t.snooze.what}
          <select data-testid="snooze-camera" @change=${(event: Event) => (this.camera = (event.target as HTMLSelectElement).value)}>
            <option value=${ALL}>${t.snooze.all}</option>
            ${cameras.map((camera) => html`<option value=${camera.id}>${camera.name}</option>`)}
          </select>
        </label>
        <label>
          ${t.snooze.long}
          <select data-testid="snooze-time" @change=${(event: Event) => (this.seconds = Number((event.target as HTMLSelectElement).value))}>
            ${CHOICES_S.map((s) => html`<option value=${s} ?selected=${s === this.seconds}>${duration(s * 1000)}</option>`)}
          </select>
        </label>
        <button type="submit" data-testid="snooze-start" ?disabled=${this.busy}>${t.snooze.start}</button>
      </form>
      <p class="result ${this.problem ? 'problem' : ''}" role="status">${this.problem || this.said}</p>
    </section>`;
  }

  private nameOf(cameraId: string | null): string {
    return cameraId === null ? t.snooze.all : (app.camera(cameraId)?.name ?? cameraId);
  }

  private async start(event: Event): Promise<void> {
    event.preventDefault();
    await this.send(() => api.snooze(this.camera || null, this.seconds));
  }

  private end(one: Snooze): Promise<void> {
    return this.send(() => api.unsnooze(one.camera_id));
  }

  private async send(request: () => Promise<{ message: string; snoozes: Snooze[] }>): Promise<void> {
    this.busy = true;
    this.problem = '';
    try {
      const { message, snoozes } = await request();
      this.said = message;
      this.snoozes = snoozes;
      this.dispatchEvent(new CustomEvent<Snooze[]>('snoozes', { detail: snoozes }));
    } catch (error) {
      this.problem = asApiError(error).message || t.alerts.failed;
    }
    this.busy = false;
  }
}
