/** Looking closer at a picture: how far it is enlarged and moved, in parts of its own size. */

export interface Zoom {
  scale: number;
  /** Of the picture's left and top edge, in pixels of the stage. */
  x: number;
  y: number;
}

export const WHOLE: Zoom = { scale: 1, x: 0, y: 0 };
export const MAX_ZOOM = 8;

/** Never a gap between the picture and the edge of the stage. */
export function clampZoom(zoom: Zoom, width: number, height: number): Zoom {
  const scale = Math.min(MAX_ZOOM, Math.max(1, zoom.scale));
  const inside = (value: number, size: number): number => Math.min(0, Math.max(size * (1 - scale), value));
  return { scale, x: inside(zoom.x, width), y: inside(zoom.y, height) };
}

/** Enlarged by `factor`; what lies under the point stays there. */
export function zoomAt(zoom: Zoom, factor: number, px: number, py: number, width: number, height: number): Zoom {
  const scale = Math.min(MAX_ZOOM, Math.max(1, zoom.scale * factor));
  const grown = scale / zoom.scale;
  return clampZoom({ scale, x: px - (px - zoom.x) * grown, y: py - (py - zoom.y) * grown }, width, height);
}
