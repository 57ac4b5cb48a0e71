import type { ReactiveController, ReactiveControllerHost } from 'lit';

import { api, ApiError, onAskAgain } from '../api/client';
import { FIRST_EVENTS } from '../api/first';
import { LiveStream, type StreamName } from '../api/stream';
import type { Alarm, Camera, CameraState, Delivery, Session, Start, SystemHealth, VigilarEvent } from '../api/types';
import { setTimeZone } from '../format';
import { backoffMs } from '../live/policy';
import { mergeCamera, upsertEvent } from './merge';

const NEWEST_EVENTS = FIRST_EVENTS;
/** A session that ends while the page is open shows as a stream that never comes back: ask about it. */
const SESSION_CHECK_MS = 60_000;
const LOSS_SHOWN_AFTER_MS = 2_500;

export type Loaded<T> = { status: 'loading' } | { status: 'ready'; value: T } | { status: 'failed'; error: ApiError };

export function asApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError(0, 'internal', error instanceof Error ? error.message : String(error));
}

/** What every page may look at. It is loaded once and then kept true by the server's event stream. */
export class AppState extends EventTarget {
  session: Session | null = null;
  sessionError: ApiError | null = null;
  alarm: Loaded<Alarm> = { status: 'loading' };
  cameras: Loaded<Camera[]> = { status: 'loading' };
  events: Loaded<VigilarEvent[]> = { status: 'loading' };
  health: Loaded<SystemHealth> = { status: 'loading' };
  linkUp = true;

  private readonly stream = new LiveStream('/api/v1/stream', {
    message: (name, data) => this.take(name, data),
    link: (up) => this.link(up),
  });
  private failures = 0;
  /** The stream was away: what happened meanwhile has to be asked for. */
  private missed = false;
  private lossTimer: ReturnType<typeof setTimeout> | undefined;

  async start(): Promise<void> {
    let first: Start;
    try {
      first = await api.start();
      this.session = first.session;
      this.sessionError = null;
    } catch (error) {
      this.sessionError = asApiError(error);
      this.changed();
      setTimeout(() => void this.start(), backoffMs(this.failures++));
      return;
    }
    setTimeZone(this.session.timezone);
    onAskAgain(async (why) => (await import('../components/sign-in-dialog')).askOver(why));
    this.cameras = { status: 'ready', value: first.cameras };
    if (first.alarm) this.alarm = { status: 'ready', value: first.alarm };
    if (first.health) this.health = { status: 'ready', value: first.health };
    this.changed();
    this.stream.open();
    // What the server does not know yet is asked for by its own address, whose answer says why.
    if (!first.alarm) this.loadAlarm();
    if (!first.health) this.loadHealth();
    this.loadEvents();
    setInterval(() => {
      if (!this.linkUp) void api.session().catch(() => undefined); // a 401 leads to the login page
    }, SESSION_CHECK_MS);
  }

  /** Asks for everything again, whenever the stream may have missed something. */
  reload(): void {
    this.loadAlarm();
    void this.load(api.cameras().then((page) => page.items), (cameras) => (this.cameras = cameras));
    this.loadEvents();
    this.loadHealth();
  }

  private loadAlarm(): void {
    void this.load(api.alarm(), (alarm) => (this.alarm = alarm));
  }

  private loadEvents(): void {
    void this.load(api.events({ limit: NEWEST_EVENTS }).then((page) => page.items), (events) => (this.events = events));
  }

  private loadHealth(): void {
    void this.load(api.health(), (health) => (this.health = health));
  }

  camera(id: string | null): Camera | undefined {
    return id && this.cameras.status === 'ready' ? this.cameras.value.find((camera) => camera.id === id) : undefined;
  }

  private async load<T>(request: Promise<T>, put: (loaded: Loaded<T>) => void): Promise<void> {
    try {
      put({ status: 'ready', value: await request });
    } catch (error) {
      put({ status: 'failed', error: asApiError(error) });
    }
    this.changed();
  }

  private link(up: boolean): void {
    clearTimeout(this.lossTimer);
    if (!up) {
      // The server ends a stream to make pages fetch anew; that is over before anybody need read of it.
      this.missed = true;
      this.lossTimer = setTimeout(() => {
        this.linkUp = false;
        this.changed();
      }, LOSS_SHOWN_AFTER_MS);
      return;
    }
    this.linkUp = true;
    if (this.missed) {
      this.missed = false;
      this.reload();
      this.dispatchEvent(new Event('resync'));
    }
    this.changed();
  }

  private take(name: StreamName, data: unknown): void {
    if (typeof data !== 'object' || data === null) return;
    switch (name) {
      case 'alarm':
        this.alarm = {
          status: 'ready',
          value: { ...(this.alarm.status === 'ready' ? this.alarm.value : null), ...(data as Alarm) },
        };
        break;
      case 'camera':
        if (this.cameras.status === 'ready') {
          this.cameras = { status: 'ready', value: mergeCamera(this.cameras.value, data as CameraState | Camera) };
        }
        break;
      case 'event': {
        const event = data as VigilarEvent;
        if (this.events.status === 'ready') {
          this.events = { status: 'ready', value: upsertEvent(this.events.value, event).slice(0, NEWEST_EVENTS) };
        }
        this.dispatchEvent(new CustomEvent<VigilarEvent>('event', { detail: event }));
        break;
      }
      case 'alert':
        this.dispatchEvent(new CustomEvent<Delivery>('alert', { detail: data as Delivery }));
        break;
      case 'alerts':
        this.dispatchEvent(new CustomEvent('alerts', { detail: data }));
        break;
      case 'health':
        this.health = { status: 'ready', value: data as SystemHealth };
        if ([this.alarm, this.cameras, this.events].some((part) => part.status === 'failed')) this.reload();
        break;
      case 'hello':
        break; // the link itself has said so already
    }
    this.changed();
  }

  private changed(): void {
    this.dispatchEvent(new Event('change'));
  }
}

export const app = new AppState();

/** Redraws its host whenever the shared state changes. */
export class WatchApp implements ReactiveController {
  constructor(private readonly host: ReactiveControllerHost) {
    host.addController(this);
  }
  private readonly redraw = (): void => this.host.requestUpdate();
  hostConnected(): void {
    app.addEventListener('change', this.redraw);
  }
  hostDisconnected(): void {
    app.removeEventListener('change', this.redraw);
  }
}

/** Hands every message of one kind to its host while that is on the page. */
export class ListenApp<T> implements ReactiveController {
  constructor(
    host: ReactiveControllerHost,
    private readonly name: 'event' | 'alert' | 'alerts' | 'resync',
    private readonly handle: (item: T) => void,
  ) {
    host.addController(this);
  }
  private readonly listener = (event: Event): void => this.handle((event as CustomEvent<T>).detail);
  hostConnected(): void {
    app.addEventListener(this.name, this.listener);
  }
  hostDisconnected(): void {
    app.removeEventListener(this.name, this.listener);
  }
}
