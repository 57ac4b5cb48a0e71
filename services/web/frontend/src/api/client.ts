import type { FilmPart } from '../live/film-index';
import type { HistoryPage } from '../live/history';
import type { LiveStream } from '../live/policy';
import { firstAnswer } from './first';
import type { Incident, IncidentDetail, IncidentPage, Snooze, Why } from './alerts';
import type { KnownVehicle, Parcel } from './outside';
import type { RuleDryRun, RuleForm, RuleInfo, WrittenRule } from './rules';
import { heardServer } from './server-clock';
import type { FormSection, Settings, SettingsTrial, SettingsVersion, Values } from './settings';
import type {
  Alarm,
  AlertPage,
  ArmAction,
  ArmState,
  Camera,
  CameraSwitch,
  Coverage,
  Delivery,
  EventDetail,
  Export,
  ExportList,
  FalseAlarms,
  FoundCameras,
  House,
  MotionLook,
  MotionSettings,
  Page,
  PowerInfo,
  PushInfo,
  Recording,
  RemoteInfo,
  Sensor,
  Session,
  ReviewWish,
  SavedSearch,
  SearchAnswer,
  Start,
  SystemHealth,
  TimelineAnswer,
  Verdict,
  VigilarEvent,
} from './types';
import type { AddressInfo, CameraTrial } from './welcome';
import { refusal } from '../strings/said';

const REQUEST_TIMEOUT_MS = 15_000;
const DRY_RUN_TIMEOUT_MS = 40_000;
const TRY_TIMEOUT_MS = 30_000;

/** Any failed request: `status` 0 means that no answer came at all. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly retryAfterS = 0,
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

/** Reads `{"error": {...}}` and its `retry_after_s`, wherever the server put it (body or header). */
export function errorFromBody(status: number, body: unknown, retryAfterHeader: string | null): ApiError {
  const outer = isObject(body) ? body : {};
  const inner = isObject(outer['error']) ? outer['error'] : {};
  const code = typeof inner['code'] === 'string' ? inner['code'] : `http_${status}`;
  const message = typeof inner['message'] === 'string' ? inner['message'] : '';
  const waitS = Number(inner['retry_after_s'] ?? outer['retry_after_s'] ?? retryAfterHeader ?? 0);
  return new ApiError(status, code, refusal(code, message), Number.isFinite(waitS) ? Math.max(0, waitS) : 0);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

let csrf = '';

/** Leaves for the login page, which the server renders, and comes back here. */
export function toLogin(): void {
  location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
}

/** Why somebody must say who they are: the session has ended, or what they want is dangerous. */
export type AskAgain = 'sign-in' | 'confirm';
let askAgain: ((why: AskAgain) => Promise<boolean>) | undefined;

/** The page offers to sign in without leaving it, so that nothing that was typed gets lost. False: nobody did. */
export function onAskAgain(handler: (why: AskAgain) => Promise<boolean>): void {
  askAgain = handler;
}

interface How {
  timeoutMs?: number;
  /** Ends the request when its answer is not wanted any more. */
  signal?: AbortSignal | undefined;
  /** False for requests that are part of signing in. */
  asksAgain?: boolean;
}

export async function request<T>(method: string, path: string, body?: unknown, how: How = {}, retried = false): Promise<T> {
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (method !== 'GET') {
    headers['X-CSRF-Token'] = csrf;
    headers['Content-Type'] = 'application/json';
  }
  let response: Response;
  try {
    const early = method === 'GET' && !retried ? await firstAnswer(path) : null;
    response =
      early ??
      (await fetch(path, {
        method,
        headers,
        credentials: 'same-origin',
        cache: 'no-store',
        signal: AbortSignal.any([...(how.signal ? [how.signal] : []), AbortSignal.timeout(how.timeoutMs ?? REQUEST_TIMEOUT_MS)]),
        ...(method === 'GET' ? {} : { body: JSON.stringify(body ?? {}) }),
      }));
  } catch (error) {
    throw new ApiError(0, 'unreachable', error instanceof Error ? error.message : String(error));
  }
  heardServer(response.headers.get('Date'));
  if (response.ok) return (response.status === 204 ? undefined : await response.json()) as T;
  const failure = errorFromBody(
    response.status,
    await response.json().catch(() => null),
    response.headers.get('Retry-After'),
  );
  const why = failure.code === 'not_logged_in' ? 'sign-in' : failure.code === 'sign_in_again' ? 'confirm' : null;
  if (why && !retried && how.asksAgain !== false) {
    if (askAgain && (await askAgain(why))) {
      await api.session();
      return request<T>(method, path, body, how, true);
    }
    if (why === 'sign-in') toLogin();
  }
  if (failure.code === 'csrf' && !retried) {
    await api.session();
    return request<T>(method, path, body, how, true);
  }
  throw failure;
}

function query(parameters: Record<string, string | number | null | undefined>): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== '') search.set(key, String(value));
  }
  const text = search.toString();
  return text ? `?${text}` : '';
}

