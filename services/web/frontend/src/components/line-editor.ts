import { css, html, LitElement, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';

import type { ObjectLine } from '../api/types';
import { shared } from '../design/shared';
import { cornersText, readPoints } from '../live/tuning';
import { t } from '../strings';

/** Lines that people and vehicles cross: named, turned round, drawn in the picture or typed. */
@customElement('vg-line-editor')
export class LineEditor extends LitElement {
  static override styles = [
    shared,
    css`
      .line {
        display: grid;
        grid-template-columns: minmax(0, 1fr) minmax(0, 1fr);
        gap: var(--s2);
        align-items: center;
        margin-block-end: var(--s2);
      }
      input {
        min-width: 0;
        width: 100%;
      }
      .row {
        grid-column: 1 / -1;
      }
    `,
  ];

  @property({ attribute: false }) lines: readonly ObjectLine[] = [];
  /** The line that is drawn now; −1: none. */
  @property({ type: Number }) drawn = -1;

  override render(): unknown {
    return html`<fieldset>
      <legend>${t.lines.title}</legend>
      <p class="small muted">${t.lines.help}</p>
      ${this.lines.map((line, at) => this.line(line, at))}
      <button type="button" data-testid="line-add" @click=${this.add}>${t.lines.add}</button>
    </fieldset>`;
  }

  private line(line: ObjectLine, at: number): unknown {
    const drawing = this.drawn === at;
    return html`<div class="line">
      <input
        aria-label=${t.lines.name}
        maxlength="64"
        required
        .value=${line.name}
        @change=${(e: Event) => this.change(at, { name: (e.target as HTMLInputElement).value })}
      />
      <input
        aria-label=${t.lines.points}
        title=${t.lines.points}
        .value=${cornersText([line.start, line.end])}
        @change=${(e: Event) => this.typed(at, e.target as HTMLInputElement)}
      />
      <span class="row wrap">
        <button type="button" aria-pressed=${drawing} @click=${() => this.draw(drawing ? -1 : at)}>${drawing ? t.lines.drawing : t.tune.draw}</button>
        <button type="button" class="quiet" @click=${() => this.change(at, { start: line.end, end: line.start })}>${t.lines.turn}</button>
        <button type="button" class="quiet" @click=${() => this.drop(at)}>${t.tune.remove}</button>
        ${drawing ? html`<span class="small muted" role="status">${t.lines.drawHelp}</span>` : nothing}
      </span>
    </div>`;
  }

  private typed(at: number, input: HTMLInputElement): void {
    const points = readPoints(input.value);
    const [start, end] = points ?? [];
    const good = start && end && points?.length === 2;
    input.setCustomValidity(good ? '' : t.lines.bad);
    input.reportValidity();
    if (good) this.change(at, { start, end });
  }

  private readonly add = (): void => {
    const line: ObjectLine = { name: t.lines.fresh(this.lines.length + 1), start: [0.2, 0.6], end: [0.8, 0.6] };
    this.tell([...this.lines, line]);
    this.draw(this.lines.length);
  };

  private drop(at: number): void {
    this.draw(-1);
    this.tell(this.lines.filter((_, n) => n !== at));
  }

  private change(at: number, changes: Partial<ObjectLine>): void {
    this.tell(this.lines.map((line, n) => (n === at ? { ...line, ...changes } : line)));
  }

  private tell(lines: readonly ObjectLine[]): void {
    this.dispatchEvent(new CustomEvent<readonly ObjectLine[]>('lines', { detail: lines }));
  }

  private draw(at: number): void {
    this.dispatchEvent(new CustomEvent<number>('draw', { detail: at }));
  }
}
