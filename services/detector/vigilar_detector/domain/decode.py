"""From a model's numbers to objects: one function per family, each checks what it is given.

Boxes are float32[n, 4] as x1, y1, x2, y2 in parts of the crop. Every function raises ModelError for shapes that are not
what the manifest promises, and for numbers that are none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from vigilar_models.arrays import Fitted, Floats
from vigilar_models.errors import ModelError
from vigilar_models.manifest import Decoding, Manifest, ModelInput

Ints = NDArray[np.int64]

MOST_INSIDE: Final = 0.65
"""Of the smaller of two boxes of a class so much lies in the other: half a person, or a group as one, is no object of its own."""
MAX_CANDIDATES: Final = 300
"""The surest ones that are compared with one another."""
YOLOX_STRIDES: Final = (8, 16, 32)
SSD_SCALES: Final = (10.0, 10.0, 5.0, 5.0)
"""By which TensorFlow's faster_rcnn_box_coder multiplies offsets: y, x, height, width."""
MOST_EXPONENT: Final = 10.0
"""exp of more is a box larger than any picture."""
SELDOM_ODDS: Final = 1.5
"""Pictures that models learn from show trains and giraffes as often as cars; before a house the odds of such a class are so
many times smaller at least."""
LEAST_SIDE: Final = 0.002
"""Boxes smaller than so much of the crop are no objects."""


@dataclass(frozen=True)
class Found:
    """An object in parts of the crop."""

    object_class: str
    score: float
    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True)
class Raw:
    """Candidates before anything is thrown away: boxes, the class index of each, its score."""

    boxes: Floats
    classes: Ints
    scores: Floats


def decode(
    outputs: Sequence[NDArray[np.generic]],
    manifest: Manifest,
    anchors: Floats | None,
    threshold: float,
    fitted: Fitted,
) -> list[Found]:
    """What is in the crop, surest first, at least ``threshold`` sure."""
    arrays = [_finite(output, manifest) for output in outputs]
    raw = _FAMILIES[manifest.decoding](arrays, manifest, anchors, threshold)
    told_names = frozenset(manifest.told_classes)
    told = np.array([bool(name) and name in told_names for name in manifest.classes])
    known = (raw.classes >= 0) & (raw.classes < len(manifest.classes))
    if not bool(known.all()):
        raise _lies(manifest, f"names class {int(raw.classes[~known][0])} of {len(manifest.classes)}")
    all_scores = _less_sure(raw, manifest) if manifest.seldom else raw.scores
    keep = (all_scores >= threshold) & told[raw.classes]
    order = np.argsort(-all_scores[keep], kind="stable")[:MAX_CANDIDATES]
    boxes = raw.boxes[keep][order] / np.array(
        [fitted.share_x, fitted.share_y, fitted.share_x, fitted.share_y], np.float32
    )
    boxes = boxes.clip(0.0, 1.0)
    classes, scores = raw.classes[keep][order], all_scores[keep][order].clip(0.0, 1.0)
    chosen = _without_doubles(boxes, classes, manifest.nms_iou)
    return [
        _found(manifest, boxes[i], int(classes[i]), float(scores[i])) for i in chosen if _has_size(boxes[i])
    ]


def _less_sure(raw: Raw, manifest: Manifest) -> Floats:
    """Scores with those of seldom classes lowered by their odds."""
    names = frozenset(manifest.seldom)
    seldom = np.array([name in names for name in manifest.classes])[raw.classes]
    scores = raw.scores.clip(0.0, 1.0)
    lowered: Floats = np.where(seldom, scores / (scores + SELDOM_ODDS * (1.0 - scores)), scores)
    return lowered


def _found(manifest: Manifest, box: Floats, index: int, score: float) -> Found:
    x1, y1, x2, y2 = (float(value) for value in box)
    return Found(manifest.classes[index], score, x1, y1, x2 - x1, y2 - y1)


def _has_size(box: Floats) -> bool:
    return bool(box[2] - box[0] >= LEAST_SIDE and box[3] - box[1] >= LEAST_SIDE)


def _finite(output: NDArray[np.generic], manifest: Manifest) -> Floats:
    array = np.asarray(output, dtype=np.float32)
    if not bool(np.isfinite(array).all()):
        raise _lies(manifest, "gives numbers that are none")
    return array


