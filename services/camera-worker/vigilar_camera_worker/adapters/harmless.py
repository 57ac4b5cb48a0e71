"""What changes a picture without anything moving that matters: light, shake, rain, leaves.

Each finds the pixels whose change it explains; what is left may still be a person. Nothing here runs before the
background model has found something large enough, save `Exposure`, which costs a hundredth of that model.
Pictures are uint8[height, width] at the analysed size, masks the same, 0 or 255.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np

LIGHT_WINDOW: Final = (9, 9)
STRUCTURE_WINDOW: Final = (5, 5)
STRUCTURE_NOISES: Final = 2.4
LEAST_STRUCTURE: Final = 1.6
"""Steps of luma, averaged over the window, by which the fine structure must differ, or so many times what it differs
by where nothing changed."""
MOST_GAIN: Final = 5.0
SATURATED: Final = 250
SAME_CORRELATION: Final = 0.6

SHAKE_CELLS: Final = 0.12
"""Share of the picture's cells that must change before a shift of the whole is looked for."""
MOST_SHIFT_SHARE: Final = 0.08
"""Of the picture's width: more is no shake."""
SHIFT_TOLERANCE: Final = 14
SHIFT_EXPLAINS: Final = 0.6
LEAST_SHIFT_PX: Final = 0.3

CELLS: Final = (32, 18)
CELL_ACTIVE: Final = 0.03
HEAT_S: Final = 60.0
"""Time constant of how often each cell is active without anything passing through."""
HOT: Final = 0.06
MOST_HOT_SHARE: Final = 0.4
"""Where so much of the picture is active it is no tree."""
ENVELOPE_S: Final = 60.0
ENVELOPE_MARGIN: Final = 8
LONGEST_LOOK_S: Final = 0.5
"""A look stands for at most so much time: while nothing moves looks are rare."""


class Exposure:
    """Takes changes of brightness that are the same everywhere (sun and clouds, automatic exposure) out of pictures.

    The median over cells of the ratio to their slow mean: half of the picture may be something else.
    """

    LEARN_S: Final = 25.0
    LEAST: Final = 0.025
    """A smaller change is left in: it is noise."""
    MOST: Final = 2.2
    SPREAD: Final = 0.35
    """Ratios that differ by more than this share of the change among themselves are no change of the whole."""

    JUMP: Final = 0.1

    def __init__(self) -> None:
        self._means: Any = None
        self._shift = 0.0
        self.jumped = False
        """In the newest picture the light changed at once, by a tenth at least."""

    def forget(self) -> None:
        self._means, self._shift, self.jumped = None, 0.0, False

    def level(self, picture: Any, dt_s: float) -> Any:
        import cv2

        self.jumped = False
        cells = cv2.resize(picture, CELLS, interpolation=cv2.INTER_AREA).astype(np.float32) + 4
        if self._means is None:
            self._means = cells
            return picture
        logs = np.log(cells / self._means)
        shift = _median(logs)
        self._means += (cells - self._means) * (1 - math.exp(-dt_s / self.LEARN_S))
        before, self._shift = self._shift, 0.0
        if not self.LEAST < abs(shift) < math.log(self.MOST):
            return picture
        if _median(np.abs(logs - shift)) > self.SPREAD * abs(shift):
            return picture
        self._shift, self.jumped = shift, abs(shift - before) > self.JUMP
        gain = math.exp(-shift)
        return cv2.convertScaleAbs(picture, alpha=gain, beta=4 * (gain - 1))


def structure_changed(picture: Any, background: Any, moving: Any) -> Any:
    """Where the fine structure is another one, and not the same in another light."""
    import cv2

    current, before = picture.astype(np.float32), background.astype(np.float32)
    mean, mean_before = cv2.blur(current, LIGHT_WINDOW), cv2.blur(before, LIGHT_WINDOW)
    gain = cv2.divide(mean + 2, mean_before + 2)
    gain = np.clip(gain, 1 / MOST_GAIN, MOST_GAIN)
    differs = cv2.absdiff(current - mean, gain * (before - mean_before))
    differs[picture >= SATURATED] = 0
    differs = cv2.blur(differs, STRUCTURE_WINDOW) / np.maximum(gain, 1)
    still = differs[::4, ::4][moving[::4, ::4] == 0]
    noise = _median(still) if still.size else 1.0
    limit = max(LEAST_STRUCTURE, STRUCTURE_NOISES * noise)
    return cv2.compare(differs, np.array([limit]), cv2.CMP_GT)


def same_structure(picture: Any, background: Any) -> bool:
    """Whether the whole shows the same things in another light, rather than other things."""
    import cv2

    fine = [
        p.astype(np.float32) - cv2.blur(p, LIGHT_WINDOW).astype(np.float32) for p in (picture, background)
    ]
    energy = float(np.sqrt((fine[0] ** 2).mean() * (fine[1] ** 2).mean()))
    return energy > 0 and float((fine[0] * fine[1]).mean()) >= SAME_CORRELATION * energy


