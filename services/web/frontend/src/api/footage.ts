import { request } from './client';
import type { DiskUsage, Export } from './types';

export interface CameraForecast {
  camera_id: string;
  bytes_per_day: number;
  days_measured: number;
  days_until_full: number | null;
  retention_days: number;
  kept_bytes: number;
  oldest_days: number | null;
}

/** Disks, recordings, and what is to be expected; days are null where `retention_days` comes first. */
export interface StorageUsage {
  disks: { data: DiskUsage; recordings: DiskUsage };
  recordings: { count: number; bytes: number; oldest_ms: number | null };
  forecast: {
    critical_pct: number;
    critical_bytes: number;
    measured_days: number;
    bytes_per_day: number;
    days_until_critical: number | null;
    days_until_full: number | null;
    days_kept: number | null;
    prunable_bytes: number;
    cameras: CameraForecast[];
  };
  database_bytes: number;
}

/** One file that is not intact, and why. */
export interface Verdict {
  id: string;
  what: string;
  camera_id: string;
  path: string;
  state: string;
  detail: string;
  from_ms: number | null;
  to_ms: number | null;
}

export interface VerificationResult {
  exit_code: number;
  counts: Record<string, number>;
  deleted: number;
  not_encrypted: number;
  bytes: number;
  ledger: { entries: number; checkpoints: number; problems: string[]; unchecked: string[] };
  files: Verdict[];
}

export interface Verification {
  id: string;
  state: 'running' | 'done' | 'failed' | 'cancelled';
  actor: string;
  camera_id: string | null;
  from_ms: number | null;
  to_ms: number | null;
  quick: boolean;
  created_ms: number;
  ended_ms: number | null;
  done_bytes: number;
  total_bytes: number;
  progress_pct: number;
  error: string;
  result: VerificationResult | null;
}

const id = encodeURIComponent;

export const footageApi = {
  storage: () => request<StorageUsage>('GET', '/api/v1/storage'),
  verifications: () => request<{ items: Verification[] }>('GET', '/api/v1/verifications'),
  verify: (wish: { camera_id?: string; from_ms?: number; quick: boolean }) => request<Verification>('POST', '/api/v1/verifications', wish),
  cancel: (verificationId: string) => request<undefined>('DELETE', `/api/v1/verifications/${id(verificationId)}`),
  remove: (recordingId: string, reason: string) => request<undefined>('DELETE', `/api/v1/recordings/${id(recordingId)}`, { reason }),
  exportSpan: (cameraId: string, fromMs: number, toMs: number, reason: string) =>
    request<Export>('POST', '/api/v1/exports', { camera_id: cameraId, from_ms: fromMs, to_ms: toMs, reason }),
};
