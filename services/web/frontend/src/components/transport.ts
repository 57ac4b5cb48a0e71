/** Parts of a player that one camera and several have alike. */

import { html, nothing } from 'lit';

import { clock, dayTitle } from '../format';
import type { FilmState, Gap } from '../live/film-player';
import type { PlayerAction } from '../live/player-keys';
import { paint, type Previews } from '../live/preview';
import { wallMs, wallText } from '../live/timescale';
import { drawBox } from '../live/way';
import { said, t } from '../strings';
import type { IconName } from './icon';
import { exactTime, type Hover } from './time-axis';

const SPANS_MS = [300_000, 3_600_000, 21_600_000, 86_400_000, 604_800_000];

export function clockWords(atMs: number, nowMs: number): unknown {
  return html`<p class="clock num" data-testid="player-clock">
    <strong>${exactTime(atMs)}</strong>
    <span>${dayTitle(atMs, nowMs)}</span>
  </p>`;
}

export function liveButton(isLive: boolean, act: () => void): unknown {
  return html`<button type="button" class="live" data-testid="to-live" aria-pressed=${isLive ? 'true' : 'false'} @click=${act}>
    ${isLive ? t.timeline.live : t.timeline.toLive}
  </button>`;
}

export function iconButton(icon: IconName, label: string, act: () => void, look: string): unknown {
  return html`<button type="button" class="icon-only ${look}" title=${label} aria-label=${label} @click=${act}><vg-icon name=${icon}></vg-icon></button>`;
}

export function speedButton(speed: number, act: () => void): unknown {
  return html`<button type="button" class="quiet speed num" title=${t.player.speed} aria-label=${t.timeline.speed(String(speed))} @click=${act}>${speed}×</button>`;
}

/** Speed, events, ten seconds, play, and the picture to keep. */
export function playerButtons(speed: number, running: boolean, act: (action: PlayerAction) => void): unknown {
  const move = (ms: number) => () => act({ kind: 'move', ms });
  const event = (by: 1 | -1) => () => act({ kind: 'event', by });
  return html`<div class="buttons">
    ${speedButton(speed, () => act({ kind: 'speed' }))}
    <div class="middle">
      ${iconButton('previous', t.timeline.previous, event(-1), 'quiet')} ${iconButton('back10', t.player.back, move(-10_000), 'quiet')}
      ${iconButton(running ? 'pause' : 'play', running ? t.player.pause : t.player.play, () => act({ kind: 'toggle' }), 'play')}
      ${iconButton('forward10', t.player.forward, move(10_000), 'quiet')} ${iconButton('next', t.timeline.next, event(1), 'quiet')}
    </div>
    ${iconButton('snapshot', t.timeline.snapshot, () => act({ kind: 'snapshot' }), 'quiet')}
  </div>`;
}

export function spanButtons(spanMs: number, choose: (ms: number) => void): unknown {
  return html`<div class="spans" role="group" aria-label=${t.timeline.span}>
    ${SPANS_MS.map(
      (ms) => html`<button type="button" aria-pressed=${Math.abs(spanMs - ms) < ms * 0.05 ? 'true' : 'false'} @click=${() => choose(ms)}>
        ${t.timeline.spans[ms]}
      </button>`,
    )}
  </div>`;
}

export function jumpForm(atMs: number, nowMs: number, jump: (ms: number) => void): unknown {
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const ms = wallMs((event.target as HTMLFormElement).querySelector('input')?.value ?? '');
    if (ms !== null) jump(ms);
  };
  return html`<form @submit=${submit}>
    <input type="datetime-local" step="1" aria-label=${t.timeline.jump} max=${wallText(nowMs)} .value=${wallText(atMs)} />
    <button type="submit">${t.timeline.go}</button>
  </form>`;
}

/** The picture beside the pointer; `name`: of the camera, where there are several. */
export function hoverTip(hover: Hover | null, nowMs: number, name = ''): unknown {
  if (!hover || hover.ms > nowMs) return nothing;
  return html`<div class="tip">
    ${hover.missing ? html`<div class="none">${hover.missing}</div>` : html`<canvas aria-hidden="true"></canvas>`}
    <p class="num"><strong>${exactTime(hover.ms)}${name ? ` · ${name}` : ''}</strong>${hover.mark ? said(hover.mark.title) : nothing}</p>
  </div>`;
}

/** Puts the tip under the pointer, never outside of the axis, and its picture into it. */
export function showTip(root: ParentNode, hover: Hover | null, widthPx: number, previews: Previews, spanMs: number): void {
  const tip = root.querySelector<HTMLElement>('.tip');
  if (!hover || !tip) return;
  const half = tip.offsetWidth / 2;
  tip.style.setProperty('--x', `${Math.max(half + 8, Math.min(widthPx - half - 8, hover.x))}px`);
  if (hover.missing) return;
  previews.want(hover.lane, hover.ms, spanMs, (found) => {
    const canvas = root.querySelector<HTMLCanvasElement>('.tip canvas');
    if (!canvas) return;
    paint(canvas, found);
    const { mark } = hover;
    const shows = (canvas.dataset['shows'] = `${hover.lane} ${hover.ms}`);
    if (!found || mark?.type !== 'object') return;
    void previews.ways.boxAt(mark.id, mark.started_ms, hover.ms).then((box) => {
      if (box && canvas.dataset['shows'] === shows) drawBox(canvas, box);
    });
  });
}

/** Why there is no picture, over the stage, and the way on. */
export function missingNotice(state: FilmState, reason: string, gap: Gap | null | undefined, goOn: () => void): unknown {
  if (state === 'failed') return html`<div class="gap" role="alert"><strong>${t.player.failed}</strong><p>${reason}</p></div>`;
  if (state !== 'gap' || !gap) return nothing;
  return html`<div class="gap" role="status" data-testid="gap">
    <strong>${gap.toMs === null ? t.timeline.gapOpen(exactTime(gap.fromMs)) : t.timeline.gap(exactTime(gap.fromMs), exactTime(gap.toMs))}</strong>
    <p>${gap.reason}</p>
    <button type="button" @click=${goOn}>${gap.toMs === null ? t.timeline.toLive : t.timeline.goOn(clock(gap.toMs))}</button>
  </div>`;
}

export function keyHelp(): unknown {
  return html`<details>
    <summary><vg-icon name="keyboard"></vg-icon>${t.timeline.keys}</summary>
    <dl>${t.timeline.keyRows.map(([keys, what]) => html`<div><dt>${keys}</dt><dd>${what}</dd></div>`)}</dl>
  </details>`;
}
