import { html, LitElement } from 'lit';
import { customElement, property } from 'lit/decorators.js';

import type { DetectorWork, Heartbeat } from '../api/types';
import { factStyles } from '../design/lists';
import { shared } from '../design/shared';
import { decimal } from '../format';
import { t } from '../strings';

/** What looks at crops of what moves, how fast, and why not. */
@customElement('vg-detector')
export class DetectorCard extends LitElement {
  static override styles = [shared, factStyles];

  @property({ attribute: false }) beat: Heartbeat | undefined;

  override render(): unknown {
    return html`<section aria-labelledby="detector">
      <div class="section-head"><h2 id="detector">${t.detector.title}</h2><a href="/pets" data-testid="open-pets">${t.pets.open}</a></div>
      <div class="card padded">
        <dl class="facts num" data-testid="detector">
          ${this.rows().map(([name, value, help]) => html`<div title=${help}><dt>${name}</dt><dd>${value}</dd></div>`)}
        </dl>
      </div>
    </section>`;
  }

  private rows(): [string, string, string][] {
    const words = t.detector;
    const told = this.beat?.detail;
    if (!told?.enabled) return [[words.state, words.off, words.offHelp]];
    if (told.problem) return [[words.state, words.motionAlone(told.problem), '']];
    if (!this.beat?.ready || !told.model) return [[words.state, words.motionAlone(this.beat?.reason || words.silent), '']];
    const work: Partial<DetectorWork> = told.work ?? {};
    const [seen, unseen] = [work.seen_per_min ?? 0, work.unseen_per_min ?? 0];
    return [
      [words.state, seen + unseen ? words.looks : words.rests, seen + unseen ? '' : words.restsHelp],
      [words.model, work.title ?? told.model, told.model],
      [words.device, work.device ?? '–', ''],
      [words.took, words.ms(decimal(work.ms_per_crop ?? 0)), words.tookHelp],
      [words.perSecond, decimal(seen / 60), words.perSecondHelp],
      [words.late, words.perMinute(unseen), words.lateHelp],
      [words.lost, String(work.answers_lost ?? 0), words.lostHelp],
    ];
  }
}
