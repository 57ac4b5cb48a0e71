/// <reference lib="webworker" />
import { readPush, wordsFor } from './payload';

declare const self: ServiceWorkerGlobalScope;

/** Both are filled in by the build (vite.config.ts). */
const CACHE = 'vigilar-shell-__BUILD_ID__';
const SHELL_FILES = '__SHELL_FILES__';
const FRAME = '/__frame';

self.addEventListener('install', (event) => {
  event.waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll(JSON.parse(SHELL_FILES) as string[]))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener('activate', (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((name) => name.startsWith('vigilar-') && name !== CACHE).map((name) => caches.delete(name))))
      // The page is asked for while this worker wakes up.
      .then(() => ('navigationPreload' in self.registration ? self.registration.navigationPreload.enable() : undefined))
      .then(() => self.clients.claim()),
  );
});

/** Only the empty frame of the application is kept: never a picture, a recording or an answer of the API. */
self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== self.location.origin) return;
  if (request.mode === 'navigate') {
    if (isPage(url.pathname)) event.respondWith(page(event));
  } else if (url.pathname.startsWith('/assets/')) {
    event.respondWith(caches.match(request, { ignoreVary: true }).then((found) => found ?? fetch(request)));
  }
});

function isPage(path: string): boolean {
  return path === '/' || /^\/(cameras|events|recordings|alerts|system|settings|timeline|account|users|audit|reference|security|welcome)(\/[A-Za-z0-9_-]+)?$/.test(path);
}

async function page(event: FetchEvent): Promise<Response> {
  try {
    const response = ((await event.preloadResponse) as Response | undefined) ?? (await fetch(event.request));
    const isFrame = response.ok && !response.redirected && (response.headers.get('Content-Type') ?? '').includes('text/html');
    if (isFrame) event.waitUntil(keep(response.clone()));
    return response;
  } catch (error) {
    const frame = await (await caches.open(CACHE)).match(FRAME);
    if (frame) return frame;
    throw error;
  }
}

async function keep(frame: Response): Promise<void> {
  await (await caches.open(CACHE)).put(FRAME, frame);
}

self.addEventListener('push', (event) => {
  event.waitUntil(show(event.data?.text() ?? null));
});

async function show(text: string | null): Promise<void> {
  const { title, options } = readPush(text, await language());
  await self.registration.showNotification(title, options);
}

/** Browsers without the cookie store tell a worker only what they prefer themselves. */
async function language(): Promise<string> {
  const store = (self as { cookieStore?: { get(name: string): Promise<{ value?: string } | null> } }).cookieStore;
  const kept = await store?.get('vigilar_language').catch(() => null);
  return kept?.value ?? self.navigator.language;
}

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  const { url, token } = event.notification.data as { url: string; token?: string };
  event.waitUntil(pressed(event.action, url, token ?? ''));
});

async function pressed(action: string, url: string, token: string): Promise<void> {
  switch (action) {
    case 'acknowledge':
    case 'snooze':
      if (!(await send(action, token))) {
        const words = wordsFor(await language());
        await self.registration.showNotification(words.failed, { body: words.failedHelp, data: { url: '/alerts' } });
      }
      return;
    case 'disarm':
      return open('/?alarm'); // the page asks for the PIN
    default:
      if (token) void send('opened', token);
      return open(url);
  }
}

/** The token is the permission: the phone may be locked, and its session over. */
async function send(action: string, token: string): Promise<boolean> {
  try {
    const response = await fetch('/api/v1/notification-actions', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ token, action }),
    });
    return response.ok;
  } catch {
    return false;
  }
}

/** The press allows one window to be opened or focused, so nothing may use that up before it is known to work. */
async function open(path: string): Promise<void> {
  const target = new URL(path, self.location.origin).href;
  const windows = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const there = windows.find((client) => client.url === target) ?? (await led(target));
  if (there) await there.focus();
  else await self.clients.openWindow(target);
}

/** A window of ours that went there; null when there is none, or none that may be led (loaded before this worker, or in Safari). */
async function led(target: string): Promise<WindowClient | null> {
  const [ours] = await self.clients.matchAll({ type: 'window' });
  if (!ours) return null;
  try {
    return (await ours.navigate(target)) ?? ours;
  } catch {
    return null;
  }
}
