/** Invented answers for looking at the interface without a backend. Never part of a build. */

const MIN = 60_000;
let counter = 0;
export const newId = () => `00000000-0000-7000-8000-${String(++counter).padStart(12, '0')}`;

export const session = { user: 'admin', csrf: 'mock', name: 'Vigilar Home Security', timezone: 'Europe/Berlin', version: '0.1.0', expires_ms: Date.now() + 3_600_000 };

export const alarm = { state: 'disarmed', since_ms: Date.now() - 47 * MIN, changed_by: 'admin', pin_configured: true };

const state = (camera_id, more) => ({
  camera_id, condition: 'online', reason: '', since_ms: Date.now() - 312 * MIN, codec: 'h264', width_px: 768, height_px: 576,
  fps: 10, motion: false, recording: false, motion_score: 0, sub_online: false, analysis: 'sparse', analysis_stream: 'main', analysis_reason: '', analysis_device: 'software', recording_problem: '', findings: [], ...more,
});

export const cameras = [
  { id: 'front', name: 'Front door', location: 'EXTERIOR', state: state('front', { motion: true, recording: true }) },
  { id: 'garden', name: 'Garden', location: 'EXTERIOR', state: state('garden', {}) },
  { id: 'garage', name: 'Garage', location: 'INTERIOR', state: state('garage', { condition: 'offline', reason: 'rtsp://10.0.4.12:554 refused the connection (ECONNREFUSED)', since_ms: Date.now() - 23 * MIN }) },
];

const event = (minutes, seconds, more) => {
  const started_ms = Date.now() - minutes * MIN;
  const id = newId();
  return {
    id, type: 'motion', severity: 'alert', title: 'Motion at Front door', camera_id: 'front', camera_name: 'Front door', started_ms,
    ended_ms: seconds === null ? null : started_ms + seconds * 1000, picture_url: `/api/v1/pictures/${id}`, recording_id: `rec-${id}`,
    recording_offset_ms: 5200, playlist_url: `/api/v1/recordings/rec-${id}/playlist.m3u8`, arm_state: 'disarmed', zones: [], score: 0.034, ...more,
  };
};

export const events = [
  event(0.4, null, {}),
  event(9, 21, { zones: ['driveway'] }),
  event(23, 0, { type: 'camera_offline', severity: 'alert', title: 'Garage went offline', camera_id: 'garage', camera_name: 'Garage', picture_url: null, recording_id: null, recording_offset_ms: null, playlist_url: null, ended_ms: null }),
  event(51, 48, { title: 'Motion at Garden', camera_id: 'garden', camera_name: 'Garden', severity: 'info' }),
  event(140, 12, { severity: 'critical', arm_state: 'armed_away' }),
  ...Array.from({ length: 70 }, (_, i) => event(200 + i * 47, 10 + ((i * 7) % 50), i % 3 ? {} : { title: 'Motion at Garden', camera_id: 'garden', camera_name: 'Garden', severity: 'info' })),
];

export const recordings = events.filter((e) => e.recording_id).map((e, i) => ({
  id: e.recording_id, camera_id: e.camera_id, started_ms: e.started_ms - 5200, ended_ms: e.ended_ms && e.ended_ms + 30_000,
  state: e.ended_ms === null ? 'growing' : i === 3 ? 'recovered' : i === 5 ? 'damaged' : 'complete', trigger: 'motion', size_bytes: 4_300_000 + i * 71_000,
  starred: i % 6 === 1, codec: 'h264', encrypted: true,
}));

const delivery = (e, more) => ({
  id: newId(), alert_id: newId(), event_id: e.id, channel: 'web_push', target: 'Chrome on Android', attempt: 1, outcome: 'delivered', severity: e.severity,
  title: e.title, latency_ms: 840, sent_after_ms: 610, error: '', ts_ms: e.started_ms + 900, ...more,
});

