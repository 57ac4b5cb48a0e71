import { request } from './client';
import type { Page } from './types';

export interface VisitorProfile {
  id: string;
  name: string;
  household: boolean;
  ignored: boolean;
  visit_count: number;
  first_seen_ms: number;
  last_seen_ms: number;
  picture_url: string;
}

export interface CurrentVisitor {
  profile_id: string;
  name: string;
  household: boolean;
  camera_id: string;
  camera_name: string;
  arrived_ms: number;
  seen_ms: number;
}

export interface Visitors {
  enabled: boolean;
  consented: boolean;
  statement: number;
  problem: string;
  model: string;
  current: CurrentVisitor[];
  people: VisitorProfile[];
  strangers: VisitorProfile[];
  more: boolean;
}

export interface Visit {
  id: string;
  camera_name: string;
  arrived_ms: number;
  left_ms: number | null;
  event_id: string | null;
}

const COMMAND_TIMEOUT_MS = 20_000;
const at = (profileId: string): string => `/api/v1/visitors/${encodeURIComponent(profileId)}`;
const command = (method: string, path: string, body: unknown = {}): Promise<unknown> =>
  request<unknown>(method, path, body, { timeoutMs: COMMAND_TIMEOUT_MS });

export const visitorsApi = {
  all: () => request<Visitors>('GET', '/api/v1/visitors'),
  visits: (profileId: string) => request<Page<Visit>>('GET', `/api/v1/visitors/visits?limit=20&profile=${encodeURIComponent(profileId)}`),
  faces: (profileId: string) => request<{ faces: { embedding_id: string; quality: number }[] }>('GET', `${at(profileId)}/faces`),
  accept: (version: number) => command('POST', '/api/v1/visitors/consent', { version }),
  withdraw: () => command('POST', '/api/v1/visitors/withdraw'),
  enrol: (name: string, household: boolean, photo: string) => command('POST', '/api/v1/visitors', { name, household, photo }),
  save: (profileId: string, name: string, household: boolean, ignored: boolean) =>
    command('PUT', at(profileId), { name, household, ignored }),
  merge: (profileId: string, intoId: string) => command('POST', `${at(profileId)}/merge`, { into_id: intoId }),
  split: (profileId: string, embeddingIds: string[]) => command('POST', `${at(profileId)}/split`, { embedding_ids: embeddingIds }),
  forget: (profileId: string) => command('DELETE', at(profileId)),
};

const MAX_PHOTO_CHARACTERS = 58_000;
const SIDES_PX = [720, 560, 420, 320];
const QUALITIES = [0.85, 0.7, 0.5];

/** A photo as base64 of a JPEG that the server takes: as large as fits. Rejects for what is no picture. */
export async function photoOf(file: Blob): Promise<string> {
  const picture = await createImageBitmap(file);
  const canvas = document.createElement('canvas');
  for (const side of SIDES_PX) {
    const scale = Math.min(1, side / Math.max(picture.width, picture.height));
    canvas.width = Math.max(1, Math.round(picture.width * scale));
    canvas.height = Math.max(1, Math.round(picture.height * scale));
    canvas.getContext('2d')?.drawImage(picture, 0, 0, canvas.width, canvas.height);
    for (const quality of QUALITIES) {
      const base64 = canvas.toDataURL('image/jpeg', quality).split(',')[1] ?? '';
      if (base64 && base64.length <= MAX_PHOTO_CHARACTERS) return base64;
    }
  }
  throw new Error('no picture of that size');
}
