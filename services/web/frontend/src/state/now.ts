import type { ReactiveController, ReactiveControllerHost } from 'lit';

const EVERY_MS = 20_000;

/** The present moment, moved on every 20 s (or as often as said) so that "4 min ago" stays true. */
export class Now implements ReactiveController {
  ms = Date.now();
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly host: ReactiveControllerHost,
    private readonly everyMs = EVERY_MS,
  ) {
    host.addController(this);
  }
  hostConnected(): void {
    this.timer = setInterval(() => this.host.requestUpdate(), this.everyMs);
  }
  hostUpdate(): void {
    this.ms = Date.now();
  }
  hostDisconnected(): void {
    clearInterval(this.timer);
  }
}
