import type { FormField, FormSection, Settings, Values } from '../api/settings';

/** What stands for a secret that is not shown. */
export const HIDDEN = '***';

/** Where a value stands: its section, the entry of a list ("" for a plain section), its key. */
export interface Place {
  section: FormSection;
  entry: string;
  field: FormField;
}

/** `web.port`, `cameras.front.fps`: what problems and origins are named by. */
export function keyOf({ section, entry, field }: Place): string {
  return [section.path, entry, field.key].filter(Boolean).join('.');
}

function isValues(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The table of a plain section; the entries of a list. */
export function tableOf(values: Values, section: FormSection): unknown {
  return section.path.split('.').reduce<unknown>((node, part) => (isValues(node) ? node[part] : undefined), values);
}

export function entriesOf(values: Values, section: FormSection): Values[] {
  const found = tableOf(values, section);
  return Array.isArray(found) ? found.filter(isValues) : [];
}

export function nameOf(section: FormSection, entry: Values): string {
  const name = entry[section.entry_key ?? ''];
  return typeof name === 'string' ? name : '';
}

/** What was typed and is not saved. Nothing in here is sent but what differs. */
export class Draft {
  private readonly changed = new Map<string, { place: Place; value: unknown }>();
  private readonly added = new Map<string, { section: FormSection; name: string }>();
  private readonly dropped = new Map<string, { section: FormSection; name: string }>();

  get size(): number {
    return this.changed.size + this.added.size + this.dropped.size;
  }

  has(place: Place): boolean {
    return this.changed.has(keyOf(place));
  }

  /** The typed value, else the one in force, else the default. */
  value(settings: Settings, place: Place): unknown {
    const typed = this.changed.get(keyOf(place));
    if (typed) return typed.value ?? place.field.default;
    const { section, entry, field } = place;
    const table = section.entry_key
      ? entriesOf(settings.values, section).find((one) => nameOf(section, one) === entry)
      : tableOf(settings.values, section);
    const found = isValues(table) ? table[field.key] : undefined;
    return found === undefined ? field.default : found;
  }

  /** `undefined` takes a change back; so does typing what is in force. */
  set(settings: Settings, place: Place, value: unknown): void {
    const key = keyOf(place);
    this.changed.delete(key);
    if (value === undefined) return;
    const same = JSON.stringify(this.value(settings, place)) === JSON.stringify(value);
    if (!same || place.field.kind === 'secret') this.changed.set(key, { place, value });
  }

  add(section: FormSection, name: string): void {
    const key = `${section.path}.${name}`;
    if (!this.dropped.delete(key)) this.added.set(key, { section, name });
  }

  drop(section: FormSection, name: string): void {
    const key = `${section.path}.${name}`;
    for (const [changed, { place }] of this.changed) {
      if (place.section.path === section.path && place.entry === name) this.changed.delete(changed);
    }
    if (!this.added.delete(key)) this.dropped.set(key, { section, name });
  }

  isDropped(section: FormSection, name: string): boolean {
    return this.dropped.has(`${section.path}.${name}`);
  }

  droppedOf(settings: Settings, section: FormSection): string[] {
    return entriesOf(settings.values, section).map((entry) => nameOf(section, entry)).filter((name) => this.isDropped(section, name));
  }

  /** The names of a list as they would be: those in force without the dropped ones, then the new ones. */
  names(settings: Settings, section: FormSection): string[] {
    const present = entriesOf(settings.values, section).map((entry) => nameOf(section, entry));
    const fresh = [...this.added.values()].filter((one) => one.section.path === section.path).map((one) => one.name);
    return [...present.filter((name) => !this.isDropped(section, name)), ...fresh];
  }

  clear(): void {
    this.changed.clear();
    this.added.clear();
    this.dropped.clear();
  }

  /** Nested as the server takes it. */
  changes(settings: Settings): Values {
    const result: Values = {};
    const lists = new Map<string, FormSection>();
    for (const { place, value } of this.changed.values()) {
      if (place.section.entry_key) lists.set(place.section.path, place.section);
      else put(result, [...place.section.path.split('.'), place.field.key], value);
    }
    for (const { section } of [...this.added.values(), ...this.dropped.values()]) lists.set(section.path, section);
    for (const section of lists.values()) {
      const entries = this.entries(settings, section);
      if (entries.length) put(result, section.path.split('.'), entries);
    }
    const removed = this.removed(settings);
    if (removed) result['removed'] = removed;
    return result;
  }

  /** Of a list only what differs; but defaults stand or fall together, so of them all. */
  private entries(settings: Settings, section: FormSection): Values[] {
    const whole = isDefault(settings, section);
    return this.names(settings, section).flatMap((name) => {
      const entry: Values = whole ? { ...entriesOf(settings.values, section).find((one) => nameOf(section, one) === name) } : {};
      for (const { place, value } of this.changed.values()) {
        if (place.section.path === section.path && place.entry === name) entry[place.field.key] = value;
      }
      const counts = whole || Object.keys(entry).length > 0 || this.added.has(`${section.path}.${name}`);
      return counts ? [{ ...entry, [section.entry_key ?? '']: name }] : [];
    });
  }

  private removed(settings: Settings): Record<string, string[]> | null {
    const lists: Record<string, string[]> = {};
    for (const { section, name } of this.dropped.values()) {
      if (isDefault(settings, section)) continue; // the others are sent whole, without it
      const list = (lists[section.path] ??= [...(settings.removed[section.path] ?? [])]);
      if (!list.includes(name)) list.push(name);
    }
    for (const { section, name } of this.added.values()) {
      const before = lists[section.path] ?? settings.removed[section.path] ?? [];
      if (before.includes(name)) lists[section.path] = before.filter((one) => one !== name);
    }
    return Object.keys(lists).length ? lists : null;
  }
}

/** Whether the entries of a list are those that are there when nobody writes any. */
export function isDefault(settings: Settings, section: FormSection): boolean {
  const [first] = entriesOf(settings.values, section);
  if (!first) return false;
  const prefix = `${section.path}.${nameOf(section, first)}.`;
  return Object.entries(settings.origins).some(([key, origin]) => key.startsWith(prefix) && key === `${prefix}${section.entry_key}` && origin === 'default');
}

function put(target: Values, path: string[], value: unknown): void {
  const [first = '', ...rest] = path;
  if (!rest.length) {
    target[first] = value;
    return;
  }
  const present = target[first];
  const below: Values = isValues(present) ? present : {};
  target[first] = below;
  put(below, rest, value);
}

/** Layer of a value in words that fit a badge: `default`, `vigilar.toml`, `settings.toml`, `environment`. */
export function originOf(settings: Settings, place: Place): string {
  const key = keyOf(place).replace(/^sensors_gpio\./, 'sensors.gpio.');
  return (settings.origins[key] ?? 'default').split(' ')[0] ?? 'default';
}

export type Typed = { value: unknown } | { error: 'number' | 'json' | 'hidden' };

/** What was typed into a text field, as the value of its kind. */
export function typed(field: FormField, text: string): Typed {
  switch (field.kind) {
    case 'integer':
    case 'number': {
      const value = Number(text.trim().replace(',', '.'));
      const fits = text.trim() !== '' && Number.isFinite(value) && (field.kind === 'number' || Number.isInteger(value));
      return fits ? { value } : { error: 'number' };
    }
    case 'texts':
      return { value: text.split('\n').map((line) => line.trim()).filter(Boolean) };
    case 'json':
      try {
        return { value: JSON.parse(text) as unknown };
      } catch {
        return { error: 'json' };
      }
    case 'text':
    case 'secret':
    case 'choice':
    case 'choices':
    case 'flag':
      return text.includes(HIDDEN) ? { error: 'hidden' } : { value: text };
  }
}

/** A value as it stands in a text field. */
export function shown(field: FormField, value: unknown): string {
  if (value === undefined || value === null) return '';
  if (field.kind === 'texts' && Array.isArray(value)) return value.join('\n');
  if (field.kind === 'json') return pretty(value);
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** JSON with one entry of a list per line, as short as can be read. */
function pretty(value: unknown): string {
  if (!Array.isArray(value)) return JSON.stringify(value, null, 1).replace(/\n\s*/g, ' ');
  const flat = JSON.stringify(value);
  return flat.length <= 60 ? flat : `[\n  ${value.map((one) => JSON.stringify(one)).join(',\n  ')}\n]`;
}

/** A value in one line, for a list of differences. */
export function brief(value: unknown): string {
  if (value === null || value === undefined) return '–';
  if (value === '') return '""';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Whether a search finds a key: all its words, anywhere in name, title and meaning. */
export function matches(section: FormSection, field: FormField, search: string): boolean {
  const text = `${section.path} ${section.title} ${field.key} ${field.title} ${field.about}`.toLowerCase();
  return search.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/** Sections of what is changed elsewhere with the old secret at hand are not asked for here. */
const ELSEWHERE = new Set(['web.password_hash', 'web.username', 'system.arm_pin_hash']);

export function editable(sections: FormSection[]): FormSection[] {
  return sections
    .filter((section) => section.path !== 'security' && !section.path.startsWith('security.'))
    .map((section) => ({ ...section, fields: section.fields.filter((field) => !ELSEWHERE.has(`${section.path}.${field.key}`)) }));
}

/** The first part of every path, in order, with its sections. */
export function groups(sections: FormSection[]): { id: string; title: string; sections: FormSection[] }[] {
  const found = new Map<string, FormSection[]>();
  for (const section of sections) {
    const id = section.path.split('.')[0] ?? '';
    found.set(id, [...(found.get(id) ?? []), section]);
  }
  return [...found].map(([id, inner]) => ({
    id,
    title: inner.find((one) => one.path === id)?.title ?? id.charAt(0).toUpperCase() + id.slice(1),
    sections: inner,
  }));
}
