import type { ReactiveController, ReactiveControllerHost } from 'lit';

/** What the API says now, asked again and again while the page is looked at; the last answer stands when one fails. */
export class Polled<T> implements ReactiveController {
  value: T | undefined;
  failed = false;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly host: ReactiveControllerHost,
    private readonly ask: () => Promise<T>,
    private readonly everyMs: number,
  ) {
    host.addController(this);
  }

  hostConnected(): void {
    void this.refresh();
    this.timer = setInterval(() => document.visibilityState === 'visible' && void this.refresh(), this.everyMs);
  }

  hostDisconnected(): void {
    clearInterval(this.timer);
  }

  async refresh(): Promise<void> {
    try {
      this.value = await this.ask();
      this.failed = false;
    } catch {
      this.failed = true;
    }
    this.host.requestUpdate();
  }
}
