import './app';
import { startRouter } from './router';
import { app } from './state/app-state';
import { spoken } from './strings/spoken';
import { registerWorker } from './worker';

void app.start();
// This code may be here before the frame's last line is.
if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', begin, { once: true });
else begin();

function begin(): void {
  const element = document.querySelector('vg-app');
  if (element) {
    startRouter(() => void element.go());
    void spoken.then(() => element.go());
  }
  registerWorker();
}