export const alerts = events.slice(0, 14).flatMap((e, i) => [
  delivery(e, i === 2 ? { outcome: 'failed', attempt: 5, latency_ms: 61_000, error: 'fcm.googleapis.com answered 503 five times' } : i === 4 ? { outcome: 'retrying', attempt: 2, error: 'timed out after 10 s' } : { latency_ms: 700 + i * 60 }),
  delivery(e, { channel: 'syslog', target: 'local0', latency_ms: 12 + i }),
]);
const told = (e, outcome = 'alerted') => ({ event_id: e.id, ts_ms: e.started_ms, type: e.type, severity: e.severity, title: e.title, camera_id: e.camera_id, outcome, why: outcome === 'alerted' ? 'It was told with a sound.' : 'It belongs to an alert that was told already: that one was updated without a sound.' });
const incident = (of, more = {}) => ({
  alert_id: newId(), family: 'security', title: of[0].title, summary: `Motion: ${of[0].camera_name} ×${of.length}. ${of.length} in 3 minutes`, severity: of[0].severity,
  opened_ms: of.at(-1).started_ms, last_ms: of[0].started_ms, count: of.length, cameras: [of[0].camera_id], picture_url: of[0].picture_url, lead: of[0].id, told_ms: of[0].started_ms,
  held: '', profile: 'outside', acknowledged: null, escalates_ms: null, steps: 0, receipts: [], events: of.map((e, i) => told(e, i ? 'grouped' : 'alerted')), ...more,
});
export const incidents = [
  incident([events[4]], { severity: 'critical', escalates_ms: Date.now() + 140_000 }),
  incident(events.slice(0, 2), { acknowledged: { by: 'ann (Chrome on Android)', how: 'notification', ts_ms: Date.now() - 4 * MIN }, receipts: [{ kind: 'opened', by: 'ann (Chrome on Android)', method: 'notification', ts_ms: Date.now() - 5 * MIN }] }),
  incident([events[2]], { held: 'quiet', family: 'cameras' }),
];
export const snoozes = [{ camera_id: 'garden', until_ms: Date.now() + 38 * MIN, by: 'admin' }];
export const why = (eventId) => ({
  event_id: eventId, alert_id: incidents[0].alert_id,
  decisions: [{ ts_ms: Date.now(), title: 'Motion', outcome: 'alerted', severity: 'alert', profile: 'outside', text: 'It was told with a sound.', checked: [{ profile: 'alarm', why_not: 'it is for alarm_triggered, duress' }, { profile: 'outside', why_not: '' }] }],
  today: { profile: 'outside', mute: false, severity: 'alert', checked: [] },
});
export const channels = { web_push: { delivered: 12, failed: 1, p50_ms: 840, p95_ms: 1420 }, syslog: { delivered: 14, p50_ms: 17, p95_ms: 26 } };
export const push = { public_key: 'BEl62iUYgUivxIkv69yViEuiBIa-Ib9-SkvMeAtA3LFgDzkrxZJjSgSnfckjBJuBkr3qBUYIHBQFLXYp5Nksh8U', enabled: true, subscriptions: 2, channels: ['web_push', 'syslog', 'email', 'apprise'] };

const beat = (service, mb, more = {}) => [service, { service, pid: 4242, started_ms: Date.now() - 312 * MIN, ready: true, reason: '', config_error: '', rss_bytes: mb * 1e6, cpu_s: 40, outbox_facts: 0, ...more }];
const disk = (path, pct, total) => ({ path, total_bytes: total, used_bytes: (total * pct) / 100, free_bytes: total * (1 - pct / 100), used_pct: pct });
export const health = {
  status: 'warning', mqtt_connected: true, storage_reachable: true, disk_usage_pct: 41,
  disks: { data: disk('/var/vigilar/data', 41.2, 128e9), recordings: disk('/var/vigilar/recordings', 87.4, 4e12) },
  services: Object.fromEntries([beat('storage', 118), beat('events', 34), beat('alerts', 41), beat('health', 29), beat('web', 86), beat('camera-worker-front', 112, { detail: { work: { in_fps: 15, decoded_fps: 2.2, analysed_fps: 0.1, kbps: 3041, cpu_pct: 2.4, lag_ms: 18, mem_bytes: 19e6, gaps: 0, reconnects: 1, search: 'main sparse' } } }), beat('camera-worker-garden', 109), beat('camera-worker-garage', 61, { ready: false, reason: 'no picture since 14:20: connection refused', outbox_facts: 3 })]),
  findings: [
    { code: 'camera_offline', severity: 'alert', title: 'Camera “Garage” has been away for 23 minutes', cure: 'Check its power and network cable; the address is 10.0.4.12.', subject: 'garage', since_ms: Date.now() - 23 * MIN },
    { code: 'vapid_contact', severity: 'info', title: 'The notification contact is the default address', cure: 'Set vapid_claim_email in [alerts.web_push] to an address of yours.', subject: 'alerts', since_ms: Date.now() - 300 * MIN },
  ],
};

