import { html, LitElement, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';

import { api, urls } from '../api/client';
import type { Recording } from '../api/types';
import '../components/clip-actions';
import '../components/delete-recording';
import '../components/event-player';
import { sealBadges, sealNotes } from '../components/seal-badges';
import { failure } from '../components/states';
import { pageStyles, shared } from '../design/shared';
import { bytes, duration, fullMoment } from '../format';
import { app, asApiError, WatchApp, type Loaded } from '../state/app-state';
import { t } from '../strings';

@customElement('vg-recording')
export class RecordingPage extends LitElement {
  static override styles = [shared, pageStyles];

  @property() recordingId = '';
  @state() private recording: Loaded<Recording> = { status: 'loading' };

  constructor() {
    super();
    new WatchApp(this);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void this.load();
  }

  private async load(): Promise<void> {
    try {
      this.recording = { status: 'ready', value: await api.recording(this.recordingId) };
    } catch (error) {
      this.recording = { status: 'failed', error: asApiError(error) };
    }
  }

  override render(): unknown {
    const recording = this.recording;
    return html`
      <a class="back" href="/recordings"><vg-icon name="left"></vg-icon>${t.nav.recordings}</a>
      ${recording.status === 'ready' ? this.page(recording.value) : nothing}
      ${recording.status === 'failed'
        ? recording.error.status === 404
          ? html`<vg-message whole icon="info" heading=${t.app.notFound} text=${t.app.notFoundHelp}></vg-message>`
          : failure(t.recordings.failed, recording.error, () => void this.load())
        : nothing}
    `;
  }

  private page(recording: Recording): unknown {
    const facts = [
      fullMoment(recording.started_ms),
      recording.ended_ms === null ? t.player.growing : duration(recording.ended_ms - recording.started_ms),
      recording.size_bytes ? bytes(recording.size_bytes) : '',
    ];
    return html`
      <header class="page-head">
        <div>
          <h1>${app.camera(recording.camera_id)?.name ?? recording.camera_id}</h1>
          <p class="num">${facts.filter(Boolean).join(' · ')}</p>
          <div class="row wrap">${sealBadges(recording)}</div>
        </div>
        <vg-clip-actions .recordingId=${recording.id} .starred=${recording.starred}></vg-clip-actions>
      </header>
      <vg-event-player
        .playlist=${urls.playlist(recording.id)}
        .wallStartMs=${recording.started_ms}
        .growing=${recording.state === 'growing'}
      ></vg-event-player>
      ${sealNotes(recording)}
      ${recording.state === 'growing' ? nothing : html`<vg-delete-recording .recordingId=${recording.id}></vg-delete-recording>`}
    `;
  }
}
