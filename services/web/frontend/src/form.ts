/** What stands in a field of a form, as text; empty when it is not there. */
export function field(source: HTMLFormElement | FormData, name: string): string {
  const value = (source instanceof FormData ? source : new FormData(source)).get(name);
  return typeof value === 'string' ? value : '';
}
