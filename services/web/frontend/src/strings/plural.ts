import { locale } from './language';

const rules = new Map<string, Intl.PluralRules>();

/** `1 camera`, `2 cameras`: which form a number takes is a rule of the language. */
export function plural(n: number, one: string, many: string): string {
  let rule = rules.get(locale());
  if (!rule) rules.set(locale(), (rule = new Intl.PluralRules(locale())));
  return `${n} ${rule.select(n) === 'one' ? one : many}`;
}
