import { describe, expect, it } from 'vitest';

import { perform, type Playable } from '../src/live/player-keys';

/** A player that notes what is asked of it. */
class Told implements Playable {
  isLive = false;
  atMs = 100_000;
  speed = 1;
  frameMs = 40;
  playing = true;
  spanMs = 3_600_000;
  readonly said: string[] = [];

  seek(ms: number): void {
    this.said.push(`seek ${ms}`);
  }
  goLive(): void {
    this.said.push('live');
  }
  toggle(): void {
    this.said.push('toggle');
  }
  setSpeed(speed: number): void {
    this.said.push(`speed ${speed}`);
  }
  step(by: 1 | -1): void {
    this.said.push(`event ${by}`);
  }
}

function said(action: Parameters<typeof perform>[1], over: Partial<Told> = {}): string[] {
  const player = Object.assign(new Told(), over);
  perform(player, action);
  return player.said;
}

describe('what a key does to every player', () => {
  it('moves by seconds and by pictures', () => {
    expect(said({ kind: 'move', ms: -5_000 })).toEqual(['seek 95000']);
    expect(said({ kind: 'frame', by: -1 })).toEqual(['seek 99960']);
  });

  it('leaves the live picture with the smallest step back', () => {
    const [word] = said({ kind: 'move', ms: -1 }, { isLive: true, atMs: Date.now() });
    expect(Number(word?.split(' ')[1])).toBeLessThan(Date.now() - 6_000);
  });

  it('doubles its speed up to eight, and turns round', () => {
    expect(said({ kind: 'faster' }, { speed: 4 })).toEqual(['speed 8']);
    expect(said({ kind: 'faster' }, { speed: 8 })).toEqual(['speed 8']);
    expect(said({ kind: 'faster' }, { speed: -2 })).toEqual(['speed 1']);
    expect(said({ kind: 'backwards' })).toEqual(['speed -1']);
    expect(said({ kind: 'backwards' }, { speed: -8 })).toEqual(['speed -8']);
    expect(said({ kind: 'speed' }, { speed: 0.25 })).toEqual(['speed 1']);
  });

  it('leaves out what a player with several pictures cannot do', () => {
    expect(said({ kind: 'snapshot' })).toEqual([]);
    expect(said({ kind: 'event', by: 1 })).toEqual(['event 1']);
  });
});
