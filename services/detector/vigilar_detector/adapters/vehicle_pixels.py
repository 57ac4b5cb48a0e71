"""The pixels of a vehicle's body out of a crop, and what they tell."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from vigilar_models.arrays import Pixels

from vigilar_detector.domain.colours import Lab, Measured, measured
from vigilar_detector.domain.decode import Found

VEHICLES: Final = frozenset(("car", "truck", "bus", "van", "motorcycle", "motorbike", "bicycle", "vehicle"))
"""Classes of which colour and size are told."""
LEAST_SIDE_PX: Final = 20
BODY: Final = (0.14, 0.40, 0.86, 0.80)
"""Left, top, right and bottom of the body in parts of the box: below the windows, above the wheels, without what is beside."""
SCENE_STEP_PX: Final = 3
"""Every third pixel of each third row says what the light is like."""
MAX_BODY_PIXELS: Final = 20_000


def body_of(picture: Pixels, found: Found) -> Measured:
    """``picture``: the whole crop."""
    import cv2

    height, width = picture.shape[:2]
    if found.w * width < LEAST_SIDE_PX or found.h * height < LEAST_SIDE_PX:
        return Measured(reason="it is too small")
    left, top, right, bottom = BODY
    x1, x2 = round((found.x + left * found.w) * width), round((found.x + right * found.w) * width)
    y1, y2 = round((found.y + top * found.h) * height), round((found.y + bottom * found.h) * height)
    body = picture[max(0, y1) : y2, max(0, x1) : x2]
    if body.size == 0:
        return Measured(reason="it is too small")
    scene = np.ascontiguousarray(picture[::SCENE_STEP_PX, ::SCENE_STEP_PX])
    return measured(
        _lab(cv2.cvtColor(np.ascontiguousarray(body), cv2.COLOR_BGR2LAB), MAX_BODY_PIXELS),
        _lab(cv2.cvtColor(scene, cv2.COLOR_BGR2LAB), MAX_BODY_PIXELS),
    )


def _lab(picture: Any, most: int) -> Lab:
    rows: Lab = picture.reshape(-1, 3)
    return rows[:: max(1, -(-len(rows) // most))]
