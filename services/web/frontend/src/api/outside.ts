/** What lies outside and who stands there. */
export interface Parcel {
  package_id: string;
  camera_id: string;
  camera_name: string | null;
  zone: string;
  since_ms: number;
  state: 'detected' | 'reminded' | 'collected';
  event_id: string | null;
  picture_url: string | null;
}

export interface KnownVehicle {
  id: string;
  name: string;
  /** null: neither seen arriving nor leaving yet. */
  home: boolean | null;
  since_ms: number;
  seen_ms: number;
  camera_name: string | null;
  event_id: string | null;
  picture_url: string | null;
}
