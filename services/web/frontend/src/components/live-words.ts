import { clockSeconds } from '../format';
import { t } from '../strings';
import type { LiveState } from './live-video';

/** What a live picture is doing, in a few words for a flag or a badge. */
export function liveWords(live: LiveState | undefined): string {
  if (!live) return t.cameras.connecting;
  if (live.state === 'stalled' && live.sinceMs) return t.cameras.noPictureSince(clockSeconds(live.sinceMs));
  if (live.state !== 'live') return t.cameras[live.state];
  return [t.cameras.live, quality(live)].filter(Boolean).join(' · ');
}

function quality(live: LiveState): string {
  if (live.by === 'stills') return t.cameras.snapshot;
  if (live.by === 'mjpeg') return t.cameras.sequence;
  return live.given ? t.cameras.given[live.given] : '';
}

/** Why it is not the camera's own picture, or cannot be shown at all; empty when all is as it should be. */
export function liveHelp(live: LiveState | undefined): string {
  if (!live) return '';
  if (live.state === 'refused') return live.reason;
  if (live.state !== 'live') return '';
  if (live.by === 'stills' || live.by === 'mjpeg') return t.cameras.sequenceHelp;
  return live.given ? t.cameras.givenHelp[live.given] : '';
}
