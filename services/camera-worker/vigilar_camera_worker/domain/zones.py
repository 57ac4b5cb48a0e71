"""Which parts of the picture count, as masks at the size that is analysed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Corners = Sequence[tuple[float, float]]
"""0–1 of width and height, from the top left."""


def polygon_mask(corners: Corners, width: int, height: int) -> Mask:
    """bool[height, width]: pixels whose centre lies inside (even-odd rule)."""
    x = (np.arange(width) + 0.5)[np.newaxis, :] / width
    y = (np.arange(height) + 0.5)[:, np.newaxis] / height
    inside = np.zeros((height, width), dtype=np.bool_)
    x1, y1 = corners[-1]
    for x2, y2 in corners:
        if y1 != y2:
            crosses = (y1 > y) != (y2 > y)
            inside ^= crosses & (x < (x2 - x1) * (y - y1) / (y2 - y1) + x1)
        x1, y1 = x2, y2
    return inside


@dataclass(frozen=True)
class ZoneMap:
    """``counts`` is where motion counts; ``named`` are the include zones that a motion is told to lie in."""

    counts: Mask
    named: tuple[tuple[str, Mask], ...]

    @property
    def area_px(self) -> int:
        return int(self.counts.sum())

    def touched(self, moving: Mask) -> tuple[str, ...]:
        """Names of the zones in which ``moving`` (bool[height, width]) has pixels."""
        return tuple(name for name, mask in self.named if bool((moving & mask).any()))


def zone_map(
    width: int,
    height: int,
    areas: Sequence[Corners] = (),
    include: Sequence[tuple[str, Corners]] = (),
    exclude: Sequence[Corners] = (),
) -> ZoneMap:
    """Motion counts inside any of ``areas`` and ``include`` (everywhere when there are none), minus ``exclude``."""
    named = tuple((name, polygon_mask(corners, width, height)) for name, corners in include)
    allowed = [polygon_mask(corners, width, height) for corners in areas] + [mask for _, mask in named]
    counts = np.ones((height, width), dtype=np.bool_) if not allowed else np.logical_or.reduce(allowed)
    for corners in exclude:
        counts &= ~polygon_mask(corners, width, height)
    return ZoneMap(counts, named)
