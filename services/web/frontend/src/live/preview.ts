import { api, urls } from '../api/client';
import { Ways } from './way';

const WIDTH_PX = 480;
const MAX_KEPT = 64;
/** A picture that takes longer is not waited for. */
const LIMIT_MS = 4_000;

/** Pictures of the past for a finger that moves over the axis: one is fetched at a time, the newest wish wins. */
export class Previews {
  /** Of the events that are pointed at. */
  readonly ways = new Ways(async (eventId) => (await api.event(eventId)).object ?? null);
  private readonly kept = new Map<string, ImageBitmap | null>();
  private wanted: { url: string; done: (picture: ImageBitmap | null) => void } | null = null;
  private busy = false;
  private closed = false;

  /** `null`: there is none. Not called at all when another picture is wanted before it came. */
  want(camera: string, ms: number, spanMs: number, done: (picture: ImageBitmap | null) => void): void {
    // As finely as the axis can be pointed at, so that a finger that rests asks once.
    const step = Math.max(1_000, Math.round(spanMs / 400 / 1_000) * 1_000);
    const url = urls.keyframe(camera, Math.floor(ms / step) * step);
    const found = this.kept.get(url);
    if (found !== undefined) {
      this.wanted = null;
      this.kept.delete(url);
      this.kept.set(url, found);
      done(found);
      return;
    }
    this.wanted = { url, done };
    void this.work();
  }

  close(): void {
    this.closed = true;
    this.wanted = null;
    for (const picture of this.kept.values()) picture?.close();
    this.kept.clear();
  }

  private async work(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    while (this.wanted && !this.closed) {
      const wish = this.wanted;
      const picture = await load(wish.url);
      if (this.closed as boolean) {
        picture?.close();
        break;
      }
      this.keep(wish.url, picture);
      if (this.wanted === wish) {
        this.wanted = null;
        wish.done(picture);
      }
    }
    this.busy = false;
  }

  private keep(url: string, picture: ImageBitmap | null): void {
    this.kept.set(url, picture);
    if (this.kept.size <= MAX_KEPT) return;
    const [oldest] = this.kept;
    if (!oldest) return;
    oldest[1]?.close();
    this.kept.delete(oldest[0]);
  }
}

/** The first picture of a film; null when there is none, or the browser cannot show it. */
function load(url: string): Promise<ImageBitmap | null> {
  const video = document.createElement('video');
  video.muted = true;
  video.playsInline = true;
  video.preload = 'auto';
  return new Promise((done) => {
    const end = (picture: ImageBitmap | null): void => {
      clearTimeout(timer);
      video.removeAttribute('src');
      video.load();
      done(picture);
    };
    const timer = setTimeout(() => end(null), LIMIT_MS);
    video.addEventListener('error', () => end(null), { once: true });
    video.addEventListener(
      'loadeddata',
      () => {
        const height = Math.max(1, Math.round((WIDTH_PX * video.videoHeight) / Math.max(1, video.videoWidth)));
        createImageBitmap(video, { resizeWidth: WIDTH_PX, resizeHeight: height, resizeQuality: 'low' }).then(end, () => end(null));
      },
      { once: true },
    );
    video.src = url;
  });
}

/** Null clears: there is no picture. */
export function paint(canvas: HTMLCanvasElement, picture: ImageBitmap | null): void {
  const context = canvas.getContext('2d');
  if (!context) return;
  canvas.width = picture?.width ?? 16;
  canvas.height = picture?.height ?? 9;
  if (picture) context.drawImage(picture, 0, 0);
}
