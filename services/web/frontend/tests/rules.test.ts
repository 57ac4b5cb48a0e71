import { describe, expect, it } from 'vitest';

import type { RuleForm, WrittenRule } from '../src/api/rules';
import type { Settings } from '../src/api/settings';
import { houseOf, idFrom, orderOf, problemsAt, removalOf, rulesOf, savingOf } from '../src/rules/model';
import { ruleWords } from '../src/rules/words';

const form: RuleForm = {
  conditions: [
    { type: 'and', group: true, happens: false, keys: [] },
    { type: 'arm_state', group: false, happens: false, keys: [{ key: 'value', about: '', asked: 'some', choices: ['armed_away'] }] },
    {
      type: 'sensor_event', group: false, happens: true,
      keys: [
        { key: 'sensor_id', about: '', asked: 'house', of: 'sensors' },
        { key: 'event', about: '', asked: 'one', choices: ['open', 'above'], open: true },
        { key: 'key', about: '', asked: 'text', only_with: ['above'] },
        { key: 'value', about: '', asked: 'text', not_with: ['', 'open'] },
      ],
    },
  ],
  actions: [
    { type: 'alert_all', group: false, happens: false, keys: [{ key: 'severity', about: '', asked: 'one', choices: ['info', 'alert'], default: 'alert' }] },
    { type: 'arm', group: false, happens: false, keys: [{ key: 'mode', about: '', asked: 'one', needed: true }] },
  ],
  named: ['alert_all', 'arm_away'], logic: ['AND', 'OR'], of_member: ['home', 'away'],
  limits: { depth: 4, conditions: 32, cooldown_s: 86_400, description: 500 },
};
const stored = {
  id: 'door', description: '', enabled: true, logic: 'AND', cooldown_s: 60, position: 20, allow_disarm: false,
  conditions: [
    { type: 'sensor_event', sensor_id: 'back', event: 'open', value: '', key: '', within_s: 0, conditions: [] },
    { type: 'and', value: '', conditions: [{ type: 'arm_state', value: 'armed_away', sensor_id: '' }] },
  ],
  actions: ['alert_all', 'arm_away', { type: 'alert_all', severity: 'info', cameras: [] }],
};
const values = { rules: [stored, { id: 'first', position: 5 }], sensors: [{ id: 'back', display_name: 'Back door' }], cameras: [{ id: 'yard', zones: [{ name: 'gate' }] }] };
const settings: Settings = { revision: 'r', values, origins: {}, warnings: [], removed: { rules: ['old', 'gone'] } };

describe('rules of the settings', () => {
  const [first, door] = rulesOf(values, form) as [WrittenRule, WrittenRule];

  it('stand in the order in which they act, without keys that say nothing', () => {
    expect([first.id, door.id]).toEqual(['first', 'door']);
    expect(door.conditions).toEqual([
      { type: 'sensor_event', sensor_id: 'back', event: 'open' },
      { type: 'and', conditions: [{ type: 'arm_state', value: 'armed_away' }] },
    ]);
    expect(door.actions).toEqual([{ type: 'alert_all' }, { type: 'arm', mode: 'away' }, { type: 'alert_all', severity: 'info' }]);
  });

  it('are sent with actions in their shortest form', () => {
    expect((savingOf(settings, door, form)['rules'] as WrittenRule[])[0]?.actions).toEqual(['alert_all', { type: 'arm', mode: 'away' }, { type: 'alert_all', severity: 'info' }]);
  });

  it('come back when a new one has the name of a removed one, and a removal keeps those before', () => {
    expect(savingOf(settings, { ...door, id: 'old' }, form)['removed']).toEqual({ rules: ['gone'] });
    expect(removalOf(settings, 'door')).toEqual({ removed: { rules: ['old', 'gone', 'door'] } });
  });

  it('are put in order by their position alone', () => {
    expect(orderOf(['b', 'a'])).toEqual({ rules: [{ id: 'b', position: 10 }, { id: 'a', position: 20 }] });
  });

  it('are said in words, with the names of the house', () => {
    const { when, then } = ruleWords(door, houseOf(values));
    expect(when).toContain('Back door: opens');
    expect(when).toContain('armed away');
    expect(then).toContain('Tell everybody');
  });
});

describe('what is wrong', () => {
  const problems = [
    { key: 'rules.door.conditions.0', text: 'event is missing' },
    { key: 'rules.door.conditions.0.within_s', text: 'too large' },
    { key: 'rules.door.conditions.1.conditions.0', text: 'inside' },
    { key: 'rules.door2.conditions.0', text: 'of another' },
  ];

  it('stands at the condition that it is of', () => {
    expect(problemsAt(problems, 'door', 'conditions.0')).toEqual(['event is missing', 'too large']);
    expect(problemsAt(problems, 'door', 'conditions.1')).toEqual([]);
    expect(problemsAt(problems, 'door', 'conditions.1.conditions.0')).toEqual(['inside']);
  });
});

describe('a short name', () => {
  it('is made of words, without doubling one that is there', () => {
    expect(idFrom('Tür hinten, nachts!', [])).toBe('tu_r_hinten_nachts');
    expect(idFrom('Back door', ['back_door'])).toBe('back_door_2');
    expect(idFrom('!!!', [])).toBe('');
  });
});
