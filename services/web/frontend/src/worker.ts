/** The page's side of its service worker (src/sw). */

const LOOK_EACH_MS = 3_600_000;
/** It fetches the whole application: not while the first page still comes. */
const AFTER_LOAD_MS = 3_000;

/** Without it the page works just the same, only without notifications and the offline frame. */
export function registerWorker(): void {
  if (!('serviceWorker' in navigator) || !isSecureContext) return;
  const register = (): void => {
    navigator.serviceWorker.register(workerUrl()).then(
      (registration) => {
        // An installed app stays open for weeks: it asks for a new build when it is looked at again, once an hour at most.
        let asked = Date.now();
        document.addEventListener('visibilitychange', () => {
          if (document.visibilityState !== 'visible' || Date.now() - asked < LOOK_EACH_MS) return;
          asked = Date.now();
          registration.update().catch(() => undefined); // offline: the next look asks again
        });
      },
      () => undefined,
    );
  };
  const later = (): void => void setTimeout(register, AFTER_LOAD_MS);
  if (document.readyState === 'complete') later();
  else addEventListener('load', later, { once: true });
}

/** Calls when another worker than the one this page began with took over: the page is of an older build. */
export function onNewVersion(tell: () => void): void {
  if (!('serviceWorker' in navigator) || !navigator.serviceWorker.controller) return;
  navigator.serviceWorker.addEventListener('controllerchange', tell, { once: true });
}

/** The one script address of this application, blessed for servers that enforce trusted types. */
function workerUrl(): string {
  const types = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes;
  const policy = types?.createPolicy('vigilar', { createScriptURL: () => '/sw.js' });
  return (policy?.createScriptURL('') ?? '/sw.js') as string;
}

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(input: string): string }): { createScriptURL(input: string): unknown };
}
