"""Whether anything may be moving: a far cheaper look than the motion detector's, on pictures that may be smeared.

Each pixel of a small brightness image has a running mean and a running mean deviation (as in sigma-delta background
estimation, Manzanera and Richefeu 2007). Pixels far from their mean are counted in a window of a person's shape.
It fires too often rather than too seldom; the motion detector decides on clean pictures.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vigilar_camera_worker.adapters.decoder import Luma

LEARN_S: Final = 6.0
"""Time constant of mean and deviation."""
SLOWER: Final = 10.0
"""So much more slowly are pixels learnt that differ."""
FIRST_LOOKS: Final = 4
"""Looks that only learn."""
FIRST_DEVIATION: Final = 2.5
LEAST_STEPS: Final = 3.5
"""Steps of 8-bit luma by which a pixel must differ at least at sensitivity 0.7; doubles for each 0.25 less."""
DEVIATIONS: Final = 2.5
"""Mean deviations by which it must differ besides."""
WINDOW_PX: Final = (9, 15)
NEED_SHARE: Final = 0.12
"""Of the smallest motion's area: smearing and a first step into the picture show less than the whole object."""
Room = list[Any]
_rooms: dict[tuple[int, int], list[Room]] = {}
"""By width and height, what no look uses now: arrays that are used again, because new ones are fresh pages each time, a
fifth of the whole cost; and not each camera's own, because several may share a process and few look at the same time."""


@contextmanager
def room(width: int, height: int) -> Iterator[Room]:
    """Three of float32[height, width], three of uint8[height, width], of any content. From any thread."""
    free = _rooms.setdefault((width, height), [])
    try:
        mine = free.pop()
    except IndexError:
        kinds = (np.float32,) * 3 + (np.uint8,) * 3
        mine = [np.empty((height, width), kind) for kind in kinds]
    try:
        yield mine
    finally:
        free.append(mine)


class Trigger:
    """Used by one thread. ``width`` and ``height`` in pixels; ``counts``: bool[height, width], where motion counts;
    ``min_area_px`` of that size."""

    def __init__(
        self, width: int, height: int, counts: NDArray[np.bool_], min_area_px: float, sensitivity: float
    ) -> None:
        self._size = (width, height)
        self._counts: Any = counts.astype(np.uint8) * 255
        window = WINDOW_PX[0] * WINDOW_PX[1]
        self._need = 255 * min(max(NEED_SHARE * min_area_px, 8), 0.5 * window) / window
        self._steps = LEAST_STEPS * 2 ** ((0.7 - sensitivity) * 4)
        self.restart()

    def restart(self) -> None:
        self._mean: Any = None
        self._deviation: Any = None
        self._seen: Any = None
        self._looks = 0
        self._last_s = 0.0

    def observe(self, luma: Luma, time_s: float) -> bool:
        """One picture of any size, in order of time."""
        small = self._seen = shrink(luma, *self._size)
        if self._mean is None:
            self._mean = small.astype(np.float32)
            self._deviation = np.full_like(self._mean, FIRST_DEVIATION)
            self._looks, self._last_s = 1, time_s
            return False
        with room(*self._size) as arrays:
            return self._compare(small, time_s, arrays)

    def _compare(self, small: Any, time_s: float, arrays: Room) -> bool:
        import cv2

        current, difference, limit, changed, steady, counted = arrays
        np.copyto(current, small)
        rate = 1 - math.exp(-max(0.0, min(time_s - self._last_s, LEARN_S)) / LEARN_S)
        self._last_s = time_s
        cv2.absdiff(current, self._mean, dst=difference)
        cv2.addWeighted(self._deviation, DEVIATIONS, self._deviation, 0, self._steps, dst=limit)
        cv2.compare(difference, limit, cv2.CMP_GT, dst=changed)
        cv2.bitwise_not(changed, dst=steady)
        cv2.accumulateWeighted(current, self._mean, rate, steady)
        cv2.accumulateWeighted(difference, self._deviation, rate, steady)
        self._looks += 1
        if not cv2.countNonZero(changed):
            return False
        # What differs is kept out of the mean for long, or it would leave a ghost where it was; and it must not make
        # its pixels insensitive: only so much of it counts as noise.
        cv2.accumulateWeighted(current, self._mean, rate / SLOWER, changed)
        cv2.accumulateWeighted(limit, self._deviation, rate, changed)
        if self._looks <= FIRST_LOOKS:
            return False
        cv2.bitwise_and(changed, self._counts, dst=counted)
        return float(cv2.minMaxLoc(cv2.blur(counted, WINDOW_PX, dst=steady))[1]) >= self._need

    def forgive(self) -> None:
        """What it saw last was no motion: from now on that is how things are."""
        if self._seen is not None:
            self._mean = self._seen.astype(np.float32)


def shrink(luma: Luma, width: int, height: int) -> NDArray[np.uint8]:
    """Rows and columns skipped down to at most twice the size, then averaged."""
    import cv2

    rows, columns = luma.shape
    step = max(1, min(rows // (2 * height), columns // (2 * width)))
    small: Any = cv2.resize(
        np.ascontiguousarray(luma[::step, ::step]), (width, height), interpolation=cv2.INTER_AREA
    )
    return small  # type: ignore[no-any-return]
