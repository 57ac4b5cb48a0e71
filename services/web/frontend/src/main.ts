import './app';
import { startRouter } from './router';
import { app } from './state/app-state';

const element = document.querySelector('vg-app');
if (element) {
  startRouter(() => void element.go());
  void element.go();
}
void app.start();

if ('serviceWorker' in navigator && isSecureContext) {
  addEventListener('load', () => {
    // Without it the page works just the same, only without notifications and the offline frame.
    navigator.serviceWorker.register(workerUrl()).catch(() => undefined);
  });
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
