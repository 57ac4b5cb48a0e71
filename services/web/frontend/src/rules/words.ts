import type { WrittenAction, WrittenCondition, WrittenRule } from '../api/rules';
import { duration } from '../format';
import { t } from '../strings';
import type { House, Named } from './model';

const text = (value: unknown): string => (typeof value === 'string' || typeof value === 'number' ? String(value) : '');
const list = (value: unknown): string[] => (Array.isArray(value) ? value.map(text) : text(value).split(',').map((one) => one.trim()).filter(Boolean));
const said = (word: string): string => t.ruleValues[word] ?? t.ruleValues[word.toUpperCase()] ?? word;
const anyOf = (words: string[]): string => words.map(said).join(t.rulePage.orElse);
const nameIn = (named: Named[], id: unknown, none: string): string => (id ? (named.find((one) => one.id === id)?.name ?? text(id)) : none);

/** One condition as people say it. */
export function conditionWords(one: WrittenCondition, house: House): string {
  const w = t.rulePage;
  const within = typeof one['within_s'] === 'number' && one['within_s'] > 0 ? w.within(duration(one['within_s'] * 1000)) : '';
  const camera = nameIn(house.cameras, one['camera_id'], w.anyCamera);
  const zone = one['zone'] ? w.inZone(text(one['zone'])) : '';
  switch (one.type) {
    case 'and':
    case 'or':
      return `(${(one.conditions ?? []).map((inner) => conditionWords(inner, house)).join(one.type === 'and' ? w.andThen : w.orElse) || w.nothing})`;
    case 'sensor_event':
    case 'sensor_state':
      return `${nameIn(house.sensors, one['sensor_id'], w.anySensor)}: ${telling(one)}${within}`;
    case 'camera_motion':
      return `${camera}: ${said('motion')} ${said(text(one['event']) || 'started')}${zone}${within}`;
    case 'detection':
      return `${camera}: ${list(one['object_class']).join(w.orElse) || w.somebody}${zone}${within}`;
    case 'package':
      return `${camera}: ${kind(one.type)} ${anyOf(list(one['value']))}${zone}${within}`;
    case 'vehicle':
      return `${camera}: ${text(one['member']) || w.anyVehicle} ${anyOf(list(one['value']))}${within}`;
    case 'presence':
      return one['member'] ? `${text(one['member'])}: ${anyOf(list(one['value']))}` : anyOf(list(one['value']));
    case 'time_window':
      return text(one['value']) || w.nothing;
    default:
      return `${kind(one.type)} ${anyOf(list(one['value']))}`;
  }
}

const kind = (type: string): string => (t.ruleTypes[type] ?? type).replace(/\s*…$/, '');

function telling(one: WrittenCondition): string {
  const event = text(one['event']);
  if (event === 'above' || event === 'below') return t.rulePage[event](text(one['key']), text(one['value']));
  return [said(event) || t.rulePage.nothing, text(one['value'])].filter(Boolean).join(' ');
}

/** One action as people say it. */
export function actionWords(one: string | WrittenAction, house: House): string {
  if (typeof one === 'string') return kind(one);
  const parts = [
    ...list(one['channels']).map(said),
    ...list(one['cameras']).map((id) => nameIn(house.cameras, id, '')),
    said(text(one['mode'])),
    text(one['topic']),
    typeof one['duration_s'] === 'number' ? duration(one['duration_s'] * 1000) : '',
    said(text(one['severity'])),
  ].filter(Boolean);
  return parts.length ? `${kind(one.type)}: ${parts.join(', ')}` : kind(one.type);
}

/** The whole rule in one sentence. */
export function ruleWords(rule: WrittenRule, house: House): { when: string; then: string } {
  const w = t.rulePage;
  return {
    when: rule.conditions.map((one) => conditionWords(one, house)).join(rule.logic === 'OR' ? w.orElse : w.andThen) || w.nothing,
    then: rule.actions.map((one) => actionWords(one, house)).join(', ') || w.nothing,
  };
}
