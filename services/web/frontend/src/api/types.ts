/** What the public API answers (docs/design/interfaces.md, section 4). Times are UTC milliseconds. */

export type Severity = 'info' | 'alert' | 'critical';

export type ArmState =
  | 'disarmed'
  | 'armed_home'
  | 'armed_away'
  | 'armed_night'
  | 'armed_vacation'
  | 'arming'
  | 'pending'
  | 'triggered'
  | 'disarming';

export type ArmAction = 'DISARM' | 'ARM_HOME' | 'ARM_AWAY' | 'ARM_NIGHT' | 'ARM_VACATION';

export interface Session {
  user: string;
  csrf: string;
  name: string;
  timezone: string;
  version: string;
  expires_ms: number;
}

export interface Alarm {
  state: ArmState;
  since_ms: number;
  changed_by: string;
  pin_configured: boolean;
  arm_mode?: 'home' | 'away' | 'night' | 'vacation' | null;
  /** What follows when nothing happens until `until_ms`. */
  next_state?: ArmState | null;
  delay_s?: number;
  until_ms?: number;
  open_sensors?: OpenSensor[];
  open_count?: number;
  /** Left out: until disarmed, or until they close. */
  bypassed_sensors?: OpenSensor[];
  bypassed_count?: number;
  /** Nothing is known of them: they guard nothing. */
  unknown_sensors?: OpenSensor[];
  unknown_count?: number;
  triggered_by?: OpenSensor[];
}

export interface OpenSensor {
  sensor_id: string;
  name: string;
  /** open, motion, smoke, tamper, unavailable, … */
  what: string;
  at_ms: number;
}

export interface CameraState {
  camera_id: string;
  condition: 'connecting' | 'online' | 'offline';
  reason: string;
  since_ms: number;
  codec: string;
  width_px: number;
  height_px: number;
  fps: number;
  motion: boolean;
  recording: boolean;
  /** When recording on command ends, UTC ms; 0 or past: none was ordered. */
  ordered_until_ms?: number;
  motion_score: number;
  sub_online: boolean;
  /** How motion is searched, in which stream, and why every frame is decoded where that is so. */
  analysis?: 'none' | 'sparse' | 'full';
  analysis_stream?: '' | 'main' | 'sub';
  analysis_reason?: string;
  analysis_device?: string;
  /** Switched by command; privacy: there is no connection to the camera. */
  recording_on?: boolean;
  detection_on?: boolean;
  privacy?: boolean;
  /** Why nothing can be recorded; empty while it can. */
  recording_problem: string;
  findings: string[];
}

export interface Camera {
  id: string;
  name: string;
  location: string;
  /** Absent until the camera's worker has spoken for the first time. */
  state: CameraState | null;
}

export interface VigilarEvent {
  id: string;
  type: string;
  severity: Severity;
  title: string;
  camera_id: string | null;
  camera_name: string | null;
  started_ms: number;
  ended_ms: number | null;
  picture_url: string | null;
  recording_id: string | null;
  recording_offset_ms: number | null;
  playlist_url: string | null;
  arm_state: ArmState;
  zones: string[];
  score: number;
  /** Once it is over. */
  score_curve?: ScoreHistory | null;
}

/** How strongly something moved: the largest share of the picture in each step. */
export interface ScoreHistory {
  points: number[];
  step_s: number;
  mean: number;
  peak: number;
}

/** One look of the motion detector; boxes are x, y, width, height as shares of the picture. */
export interface MotionLook {
  ts_ms: number;
  score: number;
  area_px: number;
  boxes: [number, number, number, number][];
  zones: string[];
  phase: 'idle' | 'suspect' | 'moving' | 'quiet';
  blind: boolean;
  rejected: string;
  rejections: Record<string, number>;
  mask_size: [number, number];
  /** Base64 of one bit per pixel; empty when nothing moves. */
  counted: string;
  explained: string;
}

export interface MotionZone {
  name: string;
  mode: 'include' | 'exclude';
  polygon: [number, number][];
}

export interface MotionSettings {
  revision: string;
  motion_sensitivity: number;
  motion_min_area_px: number;
  motion_zones: [number, number][][];
  zones: MotionZone[];
  resolution_motion: [number, number];
}

export interface Delivery {
  id?: string;
  alert_id: string;
  event_id: string | null;
  channel: string;
  target: string;
  attempt: number;
  outcome: 'delivered' | 'retrying' | 'failed' | 'gone';
  severity: Severity;
  title: string;
  latency_ms: number;
  sent_after_ms: number;
  error: string;
  ts_ms: number;
}

export interface EventDetail extends VigilarEvent {
  deliveries: Delivery[];
}

export interface Recording {
  id: string;
  camera_id: string;
  started_ms: number;
  ended_ms: number | null;
  state: 'growing' | 'complete' | 'recovered' | 'damaged';
  trigger: string;
  size_bytes: number;
  starred: boolean;
  codec: string;
  encrypted?: boolean;
  /** Made by version 1: not tamper-evident before `sealed_ms` (null: not in the ledger yet). */
  version_1?: boolean;
  sealed_ms?: number | null;
}

export interface ChannelStatistics {
  p50_ms: number | null;
  p95_ms: number | null;
  [counter: string]: number | null;
}

