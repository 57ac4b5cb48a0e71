/** One clock for several pictures: what each has to do to stay with it. */

export const DRIFT_S = 0.04;
export const JUMP_S = 1.5;

export type Correction = { kind: 'rate'; rate: number } | { kind: 'seek' };

/**
 * @param behindS how far the picture is behind the clock; negative: before it
 * @param rate how fast the clock goes
 */
export function correction(behindS: number, rate: number): Correction {
  if (Math.abs(behindS) > JUMP_S * Math.max(1, rate)) return { kind: 'seek' };
  if (Math.abs(behindS) <= DRIFT_S) return { kind: 'rate', rate };
  // A tenth faster or slower is not seen; half a second is made up for in five.
  return { kind: 'rate', rate: rate * (1 + Math.max(-0.1, Math.min(0.1, behindS / 2))) };
}

/** A clock that is told how fast to go; time is injected. */
export class Clock {
  private setMs: number;
  private setAt: number;
  rate = 0;

  constructor(
    atMs: number,
    private readonly now: () => number,
  ) {
    this.setMs = atMs;
    this.setAt = now();
  }

  get atMs(): number {
    return this.setMs + (this.now() - this.setAt) * this.rate;
  }

  set(atMs: number): void {
    this.setMs = atMs;
    this.setAt = this.now();
  }

  go(rate: number): void {
    this.set(this.atMs);
    this.rate = rate;
  }
}
