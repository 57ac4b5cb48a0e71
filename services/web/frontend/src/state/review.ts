import type { Page, VigilarEvent } from '../api/types';

/** An event that came while the page was open has not been looked at, though nothing says so yet. */
export const waits = (event: VigilarEvent): boolean => event.to_review ?? true;

/**
 * A page of the list that begins with what nobody has looked at and goes on with the rest. The cursor says in which part
 * it lies: `w:` or `d:`.
 */
export async function reviewPage(
  ask: (reviewed: 'true' | 'false', cursor: string | null) => Promise<Page<VigilarEvent>>,
  cursor: string | null,
): Promise<Page<VigilarEvent>> {
  const rest = cursor?.slice(2) ?? '';
  if (cursor?.startsWith('d:')) {
    const page = await ask('true', rest || null);
    return { items: page.items, next: page.next === null ? null : `d:${page.next}` };
  }
  const page = await ask('false', rest || null);
  if (page.next !== null) return { items: page.items, next: `w:${page.next}` };
  // The last of those that wait stand beside the first of the rest: nobody should have to scroll for an empty list.
  const more = await ask('true', null);
  return { items: [...page.items, ...more.items], next: more.next === null ? null : `d:${more.next}` };
}

/** The list with these events looked at (by somebody) or to be looked at again (null). */
export function marked(events: readonly VigilarEvent[], ids: ReadonlySet<string> | 'all', by: { by: string; ts_ms: number } | null): VigilarEvent[] {
  return events.map((event) => {
    if (ids !== 'all' && !ids.has(event.id)) return event;
    if (ids === 'all' && (!by || !waits(event) || event.started_ms > by.ts_ms)) return event;
    return { ...event, to_review: by === null, reviewed: by };
  });
}