def _lies(manifest: Manifest, how: str) -> ModelError:
    return ModelError(f"model {manifest.id} {how}")


def _take(arrays: Sequence[Floats], manifest: Manifest, count: int) -> Sequence[Floats]:
    """The first ``count``, each without the dimension of the batch."""
    if len(arrays) < count:
        raise _lies(manifest, f"gives {len(arrays)} outputs where {manifest.decoding} has {count}")
    for array in arrays[:count]:
        if array.ndim < 2 or array.shape[0] != 1:
            raise _lies(manifest, f"gives an output of shape {list(array.shape)}, not of one picture")
    return [array[0] for array in arrays[:count]]


def _table(array: Floats, manifest: Manifest, rows: int | None, columns: int, what: str) -> Floats:
    if array.ndim != 2 or array.shape[1] != columns or (rows is not None and array.shape[0] != rows):
        wanted = [rows if rows is not None else "n", columns]
        raise _lies(manifest, f"gives {what} of shape {list(array.shape)} where {wanted} is promised")
    return array


def _best(probabilities: Floats, *, background: bool) -> tuple[Ints, Floats]:
    """The likeliest class of each row that means something."""
    first = 1 if background else 0
    index = probabilities[:, first:].argmax(axis=1)
    return (index + first).astype(np.int64), probabilities[np.arange(len(index)), index + first]


def _sigmoid(values: Floats) -> Floats:
    result: Floats = 1.0 / (1.0 + np.exp(-values.clip(-60.0, 60.0)))
    return result.astype(np.float32, copy=False)


def _corners(centres: Floats) -> Floats:
    """From centre x, y, width, height."""
    half = centres[:, 2:] / 2
    return np.concatenate([centres[:, :2] - half, centres[:, :2] + half], axis=1)


# -- the families ---------------------------------------------------------------------------------------


def _ssd(arrays: Sequence[Floats], manifest: Manifest, anchors: Floats | None, threshold: float) -> Raw:
    """Anchors as y, x, height, width of their centres; scores are sigmoids of logits, or are that already."""
    if anchors is None or anchors.ndim != 2 or anchors.shape[1] != 4:
        raise _lies(manifest, "brings no anchors")
    offsets, classes = _take(arrays, manifest, 2)
    offsets = _table(offsets.reshape(-1, offsets.shape[-1]), manifest, len(anchors), 4, "boxes")
    classes = _table(classes, manifest, len(anchors), len(manifest.classes), "classes")
    # Only what may pass is worked out: of two thousand anchors a handful does.
    found = np.flatnonzero(classes >= _logit(threshold))
    rows = found // classes.shape[1]
    sure = np.unique(rows[found % classes.shape[1] > 0] if manifest.background else rows)
    offsets, classes, anchors = offsets[sure], classes[sure], anchors[sure]
    y = offsets[:, 0] / SSD_SCALES[0] * anchors[:, 2] + anchors[:, 0]
    x = offsets[:, 1] / SSD_SCALES[1] * anchors[:, 3] + anchors[:, 1]
    h = np.exp((offsets[:, 2] / SSD_SCALES[2]).clip(max=MOST_EXPONENT)) * anchors[:, 2]
    w = np.exp((offsets[:, 3] / SSD_SCALES[3]).clip(max=MOST_EXPONENT)) * anchors[:, 3]
    index, scores = _best(_sigmoid(classes), background=manifest.background)
    return Raw(_corners(np.stack([x, y, w, h], axis=1).astype(np.float32)), index, scores)


def _logit(probability: float) -> float:
    """The number whose sigmoid it is."""
    kept = min(max(probability, 1e-6), 1 - 1e-6)
    return float(np.log(kept / (1 - kept)))


