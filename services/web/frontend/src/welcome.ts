import { api } from './api/client';
import type { Values } from './api/settings';
import { asApiError } from './state/app-state';

export const STEPS = ['address', 'place', 'cameras', 'pin', 'push', 'recovery', 'arm'] as const;
export type Step = (typeof STEPS)[number];

/** Writes settings; when somebody else did so meanwhile, once more on top of theirs. Throws ApiError. */
export async function saveSettings(make: (values: Values, removed: Record<string, string[]>) => Values): Promise<void> {
  for (let again = true; ; again = false) {
    const now = await api.settings();
    try {
      await api.changeSettings(make(now.values, now.removed), now.revision);
      return;
    } catch (error) {
      if (!again || asApiError(error).code !== 'stale_revision') throw error;
    }
  }
}

/** The address with this login instead of the one it came with; without a user it stays as it is. */
export function withLogin(url: string, user: string, password: string): string {
  const found = /^([a-z]+:\/\/)(?:[^@/]*@)?(.*)$/i.exec(url.trim());
  if (!found || !user) return url.trim();
  const [, scheme = '', rest = ''] = found;
  return `${scheme}${encodeURIComponent(user)}:${encodeURIComponent(password)}@${rest}`;
}

/** An id of what a camera is called: letters, digits and dashes, and not taken yet. */
export function cameraId(name: string, taken: readonly string[]): string {
  const plain = name
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40);
  const base = plain || 'camera';
  for (let number = 1; ; number += 1) {
    const id = number === 1 ? base : `${base}-${number}`;
    if (!taken.includes(id)) return id;
  }
}

const TICKS = 'vigilar.first-steps';

/** What only this device knows of: ticks, and whether the reminder was put away. */
export function ticked(name: Step | 'hidden'): boolean {
  try {
    return (localStorage.getItem(TICKS) ?? '').split(',').includes(name);
  } catch {
    return false; // a browser that keeps nothing reminds again
  }
}

export function tick(name: Step | 'hidden', on = true): void {
  try {
    const others = (localStorage.getItem(TICKS) ?? '').split(',').filter((one) => one && one !== name);
    localStorage.setItem(TICKS, [...others, ...(on ? [name] : [])].join(','));
  } catch {
    // then it is asked again the next time
  }
}

/** Whether this browser believes the certificate: it registers a service worker only then. */
export async function trustOfBrowser(): Promise<'trusted' | 'local' | 'untrusted' | 'insecure'> {
  if (!isSecureContext) return 'insecure';
  const here = location.protocol === 'http:';
  if (!('serviceWorker' in navigator)) return here ? 'local' : 'untrusted';
  try {
    const found = await navigator.serviceWorker.getRegistration();
    if (!found) throw new Error('no worker');
    await found.update();
    return here ? 'local' : 'trusted';
  } catch {
    return here ? 'local' : 'untrusted';
  }
}
