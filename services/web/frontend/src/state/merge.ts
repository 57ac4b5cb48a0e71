import type { Camera, CameraState, Delivery, VigilarEvent } from '../api/types';

/** Puts an opened, changed or ended event into a list that is newest first; fields not sent keep their value. */
export function upsertEvent(events: readonly VigilarEvent[], event: VigilarEvent): VigilarEvent[] {
  const at = events.findIndex((known) => known.id === event.id);
  if (at >= 0) return events.map((known, i) => (i === at ? merge(known, event) : known));
  const before = events.findIndex(
    (known) => known.started_ms < event.started_ms || (known.started_ms === event.started_ms && known.id < event.id),
  );
  return before < 0 ? [...events, event] : [...events.slice(0, before), event, ...events.slice(before)];
}

/** A message that comes late and knows less (no picture yet, not ended yet) never takes knowledge away. */
function merge(known: VigilarEvent, event: VigilarEvent): VigilarEvent {
  const sent = Object.entries(event).filter(([, value]) => value !== null && value !== undefined);
  return { ...known, ...Object.fromEntries(sent) };
}

/** The stream sends a bare CameraState or the whole camera; both end up in the list. */
export function mergeCamera(cameras: readonly Camera[], update: CameraState | Camera): Camera[] {
  if ('camera_id' in update) {
    return cameras.map((camera) => (camera.id === update.camera_id ? { ...camera, state: update } : camera));
  }
  return cameras.some((camera) => camera.id === update.id)
    ? cameras.map((camera) => (camera.id === update.id ? { ...camera, ...update } : camera))
    : [...cameras, update];
}

export function deliveryKey(delivery: Delivery): string {
  return delivery.id ?? `${delivery.alert_id}/${delivery.channel}/${delivery.target}/${delivery.attempt}`;
}

/** Newest first, one row per attempt. */
export function upsertDelivery(rows: readonly Delivery[], row: Delivery): Delivery[] {
  const key = deliveryKey(row);
  return [row, ...rows.filter((known) => deliveryKey(known) !== key)];
}

/** What the words for many classes mean; the server knows the same (`vigilar_common.object_kinds`). */
const GROUPS: Record<string, readonly string[]> = {
  vehicle: ['vehicle', 'car', 'truck', 'bus', 'van', 'motorcycle', 'motorbike', 'bicycle', 'train', 'boat', 'airplane'],
  animal: ['animal', 'bird', 'cat', 'dog', 'horse', 'sheep', 'cow', 'elephant', 'bear', 'zebra', 'giraffe', 'fox', 'deer', 'rabbit', 'squirrel', 'raccoon', 'boar'],
};

function ofClass(name: string | undefined, wanted: string): boolean {
  return name !== undefined && (name === wanted || (GROUPS[wanted]?.includes(name) ?? false));
}

export interface EventFilter {
  camera: string;
  type: string;
  class: string;
  severity: string;
  zone: string;
  /** Who or which was seen is told later than the event. */
  person: string;
  pet: string;
  from_ms: number | null;
  to_ms: number | null;
}

/** Does an event belong into a list that is filtered like this? Empty words and null let all pass. */
export function matches(event: VigilarEvent, wanted: EventFilter): boolean {
  const { from_ms: fromMs, to_ms: toMs } = wanted;
  return (
    (!wanted.camera || event.camera_id === wanted.camera) &&
    (!wanted.type || event.type === wanted.type) &&
    (!wanted.class || ofClass(event.object?.object_class, wanted.class)) &&
    (!wanted.severity || event.severity === wanted.severity) &&
    !wanted.person &&
    !wanted.pet &&
    (!wanted.zone || event.zones.includes(wanted.zone)) &&
    (fromMs === null || event.started_ms >= fromMs) &&
    (toMs === null || event.started_ms < toMs)
  );
}