const id = encodeURIComponent;

/** What is no number (a sensor that said nothing, a UPS that does not tell) is left out. */
function numbersOf<T extends { ts_ms: number }>(page: Page<T>, value: (row: T) => unknown): HistoryPage {
  const items = page.items.flatMap((row) => {
    const found = value(row);
    return typeof found === 'number' ? [{ ts_ms: row.ts_ms, value: found }] : [];
  });
  return { items, next: page.next };
}

export interface EventQuery {
  camera?: string;
  type?: string;
  class?: string;
  zone?: string;
  severity?: string;
  pet?: string;
  person?: string;
  reviewed?: string;
  from_ms?: number | null;
  to_ms?: number | null;
  cursor?: string | null;
  limit?: number;
}

export const api = {
  async session(): Promise<Session> {
    const session = await request<Session>('GET', '/api/v1/session');
    csrf = session.csrf;
    return session;
  },
  /** The session, and what every page begins with and the server knows by heart. */
  async start(): Promise<Start> {
    const start = await request<Start>('GET', '/api/v1/start');
    csrf = start.session.csrf;
    return start;
  },
  logout: () => request<undefined>('POST', '/api/v1/logout'),
  cameras: () => request<{ items: Camera[] }>('GET', '/api/v1/cameras'),
  findCameras: (wish: { user: string; password: string; host: string }) =>
    request<FoundCameras>('POST', '/api/v1/find-cameras', wish),
  tryCamera: (url: string) => request<CameraTrial>('POST', '/api/v1/try-camera', { url }, { timeoutMs: TRY_TIMEOUT_MS }),
  address: () => request<AddressInfo>('GET', '/api/v1/address'),
  house: () => request<House>('GET', '/api/v1/house'),
  remote: () => request<RemoteInfo>('GET', '/api/v1/remote'),
  sensors: () => request<{ items: Sensor[] }>('GET', '/api/v1/sensors'),
  sensorHistory: async (sensorId: string, key: string, fromMs: number, cursor: string | null): Promise<HistoryPage> => {
    const path = `/api/v1/sensors/${id(sensorId)}/history${query({ key, from_ms: fromMs, cursor })}`;
    const page = await request<Page<{ ts_ms: number; value: unknown }>>('GET', path);
    return numbersOf(page, (row) => row.value);
  },
  powerHistory: async (key: 'charge_pct' | 'load_pct', fromMs: number, cursor: string | null): Promise<HistoryPage> => {
    const path = `/api/v1/house/power/history${query({ from_ms: fromMs, cursor })}`;
    const page = await request<Page<{ ts_ms: number } & PowerInfo['values']>>('GET', path);
    return numbersOf(page, (row) => row[key]);
  },
  packages: () => request<{ items: Parcel[] | null }>('GET', '/api/v1/packages'),
  changePackage: (packageId: string, action: 'collected' | 'not_a_parcel') =>
    request<unknown>('POST', `/api/v1/packages/${id(packageId)}`, { action }),
  vehicles: () => request<{ items: KnownVehicle[] }>('GET', '/api/v1/vehicles'),
  learnVehicle: (name: string, eventId: string) => request<{ message: string }>('POST', '/api/v1/vehicles/learn', { name, event_id: eventId }),
  rules: () => request<{ items: RuleInfo[] }>('GET', '/api/v1/rules'),
  tryRule: (ruleId: string, days: number) =>
    request<RuleDryRun>('POST', `/api/v1/rules/${id(ruleId)}/test`, { days }, { timeoutMs: DRY_RUN_TIMEOUT_MS }),
  ruleForm: () => request<RuleForm>('GET', '/api/v1/rules/form'),
  tryRuleDraft: (rule: WrittenRule, days: number) =>
    request<RuleDryRun>('POST', '/api/v1/rules/try', { rule, days }, { timeoutMs: DRY_RUN_TIMEOUT_MS }),
  record: (cameraId: string, action: 'start' | 'stop', durationS = 60) =>
    request<{ message: string; until_ms?: number }>('POST', `/api/v1/cameras/${id(cameraId)}/record`, {
      action,
      ...(action === 'start' ? { duration_s: durationS } : {}),
    }),
  switchCamera: (cameraId: string, which: CameraSwitch, on: boolean) =>
    request<{ message: string }>('POST', `/api/v1/cameras/${id(cameraId)}/switch`, { switch: which, on }),
  alarm: () => request<Alarm>('GET', '/api/v1/alarm'),
  setAlarm: (action: ArmAction, pin: string, bypassOpen = false) =>
    request<{ state: ArmState }>('POST', '/api/v1/alarm', { action, pin, ...(bypassOpen ? { bypass_open: true } : {}) }),
  events: (q: EventQuery) => request<Page<VigilarEvent>>('GET', `/api/v1/events${query({ ...q })}`),
  event: (eventId: string) => request<EventDetail>('GET', `/api/v1/events/${id(eventId)}`),
  recordings: (q: { camera?: string; starred?: string; from_ms?: number | null; to_ms?: number | null; cursor?: string | null; limit?: number }) =>
    request<Page<Recording>>('GET', `/api/v1/recordings${query(q)}`),
  recording: (recordingId: string) => request<Recording>('GET', `/api/v1/recordings/${id(recordingId)}`),
  star: (recordingId: string, starred: boolean) =>
    request<unknown>('PATCH', `/api/v1/recordings/${id(recordingId)}`, { starred }),
  coverage: (cameraId: string, fromMs: number, toMs: number, leastMs = 0) =>
    request<Coverage>(
      'GET',
      `/api/v1/cameras/${id(cameraId)}/coverage${query({ from_ms: fromMs, to_ms: toMs, least_ms: leastMs || null })}`,
    ),
  film: async (cameraId: string, fromMs: number, toMs: number, signal: AbortSignal): Promise<FilmPart[]> => {
    const path = `/api/v1/cameras/${id(cameraId)}/film${query({ from_ms: fromMs, to_ms: toMs })}`;
    return (await request<{ films: FilmPart[] }>('GET', path, undefined, { signal })).films;
  },
  timeline: (q: EventQuery & { from_ms: number; to_ms: number; slot_ms: number; curves?: string }, signal?: AbortSignal) =>
    request<TimelineAnswer>('GET', `/api/v1/timeline${query({ ...q })}`, undefined, { signal }),
  search: (words: string, cursor: string | null, limit: number) =>
    request<SearchAnswer>('GET', `/api/v1/search${query({ q: words, cursor, limit })}`),
  savedSearches: () => request<{ items: SavedSearch[] }>('GET', '/api/v1/saved-searches'),
  keepSearch: (name: string, words: string) => request<SavedSearch>('POST', '/api/v1/saved-searches', { name, words }),
  forgetSearch: (searchId: string) => request<undefined>('DELETE', `/api/v1/saved-searches/${id(searchId)}`),
  waiting: () => request<{ waiting: number; more: boolean }>('GET', '/api/v1/reviews'),
  review: (wish: ReviewWish) => request<{ count: number; marked_ms: number }>('POST', '/api/v1/reviews', wish),
  tune: (cameraId: string, after: number) =>
    request<{ looks: MotionLook[]; after: number }>('POST', `/api/v1/cameras/${id(cameraId)}/tune`, { after }),
  motion: (cameraId: string) => request<MotionSettings>('GET', `/api/v1/cameras/${id(cameraId)}/motion`),
  changeMotion: (cameraId: string, { revision, motion_sensitivity, motion_min_area_px, zones, lines }: MotionSettings) =>
    request<MotionSettings>('PUT', `/api/v1/cameras/${id(cameraId)}/motion`, {
      revision,
      motion_sensitivity,
      motion_min_area_px,
      zones,
      lines,
    }),
  mark: (cameraId: string, trackId: string, objectClass: string, verdict: Verdict) =>
    request<{ message: string; learnt: boolean }>('POST', `/api/v1/cameras/${id(cameraId)}/marks`, {
      track_id: trackId,
      object_class: objectClass,
      verdict,
    }),
  falseAlarms: (cameraId: string) => request<FalseAlarms>('GET', `/api/v1/cameras/${id(cameraId)}/false-alarms`),
  exports: () => request<ExportList>('GET', '/api/v1/exports'),
  export: (exportId: string) => request<Export>('GET', `/api/v1/exports/${id(exportId)}`),
  exportRecording: (recordingId: string, reason: string) =>
    request<Export>('POST', '/api/v1/exports', { recording_ids: [recordingId], reason }),
  removeExport: (exportId: string) => request<undefined>('DELETE', `/api/v1/exports/${id(exportId)}`),
  alerts: (cursor: string | null) => request<AlertPage>('GET', `/api/v1/alerts${query({ cursor, limit: 50 })}`),
  incidents: (before: string | null) => request<IncidentPage>('GET', `/api/v1/incidents${query({ before, limit: 10 })}`),
  incident: (alertId: string, after: number) => request<IncidentDetail>('GET', `/api/v1/incidents/${id(alertId)}${query({ after })}`),
  deliveries: (alertId: string) => request<Page<Delivery>>('GET', `/api/v1/incidents/${id(alertId)}/deliveries`),
  acknowledge: (alertId: string) =>
    request<{ message: string; alert: Incident }>('POST', `/api/v1/incidents/${id(alertId)}/acknowledge`),
  opened: (alertId: string) => request<unknown>('POST', `/api/v1/incidents/${id(alertId)}/opened`),
  snooze: (cameraId: string | null, durationS: number) =>
    request<{ message: string; snoozes: Snooze[] }>('POST', '/api/v1/snoozes', { camera_id: cameraId, duration_s: durationS }),
  unsnooze: (cameraId: string | null) =>
    request<{ message: string; snoozes: Snooze[] }>('DELETE', '/api/v1/snoozes', { camera_id: cameraId }),
  why: (eventId: string) => request<Why>('GET', `/api/v1/events/${id(eventId)}/why`),
  settings: () => request<Settings>('GET', '/api/v1/settings'),
  settingsForm: () => request<{ sections: FormSection[] }>('GET', '/api/v1/settings/form'),
  trySettings: (changes: Values) => request<SettingsTrial>('POST', '/api/v1/settings/check', { changes }),
  changeSettings: (changes: Values, revision: string) =>
    request<Settings & { services: string[] }>('PUT', '/api/v1/settings', { changes, revision }),
  settingsVersions: () => request<{ items: SettingsVersion[] }>('GET', '/api/v1/settings/versions'),
  returnSettings: (version: string, revision: string) =>
    request<Settings & { services: string[] }>('POST', '/api/v1/settings/return', { version, revision }),
  health: () => request<SystemHealth>('GET', '/api/v1/health'),
  push: () => request<PushInfo>('GET', '/api/v1/push'),
  pushSubscribe: (subscription: PushSubscriptionJSON, device: string) =>
    request<unknown>('POST', '/api/v1/push/subscriptions', { ...subscription, device }),
  pushUnsubscribe: (endpoint: string) => request<unknown>('DELETE', '/api/v1/push/subscriptions', { endpoint }),
  channelTest: (channel: string) => request<{ ok: boolean; message: string }>('POST', '/api/v1/alerts/test', { channel }),
  pushTest: () => request<{ ok: boolean; message: string }>('POST', '/api/v1/push/test'),
};

export const urls = {
  playlist: (recordingId: string): string => `/api/v1/recordings/${id(recordingId)}/playlist.m3u8`,
  download: (recordingId: string): string => `/api/v1/recordings/${id(recordingId)}/download`,
  /** @param maxAgeS content with a picture of this age; a fresh one costs the camera's worker some decoding. */
  snapshot: (cameraId: string, maxAgeS: number): string => `/api/v1/cameras/${id(cameraId)}/snapshot.jpg?max_age_s=${maxAgeS}`,
  /** The picture of a moment, as a film of half a second. */
  keyframe: (cameraId: string, atMs: number): string => `/api/v1/cameras/${id(cameraId)}/keyframe.mp4?at_ms=${Math.round(atMs)}`,
  mjpeg: (cameraId: string): string => `/api/v1/cameras/${id(cameraId)}/live.mjpeg`,
  hls: (cameraId: string): string => `/hls/${id(cameraId)}/index.m3u8`,
  live(cameraId: string, stream: LiveStream): string {
    const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
    return `${scheme}//${location.host}/api/v1/cameras/${id(cameraId)}/live?stream=${stream}`;
  },
};
