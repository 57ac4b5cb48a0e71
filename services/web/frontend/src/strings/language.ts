/** Which language the page speaks. English is built in; any other comes as one more file, before anything is shown. */
import type { Tables } from './de';

export const LANGUAGES = { en: 'English', de: 'Deutsch' } as const;
export type Language = keyof typeof LANGUAGES;

/** The server reads it too, for the pages before the login (vigilar_web/language.py). */
const COOKIE = 'vigilar_language';
const COOKIE_S = 31_536_000;
const LOCALES: Record<Language, string> = { en: 'en-GB', de: 'de-DE' };
const OTHERS: Record<Exclude<Language, 'en'>, () => Promise<{ tables: Tables }>> = { de: () => import('./de') };

let now: Language = 'en';
let said: Tables | null = null;
const registered = new Map<keyof Tables, object>();

export const language = (): Language => now;
/** For `Intl`: how dates and numbers are written. */
export const locale = (): string => LOCALES[now];

const isLanguage = (name: string): name is Language => Object.hasOwn(LANGUAGES, name);

/** What was chosen in this browser, else the first of `wishes` (`navigator.languages`) that there is, else English. */
export function chosen(cookies: string, wishes: readonly string[]): Language {
  const kept = new RegExp(`(?:^|; )${COOKIE}=([a-z]+)`).exec(cookies)?.[1] ?? '';
  if (isLanguage(kept)) return kept;
  return wishes.map((wish) => wish.slice(0, 2).toLowerCase()).find(isLanguage) ?? 'en';
}

/** Keeps the choice for this browser; the page must be loaded anew to speak it. */
export function choose(name: Language): void {
  document.cookie = `${COOKIE}=${name}; Path=/; Max-Age=${COOKIE_S}; SameSite=Lax`;
}

/** Makes every table say it. When its file cannot be had, English stays: a page that says something beats none. */
export async function speak(name: Language): Promise<void> {
  if (name === 'en') return;
  try {
    said = (await OTHERS[name]()).tables;
  } catch {
    return;
  }
  now = name;
  for (const [key, table] of registered) overwrite(table, said[key]);
}

/** Registers an English table. It is overwritten in place, so that words taken from it early are right too. */
export function table<K extends keyof Tables>(key: K, english: Tables[K]): Tables[K] {
  registered.set(key, english);
  if (said) overwrite(english, said[key]);
  return english;
}

function overwrite(target: object, source: object): void {
  const into = target as Record<string, unknown>;
  for (const [key, value] of Object.entries(source) as [string, unknown][]) {
    const there = into[key];
    if (isTable(value) && isTable(there)) overwrite(there, value);
    else into[key] = value;
  }
}

const isTable = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value);
