import { backoffMs } from '../live/policy';

export type StreamName = 'camera' | 'event' | 'alarm' | 'alert' | 'alerts' | 'health' | 'hello';
const NAMES: readonly StreamName[] = ['camera', 'event', 'alarm', 'alert', 'alerts', 'health', 'hello'];

export interface StreamHandlers {
  message(name: StreamName, data: unknown): void;
  /** `up` is true when the server answers; false from the moment the connection is lost. */
  link(up: boolean): void;
}

/**
 * Server-sent events with a back-off of our own: a browser gives up for good on an HTTP error
 * (a restarting server behind a proxy answers 502), and we never may.
 */
export class LiveStream {
  private source: EventSource | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private failures = 0;

  constructor(
    private readonly url: string,
    private readonly handlers: StreamHandlers,
  ) {}

  open(): void {
    this.close();
    const source = new EventSource(this.url);
    this.source = source;
    source.onopen = () => {
      this.failures = 0;
      this.handlers.link(true);
    };
    source.onerror = () => {
      source.close();
      this.handlers.link(false);
      this.timer = setTimeout(() => this.open(), backoffMs(this.failures++));
    };
    for (const name of NAMES) {
      source.addEventListener(name, (event: MessageEvent<string>) => {
        this.handlers.message(name, event.data ? JSON.parse(event.data) : null);
      });
    }
  }

  close(): void {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = undefined;
  }
}
