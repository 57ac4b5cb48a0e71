import { en } from './en';

/** Every language has exactly the keys and parameters that English has. */
export type Strings = typeof en;

export const t: Strings = en;
