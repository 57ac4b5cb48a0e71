/** The alarm, sensors, power and people: a part of `types.ts`. */

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
