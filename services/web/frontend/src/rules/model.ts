import type { RuleForm, RuleKey, WrittenAction, WrittenCondition, WrittenRule } from '../api/rules';
import type { Settings, Values } from '../api/settings';

/** Something of this house that a rule can name. */
export interface Named {
  id: string;
  name: string;
}

export interface House {
  cameras: (Named & { zones: string[] })[];
  sensors: Named[];
  members: Named[];
  vehicles: Named[];
}

function tables(values: unknown, ...path: string[]): Values[] {
  const found = path.reduce<unknown>((node, part) => (typeof node === 'object' && node !== null ? (node as Values)[part] : undefined), values);
  return Array.isArray(found) ? found.filter((one): one is Values => typeof one === 'object' && one !== null) : [];
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** What there is to be named, from the settings. */
export function houseOf(values: Values): House {
  const named = (one: Values): Named => ({ id: text(one['id']), name: text(one['display_name']) || text(one['id']) });
  const person = (one: Values): Named => ({ id: text(one['name']), name: text(one['name']) });
  return {
    cameras: tables(values, 'cameras').map((one) => ({ ...named(one), zones: tables(one, 'zones').map((zone) => text(zone['name'])) })),
    sensors: tables(values, 'sensors').map(named),
    members: tables(values, 'presence', 'members').map(person),
    vehicles: tables(values, 'vehicles', 'known').map(person),
  };
}

/** What may stand in a key that names something; zones are those of the camera, else of any. */
export function namesOf(house: House, of: string, cameraId: string): Named[] {
  if (of !== 'zones') return of in house ? house[of as keyof House] : [];
  const zones = house.cameras.filter((one) => !cameraId || one.id === cameraId).flatMap((one) => one.zones);
  return [...new Set(zones)].map((name) => ({ id: name, name }));
}

/** The rules of the settings as they act, one after the other. */
export function rulesOf(values: Values, form: RuleForm): WrittenRule[] {
  return tables(values, 'rules')
    .map((one) => ruleOf(one, form))
    .sort((a, b) => a.position - b.position);
}

function ruleOf(values: Values, form: RuleForm): WrittenRule {
  const actions = Array.isArray(values['actions']) ? (values['actions'] as (string | Values)[]) : [];
  return {
    id: text(values['id']),
    description: text(values['description']),
    enabled: values['enabled'] !== false,
    logic: values['logic'] === 'OR' ? 'OR' : 'AND',
    conditions: tables(values, 'conditions').map((one) => condition(one, form)),
    actions: actions.map((one) => action(one, form)),
    cooldown_s: Number(values['cooldown_s'] ?? 60),
    position: Number(values['position'] ?? 0),
    allow_disarm: values['allow_disarm'] === true,
  };
}

/** Only what belongs to its kind and says something: a key that is left over would be refused. */
export function condition(values: Values, form: RuleForm): WrittenCondition {
  const type = text(values['type']).toLowerCase();
  const part = form.conditions.find((one) => one.type === type);
  const found: WrittenCondition = { type };
  if (part?.group) return { type, conditions: tables(values, 'conditions').map((one) => condition(one, form)) };
  if (type === 'camera_motion' || type === 'detection') spellOut(values, type);
  for (const key of part?.keys ?? []) {
    const value = values[key.key];
    if (value !== undefined && value !== '' && value !== 0 && asked(key, text(values['event']))) found[key.key] = value;
  }
  return found;
}

/** The page knows one way to name a camera and a class. */
function spellOut(values: Values, type: string): void {
  const key = type === 'detection' ? 'object_class' : 'camera_id';
  if (!values[key] && values['value'] && values['value'] !== 'any') values[key] = values['value'];
}

/** Whether a key belongs to what the sensor tells. */
export function asked(key: RuleKey, event: string): boolean {
  return !(key.only_with && !key.only_with.includes(event)) && !key.not_with?.includes(event);
}

/** In its long form, which can be changed. */
export function action(value: string | Values, form: RuleForm): WrittenAction {
  const written: Values = typeof value === 'string' ? (value.startsWith('arm_') ? { type: 'arm', mode: value.slice(4) } : { type: value }) : value;
  const type = text(written['type']);
  const found: WrittenAction = { type };
  for (const key of form.actions.find((one) => one.type === type)?.keys ?? []) {
    const held = written[key.key];
    const empty = held === undefined || held === null || held === '' || (Array.isArray(held) && !held.length);
    if (!empty && held !== key.default) found[key.key] = held;
  }
  return found;
}

/** As it is sent: an action without anything to say is its name alone. */
export function sent(rule: WrittenRule, form: RuleForm): WrittenRule {
  const short = (one: WrittenAction): string | WrittenAction => (Object.keys(one).length === 1 && form.named.includes(one.type) ? one.type : one);
  return {
    ...rule,
    conditions: rule.conditions.map((one) => condition({ ...one }, form)),
    actions: rule.actions.map((one) => short(action(one, form))),
  };
}

/** A rule that one begins with. */
export function fresh(position: number): WrittenRule {
  return { id: '', description: '', enabled: true, logic: 'AND', conditions: [], actions: [], cooldown_s: 60, position, allow_disarm: false };
}

/** A short name from words: `Back door at night` becomes `back_door_at_night`. */
export function idFrom(words: string, takenIds: string[]): string {
  const base = words.normalize('NFKD').toLowerCase().replace(/[^a-z0-9]+/g, '_').replace(/^_+|_+$/g, '').slice(0, 56);
  if (!base) return '';
  let found = base;
  for (let n = 2; takenIds.includes(found); n += 1) found = `${base}_${n}`;
  return found;
}

/** The change that saves a rule; one that was removed before comes back. */
export function savingOf(settings: Settings, rule: WrittenRule, form: RuleForm): Values {
  const removed = settings.removed['rules'] ?? [];
  const back = removed.includes(rule.id) ? { removed: { rules: removed.filter((one) => one !== rule.id) } } : {};
  return { rules: [sent(rule, form)], ...back };
}

export function removalOf(settings: Settings, id: string): Values {
  return { removed: { rules: [...(settings.removed['rules'] ?? []), id] } };
}

/** The change that puts the rules into this order: tens, so that a file can squeeze one in between. */
export function orderOf(ids: string[]): Values {
  return { rules: ids.map((id, at) => ({ id, position: Math.min(10_000, (at + 1) * 10) })) };
}

/** Where a problem belongs: what the server names `rules.<id>.conditions.0.value` is of `conditions.0`. */
export function problemsAt(problems: { key: string; text: string }[], ruleId: string, path: string): string[] {
  const here = `rules.${ruleId}.${path}`;
  return problems
    .filter(({ key }) => key === here || (key.startsWith(`${here}.`) && !key.slice(here.length + 1).startsWith('conditions')))
    .map((one) => one.text);
}
