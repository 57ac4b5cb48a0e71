/** Pets and wild animals: a part of `client.ts`. */
import { request } from './client';

export interface Pet {
  pet_id: string;
  name: string;
  species: string;
  breed: string;
  photo_url: string | null;
  /** Learnt from. */
  photos: number;
  /** Waiting to be learnt. */
  staged: number;
  where: 'inside' | 'outside' | 'unknown';
  /** 0: never. */
  seen_ms: number;
  camera_name: string | null;
}

export interface Learnt {
  photos: number;
  right: number;
  unsure: number;
}

export interface Pets {
  items: Pet[] | null;
  problem: string;
  learnt: Learnt | null;
  embedding_left: number;
}

export interface PetPhoto {
  photo_id: string;
  photo_url: string;
  used: boolean;
}

export interface PetSighting {
  id: string;
  ts_ms: number;
  pet_id: string | null;
  species: string;
  camera_name: string | null;
  zone: string;
  photo_url: string | null;
  picture_id: string | null;
}

export interface WildSighting {
  id: string;
  ts_ms: number;
  species: string;
  threat_level: 'none' | 'low' | 'medium' | 'high';
  light: 'day' | 'dawn' | 'dusk' | 'night' | null;
  temperature_c: number | null;
  camera_name: string | null;
  photo_url: string | null;
}

export interface Species {
  species: string;
  count: number;
  last_ms: number;
}

export type PetConditionKind = 'seen' | 'not_seen_for' | 'out_after_dark';

export interface PetRule {
  rule_id: string;
  pet_id: string | null;
  name: string;
  fired_ms: number | null;
}

export interface PetActivity {
  pet_id: string;
  /** 24 counts, by hour of the house's clock. */
  hours: number[];
}

const base = '/api/v1';
const id = encodeURIComponent;

export const animals = {
  pets: () => request<Pets>('GET', `${base}/pets`),
  add: (name: string, species: string, breed: string) => request<{ pet_id: string }>('POST', `${base}/pets`, { name, species, breed }),
  remove: (petId: string) => request<unknown>('DELETE', `${base}/pets/${id(petId)}`, {}),
  photos: (petId: string) => request<{ items: PetPhoto[] }>('GET', `${base}/pets/${id(petId)}/photos`),
  addPhoto: (petId: string, photo: string) => request<{ message: string }>('POST', `${base}/pets/${id(petId)}/photos`, { photo }),
  nameSighting: (petId: string, sighting: string) => request<{ message: string }>('POST', `${base}/pets/${id(petId)}/photos`, { sighting }),
  rejectPhoto: (photoId: string) => request<unknown>('DELETE', `${base}/pet-photos/${id(photoId)}`, {}),
  learn: () => request<{ before: Learnt; after: Learnt }>('POST', `${base}/pets/learn`, {}),
  sightings: () => request<{ items: PetSighting[] }>('GET', `${base}/pet-sightings?limit=30`),
  wildlife: () => request<{ items: WildSighting[] }>('GET', `${base}/wildlife-sightings?limit=30`),
  species: () => request<{ items: Species[] }>('GET', `${base}/wildlife-species?days=30`),
  activity: () => request<{ items: PetActivity[] }>('GET', `${base}/pet-activity?days=7`),
  rules: () => request<{ items: PetRule[] }>('GET', `${base}/pet-rules`),
  addRule: (rule: unknown) => request<unknown>('POST', `${base}/pet-rules`, { rule }),
  removeRule: (ruleId: string) => request<unknown>('DELETE', `${base}/pet-rules/${id(ruleId)}`, {}),
};
