import { describe, expect, it, vi } from 'vitest';

import { errorFromBody } from '../src/api/client';
import type { Camera, CameraState, Delivery, SeenObject, VigilarEvent } from '../src/api/types';
import { deviceName, keyBytes } from '../src/push';
import { match } from '../src/router';
import { type EventFilter, matches, mergeCamera, upsertDelivery, upsertEvent } from '../src/state/merge';
import { Paged } from '../src/state/paged';
import { className, seenNow } from '../src/strings';

const event = (id: string, startedMs: number, more: Partial<VigilarEvent> = {}): VigilarEvent => ({
  id,
  type: 'motion',
  severity: 'info',
  title: 'Motion',
  camera_id: 'front',
  camera_name: 'Front',
  started_ms: startedMs,
  ended_ms: null,
  picture_url: null,
  recording_id: null,
  recording_offset_ms: null,
  playlist_url: null,
  arm_state: 'disarmed',
  zones: [],
  score: 0,
  ...more,
});

const wanted = (more: Partial<EventFilter>): EventFilter => ({
  camera: '', type: '', class: '', severity: '', zone: '', person: '', pet: '', from_ms: null, to_ms: null, ...more,
});

describe('the list of events', () => {
  it('takes a new event in at its place in time', () => {
    const list = upsertEvent([event('c', 30), event('a', 10)], event('b', 20));
    expect(list.map((e) => e.id)).toEqual(['c', 'b', 'a']);
    expect(upsertEvent([], event('a', 1)).map((e) => e.id)).toEqual(['a']);
  });
  it('never loses a picture or an end to a message that comes late', () => {
    const known = event('a', 10, { picture_url: '/p', ended_ms: 50 });
    expect(upsertEvent([known], event('a', 10))[0]).toMatchObject({ picture_url: '/p', ended_ms: 50 });
  });
  it('filters what arrives like what was asked for', () => {
    expect(matches(event('a', 10), wanted({ camera: 'front', type: 'motion', from_ms: 10, to_ms: 20 }))).toBe(true);
    expect(matches(event('a', 20), wanted({ from_ms: 10, to_ms: 20 }))).toBe(false);
    expect(matches(event('a', 10), wanted({ camera: 'garden' }))).toBe(false);
    expect(matches(event('a', 10), wanted({ type: 'camera_offline' }))).toBe(false);
    const person = event('b', 10, { type: 'object', zones: ['porch'], object: { object_class: 'person' } as SeenObject });
    expect(matches(person, wanted({ class: 'person', zone: 'porch' }))).toBe(true);
    expect(matches(person, wanted({ class: 'car' }))).toBe(false);
    expect(matches(person, wanted({ class: 'animal' }))).toBe(false);
    expect(matches(event('a', 10), wanted({ class: 'person' }))).toBe(false);
    expect(matches(person, wanted({ zone: 'path' }))).toBe(false);
    expect(matches(person, wanted({ severity: person.severity }))).toBe(true);
    expect(matches(person, wanted({ severity: 'critical' }))).toBe(false);
    expect(matches(person, wanted({ pet: 'rex' })), 'which pet it was is told later').toBe(false);
  });
});

describe('what is there now', () => {
  const camera = (objects: NonNullable<Camera['objects']> | null): Camera => ({ id: 'front', name: 'Front', location: '', state: null, objects });
  it('is counted in words, and nothing is said of what is not known', () => {
    expect(seenNow(camera({ known: true, counts: { person: 1, car: 2, hedgehog: 2, dog: 0 } }))).toBe('1 person, 2 cars, 2 hedgehog');
    expect(seenNow(camera({ known: false, counts: { person: 1 } }))).toBe('');
    expect(seenNow(camera(null))).toBe('');
    expect(className('wild boar')).toBe('Wild boar');
  });
});

describe('cameras', () => {
  const state = { camera_id: 'front', condition: 'online' } as CameraState;
  const camera: Camera = { id: 'front', name: 'Front', location: '', state: null };
  it('take a bare state as well as a whole camera', () => {
    expect(mergeCamera([camera], state)[0]?.state?.condition).toBe('online');
    expect(mergeCamera([camera], { ...camera, name: 'Door' })[0]?.name).toBe('Door');
  });
  it('appear when they are new, but not from a state without a name', () => {
    expect(mergeCamera([], camera)).toHaveLength(1);
    expect(mergeCamera([], state)).toHaveLength(0);
  });
});

