/** The axis of time and the review of events: a part of `types.ts`. */

import type { Page, Severity, VigilarEvent } from './types';

/** An event on the axis. */
export interface Mark {
  id: string;
  type: string;
  /** Class of an object, type of anything else. */
  kind: string;
  severity: Severity;
  title: string;
  camera_id: string | null;
  started_ms: number;
  ended_ms: number | null;
  score: number | null;
  curve?: number[];
  curve_step_s?: number;
}

/** `[slot, camera, kind, severity, how many]`; slots are counted from the whole slot that `from_ms` lies in. */
export type Count = [number, string, string, Severity, number];

/** Events one by one while they are few, else how many there are in each slot. */
export interface TimelineAnswer {
  from_ms: number;
  to_ms: number;
  slot_ms: number;
  marks: Mark[] | null;
  counts: Count[] | null;
}

export interface ReviewWish {
  event_ids?: string[];
  reviewed?: boolean;
  until_ms?: number;
  cameras?: string[];
  undo_ms?: number;
}

/** What typed words were taken for. */
export interface Understood {
  cameras: string[];
  zone: string | null;
  classes: string[];
  kinds: string[];
  severity: Severity | null;
  from_ms: number | null;
  to_ms: number | null;
  /** Looked for in titles. */
  words: string[];
  shortened_days: number | null;
}

export interface SearchAnswer extends Page<VigilarEvent> {
  understood: Understood;
}

export interface SavedSearch {
  id: string;
  name: string;
  words: string;
}
