import './app';
import { startRouter } from './router';
import { app } from './state/app-state';
import { registerWorker } from './worker';

const element = document.querySelector('vg-app');
if (element) {
  startRouter(() => void element.go());
  void element.go();
}
void app.start();
registerWorker();