export const coverage = (fromMs) => {
  const at = (hours) => fromMs + hours * 3_600_000;
  const spans = [
    { from_ms: at(0), to_ms: at(6), state: 'recorded', reason: '', recording_id: null },
    { from_ms: at(6), to_ms: at(6.5), state: 'gap', reason: 'the camera was offline', recording_id: null },
    { from_ms: at(6.5), to_ms: at(8), state: 'deleted', reason: 'retention: older than 30 days', recording_id: null },
    { from_ms: at(8), to_ms: at(12), state: 'idle', reason: 'only motion is recorded', recording_id: null },
  ];
  const totals = { recorded: 21_600_000, gap: 1_800_000, deleted: 5_400_000, idle: 14_400_000 };
  return { camera_id: 'front', from_ms: at(0), to_ms: at(12), spans, totals_ms: totals };
};

const EXPORT_ID = '0190f000-0000-7000-8000-00000000e001';
export const madeExport = {
  id: EXPORT_ID, state: 'done', progress_pct: 100, size_bytes: 18_400_000, sha256: 'ab'.repeat(32), error: '', left_out: [],
  file_url: `/api/v1/exports/${EXPORT_ID}/file`,
};

export const foundCameras = {
  cameras: [
    {
      host: '10.0.4.20', name: 'Acme Dome 1', problem: '', needs_login: false,
      main: { url: 'rtsp://10.0.4.20:554/main', codec: 'h264', width_px: 2560, height_px: 1440, fps: 15, gop_s: 2, audio: 'AAC' },
      sub: { url: 'rtsp://10.0.4.20:554/sub', codec: 'h264', width_px: 640, height_px: 360, fps: 10, gop_s: 2, audio: '' },
    },
    { host: '10.0.4.21', name: 'Other', problem: '10.0.4.21 wants a user and a password', needs_login: true, main: null, sub: null },
  ],
  toml: '[[cameras]]\nid = "acme-dome-1"\ndisplay_name = "Acme Dome 1"\nrtsp_url = "rtsp://USER:PASSWORD@10.0.4.20:554/main"\n',
  left_out: 0,
};

/** As `GET /api/v1/house` answers. */
export const house = () => ({
  power: {
    ups_id: 'ups', state: 'on_battery', since_ms: Date.now() - 240_000, flags: ['OB', 'DISCHRG'], reason: '',
    values: { charge_pct: 82, runtime_s: 1_860, load_pct: 24, input_v: 0, temperature_c: null }, shutdown: null, shutdown_at_ms: 0,
  },
  people: {
    state: 'ADULTS_HOME', reason: '',
    members: [
      { name: 'Ann', role: 'adult', home: true, since_ms: Date.now() - 7_200_000 },
      { name: 'Kim', role: 'child', home: false, since_ms: Date.now() - 900_000 },
      { name: 'Bob', role: 'adult', home: null, since_ms: 0 },
    ],
  },
});

/** As `GET /api/v1/sensors` answers. */
export const sensors = () => {
  const sensor = (id, name, type, more) => ({
    id, name, type, location: '', known: true, reason: '', active: null, values: {}, units: {}, battery_low: false, heard_ms: Date.now() - 90_000, ...more,
  });
  return [
    sensor('back_door', 'Back door', 'CONTACT', { active: true, values: { contact: false, battery: 87 } }),
    sensor('hall', 'Hall', 'MOTION', { active: false, values: { occupancy: false, battery: 9 }, battery_low: true }),
    sensor('cellar', 'Cellar', 'TEMPERATURE', { values: { temperature: 12.4, humidity: 61 }, units: { temperature: '°C', humidity: '%' }, battery_low: null }),
    sensor('attic', 'Attic smoke', 'SMOKE', { known: false, reason: 'silent for more than 25 h', heard_ms: Date.now() - 100_000_000 }),
  ];
};
