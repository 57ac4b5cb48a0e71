import { t } from './strings';
import { locale } from './strings/language';

/** All times shown are in the time zone of the house, not of the device that looks at it. */

const DAY_MS = 86_400_000;

let zone: string | undefined;
const cache = new Map<string, Intl.DateTimeFormat>();

/** @param name an IANA name; an unknown one falls back to the device's own zone. */
export function setTimeZone(name: string): void {
  try {
    new Intl.DateTimeFormat(locale(), { timeZone: name });
    zone = name;
  } catch {
    zone = undefined;
  }
  cache.clear();
}

function formatter(key: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  let found = cache.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat(locale(), zone ? { ...options, timeZone: zone } : options);
    cache.set(key, found);
  }
  return found;
}

export const clock = (ms: number): string =>
  formatter('clock', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(ms);

/** Whole seconds until then; 0 when it is past. */
export const secondsLeft = (untilMs: number, nowMs: number): number => Math.max(0, Math.ceil((untilMs - nowMs) / 1000));

export const clockSeconds = (ms: number): string =>
  formatter('seconds', { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' }).format(ms);

const longDay = (ms: number): string =>
  formatter('day', { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' }).format(ms);

const shortDay = (ms: number): string => formatter('short', { day: 'numeric', month: 'short' }).format(ms);

/** "2026-03-29" in the house's zone: the key of a day. */
export function dayKey(ms: number): string {
  const parts = formatter('key', { year: 'numeric', month: '2-digit', day: '2-digit' }).formatToParts(ms);
  const get = (type: string): string => parts.find((part) => part.type === type)?.value ?? '';
  return `${get('year')}-${get('month')}-${get('day')}`;
}

/** "Sun 22 Nov": a day on the axis of time. */
export const shortDayName = (ms: number): string =>
  formatter('axis', { weekday: 'short', day: 'numeric', month: 'short' }).format(ms).replace(',', '');

/** "CET", "CEST": which of two equal times of a day is meant. */
export function zoneName(ms: number): string {
  const parts = formatter('zone', { hour: '2-digit', timeZoneName: 'short' }).formatToParts(ms);
  return parts.find((part) => part.type === 'timeZoneName')?.value ?? '';
}

export function dayTitle(ms: number, nowMs: number): string {
  const key = dayKey(ms);
  if (key === dayKey(nowMs)) return t.time.today;
  if (key === dayKey(nowMs - DAY_MS)) return t.time.yesterday;
  return longDay(ms);
}

/** "just now", "4 min ago", "14:02" today, "21 Nov, 14:02" before. */
export function ago(ms: number, nowMs: number): string {
  const minutes = Math.floor((nowMs - ms) / 60_000);
  if (minutes < 1) return t.time.justNow;
  if (minutes < 60) return t.time.minutesAgo(minutes);
  return moment(ms, nowMs);
}

export function moment(ms: number, nowMs: number): string {
  return dayKey(ms) === dayKey(nowMs) ? clock(ms) : `${shortDay(ms)}, ${clock(ms)}`;
}

export const fullMoment = (ms: number): string => `${longDay(ms)}, ${clockSeconds(ms)}`;

/** "0:07", "12:40", "1:02:09". */
export function timecode(seconds: number): string {
  const whole = Math.max(0, Math.floor(Number.isFinite(seconds) ? seconds : 0));
  const h = Math.floor(whole / 3600);
  const m = Math.floor((whole % 3600) / 60);
  const s = String(whole % 60).padStart(2, '0');
  return h ? `${h}:${String(m).padStart(2, '0')}:${s}` : `${m}:${s}`;
}

/** "850 ms", "1.4 s", "42 s", "3 min 5 s", "2 h 10 min", "3 d 4 h". */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const s = ms / 1000;
  if (s < 10) return `${decimal(s)} s`;
  if (s < 60) return `${Math.round(s)} s`;
  const minutes = Math.floor(s / 60);
  if (minutes < 60) return Math.round(s % 60) ? `${minutes} min ${Math.floor(s % 60)} s` : `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return hours % 24 ? `${Math.floor(hours / 24)} d ${hours % 24} h` : `${Math.floor(hours / 24)} d`;
}

/** "1.4", "1,4": with `digits` places after the point or comma of the language. */
export const decimal = (value: number, digits = 1): string =>
  value.toLocaleString(locale(), { minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: false });

/** "12,345.6", "12.345,6": as it is, at most three places. */
export const number = (value: number): string => value.toLocaleString(locale());

/** "512 B", "1.4 MB", "212 GB": powers of 1000, as disks are sold. */
export function bytes(n: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = Math.max(0, n);
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : decimal(value)} ${units[unit] ?? 'B'}`;
}

/**
 * First and last moment of the day `key` in the house's zone, as [from, to) in UTC ms; null for no date.
 * Days are 23 or 25 hours long when clocks change, so both ends are looked up.
 */
export function dayRange(key: string): { fromMs: number; toMs: number } | null {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(key);
  if (!match) return null;
  const noonUtc = Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3]), 12);
  if (Number.isNaN(noonUtc)) return null;
  return { fromMs: startOfDay(noonUtc - DAY_MS / 2), toMs: startOfDay(noonUtc + DAY_MS / 2) };
}

/** UTC ms at which the wall clock of the zone reads midnight of the date that `utcMidnight` names. */
function startOfDay(utcMidnight: number): number {
  const first = utcMidnight - localOffsetMs(utcMidnight);
  return utcMidnight - localOffsetMs(first);
}

/** How far the clocks of the house are ahead of UTC at that moment. */
export function localOffsetMs(ms: number): number {
  const parts = formatter('offset', {
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
    hourCycle: 'h23',
  }).formatToParts(ms);
  const get = (type: string): number => Number(parts.find((part) => part.type === type)?.value);
  const wall = Date.UTC(get('year'), get('month') - 1, get('day'), get('hour'), get('minute'), get('second'));
  return wall - Math.floor(ms / 1000) * 1000;
}

/** Where a camera looks, in the words of the language; a place that has none: "BACK_YARD" → "Back yard". */
export function place(location: string): string {
  const known = t.welcome.camera.locations[location];
  if (known) return known;
  const words = location.toLowerCase().replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
