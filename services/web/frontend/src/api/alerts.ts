import type { Severity } from './types';

/** Why an event was told or not: a word for programs, and the same in a sentence. */
export interface AlertEvent {
  event_id: string | null;
  ts_ms: number;
  type: string;
  severity: Severity;
  title: string;
  camera_id: string | null;
  outcome: string;
  why: string;
}

export interface Receipt {
  kind: 'opened' | 'acknowledged' | 'escalated';
  by: string;
  method: string;
  ts_ms: number;
}

/** One alert: an incident of the house, told once and updated. */
export interface Incident {
  alert_id: string;
  family: string;
  title: string;
  /** The title and how many more. */
  headline: string;
  summary: string;
  severity: Severity;
  opened_ms: number;
  last_ms: number;
  count: number;
  cameras: string[];
  picture_url: string | null;
  lead: string | null;
  told_ms: number | null;
  held: string;
  profile: string;
  acknowledged: { by: string; how: string; ts_ms: number } | null;
  escalates_ms: number | null;
  receipts: Receipt[];
  /** The newest few in the list; all, page by page, of one alert. */
  events: AlertEvent[];
}

export interface Snooze {
  /** null: all cameras */
  camera_id: string | null;
  until_ms: number;
  by: string;
}

export interface IncidentPage {
  items: Incident[];
  next: string | null;
  snoozes: Snooze[];
  quiet: boolean;
  held_back: number;
}

export interface IncidentDetail extends Incident {
  next: number | null;
}

interface Checked {
  profile: string;
  why_not: string;
}

export interface Why {
  event_id: string;
  alert_id: string | null;
  decisions: { ts_ms: number; title: string; outcome: string; profile: string; text: string; checked: Checked[] }[];
  today: { profile: string; mute: boolean; severity: Severity; checked: Checked[] };
}
