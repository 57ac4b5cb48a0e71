import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { tables } from '../src/strings/de';
import { bodyInGerman, refusalInGerman, saidInGerman } from '../src/strings/de/said';
import { t } from '../src/strings';
import { classNames, en } from '../src/strings/en';
import { chosen, language, locale, speak } from '../src/strings/language';
import { german as germanNotice, notification } from '../src/strings/notification';
import { people } from '../src/strings/people';
import { visitors } from '../src/strings/visitors';

type Leaf = string | ((...given: unknown[]) => unknown);

/** `alarm.state.disarmed` → what stands there. Elements of lists are numbered. */
function leaves(table: object, path = ''): Map<string, Leaf> {
  const found = new Map<string, Leaf>();
  for (const [key, value] of Object.entries(table) as [string, unknown][]) {
    const at = path ? `${path}.${key}` : key;
    if (typeof value === 'object' && value !== null) for (const [name, leaf] of leaves(value, at)) found.set(name, leaf);
    else found.set(at, value as Leaf);
  }
  return found;
}

const english = leaves({ page: en, classes: classNames, people, visitors, notification });
const german = leaves({ page: tables.page, classes: tables.classes, people: tables.people, visitors: tables.visitors, notification: germanNotice });

/** Words that are the same in both languages. */
const SAME = new Set([
  'page.app.name', 'page.alarm.state.triggered', 'page.alarm.label', 'page.alarm.pin', 'page.announced.title', 'page.cameras.live', 'page.cameras.offline',
  'page.cameras.codec', 'page.nav.system', 'page.system.title', 'page.system.version', 'page.sensors.sensor',
  'page.sensors.words.GAS.0', 'page.timeline.isLive', 'page.timeline.live', 'page.recordings.version1', 'page.events.person', 'page.events.type_name.alarm_triggered',
  'page.events.type_name.sensor_opened', 'page.alerts.channelName.web_push', 'page.alerts.channelName.webhook',
  'page.settings.asJson', 'page.welcome.camera.urlHint', 'page.welcome.camera.name', 'page.welcome.recovery.take', 'page.welcome.camera.locations.GARAGE',
  'page.outside.colours.orange', 'page.pets.name',
  'page.timeline.keyRows.6.1', 'people.links.security', 'visitors.name', 'people.roles.admin', 'people.account.passkeys',
  'people.security.title', 'people.users.name', 'classes.person.0', 'classes.bus.0',
]);

/** Every parameter as a mark that can be found again; numbers are odd enough for that. */
const WORDS = ['‹a›', '‹b›', '‹c›', '‹d›'];
const NUMBERS = [1234567, 2345678, 3456789, 4567891];

function said(leaf: Leaf, given: unknown[]): string | null {
  if (typeof leaf === 'string') return leaf;
  try {
    const text = leaf(...given);
    return typeof text === 'string' ? text : null;
  } catch {
    return null; // this one takes numbers where words were given
  }
}

const marks = (text: string): string[] => (text.match(/‹[a-d]›|1234567|2345678|3456789|4567891/g) ?? []).sort();