export interface Page<T> {
  items: T[];
  next: string | null;
}

export interface AlertPage extends Page<Delivery> {
  channels: Record<string, ChannelStatistics>;
}

export interface PushInfo {
  public_key: string;
  enabled: boolean;
  subscriptions: number;
  channels: string[];
}

export interface Finding {
  code: string;
  severity: Severity;
  title: string;
  cure: string;
  subject: string;
  since_ms: number;
}

export interface DiskUsage {
  path: string;
  total_bytes: number;
  used_bytes: number;
  free_bytes: number;
  used_pct: number;
}

export interface Heartbeat {
  service: string;
  pid: number;
  started_ms: number;
  ready: boolean;
  reason: string;
  config_error: string;
  rss_bytes: number;
  cpu_s: number;
  outbox_facts: number;
  detail?: { work?: CameraWork } & Partial<Announced> & Partial<Offsite>;
}

/** Of the bridge to Home Assistant: how much it has announced, by kind of device, and when Home Assistant started last. */
export interface Announced {
  enabled: boolean;
  devices: Record<string, number>;
  entities: number;
  /** UTC ms; 0: not since the bridge runs. */
  born_ms: number;
}

/** Of the service that sends evidence out of the house; `lag_s`: how long the oldest byte waits. */
export interface Offsite {
  enabled: boolean;
  target: string;
  target_state: 'ok' | 'failing' | 'unknown';
  waiting: number;
  waiting_alarm: number;
  lag_s: number;
  sent_bytes: number;
  /** UTC ms; 0: not since it runs. */
  last_sent_ms: number;
  /** An OpenSSH public key; empty where none is needed. */
  public_key: string;
}

export type CameraSwitch = 'recording' | 'detection' | 'privacy';

/** A camera worker's figures: rates of the last ten seconds (absent at its start), losses since its start. */
export interface CameraWork {
  in_fps?: number;
  decoded_fps?: number;
  analysed_fps?: number;
  kbps?: number;
  cpu_pct?: number;
  lag_ms: number;
  mem_bytes: number;
  gaps: number;
  reconnects: number;
  /** "main sparse", "sub full", "none", … */
  search: string;
}

export interface SystemHealth {
  status: 'ok' | 'warning' | 'critical';
  mqtt_connected: boolean;
  storage_reachable: boolean;
  disk_usage_pct: number | null;
  disks: Record<string, DiskUsage>;
  services: Record<string, Heartbeat>;
  findings: Finding[];
}

export interface FoundStream {
  url: string;
  codec: string;
  width_px: number;
  height_px: number;
  fps: number;
  gop_s: number;
  audio: string;
}

export interface FoundCamera {
  host: string;
  name: string;
  problem: string;
  needs_login: boolean;
  main: FoundStream | null;
  sub: FoundStream | null;
}

/** `toml`: blocks for vigilar.toml, with USER:PASSWORD to be replaced. */
export interface FoundCameras {
  cameras: FoundCamera[];
  toml: string;
  left_out: number;
}

/** `active`: open, moving, smoke …; null where that is not known, or the sensor measures numbers. */
export interface Sensor {
  id: string;
  name: string;
  type: string;
  location: string;
  known: boolean;
  reason: string;
  active: boolean | null;
  values: Record<string, boolean | number | string>;
  units: Record<string, string>;
  battery_low: boolean | null;
  heard_ms: number | null;
}

export interface PowerInfo {
  ups_id: string;
  state: 'on_line' | 'on_battery' | 'low_battery' | 'unknown';
  since_ms: number;
  flags: string[];
  values: { charge_pct: number | null; runtime_s: number | null; load_pct: number | null; input_v: number | null };
  reason: string;
  shutdown: 'planned' | 'begun' | null;
  shutdown_at_ms: number;
}

export interface PeopleInfo {
  state: 'EMPTY' | 'ADULTS_HOME' | 'KIDS_HOME' | 'ALL_HOME' | null;
  reason: string;
  members: { name: string; role: 'adult' | 'child'; home: boolean | null; since_ms: number }[];
}

/** Each is null where it is switched off. */
export interface House {
  power: PowerInfo | null;
  people: PeopleInfo | null;
}

export interface RemoteInfo {
  enabled: boolean;
  you_are_remote: boolean;
  tunnel_ip: string;
  tunnel_networks: string[];
  profile: { width_px: number; height_px: number; fps: number; bitrate_kbps: number };
  upload_bandwidth_mbps: number;
  used_mbps: number;
  max_viewers: number;
  viewers: number;
  pictures: number;
  refused: number;
}

export interface CoverageSpan {
  from_ms: number;
  to_ms: number;
  state: 'recorded' | 'gap' | 'idle' | 'deleted';
  reason: string;
  recording_id: string | null;
}

export interface Coverage {
  camera_id: string;
  from_ms: number;
  to_ms: number;
  spans: CoverageSpan[];
  totals_ms: Record<string, number>;
}

export interface Export {
  id: string;
  state: 'running' | 'done' | 'failed';
  progress_pct: number;
  size_bytes: number;
  sha256: string;
  error: string;
  left_out: { id: string; reason: string }[];
  file_url: string | null;
}

export interface ExportList {
  items: Export[];
  limits: { max_bytes: number; keep_s: number; kept: number };
}