it('the ledger shows each attempt once, newest first', () => {
  const row = (attempt: number, outcome: Delivery['outcome']): Delivery => ({ alert_id: 'x', channel: 'web_push', target: 't', attempt, outcome }) as Delivery;
  const rows = upsertDelivery(upsertDelivery(upsertDelivery([], row(1, 'retrying')), row(2, 'delivered')), row(2, 'delivered'));
  expect(rows.map((r) => r.attempt)).toEqual([2, 1]);
});

describe('a paged list', () => {
  const make = (pages: Record<string, { items: string[]; next: string | null }>): { list: Paged<string>; asked: (string | null)[] } => {
    const asked: (string | null)[] = [];
    const list = new Paged<string>(
      (cursor) => {
        asked.push(cursor);
        const page = pages[cursor ?? 'first'];
        return page ? Promise.resolve(page) : Promise.reject(new Error('away'));
      },
      (item) => item,
      vi.fn(),
    );
    return { list, asked };
  };
  it('goes on at the cursor, drops repeats and stops at the end', async () => {
    const { list, asked } = make({ first: { items: ['c', 'b'], next: '2' }, '2': { items: ['b', 'a'], next: null } });
    await list.restart();
    await list.more();
    await list.more();
    expect(list.items).toEqual(['c', 'b', 'a']);
    expect(list.ended).toBe(true);
    expect(asked).toEqual([null, '2']);
  });
  it('keeps what it has when the next page fails, and says so', async () => {
    const { list } = make({ first: { items: ['a'], next: 'gone' } });
    await list.restart();
    await list.more();
    expect(list.items).toEqual(['a']);
    expect(list.error?.message).toBe('away');
  });
  it('lays a fresh first page over what is shown', async () => {
    const pages = { first: { items: ['b', 'a'], next: null } as { items: string[]; next: string | null } };
    const { list } = make(pages);
    await list.restart();
    pages.first = { items: ['c', 'b'], next: '2' };
    await list.refresh();
    expect(list.items).toEqual(['c', 'b', 'a']);
    pages.first = { items: ['z', 'y'], next: '2' };
    await list.refresh();
    expect(list.items).toEqual(['z', 'y']);
  });
});

describe('errors of the API', () => {
  it('carry code, words and the wait', () => {
    const error = errorFromBody(429, { error: { code: 'too_many_tries', message: 'wait', retry_after_s: 20 } }, null);
    expect(error).toMatchObject({ status: 429, code: 'too_many_tries', message: 'wait', retryAfterS: 20 });
  });
  it('are still errors when a proxy answers in its own words', () => {
    expect(errorFromBody(502, null, '7')).toMatchObject({ status: 502, code: 'http_502', retryAfterS: 7 });
    expect(errorFromBody(500, 'oops', 'soon')).toMatchObject({ code: 'http_500', retryAfterS: 0 });
  });
});

describe('addresses', () => {
  it.each([
    ['/', { page: 'home' }],
    ['/events/', { page: 'events' }],
    ['/events/018f-a', { page: 'event', id: '018f-a' }],
    ['/cameras/front_door', { page: 'camera', id: 'front_door' }],
    ['/recordings/r1', { page: 'recording', id: 'r1' }],
    ['/system', { page: 'system' }],
    ['/system/x', { page: 'missing' }],
    ['/login', { page: 'missing' }],
    ['/cameras/a%20b', { page: 'missing' }],
    ['/events/a/b', { page: 'missing' }],
  ])('%s', (path, route) => expect(match(path)).toEqual(route));
});

describe('push', () => {
  it('decodes a key without padding', () => {
    expect([...keyBytes('-_8')]).toEqual([251, 255]);
  });
  it('names a device by browser and system', () => {
    expect(deviceName('Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36')).toBe('Chrome on Android');
    expect(deviceName('Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1')).toBe('Safari on iPhone');
    expect(deviceName('curl')).toBe('Browser on unknown device');
  });
});
