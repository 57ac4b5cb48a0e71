import { beforeAll, describe, expect, it } from 'vitest';

import { ownPath, readPush } from '../src/sw/payload';

beforeAll(() => {
  Object.defineProperty(globalThis, 'location', { value: { origin: 'https://home.example' }, configurable: true });
});

describe('a push message', () => {
  it('becomes a notification with picture and deep link', () => {
    const { title, options } = readPush(
      JSON.stringify({ title: 'Motion', body: 'Front door', tag: 'motion-front', silent: false, url: '/events/1', picture: '/media/p/9?e=1&s=x', severity: 'critical', ts_ms: 5 }),
    );
    expect(title).toBe('Motion');
    expect(options).toMatchObject({ body: 'Front door', tag: 'motion-front', renotify: true, image: '/media/p/9?e=1&s=x', data: { url: '/events/1' }, requireInteraction: true, timestamp: 5 });
  });
  it('offers to acknowledge and snooze what it has a token for, and the alarm instead of a snooze when it is critical', () => {
    const actions = (fields: object): string[] => readPush(JSON.stringify(fields)).options.actions?.map((one) => one.action) ?? [];
    expect(actions({ token: 'a.b.c.d', severity: 'alert' })).toEqual(['acknowledge', 'snooze', 'view']);
    expect(actions({ token: 'a.b.c.d', severity: 'critical' })).toEqual(['acknowledge', 'disarm', 'view']);
    expect(actions({ severity: 'critical' })).toEqual(['view']);
    expect(readPush('{"token":"a.b.c.d"}').options.data).toEqual({ url: '/', token: 'a.b.c.d' });
    expect(readPush('{"token":{}}').options.data).toEqual({ url: '/', token: '' });
  });
  it('that replaces another one quietly makes no sound', () => {
    expect(readPush('{"title":"a","tag":"t","silent":true}').options).toMatchObject({ silent: true, renotify: false });
  });
  it('speaks the language of the browser', () => {
    const { title, options } = readPush('{"title":"Person at Hall","body":"Person: Hall. 3 in 2 minutes","token":"a.b.c.d"}', 'de-AT');
    expect(title).toBe('Person: Hall');
    expect(options.body).toBe('Person: Hall. 3 in 2 Minuten');
    expect(options.actions?.map((one) => one.title)).toEqual(['Bestätigen', '1 Std. stumm', 'Ansehen']);
  });
  it('without a tag asks for nothing that browsers refuse', () => {
    expect(readPush('{"title":"a"}').options).not.toHaveProperty('renotify');
  });
  it.each([null, '', '{', '[]', '7'])('%j still says that something happened', (text) => {
    const { title, options } = readPush(text);
    expect(title).toBe('Vigilar');
    expect(options.data).toEqual({ url: '/', token: '' });
  });
  it.each(['https://evil.example/x', '//evil.example/x', 'javascript:alert(1)'])('never opens %s', (address) => {
    expect(ownPath(address)).toBe('/');
    expect(readPush(JSON.stringify({ url: address, picture: address })).options).not.toHaveProperty('image');
  });
});
