import { MAX_QUEUED_BYTES, trim, type Span } from './policy';

type MediaSourceClass = typeof MediaSource;

/** `ManagedMediaSource` is what iPhones have instead of `MediaSource`. */
export function mediaSourceClass(): MediaSourceClass | undefined {
  const scope = globalThis as { MediaSource?: MediaSourceClass; ManagedMediaSource?: MediaSourceClass };
  return scope.MediaSource ?? scope.ManagedMediaSource;
}

export function spans(ranges: TimeRanges): Span[] {
  return Array.from({ length: ranges.length }, (_, i) => ({ start: ranges.start(i), end: ranges.end(i) }));
}

/**
 * Feeds one <video> with fragmented MP4, part by part. Sequence mode: timestamps that jump (the server
 * skipped to a newer keyframe) leave no hole to get stuck in.
 */
export class LiveBuffer {
  private readonly source: MediaSource;
  private readonly url: string;
  private buffer: SourceBuffer | undefined;
  private queue: ArrayBuffer[] = [];
  private queuedBytes = 0;
  private closed = false;
  private resetParser = false;
  /** A ManagedMediaSource wants nothing at the moment: the page is about to be hidden, or power is short. */
  private resting = false;

  /** @param failed called once with the reason when the browser refuses the stream. */
  constructor(
    private readonly video: HTMLVideoElement,
    mime: string,
    private readonly failed: (reason: string) => void,
    /** Called when a ManagedMediaSource wants pictures again: what was missed meanwhile is not worth sending. */
    private readonly resumed: () => void = () => undefined,
  ) {
    const Source = mediaSourceClass();
    if (!Source) throw new Error('no MediaSource');
    this.source = new Source();
    this.url = URL.createObjectURL(this.source);
    this.source.addEventListener('sourceopen', () => this.opened(mime), { once: true });
    this.source.addEventListener('endstreaming', () => this.rest());
    this.source.addEventListener('startstreaming', () => this.resume());
    video.disableRemotePlayback = true; // ManagedMediaSource opens only with this or an AirPlay alternative
    video.src = this.url;
  }

  static supports(mime: string): boolean {
    return mediaSourceClass()?.isTypeSupported(mime) ?? false;
  }

  append(part: ArrayBuffer): void {
    if (this.closed || this.resting) return;
    if (this.queuedBytes + part.byteLength > MAX_QUEUED_BYTES) {
      this.fail('the picture arrives faster than this device can show it');
      return;
    }
    this.queue.push(part);
    this.queuedBytes += part.byteLength;
    this.pump();
  }

  /** What follows is a fresh init segment: forget what was queued and half parsed. */
  skip(): void {
    this.queue = [];
    this.queuedBytes = 0;
    this.resetParser = true;
  }

  private rest(): void {
    this.resting = true;
    this.queue = [];
    this.queuedBytes = 0;
  }

  private resume(): void {
    if (this.resting && !this.closed) this.resumed();
    this.resting = false;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.queue = [];
    this.video.removeAttribute('src');
    this.video.load();
    URL.revokeObjectURL(this.url);
  }

  private opened(mime: string): void {
    if (this.closed) return;
    try {
      const buffer = this.source.addSourceBuffer(mime);
      buffer.mode = 'sequence';
      buffer.addEventListener('updateend', () => this.pump());
      buffer.addEventListener('error', () => this.fail('the browser cannot decode this stream'));
      this.buffer = buffer;
      this.pump();
    } catch (error) {
      this.fail(error instanceof Error ? error.message : String(error));
    }
  }

  private pump(): void {
    const buffer = this.buffer;
    if (!buffer || this.closed || buffer.updating || this.source.readyState !== 'open') return;
    try {
      if (this.resetParser) {
        this.resetParser = false;
        buffer.abort();
      }
      const old = trim(this.video.currentTime, spans(buffer.buffered));
      if (old) {
        buffer.remove(old.start, old.end);
        return;
      }
      const part = this.queue.shift();
      if (!part) return;
      this.queuedBytes -= part.byteLength;
      buffer.appendBuffer(part);
    } catch (error) {
      this.fail(error instanceof Error ? error.message : String(error));
    }
  }

  private fail(reason: string): void {
    if (this.closed) return;
    this.close();
    this.failed(reason);
  }
}
