import { html, nothing } from 'lit';

import type { Recording } from '../api/types';
import { fullMoment } from '../format';
import { t } from '../strings';

/** What weakens a recording as evidence, visibly: it lies there unencrypted, or it is older than the ledger. */
export function sealBadges(recording: Recording): unknown {
  const since = recording.sealed_ms ? t.recordings.sealedSince(fullMoment(recording.sealed_ms)) : t.recordings.notSealed;
  return html`${recording.encrypted === false
    ? html`<span class="badge warn" data-testid="not-encrypted" title=${t.recordings.notEncryptedHelp}>${t.recordings.notEncrypted}</span>`
    : nothing}${recording.version_1
    ? html`<span class="badge warn" data-testid="version-1" title=${since}>${t.recordings.version1}</span>`
    : nothing}`;
}

/** The same in full, for the page of one recording. */
export function sealNotes(recording: Recording): unknown {
  const notes = [
    recording.encrypted === false ? t.recordings.notEncryptedHelp : '',
    recording.version_1 ? (recording.sealed_ms ? t.recordings.sealedSince(fullMoment(recording.sealed_ms)) : t.recordings.notSealed) : '',
  ].filter(Boolean);
  return notes.map((note) => html`<p class="muted small" data-testid="seal-note">${note}</p>`);
}