def _yolox(arrays: Sequence[Floats], manifest: Manifest, _anchors: Floats | None, threshold: float) -> Raw:
    """Centres relative to the cell, sizes as logarithms, both in strides; objectness and classes are probabilities."""
    (rows,) = _take(arrays, manifest, 1)
    cells, strides = _yolox_cells(manifest.input)
    rows = _table(rows, manifest, len(cells), 5 + len(manifest.classes), "cells")
    sure = rows[:, 4] >= threshold
    rows, cells, strides = rows[sure], cells[sure], strides[sure]
    centre = (rows[:, :2] + cells) * strides
    size = np.exp(rows[:, 2:4].clip(max=MOST_EXPONENT)) * strides
    boxes = np.concatenate([centre, size], axis=1) / np.array(
        [manifest.input.width_px, manifest.input.height_px] * 2, np.float32
    )
    index, scores = _best(rows[:, 5:] * rows[:, 4:5], background=manifest.background)
    return Raw(_corners(boxes.astype(np.float32)), index, scores)


def _yolox_cells(size: ModelInput) -> tuple[Floats, Floats]:
    """Column and row of each cell, and its stride in pixels (one column)."""
    cells, strides = [], []
    for stride in YOLOX_STRIDES:
        rows, columns = size.height_px // stride, size.width_px // stride
        grid = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=2).reshape(-1, 2)
        cells.append(grid.astype(np.float32))
        strides.append(np.full((len(grid), 1), stride, np.float32))
    return np.concatenate(cells), np.concatenate(strides)


def _detr(arrays: Sequence[Floats], manifest: Manifest, _anchors: Floats | None, _threshold: float) -> Raw:
    """Boxes as centre and size in parts of the picture, and class logits; which is which is told by their width."""
    first, second = _take(arrays, manifest, 2)
    boxes, logits = (first, second) if first.shape[-1] == 4 and second.shape[-1] != 4 else (second, first)
    boxes = _table(boxes, manifest, None, 4, "boxes")
    logits = _table(logits, manifest, len(boxes), len(manifest.classes), "classes")
    index, scores = _best(_sigmoid(logits), background=manifest.background)
    return Raw(_corners(boxes), index, scores)


def _detr_labelled(
    arrays: Sequence[Floats], manifest: Manifest, _anchors: Floats | None, _threshold: float
) -> Raw:
    """Labels [n], boxes [n, 4] as corners in parts of the picture (its size was given as 1 × 1), scores [n]."""
    labels, boxes, scores = _take(arrays, manifest, 3)
    boxes = _table(boxes, manifest, None, 4, "boxes")
    if labels.shape != (len(boxes),) or scores.shape != (len(boxes),):
        raise _lies(manifest, f"gives {len(boxes)} boxes, {labels.size} labels and {scores.size} scores")
    return Raw(boxes, labels.astype(np.int64), scores)


def _detection_output(
    arrays: Sequence[Floats], manifest: Manifest, _a: Floats | None, _threshold: float
) -> Raw:
    if not arrays or arrays[0].size % 7:
        raise _lies(manifest, "does not give rows of seven numbers")
    rows = arrays[0].reshape(-1, 7)
    rows = rows[rows[:, 0] >= 0]  # unused rows are marked by −1
    return Raw(rows[:, 3:7], rows[:, 1].astype(np.int64), rows[:, 2])


_FAMILIES: Final[dict[Decoding, Callable[[Sequence[Floats], Manifest, Floats | None, float], Raw]]] = {
    Decoding.SSD: _ssd,
    Decoding.YOLOX: _yolox,
    Decoding.DETR: _detr,
    Decoding.DETR_LABELLED: _detr_labelled,
    Decoding.DETECTION_OUTPUT: _detection_output,
}


def _without_doubles(boxes: Floats, classes: Ints, most_iou: float) -> list[int]:
    """Indices of boxes, given surest first, that no surer one of the same class covers or is a part of (greedy NMS)."""
    areas = (boxes[:, 2] - boxes[:, 0]).clip(min=0) * (boxes[:, 3] - boxes[:, 1]).clip(min=0)
    left = np.arange(len(boxes))
    chosen: list[int] = []
    while left.size:
        best, rest = int(left[0]), left[1:]
        chosen.append(best)
        low = np.maximum(boxes[rest, :2], boxes[best, :2])
        high = np.minimum(boxes[rest, 2:], boxes[best, 2:])
        shared = (high - low).clip(min=0).prod(axis=1)
        union = areas[rest] + areas[best] - shared
        apart = (shared <= most_iou * union) & (shared <= MOST_INSIDE * np.minimum(areas[rest], areas[best]))
        left = rest[apart | (classes[rest] != classes[best])]
    return chosen
