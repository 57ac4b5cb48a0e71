/** Recordings, which seconds exist, and exports: a part of `types.ts`. */

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
