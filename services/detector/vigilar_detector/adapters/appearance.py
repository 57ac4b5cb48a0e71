"""How an object looks, as 128 small numbers: the same thing again gives nearly the same ones, by day and by night.

Strengths of edges by direction in 4 × 4 parts of its box, as SIFT takes them: no network, no colours, under a millisecond. What
that separates is measured in docs/benchmarks.md. Only vectors of one version can be compared: their length tells it.
"""

from __future__ import annotations

import base64
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from vigilar_models.arrays import Pixels

from vigilar_detector.domain.decode import Found

SIDE_PX: Final = 32
CELLS: Final = 4
DIRECTIONS: Final = 8
ROOM: Final = 0.1
"""Of the box's sides is taken beside it: boxes jitter."""
FLAT: Final = 0.15
"""Of the mean strength that is added before dividing by it: noise on a wall is no pattern."""
LEAST_PX: Final = 8
"""A box narrower than this shows nothing."""
Floats = NDArray[np.float32]


def vector(pixels: Pixels, found: Found) -> str:
    """Base64 of int8[128] with mean 0; empty for what is too small. ``pixels``: uint8[height, width, 3]."""
    import cv2

    height, width = pixels.shape[:2]
    left, right = (found.x - ROOM / 2 * found.w) * width, (found.x + (1 + ROOM / 2) * found.w) * width
    top, low = (found.y - ROOM / 2 * found.h) * height, (found.y + (1 + ROOM / 2) * found.h) * height
    x1, x2 = max(0, round(left)), min(width, round(right))
    y1, y2 = max(0, round(top)), min(height, round(low))
    if min(x2 - x1, y2 - y1) < LEAST_PX:
        return ""
    small: Any = cv2.resize(pixels[y1:y2, x1:x2], (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    grey: Any = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
    across: Any = cv2.Sobel(grey, cv2.CV_32F, 1, 0, ksize=3).ravel()
    down: Any = cv2.Sobel(grey, cv2.CV_32F, 0, 1, ksize=3).ravel()
    strength = np.hypot(across, down)
    # Without the sign: a dark thing before something bright is the same the other way round, as infrared shows it.
    turn = np.mod(np.arctan2(down, across), np.pi) / np.pi * DIRECTIONS
    lower = turn.astype(np.int64)
    part = turn - lower
    each = np.zeros((SIDE_PX * SIDE_PX, DIRECTIONS), np.float32)
    number = np.arange(len(each))
    each[number, lower % DIRECTIONS] = strength * (1 - part)
    each[number, (lower + 1) % DIRECTIONS] += strength * part
    cells = _shares() @ each
    norm = np.linalg.norm(cells, axis=1, keepdims=True)
    cells /= norm + FLAT * np.linalg.norm(cells) / CELLS + 1e-6
    values = cells.ravel() - cells.mean()
    most = float(np.abs(values).max())
    if most <= 0:
        return ""
    return base64.b64encode(np.rint(values / most * 127).astype(np.int8).tobytes()).decode("ascii")


@cache
def _shares() -> Floats:
    """float32[16, 1024]: which part of each pixel belongs to each cell; neighbours share what lies between them."""
    at = (np.arange(SIDE_PX) + 0.5) / (SIDE_PX / CELLS) - 0.5
    line = np.clip(1 - np.abs(at[None, :] - np.arange(CELLS)[:, None]), 0, 1)
    shares: Floats = np.einsum("ay,bx->abyx", line, line).reshape(CELLS * CELLS, -1).astype(np.float32)
    return shares
