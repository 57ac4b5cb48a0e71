import { html, LitElement, nothing, svg } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';

import { api } from '../api/client';
import type { MotionLook, MotionSettings, MotionZone, ObjectLine } from '../api/types';
import { shared } from '../design/shared';
import { cornersText, graph, keepLooks, readCorners, tomlLines, type Corner } from '../live/tuning';
import { asApiError } from '../state/app-state';
import { decimal } from '../format';
import { t } from '../strings';
import './line-editor';
import { tuneStyles } from './tune-panel.styles';

const ASK_EVERY_MS = 500;
const WIDTH = 600;
const HEIGHT = 80;

/** What the page draws over the picture. */
export interface TuneView {
  look: MotionLook | null;
  zones: readonly MotionZone[];
  lines: readonly ObjectLine[];
  resolution: readonly [number, number];
  corners: readonly Corner[];
  drawing: boolean;
}

/** The motion detector of one camera, live: score over time, why not, thresholds and zones. */
@customElement('vg-tune-panel')
export class TunePanel extends LitElement {
  static override styles = [shared, tuneStyles];

  @property() camera = '';
  @state() private looks: MotionLook[] = [];
  @state() private settings: MotionSettings | null = null;
  @state() private problem = '';
  @state() private saved = '';
  @state() private busy = false;
  /** The zone whose corners are being set in the picture. */
  @state() private drawn = -1;
  @state() private drawnLine = -1;
  private corners: Corner[] = [];
  private seenUpTo = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    void this.load();
    void this.ask();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.timer);
  }

  /** A click in the picture while a zone is drawn. */
  corner(at: Corner): void {
    if (this.drawnLine >= 0) this.pointOfLine(at);
    if (this.drawn < 0) return;
    this.corners = [...this.corners, at];
    if (this.corners.length >= 3) this.zone(this.drawn, { polygon: this.corners });
    this.show();
  }

  private pointOfLine(at: Corner): void {
    const [start] = this.corners;
    this.corners = start ? [] : [at];
    if (start) {
      this.change({ lines: (this.settings?.lines ?? []).map((line, n) => (n === this.drawnLine ? { ...line, start, end: at } : line)) });
      this.drawnLine = -1;
    }
    this.show();
  }

  private async load(): Promise<void> {
    try {
      this.settings = await api.motion(this.camera);
      this.show();
    } catch (error) {
      this.problem = t.tune.failed(asApiError(error).message);
    }
  }

  private async ask(): Promise<void> {
    if (document.visibilityState === 'visible') {
      try {
        const answer = await api.tune(this.camera, this.seenUpTo);
        this.seenUpTo = answer.after;
        this.looks = keepLooks(this.looks, answer.looks);
        if (answer.looks.length) this.show();
      } catch (error) {
        this.problem = t.tune.failed(asApiError(error).message);
      }
    }
    if (this.isConnected) this.timer = setTimeout(() => void this.ask(), ASK_EVERY_MS);
  }

  private show(): void {
    const detail: TuneView = {
      look: this.looks.at(-1) ?? null,
      zones: this.settings?.zones ?? [],
      lines: this.settings?.lines ?? [],
      resolution: this.settings?.resolution_motion ?? [640, 360],
      corners: this.corners,
      drawing: this.drawn >= 0 || this.drawnLine >= 0,
    };
    this.dispatchEvent(new CustomEvent<TuneView>('tune-view', { detail }));
  }

  override render(): unknown {
    return html`<section class="card" aria-labelledby="tune" data-testid="tune-panel">
      <h2 id="tune">${t.tune.title}</h2>
      ${this.now()} ${this.curve()} ${this.settings ? this.form(this.settings) : nothing}
      <p class="error" role="alert">${this.problem}</p>
      <p role="status">${this.saved}</p>
    </section>`;
  }

  private now(): unknown {
    const look = this.looks.at(-1);
    if (!look) return html`<p class="muted" role="status">${t.tune.waiting}</p>`;
    const counts = Object.entries(look.rejections).filter(([, count]) => count > 0);
    return html`<div class="now num" data-testid="tune-now">
        <span class="badge ${look.phase === 'idle' ? '' : 'ok'}">${t.tune.phase[look.phase] ?? look.phase}</span>
        <span>${t.tune.score(decimal(look.score * 100, 2), look.area_px)}</span>
        ${look.zones.length ? html`<span>${look.zones.join(', ')}</span>` : nothing}
        ${look.rejected ? html`<span class="badge warn">${t.tune.reason[look.rejected] ?? look.rejected}</span>` : nothing}
        ${look.blind ? html`<span class="badge warn">${t.tune.blind}</span>` : nothing}
      </div>
      ${counts.length
        ? html`<p class="small muted" data-testid="tune-rejections">
            ${t.tune.rejected}
            ${counts.map(([name, count]) => `${t.tune.reason[name.replace('rejected_', '')] ?? name} ${count}`).join(' · ')}
          </p>`
        : nothing}`;
  }

  private curve(): unknown {
    const settings = this.settings;
    const [width, height] = settings?.resolution_motion ?? [640, 360];
    const limit = (settings?.motion_min_area_px ?? 500) / (width * height);
    const { line, limitY, top, hits } = graph(this.looks, limit, WIDTH, HEIGHT);
    return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label=${t.tune.curve(decimal(top * 100))}>
      ${hits.map((hit) => svg`<rect x=${hit.x} y="0" width=${hit.width} height=${HEIGHT}></rect>`)}
      ${svg`<line x1="0" x2=${WIDTH} y1=${limitY} y2=${limitY}></line><polyline points=${line}></polyline>`}
    </svg>`;
  }

  private form(settings: MotionSettings): unknown {
    return html`<form @submit=${this.save}>
      <label>
        ${t.tune.sensitivity(decimal(settings.motion_sensitivity, 2))}
        <input
          type="range"
          name="sensitivity"
          min="0"
          max="1"
          step="0.05"
          .value=${String(settings.motion_sensitivity)}
          @input=${(e: Event) => this.change({ motion_sensitivity: Number((e.target as HTMLInputElement).value) })}
        />
      </label>
      <label>
        ${t.tune.minArea}
        <input
          type="number"
          name="min-area"
          min="0"
          step="1"
          required
          .value=${String(settings.motion_min_area_px)}
          @change=${(e: Event) => this.change({ motion_min_area_px: Math.round(Number((e.target as HTMLInputElement).value)) })}
        />
      </label>
      <fieldset>
        <legend>${t.tune.zones}</legend>
        ${settings.motion_zones.length ? html`<p class="small muted">${t.tune.unnamed(settings.motion_zones.length)}</p>` : nothing}
        ${settings.zones.map((zone, at) => this.zoneRow(zone, at))}
        <button type="button" data-testid="zone-add" @click=${this.add}>${t.tune.add}</button>
      </fieldset>
      <vg-line-editor
        .lines=${settings.lines}
        .drawn=${this.drawnLine}
        @lines=${(e: CustomEvent<ObjectLine[]>) => this.change({ lines: e.detail })}
        @draw=${(e: CustomEvent<number>) => this.draw(-1, e.detail)}
      ></vg-line-editor>
      <div class="row wrap">
        <button type="submit" class="primary" data-testid="tune-save" ?disabled=${this.busy}>${t.tune.save}</button>
      </div>
      <details>
        <summary>${t.tune.toml}</summary>
        <pre>${tomlLines(settings)}</pre>
      </details>
    </form>`;
  }

  private zoneRow(zone: MotionZone, at: number): unknown {
    const drawing = this.drawn === at;
    return html`<div class="zone">
      <input
        aria-label=${t.tune.zoneName}
        maxlength="64"
        required
        .value=${zone.name}
        @change=${(e: Event) => this.zone(at, { name: (e.target as HTMLInputElement).value })}
      />
      <select
        aria-label=${t.tune.zoneMode}
        .value=${zone.mode}
        @change=${(e: Event) => this.zone(at, this.moded((e.target as HTMLSelectElement).value))}
      >
        <option value="include" ?selected=${zone.mode === 'include'}>${t.tune.include}</option>
        <option value="exclude" ?selected=${zone.mode === 'exclude'}>${t.tune.exclude}</option>
        <option value="mask" ?selected=${zone.mode === 'mask'}>${t.tune.mask}</option>
      </select>
      <input
        aria-label=${t.tune.corners}
        title=${t.tune.corners}
        .value=${cornersText(zone.polygon)}
        @change=${(e: Event) => this.typed(at, e.target as HTMLInputElement)}
      />
      ${zone.mode === 'mask' ? this.classes(zone, at) : nothing}
      <span class="row wrap">
        <button type="button" aria-pressed=${drawing} @click=${() => this.draw(drawing ? -1 : at)}>
          ${drawing ? t.tune.drawn : t.tune.draw}
        </button>
        <button type="button" class="quiet" @click=${() => this.drop(at)}>${t.tune.remove}</button>
      </span>
    </div>`;
  }

  private classes(zone: MotionZone, at: number): unknown {
    return html`<input
      aria-label=${t.tune.maskClasses}
      title=${t.tune.maskClasses}
      placeholder=${t.tune.maskAll}
      .value=${(zone.classes ?? []).join(', ')}
      @change=${(e: Event) => this.zone(at, { classes: words((e.target as HTMLInputElement).value) })}
    />`;
  }

  private moded(value: string): Partial<MotionZone> {
    return value === 'mask' ? { mode: 'mask' } : { mode: value === 'exclude' ? 'exclude' : 'include', classes: [] };
  }

  private change(changes: Partial<MotionSettings>): void {
    if (!this.settings) return;
    this.settings = { ...this.settings, ...changes };
    this.saved = '';
    this.show();
  }

  private zone(at: number, changes: Partial<MotionZone>): void {
    this.change({ zones: (this.settings?.zones ?? []).map((zone, n) => (n === at ? { ...zone, ...changes } : zone)) });
  }

  private typed(at: number, input: HTMLInputElement): void {
    const polygon = readCorners(input.value);
    input.setCustomValidity(polygon ? '' : t.tune.badCorners);
    input.reportValidity();
    if (polygon) this.zone(at, { polygon });
  }

  private draw(at: number, line = -1): void {
    this.drawn = at;
    this.drawnLine = line;
    this.corners = [];
    this.show();
  }

  private readonly add = (): void => {
    const zones = this.settings?.zones ?? [];
    const zone: MotionZone = {
      name: t.tune.newZone(zones.length + 1),
      mode: 'include',
      polygon: [
        [0.25, 0.25],
        [0.75, 0.25],
        [0.75, 0.75],
        [0.25, 0.75],
      ],
    };
    this.change({ zones: [...zones, zone] });
    this.draw(zones.length);
  };

  private drop(at: number): void {
    this.draw(-1);
    this.change({ zones: (this.settings?.zones ?? []).filter((_, n) => n !== at) });
  }

  private readonly save = (event: Event): void => {
    event.preventDefault();
    void this.send();
  };

  private async send(): Promise<void> {
    if (!this.settings) return;
    this.busy = true;
    this.problem = this.saved = '';
    this.draw(-1);
    try {
      this.settings = await api.changeMotion(this.camera, this.settings);
      this.saved = t.tune.saved;
      this.show();
    } catch (error) {
      const failed = asApiError(error);
      this.problem = failed.status === 409 ? t.tune.stale : t.tune.notSaved(failed.message);
    } finally {
      this.busy = false;
    }
  }
}

function words(text: string): string[] {
  return text
    .toLowerCase()
    .split(',')
    .map((word) => word.trim())
    .filter(Boolean);
}
