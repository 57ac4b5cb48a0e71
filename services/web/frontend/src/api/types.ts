/** What the public API answers (docs/design/interfaces.md, section 4). Times are UTC milliseconds. */

import type { Camera, ScoreHistory, SeenObject } from './types-camera';
import type { Alarm, ArmState } from './types-house';
import type { ChannelStatistics, SystemHealth } from './types-system';

export type * from './types-camera';
export type * from './types-house';
export type * from './types-media';
export type * from './types-system';
export type * from './types-timeline';

export type Severity = 'info' | 'alert' | 'critical';

export interface Session {
  user: string;
  role: 'admin' | 'resident' | 'viewer';
  all_cameras: boolean;
  csrf: string;
  name: string;
  timezone: string;
  version: string;
  expires_ms: number;
}

/** What every page begins with; null: not known yet. */
export interface Start {
  session: Session;
  cameras: Camera[];
  alarm: Alarm | null;
  health: SystemHealth | null;
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
  /** What was seen, where it is a person, a vehicle, an animal …; null for all else. */
  object?: SeenObject | null;
  /** Nobody has looked at it yet; null: not known. */
  to_review?: boolean | null;
  reviewed?: { by: string; ts_ms: number } | null;
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

export interface Page<T> {
  items: T[];
  next: string | null;
}

export interface AlertPage extends Page<Delivery> {
  channels: Record<string, ChannelStatistics>;
}
