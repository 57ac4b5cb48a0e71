/** How the system does: a part of `types.ts`. */

import type { CameraWork } from './types-camera';
import type { Severity } from './types';

export interface ChannelStatistics {
  p50_ms: number | null;
  p95_ms: number | null;
  [counter: string]: number | null;
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
  detail?: { work?: CameraWork & Partial<DetectorWork>; broker_round_trip_ms?: number | null } & Partial<Announced> & Partial<Offsite> & Partial<DetectorTold>;
}

export interface DetectorTold {
  enabled: boolean;
  /** Why no crop is looked at; empty while they are. */
  problem: string;
  model: string;
}

/** Of the detector: what it runs, and the crops of the last minute. */
export interface DetectorWork {
  title: string;
  device: string;
  ms_per_crop: number;
  seen_per_min: number;
  unseen_per_min: number;
  answers_lost: number;
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

export interface SystemHealth {
  status: 'ok' | 'warning' | 'critical';
  mqtt_connected: boolean;
  storage_reachable: boolean;
  disk_usage_pct: number | null;
  disks: Record<string, DiskUsage>;
  services: Record<string, Heartbeat>;
  findings: Finding[];
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
