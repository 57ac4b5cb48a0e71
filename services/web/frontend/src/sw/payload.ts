/** What a push message may hold; every field is checked, because a push service stands between us. */

// A copy of its own: a service worker is one file, and what it shares with the page would become another.
import { bodyInGerman, saidInGerman } from '../strings/de/said?sw';
import { german, notification } from '../strings/notification';

/** What was chosen for this browser (`vigilar_language`), else what the browser prefers. */
export const wordsFor = (language: string): typeof notification => (language.startsWith('de') ? german : notification);

export interface Notice {
  title: string;
  options: NotificationOptions & { image?: string; timestamp?: number; actions?: { action: string; title: string }[]; renotify?: boolean };
}

const ICON = '/icons/icon-192.png';
const BADGE = '/icons/badge-96.png';

/** Turns a payload into a notification; an unreadable one still says that something happened. */
export function readPush(text: string | null, language = 'en'): Notice {
  const words = wordsFor(language);
  const [title, body] = words === german ? [saidInGerman, bodyInGerman] : [String, String];
  const fields = parse(text);
  const data = isObject(fields['data']) ? fields['data'] : {};
  const url = ownPath(word(data['url']) || word(fields['url']));
  const image = ownPath(word(fields['picture']) || word(fields['image']), '');
  const silent = fields['silent'] === true;
  const tag = word(fields['tag']);
  const time = Number(fields['timestamp'] ?? fields['ts_ms']);
  return {
    title: title(word(fields['title'])) || 'Vigilar',
    options: {
      body: body(word(fields['body'])),
      icon: ownPath(word(fields['icon']), ICON),
      badge: BADGE,
      data: { url, token: word(fields['token']) },
      requireInteraction: fields['severity'] === 'critical',
      actions: buttons(words, word(fields['token']) !== '', fields['severity'] === 'critical'),
      ...(image ? { image } : {}),
      ...(silent ? { silent } : {}),
      ...(tag ? { tag, renotify: !silent } : {}),
      ...(Number.isFinite(time) && time > 0 ? { timestamp: time } : {}),
    },
  };
}

/** Systems show two or three, the first ones: what cannot wait stands first. A tap on the notification itself opens it. */
function buttons(words: typeof notification, known: boolean, critical: boolean): { action: string; title: string }[] {
  const view = { action: 'view', title: words.view };
  if (!known) return [view];
  const acknowledge = { action: 'acknowledge', title: words.acknowledge };
  return critical
    ? [acknowledge, { action: 'disarm', title: words.disarm }, view]
    : [acknowledge, { action: 'snooze', title: words.snooze }, view];
}

/** Only addresses of this very server are opened or shown, whatever a message says. */
export function ownPath(address: string, otherwise = '/'): string {
  if (!address) return otherwise;
  try {
    const here = new URL(globalThis.location.origin);
    const url = new URL(address, here);
    return url.origin === here.origin ? url.pathname + url.search + url.hash : otherwise;
  } catch {
    return otherwise;
  }
}

function parse(text: string | null): Record<string, unknown> {
  if (!text) return {};
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : { body: text };
  } catch {
    return { body: text };
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function word(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
