import { api } from './api/client';

/** What stands between this browser and notifications, if anything. */
export type PushSupport = 'ready' | 'insecure' | 'unsupported' | 'denied';

export function pushSupport(): PushSupport {
  if (!isSecureContext) return 'insecure';
  if (!('serviceWorker' in navigator) || !('PushManager' in window) || !('Notification' in window)) return 'unsupported';
  return Notification.permission === 'denied' ? 'denied' : 'ready';
}

export async function currentSubscription(): Promise<PushSubscription | null> {
  const registration = await navigator.serviceWorker.getRegistration();
  return (await registration?.pushManager.getSubscription()) ?? null;
}

/** A VAPID key as the browser wants it. */
export function keyBytes(base64url: string): Uint8Array<ArrayBuffer> {
  const padded = base64url.replaceAll('-', '+').replaceAll('_', '/').padEnd(Math.ceil(base64url.length / 4) * 4, '=');
  return Uint8Array.from(atob(padded), (character) => character.charCodeAt(0));
}

function sameKey(subscription: PushSubscription, key: Uint8Array): boolean {
  const used = subscription.options.applicationServerKey;
  if (!used) return false;
  const present = new Uint8Array(used);
  return present.length === key.length && present.every((byte, i) => byte === key[i]);
}

/** Asks for permission when needed, subscribes, and tells the server. Throws with the browser's reason. */
export async function subscribe(publicKey: string): Promise<void> {
  if ((await Notification.requestPermission()) !== 'granted') return;
  const registration = await navigator.serviceWorker.ready;
  const key = keyBytes(publicKey);
  const old = await registration.pushManager.getSubscription();
  if (old && !sameKey(old, key)) await old.unsubscribe(); // the server has a new key: the old one can never be used again
  const subscription = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  try {
    await api.pushSubscribe(subscription.toJSON(), deviceName());
  } catch (error) {
    await subscription.unsubscribe(); // else this page would say that the device is told
    throw error;
  }
}

export async function unsubscribe(): Promise<void> {
  const subscription = await currentSubscription();
  if (!subscription) return;
  await api.pushUnsubscribe(subscription.endpoint);
  await subscription.unsubscribe();
}

/** "Chrome on Android": enough to tell one's devices apart, no more. */
export function deviceName(agent: string = navigator.userAgent): string {
  const browsers: [RegExp, string][] = [
    [/Edg\//, 'Edge'],
    [/OPR\//, 'Opera'],
    [/Firefox\/|FxiOS/, 'Firefox'],
    [/Chrome\/|CriOS/, 'Chrome'],
    [/Safari\//, 'Safari'],
  ];
  const systems: [RegExp, string][] = [
    [/iPhone/, 'iPhone'],
    [/iPad/, 'iPad'],
    [/Android/, 'Android'],
    [/Windows/, 'Windows'],
    [/Mac OS X/, 'Mac'],
    [/Linux/, 'Linux'],
  ];
  const find = (list: [RegExp, string][], other: string): string => list.find(([pattern]) => pattern.test(agent))?.[1] ?? other;
  return `${find(browsers, 'Browser')} on ${find(systems, 'unknown device')}`;
}
