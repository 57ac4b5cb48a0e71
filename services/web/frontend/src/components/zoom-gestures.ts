import { clampZoom, WHOLE, zoomAt, type Zoom } from '../live/zoom';

const WHEEL = 0.0022;
const DOUBLE_TAP = 2.5;

/** Two fingers, the wheel or a double tap look closer; one finger moves what is enlarged. */
export class ZoomGestures {
  private zoom: Zoom = WHOLE;
  private target: HTMLElement | undefined;
  private readonly fingers = new Map<number, { x: number; y: number }>();
  private spread = 0;

  constructor(private readonly changed: (zoom: Zoom) => void) {}

  attach(target: HTMLElement): void {
    this.target = target;
    target.addEventListener('pointerdown', (event) => this.down(event));
    target.addEventListener('pointermove', (event) => this.move(event));
    for (const name of ['pointerup', 'pointercancel'] as const) {
      target.addEventListener(name, (event) => {
        this.fingers.delete(event.pointerId);
        this.spread = 0;
      });
    }
    target.addEventListener('wheel', (event) => this.wheel(event), { passive: false });
    target.addEventListener('dblclick', (event) => this.twice(event));
  }

  reset(): void {
    this.to(WHOLE);
  }

  private to(zoom: Zoom): void {
    this.zoom = zoom;
    this.changed(zoom);
  }

  /** Of the stage, which is not enlarged. */
  private get box(): DOMRect {
    return (this.target?.parentElement ?? document.body).getBoundingClientRect();
  }

  private down(event: PointerEvent): void {
    // A drawing over the picture (the corners of a zone) wants its own touches.
    if (event.defaultPrevented || (event.button && event.pointerType === 'mouse')) return;
    this.fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  }

  private move(event: PointerEvent): void {
    const before = this.fingers.get(event.pointerId);
    if (!before) return;
    this.fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    const { left, top, width, height } = this.box;
    const [a, b] = [...this.fingers.values()];
    if (a && b) {
      const spread = Math.hypot(a.x - b.x, a.y - b.y);
      if (this.spread > 10) {
        const x = (a.x + b.x) / 2 - left;
        const y = (a.y + b.y) / 2 - top;
        this.to(zoomAt(this.zoom, spread / this.spread, x, y, width, height));
      }
      this.spread = spread;
      event.preventDefault();
    } else if (this.zoom.scale > 1) {
      const { x, y, scale } = this.zoom;
      this.to(clampZoom({ scale, x: x + event.clientX - before.x, y: y + event.clientY - before.y }, width, height));
    }
  }

  private wheel(event: WheelEvent): void {
    // The page scrolls over a whole picture, unless somebody means it.
    if (this.zoom.scale <= 1 && !event.ctrlKey && event.deltaY > 0) return;
    event.preventDefault();
    const { left, top, width, height } = this.box;
    this.to(zoomAt(this.zoom, Math.exp(-event.deltaY * WHEEL), event.clientX - left, event.clientY - top, width, height));
  }

  private twice(event: MouseEvent): void {
    const { left, top, width, height } = this.box;
    this.to(this.zoom.scale > 1 ? WHOLE : zoomAt(this.zoom, DOUBLE_TAP, event.clientX - left, event.clientY - top, width, height));
  }
}
