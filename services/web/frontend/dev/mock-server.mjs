/**
 * Serves the built interface with invented data, for development only (`npm run dev:mock`).
 * VIGILAR_MOCK_VIDEO names a film to show; without one, ffmpeg draws a test picture. PORT defaults to 49800.
 * VIGILAR_MOCK_EMPTY=1 answers as a fresh installation does; PIN is 1234.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdtempSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

import * as data from './mock-data.mjs';

const PORT = Number(process.env.PORT ?? 49800);
const STATIC = fileURLToPath(new URL('../../vigilar_web/static/', import.meta.url));
const EMPTY = process.env.VIGILAR_MOCK_EMPTY === '1';
const WORK = mkdtempSync(join(tmpdir(), 'vigilar-mock-'));
const FILM = process.env.VIGILAR_MOCK_VIDEO;
const SOURCE = FILM ? ['-i', FILM] : ['-f', 'lavfi', '-i', 'testsrc2=s=768x576:r=10'];
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.png': 'image/png', '.webmanifest': 'application/manifest+json', '.m3u8': 'application/vnd.apple.mpegurl', '.mp4': 'video/mp4', '.jpg': 'image/jpeg' };
const FRAME = readFileSync(join(STATIC, 'index.html'), 'utf8');
const inline = (tag) => [...FRAME.matchAll(new RegExp(`<${tag}>(.*?)</${tag}>`, 'gs'))].map(([, text]) => ` 'sha256-${createHash('sha256').update(text).digest('base64')}'`).join('');
const CSP = `default-src 'none'; script-src 'self'${inline('script')}; style-src 'self'${inline('style')}; img-src 'self'; media-src 'self' blob:; connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types lit-html vigilar`;

function ffmpeg(...args) {
  const done = spawnSync('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-y', ...args]);
  if (done.status !== 0) throw new Error(`ffmpeg: ${done.stderr}`);
}
ffmpeg(...SOURCE, '-t', '40', '-an', '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '10', '-hls_time', '1', '-hls_playlist_type', 'vod', '-hls_segment_type', 'fmp4', '-hls_flags', 'single_file', join(WORK, 'clip.m3u8'));
for (let i = 0; i < 8; i++) ffmpeg('-ss', String(2 + i * 4), ...SOURCE, '-frames:v', '1', '-vf', 'crop=iw:iw*9/16', '-q:v', '4', join(WORK, `still${i}.jpg`));

const streams = new Set();
const tell = (name, body) => streams.forEach((response) => response.write(`event: ${name}\ndata: ${JSON.stringify(body)}\n\n`));

function json(response, body, status = 200) {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
  response.end(status === 204 ? undefined : JSON.stringify(body));
}
const fail = (response, status, code, message, more = {}) => json(response, { error: { code, message, ...more } }, status);

function file(request, response, path, type = TYPES[extname(path)] ?? 'application/octet-stream') {
  const size = statSync(path).size;
  const range = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '');
  const headers = { 'Content-Type': type, 'Accept-Ranges': 'bytes', 'Content-Security-Policy': CSP };
  if (!range) {
    response.writeHead(200, { ...headers, 'Content-Length': size });
    createReadStream(path).pipe(response);
    return;
  }
  const start = Number(range[1]);
  const end = range[2] ? Math.min(Number(range[2]), size - 1) : size - 1;
  response.writeHead(206, { ...headers, 'Content-Range': `bytes ${start}-${end}/${size}`, 'Content-Length': end - start + 1 });
  createReadStream(path, { start, end }).pipe(response);
}

function page(items, url) {
  const limit = Number(url.searchParams.get('limit') ?? 50);
  const from = Number(url.searchParams.get('cursor') ?? 0);
  const rows = EMPTY ? [] : items;
  return { items: rows.slice(from, from + limit), next: from + limit < rows.length ? String(from + limit) : null };
}

let tries = 0;
let armed;
function setAlarm(response, body) {
  if (body.pin !== '1234') {
    if (++tries % 4 === 0) return fail(response, 429, 'too_many_tries', 'too many tries', { retry_after_s: 20 });
    return fail(response, 403, 'wrong_pin', 'the PIN is wrong');
  }
  if (body.action === 'ARM_NIGHT' && !body.bypass_open) return fail(response, 409, 'open_sensors', 'Open: Kitchen window.');
  const mode = { ARM_HOME: 'home', ARM_AWAY: 'away', ARM_NIGHT: 'night', ARM_VACATION: 'vacation' }[body.action];
  const open = body.action === 'ARM_AWAY' ? [{ sensor_id: 'back_door', name: 'Back door', what: 'open', at_ms: Date.now() }] : [];
  Object.assign(data.alarm, {
    state: mode ? 'arming' : 'disarmed',
    since_ms: Date.now(),
    arm_mode: mode ?? null,
    delay_s: mode ? 10 : 0,
    until_ms: mode ? Date.now() + 10_000 : 0,
    open_sensors: open,
    open_count: open.length,
  });
  const mine = (armed = {});
  if (mode) {
    setTimeout(() => {
      if (armed !== mine) return;
      Object.assign(data.alarm, { state: `armed_${mode}`, since_ms: Date.now(), delay_s: 0, until_ms: 0, open_sensors: [], open_count: 0 });
      tell('alarm', data.alarm);
    }, 10_000);
  }
  tell('alarm', data.alarm);
  return json(response, { state: data.alarm.state });
}

function api(request, response, url, body) {
  const path = url.pathname.replace('/api/v1', '');
  const [, kind, id, rest] = path.split('/');
  const route = `${request.method} /${kind}${id ? '/:id' : ''}${rest ? `/${rest}` : ''}`;
  switch (route) {
    case 'GET /session': return json(response, data.session);
    case 'GET /start': return json(response, { session: data.session, cameras: EMPTY ? [] : data.cameras, alarm: data.alarm, health: null });
    case 'POST /logout': return json(response, null, 204);
    case 'GET /cameras': return json(response, { items: EMPTY ? [] : data.cameras });
    case 'GET /cameras/:id/snapshot.jpg': return file(request, response, join(WORK, `still${id.length % 8}.jpg`));
    case 'GET /pictures/:id': return file(request, response, join(WORK, `still${Number(id.slice(-2)) % 8}.jpg`));
    case 'GET /events': {
      const camera = url.searchParams.get('camera');
      const type = url.searchParams.get('type');
      const to = Number(url.searchParams.get('to_ms') ?? Infinity);
      return json(response, page(data.events.filter((e) => (!camera || e.camera_id === camera) && (!type || e.type === type) && e.started_ms < to), url));
    }
    case 'GET /events/:id': {
      const event = data.events.find((e) => e.id === id);
      return event ? json(response, { ...event, deliveries: data.alerts.filter((a) => a.event_id === id) }) : fail(response, 404, 'not_found', 'no such event');
    }
    case 'GET /recordings': return json(response, page(data.recordings.filter((r) => r.starred || url.searchParams.get('starred') !== 'true'), url));
    case 'GET /recordings/:id': return json(response, data.recordings.find((r) => r.id === id));
    case 'PATCH /recordings/:id': data.recordings.find((r) => r.id === id).starred = body.starred; return json(response, {});
    case 'GET /recordings/:id/playlist.m3u8': {
      response.writeHead(200, { 'Content-Type': TYPES['.m3u8'] });
      return response.end(readFileSync(join(WORK, 'clip.m3u8'), 'utf8').replaceAll('clip.m4s', 'content.mp4'));
    }
    case 'GET /recordings/:id/content.mp4': return file(request, response, join(WORK, 'clip.m4s'), 'video/mp4');
    case 'GET /cameras/:id/coverage': return json(response, data.coverage(Number(url.searchParams.get('from_ms'))));
    case 'GET /exports': return json(response, { items: [], limits: { max_bytes: 8e9, keep_s: 86_400, kept: 3 } });
    case 'POST /exports':
    case 'GET /exports/:id': return json(response, data.madeExport, id ? 200 : 202);
    case 'DELETE /exports/:id': return json(response, null, 204);
    case 'GET /alarm': return json(response, data.alarm);
    case 'POST /find-cameras': return json(response, data.foundCameras);
    case 'GET /house': return json(response, EMPTY ? { power: null, people: null } : data.house());
    case 'GET /sensors': return json(response, { items: EMPTY ? [] : data.sensors() });
    case 'POST /alarm': return setAlarm(response, body);
    case 'GET /alerts': return json(response, { ...page(data.alerts, url), channels: EMPTY ? {} : data.channels });
    case 'GET /incidents': return json(response, { items: EMPTY ? [] : data.incidents, next: null, snoozes: data.snoozes, quiet: false, held_back: 0 });
    case 'GET /incidents/:id': return json(response, { ...data.incidents.find((one) => one.alert_id === id), next: null });
    case 'POST /incidents/:id/opened': return json(response, {});
    case 'GET /incidents/:id/deliveries': return json(response, { items: data.alerts.slice(0, 3), next: null });
    case 'POST /incidents/:id/acknowledge': {
      const found = data.incidents.find((one) => one.alert_id === id);
      Object.assign(found, { acknowledged: { by: 'admin', how: 'page', ts_ms: Date.now() }, escalates_ms: null });
      return json(response, { message: 'Acknowledged: it is not told again.', alert: found });
    }
    case 'POST /snoozes':
    case 'DELETE /snoozes': {
      data.snoozes.splice(0, data.snoozes.length, ...data.snoozes.filter((one) => one.camera_id !== body.camera_id));
      if (request.method === 'POST') data.snoozes.push({ camera_id: body.camera_id, until_ms: Date.now() + body.duration_s * 1000, by: 'admin' });
      return json(response, { message: 'Done.', snoozes: data.snoozes });
    }
    case 'GET /events/:id/why': return json(response, data.why(id));
    case 'GET /push': return json(response, data.push);
    case 'POST /push/:id': return json(response, id === 'test' ? { ok: true, message: 'Delivered to 2 devices in 0.8 s.' } : {}, id === 'test' ? 200 : 201);
    case 'POST /alerts/:id': return json(response, { ok: body?.channel !== 'email', message: body?.channel === 'email' ? '0 of 1 delivered. smtp.example.org: nothing listens on port 587 (connection refused). Check host and port and whether the server runs.' : '1 of 1 delivered.' });
    case 'GET /health': return json(response, EMPTY ? { ...data.health, status: 'ok', findings: [] } : data.health);
    case 'GET /stream':
      response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
      response.write('event: hello\ndata: {}\n\n');
      streams.add(response);
      response.on('close', () => streams.delete(response));
      return undefined;
    default: return fail(response, 404, 'not_found', route);
  }
}

const server = createServer((request, response) => {
  const url = new URL(request.url, `http://${request.headers.host}`);
  if (url.pathname.startsWith('/api/')) {
    let text = '';
    request.on('data', (chunk) => (text += chunk));
    request.on('end', () => api(request, response, url, text ? JSON.parse(text) : {}));
    return;
  }
  const path = join(STATIC, normalize(url.pathname));
  file(request, response, url.pathname !== '/' && existsSync(path) ? path : join(STATIC, 'index.html'));
});

function frame(payload, opcode) {
  const n = payload.length;
  const head = n < 126 ? Buffer.from([0x80 | opcode, n]) : n < 65536 ? Buffer.from([0x80 | opcode, 126, n >> 8, n & 255]) : Buffer.from([0x80 | opcode, 127, 0, 0, 0, 0, n >>> 24, (n >> 16) & 255, (n >> 8) & 255, n & 255]);
  return Buffer.concat([head, payload]);
}

/** Sends a live film as the backend does: codec text, then init segment, then one moof+mdat per frame. */
server.on('upgrade', (request, socket) => {
  const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
  socket.write(frame(Buffer.from(JSON.stringify({ codec: 'video/mp4; codecs="avc1.42c01f"' })), 1));
  const offset = request.url.includes('garden') ? ['-ss', '17'] : [];
  const input = FILM ? ['-re', '-stream_loop', '-1', ...offset, '-i', FILM] : ['-re', ...SOURCE];
  const child = spawn('ffmpeg', ['-loglevel', 'error', ...input, '-an', '-c:v', 'libx264', '-profile:v', 'baseline', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p', '-threads', '1', '-g', '10', '-f', 'mp4', '-movflags', 'frag_every_frame+empty_moov+default_base_moof', 'pipe:1']);
  let rest = Buffer.alloc(0);
  let held = [];
  child.stdout.on('data', (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 8 && rest.length >= rest.readUInt32BE(0)) {
      const size = rest.readUInt32BE(0);
      const kind = rest.toString('latin1', 4, 8);
      held.push(rest.subarray(0, size));
      rest = rest.subarray(size);
      if (kind === 'moov' || kind === 'mdat') {
        socket.write(frame(Buffer.concat(held), 2));
        held = [];
      }
    }
  });
  const end = () => child.kill();
  socket.on('data', (d) => (d[0] & 15) === 8 && socket.end());
  socket.on('close', end);
  socket.on('error', end);
});

setInterval(() => {
  if (EMPTY) return;
  const began = { ...data.events[1], id: data.newId(), started_ms: Date.now(), ended_ms: null, picture_url: `/api/v1/pictures/${data.newId()}` };
  data.events.unshift(began);
  tell('event', began);
  setTimeout(() => tell('event', Object.assign(began, { ended_ms: Date.now() })), 8000);
}, 45_000);

server.listen(PORT, '127.0.0.1', () => console.log(`http://127.0.0.1:${PORT}/ (PIN 1234)`));
