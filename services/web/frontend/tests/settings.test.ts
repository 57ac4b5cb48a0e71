import { describe, expect, it } from 'vitest';

import type { FormField, FormSection, Settings } from '../src/api/settings';
import { brief, Draft, editable, groups, isDefault, matches, originOf, type Place, shown, typed } from '../src/settings/draft';

const field = (key: string, kind: FormField['kind'], more: Partial<FormField> = {}): FormField => ({
  key,
  title: key,
  about: `What ${key} is.`,
  kind,
  required: false,
  ...more,
});
const section = (path: string, entryKey: string | null, ...fields: FormField[]): FormSection => ({
  path,
  entry_key: entryKey,
  title: path,
  about: '',
  fields,
});

const port = field('port', 'integer', { default: 1 });
const secret = field('password', 'secret');
const web = section('web', null, port, secret, field('password_hash', 'secret'));
const fps = field('fps', 'integer');
const cameras = section('cameras', 'id', field('id', 'text'), fps);
const mail = section('alerts.email', null, secret);
const profiles = section('alerts.profiles', 'name', field('name', 'text'), field('mute', 'flag'));
const PLAIN: Settings = {
  revision: 'r',
  values: {
    web: { port: 8000, password: '***' },
    cameras: [{ id: 'front', fps: 5 }, { id: 'shed', fps: 5 }],
    alerts: { email: { password: '' }, profiles: [{ name: 'a', mute: false }, { name: 'b', mute: true }] },
  },
  origins: {
    'web.port': 'settings.toml (settings.toml:3)',
    'cameras.front.id': 'vigilar.toml (x:1)',
    'alerts.profiles.a.name': 'default',
    'sensors.gpio.x': 'vigilar.toml (x:2)',
  },
  warnings: [],
  removed: { cameras: ['old'] },
};
const at = (where: FormSection, what: FormField, entry = ''): Place => ({ section: where, entry, field: what });

describe('a draft of settings', () => {
  it('sends only what differs, nested like the file', () => {
    const draft = new Draft();
    draft.set(PLAIN, at(web, port), 9000);
    draft.set(PLAIN, at(cameras, fps, 'shed'), 2);
    draft.set(PLAIN, at(cameras, fps, 'front'), 5);
    expect(draft.size).toBe(2);
    expect(draft.changes(PLAIN)).toEqual({ web: { port: 9000 }, cameras: [{ id: 'shed', fps: 2 }] });
    draft.set(PLAIN, at(web, port), 8000);
    draft.set(PLAIN, at(cameras, fps, 'shed'), undefined);
    expect(draft.size).toBe(0);
  });

  it('gives a key back with null, and a secret even when it looks the same', () => {
    const draft = new Draft();
    draft.set(PLAIN, at(web, port), null);
    draft.set(PLAIN, at(mail, secret), '');
    expect(draft.changes(PLAIN)).toEqual({ web: { port: null }, alerts: { email: { password: '' } } });
  });

  it('adds and drops entries, and keeps those that were left out before', () => {
    const draft = new Draft();
    draft.add(cameras, 'new');
    draft.set(PLAIN, at(cameras, fps, 'new'), 3);
    draft.set(PLAIN, at(cameras, fps, 'shed'), 3);
    draft.drop(cameras, 'shed');
    expect(draft.names(PLAIN, cameras)).toEqual(['front', 'new']);
    expect(draft.changes(PLAIN)).toEqual({ cameras: [{ id: 'new', fps: 3 }], removed: { cameras: ['old', 'shed'] } });
    draft.add(cameras, 'shed');
    draft.drop(cameras, 'new');
    expect(draft.size).toBe(0);
    draft.add(cameras, 'old');
    expect(draft.changes(PLAIN)).toEqual({ cameras: [{ id: 'old' }], removed: { cameras: [] } });
  });

  it('sends all of a list of defaults, for one of them alone would replace the rest', () => {
    const draft = new Draft();
    expect(isDefault(PLAIN, profiles)).toBe(true);
    expect(isDefault(PLAIN, cameras)).toBe(false);
    draft.set(PLAIN, at(profiles, field('mute', 'flag'), 'a'), true);
    expect(draft.changes(PLAIN)).toEqual({ alerts: { profiles: [{ name: 'a', mute: true }, { name: 'b', mute: true }] } });
    draft.clear();
    draft.drop(profiles, 'a');
    expect(draft.changes(PLAIN)).toEqual({ alerts: { profiles: [{ name: 'b', mute: true }] } });
  });

  it('shows what was typed, else what is in force, else the default', () => {
    const draft = new Draft();
    expect(draft.value(PLAIN, at(web, port))).toBe(8000);
    expect(draft.value(PLAIN, at(section('ups', null, port), port))).toBe(1);
    draft.set(PLAIN, at(web, port), 7);
    expect(draft.value(PLAIN, at(web, port))).toBe(7);
  });
});

describe('what is typed', () => {
  it('becomes the value of its kind, or says why not', () => {
    expect(typed(port, ' 12 ')).toEqual({ value: 12 });
    expect(typed(port, '1.5')).toEqual({ error: 'number' });
    expect(typed(port, '')).toEqual({ error: 'number' });
    expect(typed(field('x', 'number'), '1,5')).toEqual({ value: 1.5 });
    expect(typed(field('x', 'texts'), ' a \n\nb')).toEqual({ value: ['a', 'b'] });
    expect(typed(field('x', 'json'), '[[1')).toEqual({ error: 'json' });
    expect(typed(field('x', 'text'), 'rtsp://***@host')).toEqual({ error: 'hidden' });
  });

  it('stands in the field as it is typed', () => {
    expect(shown(field('x', 'texts'), ['a', 'b'])).toBe('a\nb');
    expect(shown(field('x', 'json'), [640, 360])).toBe('[640,360]');
    expect(shown(field('x', 'text'), undefined)).toBe('');
    expect(brief('')).toBe('""');
    expect(brief(null)).toBe('–');
    expect(brief([1])).toBe('[1]');
  });
});

describe('the sections', () => {
  it('leave out what asks for an old secret elsewhere', () => {
    const left = editable([web, section('security', null, secret), section('security.pins', 'name', secret)]);
    expect(left.map((one) => one.path)).toEqual(['web']);
    expect(left[0]?.fields.map((one) => one.key)).toEqual(['port', 'password']);
  });

  it('stand in groups by the first part of their path', () => {
    expect(groups([web, mail, profiles]).map((one) => [one.id, one.title, one.sections.length])).toEqual([
      ['web', 'web', 1],
      ['alerts', 'Alerts', 2],
    ]);
  });

  it('are searched by every word, and know the layer of each value', () => {
    expect(matches(web, port, 'PORT what')).toBe(true);
    expect(matches(web, port, 'port camera')).toBe(false);
    expect(originOf(PLAIN, at(web, port))).toBe('settings.toml');
    expect(originOf(PLAIN, at(section('sensors_gpio', null), field('x', 'text')))).toBe('vigilar.toml');
    expect(originOf(PLAIN, at(mail, secret))).toBe('default');
  });
});
