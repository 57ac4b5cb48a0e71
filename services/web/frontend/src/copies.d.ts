/** A module that the service worker takes as a copy of its own. */
declare module '*/de/said?sw' {
  export function saidInGerman(text: string): string;
  export function bodyInGerman(text: string): string;
}
