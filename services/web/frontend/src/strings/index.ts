import type { Camera } from '../api/types';
import { classNames as englishNames, en } from './en';
import { language, table } from './language';

export { said } from './said';

/** Every language has exactly the keys and parameters that English has. */
export type Strings = typeof en;

export const t: Strings = table('page', en);
const classNames = table('classes', englishNames);

/** A name within a sentence: German nouns keep their capital. */
export const within = (name: string): string => (language() === 'de' ? name : name.toLowerCase());

/** `Person`; a class that has no name here as the model names it. */
export function className(objectClass: string): string {
  return classNames[objectClass]?.[0] ?? objectClass.charAt(0).toUpperCase() + objectClass.slice(1);
}

/** `1 person, 2 cars`; empty while nothing is there or nothing is known. */
export function seenNow(camera: Camera): string {
  if (!camera.objects?.known) return '';
  return Object.entries(camera.objects.counts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${count === 1 ? within(className(name)) : (classNames[name]?.[1] ?? name)}`)
    .join(', ');
}