class Shake:
    """The camera swings: the whole picture is shifted."""

    def __init__(self, width: int, height: int) -> None:
        self._size = (width, height)
        self._window: Any = None

    def explained(self, picture: Any, background_of: Callable[[], Any], moving: Any) -> Any | None:
        """The pixels that a shift of the background explains; None when it is no shake."""
        import cv2

        cells = cv2.resize(moving, CELLS, interpolation=cv2.INTER_AREA)
        if np.count_nonzero(cells > 255 * CELL_ACTIVE) < SHAKE_CELLS * cells.size:
            return None
        background = background_of()
        if self._window is None:
            self._window = cv2.createHanningWindow(self._size, cv2.CV_32F)
        (dx, dy), _ = cv2.phaseCorrelate(
            background.astype(np.float32), picture.astype(np.float32), self._window
        )
        if not LEAST_SHIFT_PX <= max(abs(dx), abs(dy)) <= MOST_SHIFT_SHARE * self._size[0]:
            return None
        matrix = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
        shifted = cv2.warpAffine(background, matrix, self._size, borderMode=cv2.BORDER_REPLICATE)
        fits = within(picture, cv2.erode(shifted, _CROSS), cv2.dilate(shifted, _CROSS), SHIFT_TOLERANCE)
        # What came in at the border was never seen.
        left, top = math.ceil(max(dx, 0)), math.ceil(max(dy, 0))
        right, bottom = math.floor(min(dx, 0)), math.floor(min(dy, 0))
        border = np.full_like(fits, 255)
        border[top : self._size[1] + bottom, left : self._size[0] + right] = 0
        fits = cv2.bitwise_or(fits, border)
        changed = cv2.countNonZero(moving)
        if cv2.countNonZero(cv2.bitwise_and(fits, moving)) < SHIFT_EXPLAINS * changed:
            return None
        return fits


class Leaves:
    """Places that are active again and again without anything passing: what has been seen there lately is no news."""

    def __init__(self) -> None:
        self._heat = np.zeros((CELLS[1], CELLS[0]), np.float32)
        self._low: Any = None
        self._high: Any = None

    @property
    def warm(self) -> bool:
        return self._low is not None

    def learn(self, picture: Any, in_place: Any, dt_s: float) -> None:
        """``in_place``: what moved and did not get anywhere. Costs nothing where nothing has moved for long."""
        import cv2

        dt_s = min(dt_s, LONGEST_LOOK_S)
        cells = cv2.resize(in_place, CELLS, interpolation=cv2.INTER_AREA) > 255 * CELL_ACTIVE
        if self._low is None and not cells.any():
            return
        self._heat += (cells - self._heat) * (1 - math.exp(-dt_s / HEAT_S))
        if float(self._heat.max()) < 0.01:
            self._low = self._high = None
            return
        current = picture.astype(np.float32)
        if self._low is None:
            self._low, self._high = current, current.copy()
            return
        rate = 1 - math.exp(-dt_s / ENVELOPE_S)
        cv2.addWeighted(self._low, 1 - rate, current, rate, 0, self._low)
        cv2.addWeighted(self._high, 1 - rate, current, rate, 0, self._high)
        cv2.min(self._low, current, self._low)
        cv2.max(self._high, current, self._high)

    def explained(self, picture: Any) -> Any | None:
        import cv2

        if self._low is None:
            return None
        hot: Any = (self._heat > HOT).astype(np.uint8)
        if not 0 < float(hot.mean()) <= MOST_HOT_SHARE:
            return None
        hot = cv2.dilate(hot, np.ones((3, 3), np.uint8)) * 255
        where = cv2.resize(hot, picture.shape[::-1], interpolation=cv2.INTER_NEAREST)
        low, high = self._low.astype(np.uint8), self._high.astype(np.uint8)
        return cv2.bitwise_and(where, within(picture, low, high, ENVELOPE_MARGIN))


def _median(values: Any) -> float:
    """numpy's own way to it takes longer than the sorting, for so few."""
    ordered = np.sort(values, axis=None)
    middle = ordered.size // 2
    return float(ordered[middle] if ordered.size % 2 else (ordered[middle - 1] + ordered[middle]) / 2)


_CROSS: Final = np.ones((3, 3), np.uint8)


def within(picture: Any, low: Any, high: Any, margin: int) -> Any:
    """Where ``picture`` lies between the two, give or take ``margin``."""
    import cv2

    more: Any = margin  # a number is allowed, though the types do not say so
    above = cv2.compare(cv2.add(picture, more), low, cv2.CMP_GE)
    below = cv2.compare(cv2.subtract(picture, more), high, cv2.CMP_LE)
    return cv2.bitwise_and(above, below)
