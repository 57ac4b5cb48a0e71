/** Answers that index.html asked for while the code of the page was on its way. */

declare global {
  var vigilarFirst: Promise<Response | null>[] | undefined;
}

export const FIRST_EVENTS = 24;
const PATHS = ['/api/v1/start', `/api/v1/events?limit=${FIRST_EVENTS}`];

/** The answer to this path, once; null where it was not asked for, did not come, or was taken already. */
export function firstAnswer(path: string): Promise<Response | null> {
  const at = PATHS.indexOf(path);
  const found = globalThis.vigilarFirst?.[at];
  if (!found || !globalThis.vigilarFirst) return Promise.resolve(null);
  globalThis.vigilarFirst[at] = Promise.resolve(null);
  return found;
}
