import type { Page } from './types';
import { request } from './client';

export type Role = 'admin' | 'resident' | 'viewer';

export interface CredentialItem {
  id: string;
  label: string;
  created_ms: number;
  expires_ms: number | null;
  used_ms: number | null;
}

export interface TokenItem extends CredentialItem {
  scopes: string[];
  cameras: string[] | null;
  over: boolean;
}

export interface SessionItem {
  id: string;
  device: string;
  address: string;
  created_ms: number;
  seen_ms: number;
  expires_ms: number;
  this: boolean;
}

export interface Me {
  id: string;
  name: string;
  role: Role;
  cameras: string[] | null;
  totp: boolean;
  recovery_left: number;
  passkeys: CredentialItem[];
  passkey_problem: string;
  tokens: TokenItem[];
  sessions: SessionItem[];
}

export interface Person {
  id: string;
  name: string;
  role: Role;
  cameras: string[] | null;
  disabled: boolean;
  owner: boolean;
  revision: number;
  has_password: boolean;
  totp: boolean;
  passkeys: number;
  tokens: number;
  sessions: number;
  invited_until_ms: number | null;
}

export interface AuditRow {
  id: string;
  ts_ms: number;
  account_id: string;
  actor: string;
  method: string;
  action: string;
  subject: string;
  outcome: string;
  address: string;
  device: string;
  detail: string;
}

export interface NamedPin {
  name: string;
  duress: boolean;
  modes: string[];
  days: string[];
  from_time: string;
  until_time: string;
}

export interface Pins {
  configured: boolean;
  named: NamedPin[];
  recovery: boolean;
}

type PinsChanged = Pins & { message: string };

export interface Challenge {
  challenge_id: string;
  options: PublicKeyCredentialRequestOptionsJSON;
}

interface NewTotp {
  secret: string;
  square: string[];
  sealed: string;
}

const id = encodeURIComponent;

export const peopleApi = {
  me: () => request<Me>('GET', '/api/v1/me'),
  changePassword: (current: string, next: string) => request<{ message: string }>('POST', '/api/v1/me/password', { current, new: next }),
  endSession: (sessionId: string) => request<undefined>('DELETE', `/api/v1/me/sessions/${id(sessionId)}`),
  endOthers: () => request<{ ended: number }>('DELETE', '/api/v1/me/sessions'),
  beginTotp: () => request<NewTotp>('POST', '/api/v1/me/totp'),
  enableTotp: (sealed: string, code: string) => request<{ recovery_codes: string[] }>('POST', '/api/v1/me/totp/enable', { sealed, code }),
  disableTotp: () => request<undefined>('DELETE', '/api/v1/me/totp'),
  renewCodes: () => request<{ recovery_codes: string[] }>('POST', '/api/v1/me/recovery-codes'),
  beginPasskey: () =>
    request<{ challenge_id: string; options: PublicKeyCredentialCreationOptionsJSON }>('POST', '/api/v1/me/passkeys/challenge'),
  addPasskey: (challengeId: string, label: string, credential: unknown) =>
    request<CredentialItem>('POST', '/api/v1/me/passkeys', { challenge_id: challengeId, label, credential }),
  removePasskey: (credentialId: string) => request<undefined>('DELETE', `/api/v1/me/passkeys/${id(credentialId)}`),
  addToken: (wish: { label: string; scopes: string[]; cameras: string[] | null; days: number | null }) =>
    request<TokenItem & { token: string }>('POST', '/api/v1/me/tokens', wish),
  removeToken: (credentialId: string) => request<undefined>('DELETE', `/api/v1/me/tokens/${id(credentialId)}`),
  people: () => request<{ items: Person[] }>('GET', '/api/v1/accounts'),
  add: (wish: { name: string; role: Role; cameras: string[] | null }) =>
    request<Person & { invite: string }>('POST', '/api/v1/accounts', wish),
  change: (person: Person) => {
    const { revision, name, role, cameras, disabled } = person;
    return request<Person>('PUT', `/api/v1/accounts/${id(person.id)}`, { revision, name, role, cameras, disabled });
  },
  remove: (person: Person) => request<undefined>('DELETE', `/api/v1/accounts/${id(person.id)}`),
  invite: (person: Person) => request<Person & { invite: string }>('POST', `/api/v1/accounts/${id(person.id)}/invite`),
  resetSecond: (person: Person) => request<Person>('POST', `/api/v1/accounts/${id(person.id)}/reset-second`),
  signOut: (person: Person) => request<{ ended: number }>('DELETE', `/api/v1/accounts/${id(person.id)}/sessions`),
  audit: (filters: { account: string; outcome: string; cursor: string | null }) => {
    const given = Object.entries(filters).filter((pair): pair is [string, string] => Boolean(pair[1]));
    return request<Page<AuditRow> & { lost: number }>('GET', `/api/v1/audit?${new URLSearchParams(given).toString()}`);
  },
  pins: () => request<Pins>('GET', '/api/v1/pins'),
  setPin: (wish: { pin: string } & Partial<NamedPin>) => request<PinsChanged>('PUT', '/api/v1/pins', wish),
  removePin: (name: string) => request<PinsChanged>('DELETE', '/api/v1/pins', { name }),
  setPassphrase: (passphrase: string) => request<PinsChanged>('PUT', '/api/v1/pins/recovery', { passphrase }),
  openapi: () => request<unknown>('GET', '/api/v1/openapi.json'),
};

/** Signing in, and saying again who one is: these must not lead to a sign-in themselves. */
export const signInApi = {
  password: (username: string, password: string) => plain<{ pending?: string }>('/api/v1/sign-in', { username, password }),
  code: (pending: string, code: string) => plain<{ pending?: string }>('/api/v1/sign-in', { pending, code }),
  challenge: () => plain<Challenge>('/api/v1/sign-in/passkey/challenge', {}),
  passkey: (challengeId: string, credential: unknown) =>
    plain<object>('/api/v1/sign-in/passkey', { challenge_id: challengeId, credential }),
  confirm: (proof: object) => plain<undefined>('/api/v1/me/confirm', proof),
};

const plain = <T>(path: string, body: object): Promise<T> => request<T>('POST', path, body, { asksAgain: false });
