/**
 * What a phone loads before it shows a page, packed as the server sends it (gzip, bytes): the frame with its home page, and the
 * code of each other page besides. Fails above a limit of budget.json, and says what grew since the sizes there were recorded
 * (`npm run budget -- --record`).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';

const FILE = new URL('budget.json', import.meta.url);
const CONFIG = fileURLToPath(new URL('vite.config.ts', import.meta.url));
/** Less than this is no news. */
const NOTICED_BYTES = 250;

const { limits_bytes: limits, recorded_bytes: recorded } = JSON.parse(readFileSync(FILE, 'utf8'));
const { output } = await build({ configFile: CONFIG, logLevel: 'error', build: { write: false } });
const files = new Map(output.map((one) => [one.fileName, one]));
const packed = (name) => {
  const file = files.get(name);
  return gzipSync(file.type === 'chunk' ? file.code : file.source, { level: 9 }).length;
};
const total = (names) => names.reduce((sum, name) => sum + packed(name), 0);
const needs = (name, found = new Set()) => {
  if (found.has(name)) return found;
  found.add(name);
  for (const next of files.get(name).imports) needs(next, found);
  return found;
};

const entry = output.find((one) => one.type === 'chunk' && one.name === 'frame');
const sizes = { 'index.html': packed('index.html'), frame: total([...needs(entry.fileName)]) };
const pages = JSON.parse(String(files.get('preload.json').source));
for (const [page, names] of Object.entries(pages)) sizes[page] = total(names.map((name) => name.slice(1)));

const wrong = [];
for (const [name, size] of Object.entries(sizes)) {
  const own = name === 'index.html' || name === 'frame';
  const limit = limits[name] ?? limits.page;
  if (size > limit) wrong.push(`${name}: ${size} bytes, at most ${limit}`);
  if (!own && sizes.frame + size > limits.first_view) wrong.push(`${name} with the frame: ${sizes.frame + size} bytes, at most ${limits.first_view}`);
  const grown = size - (recorded[name] ?? 0);
  if (grown > NOTICED_BYTES) process.stdout.write(`first view: ${name} grew by ${grown} to ${size} bytes (limit ${limit})\n`);
}
if (process.argv.includes('--record')) {
  writeFileSync(FILE, `${JSON.stringify({ limits_bytes: limits, recorded_bytes: sizes }, null, 2)}\n`);
}
if (wrong.length) {
  process.stderr.write(`The first view is too large (services/web/frontend/budget.json):\n${wrong.join('\n')}\n`);
  process.exitCode = 1;
}
