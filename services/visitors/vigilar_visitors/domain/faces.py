"""A face in a picture: where it is, how good it is to be recognised by, how it is turned upright."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Points = tuple[tuple[float, float], ...]
"""Left eye, right eye, nose, left and right corner of the mouth, as they stand in the picture, in pixels."""

POINTS: Final = 5
GOOD_SIDE_PX: Final = 110.0
"""From this width on a larger face tells no more."""
GOOD_SHARPNESS: Final = 120.0
LEAST_SHARPNESS: Final = 18.0
"""Variance of the Laplacian of the upright face, 8 bits."""
MAX_YAW: Final = 0.55
"""How far the nose stands off the middle of the eyes, in distances of the eyes: about 45° to the side."""
MIN_PITCH, MAX_PITCH = 0.18, 0.82
"""Where the nose stands between eyes (0) and mouth (1)."""
MAX_ROLL_DEG: Final = 50.0


class Fault(StrEnum):
    """Why a face is not used."""

    SMALL = "small"
    BLURRED = "blurred"
    TURNED = "turned"
    """To the side, up or down: what is recognised by is not to be seen."""
    CUT = "cut"
    """It stands at the edge of the picture."""


@dataclass(frozen=True)
class Face:
    """`box` is x, y, width, height in pixels of the picture."""

    box: tuple[float, float, float, float]
    score: float
    points: Points


@dataclass(frozen=True)
class Quality:
    """`share`: 0 (of no use) to 1."""

    share: float
    fault: Fault | None


def quality(face: Face, picture: tuple[int, int], sharpness: float, least_px: int) -> Quality:
    """`picture`: width and height. `sharpness`: of the upright face, as `LEAST_SHARPNESS` says."""
    x, y, width, height = face.box
    across, pitch, roll_deg = pose(face.points)
    if min(width, height) < least_px:
        return Quality(0.0, Fault.SMALL)
    if abs(across) > MAX_YAW or not MIN_PITCH <= pitch <= MAX_PITCH or abs(roll_deg) > MAX_ROLL_DEG:
        return Quality(0.0, Fault.TURNED)
    if any(not (0 <= px < picture[0] and 0 <= py < picture[1]) for px, py in face.points):
        return Quality(0.0, Fault.CUT)
    if sharpness < LEAST_SHARPNESS:
        return Quality(0.0, Fault.BLURRED)
    inside = _inside(x, width, picture[0]) * _inside(y, height, picture[1])
    parts = (
        min(1.0, width / GOOD_SIDE_PX),
        min(1.0, sharpness / GOOD_SHARPNESS),
        1.0 - 0.7 * abs(across) / MAX_YAW,
        min(1.0, inside),
    )
    return Quality(round(math.prod(parts) ** 0.5, 3), None)


def pose(points: Points) -> tuple[float, float, float]:
    """Nose off the middle of the eyes (in distances of the eyes), nose between eyes and mouth (0–1), roll in degrees.

    Points that fall together count as turned away: the pitch is then outside every bound.
    """
    left, right, nose, mouth_left, mouth_right = (np.array(point) for point in points)
    eyes = right - left
    distance = float(np.hypot(*eyes))
    down = (mouth_left + mouth_right) / 2 - (left + right) / 2
    length = float(np.hypot(*down))
    if distance < 1 or length < 1:
        return 1.0, -1.0, 0.0
    from_middle = nose - (left + right) / 2
    across = float(from_middle @ eyes) / distance**2
    pitch = float(from_middle @ down) / length**2
    return across, pitch, math.degrees(math.atan2(float(eyes[1]), float(eyes[0])))


def upright(points: Points, template: Points) -> Floats:
    """float64[2, 3] that turns, scales and moves `points` as near as it can to `template`, by least squares.

    Raises ValueError when the points fall together, so that nothing can be turned.
    """
    source, target = np.array(points, np.float64), np.array(template, np.float64)
    middle, aim = source.mean(axis=0), target.mean(axis=0)
    source, target = source - middle, target - aim
    size = float((source**2).sum())
    if not math.isfinite(size) or size < 1e-6:
        raise ValueError("the points of the face fall together")
    along = float((source * target).sum()) / size
    across = float((source[:, 0] * target[:, 1] - source[:, 1] * target[:, 0]).sum()) / size
    turn = np.array([[along, -across], [across, along]])
    return np.hstack([turn, (aim - turn @ middle)[:, None]])


def _inside(at: float, length: float, whole: int) -> float:
    """Which part of a side lies in the picture."""
    return max(0.0, min(at + length, whole) - max(at, 0.0)) / max(1.0, length)
