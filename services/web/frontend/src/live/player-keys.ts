/** What a key means to a player, and what every player does of it alike. */

import type { ReactiveController, ReactiveControllerHost } from 'lit';

import { serverNow } from '../api/server-clock';
import { EDGE_MS } from './film-player';
import { clampSpan } from './timescale';

export type PlayerAction =
  | { kind: 'toggle' | 'faster' | 'backwards' | 'live' | 'snapshot' | 'fullscreen' | 'whole' | 'speed' }
  | { kind: 'move'; ms: number }
  | { kind: 'frame'; by: 1 | -1 }
  | { kind: 'event'; by: 1 | -1 }
  | { kind: 'zoom'; factor: number };

const STEP_MS = 5_000;
const FAR_MS = 60_000;
const MAX_SPEED = 8;
/** A step back from live leads out of it, however small it is. */
const OUT_OF_LIVE_MS = EDGE_MS + 500;
export const SPEEDS = [1, 2, 4, MAX_SPEED, 0.5, 0.25];

/** A player of films on the axis of time. Times are UTC ms; a negative speed runs backwards. */
export interface Playable {
  readonly isLive: boolean;
  readonly atMs: number;
  readonly speed: number;
  readonly frameMs: number;
  playing: boolean;
  spanMs: number;
  seek(ms: number): void;
  goLive(): void;
  toggle(): void;
  setSpeed(speed: number): void;
  /** To the event before or after this moment. */
  step(by: 1 | -1): void;
  /** Of a player with one picture. */
  snapshot?(): void;
  fullscreen?(): void;
  whole?(): void;
}

export function perform(player: Playable, action: PlayerAction): void {
  const { speed } = player;
  switch (action.kind) {
    case 'toggle':
      player.toggle();
      break;
    case 'move': {
      const toMs = player.atMs + action.ms;
      player.seek(player.isLive && action.ms < 0 ? Math.min(toMs, serverNow() - OUT_OF_LIVE_MS) : toMs);
      break;
    }
    case 'frame':
      player.playing = false;
      player.seek(player.atMs + action.by * player.frameMs);
      break;
    case 'faster':
      player.setSpeed(speed < 0 || !player.playing ? 1 : Math.min(MAX_SPEED, speed * 2));
      break;
    case 'backwards':
      player.setSpeed(speed > 0 ? -1 : Math.max(-MAX_SPEED, speed * 2));
      break;
    case 'speed':
      player.setSpeed(SPEEDS[(SPEEDS.indexOf(speed) + 1) % SPEEDS.length] ?? 1);
      break;
    case 'zoom':
      player.spanMs = clampSpan(player.spanMs * action.factor);
      break;
    case 'event':
      player.step(action.by);
      break;
    case 'live':
      player.goLive();
      break;
    case 'snapshot':
      player.snapshot?.();
      break;
    case 'fullscreen':
      player.fullscreen?.();
      break;
    case 'whole':
      player.whole?.();
      break;
  }
}

/** The keys of the page are the player's while it is there. */
export class PlayerKeys implements ReactiveController {
  constructor(private readonly player: Playable & ReactiveControllerHost) {
    player.addController(this);
  }

  hostConnected(): void {
    document.addEventListener('keydown', this.key);
  }

  hostDisconnected(): void {
    document.removeEventListener('keydown', this.key);
  }

  private readonly key = (event: KeyboardEvent): void => {
    const action = keyAction(event);
    if (!action) return;
    event.preventDefault();
    perform(this.player, action);
  };
}

interface Key {
  key: string;
  shiftKey: boolean;
  altKey: boolean;
  ctrlKey: boolean;
  metaKey: boolean;
  defaultPrevented: boolean;
  composedPath(): EventTarget[];
}

/** Null for keys that are not the player's: where text is written or something is chosen they mean something else. */
export function keyAction(event: Key): PlayerAction | null {
  if (event.altKey || event.ctrlKey || event.metaKey || event.defaultPrevented) return null;
  const [target] = event.composedPath();
  const element = target as { localName?: string; isContentEditable?: boolean } | undefined;
  const name = element?.localName ?? '';
  if (['input', 'select', 'textarea'].includes(name) || element?.isContentEditable) return null;
  if (event.composedPath().some((node) => (node as { localName?: string }).localName === 'dialog')) return null;
  const ownKeys = ['button', 'a', 'summary'].includes(name);
  if (ownKeys && (event.key === ' ' || event.key === 'Enter')) return null;
  const stepMs = event.shiftKey ? FAR_MS : STEP_MS;
  switch (event.key) {
    case ' ':
    case 'k':
    case 'K':
      return { kind: 'toggle' };
    case 'l':
    case 'L':
      return { kind: 'faster' };
    case 'j':
    case 'J':
      return { kind: 'backwards' };
    case 'ArrowLeft':
      return { kind: 'move', ms: -stepMs };
    case 'ArrowRight':
      return { kind: 'move', ms: stepMs };
    case ',':
      return { kind: 'frame', by: -1 };
    case '.':
      return { kind: 'frame', by: 1 };
    case 'n':
    case 'N':
      return { kind: 'event', by: 1 };
    case 'b':
    case 'B':
      return { kind: 'event', by: -1 };
    case '+':
    case '=':
      return { kind: 'zoom', factor: 0.5 };
    case '-':
      return { kind: 'zoom', factor: 2 };
    case 'End':
      return { kind: 'live' };
    case 's':
    case 'S':
      return { kind: 'snapshot' };
    case 'f':
    case 'F':
      return { kind: 'fullscreen' };
    case '0':
      return { kind: 'whole' };
    default:
      return null;
  }
}
