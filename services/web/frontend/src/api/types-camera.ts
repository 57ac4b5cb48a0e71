/** Cameras, what they see and how they do: a part of `types.ts`. */

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
  /** What is there now, by class; null where nobody looks for objects. */
  objects?: { known: boolean; reason?: string; counts: Record<string, number> } | null;
}

export type Verdict = 'wrong' | 'right' | 'none';

export interface Box {
  x: number;
  y: number;
  w: number;
  h: number;
}

/** An object that was marked, or never told because of marks and masks. */
export interface MarkedObject {
  id: string;
  event_id: string;
  object_class: string;
  verdict: Verdict;
  learnt: boolean;
  marked_by: string;
  suppressed: boolean;
  mask: string;
  likeness: number | null;
  seen_ms: number;
}

export interface FalseAlarmSpan {
  days: number;
  told: number;
  wrong: number;
  suppressed: number;
}

export interface FalseAlarms {
  spans: FalseAlarmSpan[];
  newest: MarkedObject[];
}

export type WayPoint = [ms: number, x: number, y: number, w: number, h: number];

/** One object, followed as long as it was in sight; what its end says is null while it is. */
export interface SeenObject {
  track_id: string;
  object_class: string;
  confidence: number;
  /** Parts of the picture's width and height. */
  box: Box | null;
  /** Where it is in its picture, which shows what is around it too. */
  picture_box?: Box | null;
  /** What the owner said of it. */
  verdict?: Verdict | null;
  dwell_s: Record<string, number> | null;
  speed: 'still' | 'slow' | 'medium' | 'fast' | null;
  direction: string | null;
  crossed: { line: string; direction: string }[] | null;
  loitered: boolean | null;
  reason: 'gone' | 'rests' | 'unseen' | 'interrupted' | null;
  /** Where it was, once it is over: ms after the event began, x, y, width, height. */
  way?: WayPoint[] | null;
  /** Of an arrival or a leaving: the event of the whole stay in sight. */
  object_event_id?: string | null;
  /** Of a vehicle: what all looks at it tell. */
  vehicle?: SeenVehicle | null;
}

export interface SeenVehicle {
  colour: string;
  size: string;
  /** The known vehicle that it is, or looks like. */
  name: string;
  recognition: 'household' | 'stranger' | 'unknown';
  /** Empty where its colour could not be told. */
  measure: number[];
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
  /** What is followed now, told or not. */
  objects?: FollowedObject[];
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
  mode: 'include' | 'exclude' | 'mask';
  polygon: [number, number][];
  /** Of a mask: what is not told there; empty: anything. */
  classes?: string[];
}

/** Who crosses to its right-hand side, looking from start to end, goes in. */
export interface ObjectLine {
  name: string;
  start: [number, number];
  end: [number, number];
}

/** Class, score, x, y, width, height, and what is made of it. */
export type FollowedObject = [string, number, number, number, number, number, 'told' | 'held' | 'rests' | 'seen'];

export interface MotionSettings {
  revision: string;
  motion_sensitivity: number;
  motion_min_area_px: number;
  motion_zones: [number, number][][];
  zones: MotionZone[];
  lines: ObjectLine[];
  resolution_motion: [number, number];
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