describe('German', () => {
  it('has every key that English has, and none more', () => {
    expect([...german.keys()].sort()).toEqual([...english.keys()].sort());
  });

  it('says nothing in English by accident', () => {
    const same = [...english].filter(([key, leaf]) => typeof leaf === 'string' && /\p{L}{2}/u.test(leaf) && german.get(key) === leaf);
    expect(same.map(([key]) => key).sort()).toEqual([...SAME].sort());
  });

  it('has words where English has some, and none where it has none', () => {
    const empty = [...english].filter(([key, leaf]) => typeof leaf === 'string' && (leaf === '') !== (german.get(key) === ''));
    expect(empty.map(([key]) => key)).toEqual([]);
  });

  it.each([...english].filter(([, leaf]) => typeof leaf === 'function').map(([key]) => key))('puts into %s what English puts', (key) => {
    let compared = 0;
    for (const given of [WORDS, NUMBERS, [...NUMBERS.slice(0, 1), ...WORDS.slice(1)], [...WORDS.slice(0, 1), ...NUMBERS.slice(1)]]) {
      const [here, there] = [said(english.get(key) ?? '', given), said(german.get(key) ?? '', given)];
      if (here === null || there === null || here.includes('NaN')) continue;
      expect(marks(there)).toEqual(marks(here));
      expect(there).not.toMatch(/undefined|\[object|NaN/);
      compared += 1;
    }
    expect(compared).toBeGreaterThan(0);
  });
});

describe('what the services say', () => {
  it.each([
    ['Person at Front door', 'Person: Front door'],
    ['Motion at Hall, and 3 more', 'Bewegung: Hall, und 3 weitere'],
    ['Alarm: Back door opened', 'Alarm: Back door geöffnet'],
    ['Not acknowledged: Alarm: Glass broke at Hall', 'Nicht bestätigt: Alarm: Glasbruch: Hall'],
    ['Unknown red car arrived: Driveway', 'Auto (rot, unbekannt) angekommen: Driveway'],
    ['A car like the silver estate left: Driveway', 'Auto ähnlich wie the silver estate weggefahren: Driveway'],
    ['Parcel put down by a person: Porch, Step', 'Paket abgestellt (Person): Porch, Step'],
    ['The power is out (80 %, about 12 min left)', 'Der Strom ist ausgefallen (80 %, noch etwa 12 min)'],
    ['12 alerts of the last 5 minutes, 2 of them critical', '12 Meldungen der letzten 5 Minuten, 2 davon kritisch'],
    ['Somebody wrote this title', 'Somebody wrote this title'],
    ['<img src=x> at $1', '<img src=x> at $1'],
  ])('%s', (title, expected) => {
    expect(saidInGerman(title)).toBe(expected);
  });

  it('bodies of several events', () => {
    expect(bodyInGerman('Person: Hall. Opened: Back door. Motion: Front door ×3, Hall. 6 in 2 minutes')).toBe(
      'Person: Hall. Geöffnet: Back door. Bewegung: Front door ×3, Hall. 6 in 2 Minuten',
    );
  });

  it('refusals go by their code, and keep what names the thing', () => {
    expect(refusalInGerman('wrong_login', 'User name or password is wrong.')).toBe('Benutzername oder Passwort ist falsch.');
    expect(refusalInGerman('invalid', 'name: too long')).toContain('name: too long');
    expect(refusalInGerman('no_such_code', 'Said by a service.')).toBe('Said by a service.');
  });

  /** Every code that the web service itself refuses with has a German sentence. */
  it('every code of the web service has German', () => {
    const folder = join(import.meta.dirname, '../../vigilar_web');
    const files = ['errors.py', 'gate.py', 'middleware.py', 'routes/auth.py', 'routes/me.py', 'routes/accounts.py', 'routes/alarm.py', 'routes/cameras.py', 'routes/alerts.py'];
    const codes = files.flatMap((name) => [...readFileSync(join(folder, name), 'utf8').matchAll(/ApiError\(\s*\d+,\s*"([a-z_]+)"/g)].map((found) => found[1] ?? ''));
    expect(codes.length).toBeGreaterThan(20);
    expect([...new Set(codes)].filter((code) => refusalInGerman(code, '§') === '§')).toEqual([]);
  });
});

describe('which language', () => {
  it('is the one that was chosen here, else the first wish that there is, else English', () => {
    expect(chosen('a=b; vigilar_language=de', ['en-US'])).toBe('de');
    expect(chosen('vigilar_language=en', ['de-AT'])).toBe('en');
    expect(chosen('vigilar_language=xx', ['fr', 'de-CH', 'en'])).toBe('de');
    expect(chosen('not_vigilar_language=de', ['fr'])).toBe('en');
    expect(chosen('', [])).toBe('en');
    expect(chosen('vigilar_language=constructor', [])).toBe('en');
  });

  it('is put into words that were taken before', async () => {
    const alarm = t.alarm;
    await speak('de');
    expect(language()).toBe('de');
    expect(locale()).toBe('de-DE');
    expect(alarm.state.disarmed).toBe('Unscharf');
    expect(people.account.title).toBe('Mein Konto');
  });
});
