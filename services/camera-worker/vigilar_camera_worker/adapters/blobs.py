"""Connected areas of a mask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from vigilar_camera_worker.domain.tracks import Rectangle

MAX_BOXES: Final = 32


@dataclass(frozen=True)
class Blobs:
    """Moving areas, parts of one thing joined. ``labels``: int[height, width], 0 where nothing is; ``areas`` by label,
    in pixels that really move; ``sizes``: with their edges; ``large``: labels of those that count, largest first."""

    labels: Any
    stats: Any
    areas: Any
    sizes: Any
    large: list[int]

    @property
    def boxes(self) -> list[Rectangle]:
        return [tuple(int(value) for value in self.stats[label][:4]) for label in self.large]  # type: ignore[misc]

    def things(self, moving: Any, sure: Any, share: float) -> Any:
        """Areas of whose pixels this share is ``sure`` stay whole, of the others only those pixels; ``moving`` itself
        when all large ones stay."""
        kept = (moving != 0) & (sure != 0)
        shares = np.bincount(self.labels[kept], minlength=len(self.areas))
        things = shares >= share * np.maximum(self.areas, 1)
        if things[self.large].all():
            return moving
        return np.where(things[self.labels] | kept, moving, 0).astype(np.uint8)


def blobs_of(moving: Any, min_area_px: float) -> Blobs:
    """``moving``: uint8[height, width], 0 or 255."""
    import cv2

    # Parts of one person are often split by a low contrast: bridge two pixels before counting areas.
    joined = cv2.dilate(moving, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    # Of the pixels that move alone: they are few, and a weight for each pixel of the picture costs ten times as much.
    areas = np.bincount(labels[moving != 0], minlength=count)
    areas[0] = 0
    # What the threshold and the opening before took off all round is given back by the same dilation: so an area counts
    # with the size of the thing, as far as one can tell, and `motion_min_area_px` means what can be seen.
    sizes = np.array(stats[:, cv2.CC_STAT_AREA], np.float64)
    sizes[0] = 0
    large = [int(i) for i in np.argsort(sizes)[::-1][:MAX_BOXES] if sizes[i] >= min_area_px]
    return Blobs(labels, stats, areas, sizes, large)
