/** What a key means to a player. */

export type PlayerAction =
  | { kind: 'toggle' | 'faster' | 'backwards' | 'live' | 'snapshot' | 'fullscreen' | 'whole' | 'speed' }
  | { kind: 'move'; ms: number }
  | { kind: 'frame'; by: 1 | -1 }
  | { kind: 'event'; by: 1 | -1 }
  | { kind: 'zoom'; factor: number };

const STEP_MS = 5_000;
const FAR_MS = 60_000;

interface Key {
  key: string;
  shiftKey: boolean;
  altKey: boolean;
  ctrlKey: boolean;
  metaKey: boolean;
  defaultPrevented: boolean;
  composedPath(): EventTarget[];
}

/** Null for keys that are not the player's: where text is written or something is chosen they mean something else. */
export function keyAction(event: Key): PlayerAction | null {
  if (event.altKey || event.ctrlKey || event.metaKey || event.defaultPrevented) return null;
  const [target] = event.composedPath();
  const element = target as { localName?: string; isContentEditable?: boolean } | undefined;
  const name = element?.localName ?? '';
  if (['input', 'select', 'textarea'].includes(name) || element?.isContentEditable) return null;
  if (event.composedPath().some((node) => (node as { localName?: string }).localName === 'dialog')) return null;
  const ownKeys = ['button', 'a', 'summary'].includes(name);
  if (ownKeys && (event.key === ' ' || event.key === 'Enter')) return null;
  const stepMs = event.shiftKey ? FAR_MS : STEP_MS;
  switch (event.key) {
    case ' ':
    case 'k':
    case 'K':
      return { kind: 'toggle' };
    case 'l':
    case 'L':
      return { kind: 'faster' };
    case 'j':
    case 'J':
      return { kind: 'backwards' };
    case 'ArrowLeft':
      return { kind: 'move', ms: -stepMs };
    case 'ArrowRight':
      return { kind: 'move', ms: stepMs };
    case ',':
      return { kind: 'frame', by: -1 };
    case '.':
      return { kind: 'frame', by: 1 };
    case 'n':
    case 'N':
      return { kind: 'event', by: 1 };
    case 'b':
    case 'B':
      return { kind: 'event', by: -1 };
    case '+':
    case '=':
      return { kind: 'zoom', factor: 0.5 };
    case '-':
      return { kind: 'zoom', factor: 2 };
    case 'End':
      return { kind: 'live' };
    case 's':
    case 'S':
      return { kind: 'snapshot' };
    case 'f':
    case 'F':
      return { kind: 'fullscreen' };
    case '0':
      return { kind: 'whole' };
    default:
      return null;
  }
}
