"""What face networks give, read as faces. Pure numbers; boxes and points in pixels of the picture that was looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vigilar_visitors.domain.faces import POINTS, Face

STRIDE: Final = 4
"""Pixels of a cell of CenterFace."""
YUNET_STRIDES: Final = (8, 16, 32)
OVERLAP: Final = 0.4
MAX_FACES: Final = 32
MAX_CANDIDATES: Final = 400
MAX_LOG_SIZE: Final = 8.0

Numbers = Sequence[NDArray[Any]]


class DecodeError(ValueError):
    """The model gave other shapes, or numbers that are none."""


def centerface(outputs: Numbers, threshold: float) -> list[Face]:
    """Heat [1,1,h,w], log sizes [1,2,h,w] and offsets [1,2,h,w] (height, width), points [1,10,h,w] (y, x)."""
    if len(outputs) != 4 or any(part.ndim != 4 for part in outputs):
        raise DecodeError("CenterFace gives four tables")
    heat, sizes, offsets, marks = (part[0].astype(np.float32) for part in outputs)
    cells = heat.shape[1:]
    if [part.shape for part in (heat, sizes, offsets, marks)] != [(n, *cells) for n in (1, 2, 2, 2 * POINTS)]:
        raise DecodeError("the tables of CenterFace do not fit one another")
    _finite(heat, sizes, offsets, marks)
    rows, columns = _best(heat[0], threshold)
    height, width = (STRIDE * np.exp(np.minimum(sizes[n, rows, columns], MAX_LOG_SIZE)) for n in (0, 1))
    top = (rows + offsets[0, rows, columns] + 0.5) * STRIDE - height / 2
    left = (columns + offsets[1, rows, columns] + 0.5) * STRIDE - width / 2
    points = np.stack(
        [
            np.stack([marks[2 * n + 1, rows, columns] * width + left, marks[2 * n, rows, columns] * height + top], 1)
            for n in range(POINTS)
        ],
        axis=1,
    )  # fmt: skip
    return _separate(np.stack([left, top, width, height], 1), heat[0, rows, columns], points)


def yunet(outputs: Numbers, threshold: float, size: tuple[int, int]) -> list[Face]:
    """Of three strides each: class, objectness, box, points; `size`: width and height of what it looked at."""
    if len(outputs) != 12:
        raise DecodeError("YuNet gives twelve tables")
    kinds = [
        [part.reshape(-1, part.shape[-1]).astype(np.float32) for part in outputs[n : n + 3]]
        for n in (0, 3, 6, 9)
    ]
    boxes, scores, points = [], [], []
    for level, stride in enumerate(YUNET_STRIDES):
        classes, objects, box, marks = (kind[level] for kind in kinds)
        columns, rows = size[0] // stride, size[1] // stride
        if {len(part) for part in (classes, objects, box, marks)} != {columns * rows}:
            raise DecodeError("the tables of YuNet do not fit the picture")
        _finite(classes, objects, box, marks)
        score = np.sqrt(np.clip(classes[:, 0], 0, 1) * np.clip(objects[:, 0], 0, 1))
        found = np.argsort(-score)[:MAX_CANDIDATES]
        found = found[score[found] >= threshold]
        cell = np.stack([found % columns, found // columns], 1).astype(np.float32)
        sides = np.exp(np.minimum(box[found, 2:4], MAX_LOG_SIZE)) * stride
        boxes.append(np.hstack([(cell + box[found, :2]) * stride - sides / 2, sides]))
        points.append((marks[found].reshape(-1, POINTS, 2) + cell[:, None]) * stride)
        scores.append(score[found])
    return _separate(np.concatenate(boxes), np.concatenate(scores), np.concatenate(points))


def _best(heat: NDArray[np.float32], threshold: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    order = np.argsort(-heat, axis=None)[:MAX_CANDIDATES]
    order = order[heat.ravel()[order] >= threshold]
    rows, columns = np.unravel_index(order, heat.shape)
    return rows, columns


def _separate(boxes: NDArray[Any], scores: NDArray[Any], points: NDArray[Any]) -> list[Face]:
    """The surest of those that overlap, `MAX_FACES` at most, surest first."""
    kept: list[int] = []
    for index in np.argsort(-scores):
        if all(_overlap(boxes[index], boxes[other]) <= OVERLAP for other in kept):
            kept.append(int(index))
        if len(kept) == MAX_FACES:
            break
    return [_face(boxes[index], float(scores[index]), points[index]) for index in kept]


def _face(box: NDArray[Any], score: float, points: NDArray[Any]) -> Face:
    x, y, width, height = (float(value) for value in box)
    return Face((x, y, width, height), score, tuple((float(px), float(py)) for px, py in points))


def _overlap(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Intersection over union."""
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[:2] + one[2:], other[:2] + other[2:])
    both = float(np.prod(np.maximum(0.0, high - low)))
    union = float(np.prod(one[2:]) + np.prod(other[2:])) - both
    return both / union if union > 0 else 0.0


def _finite(*tables: NDArray[Any]) -> None:
    if not all(np.isfinite(table).all() for table in tables):
        raise DecodeError("the model gives numbers that are none")
