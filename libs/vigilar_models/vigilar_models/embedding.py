"""What an embedding model gives: a vector of length one, and what its own head makes of the picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vigilar_models.arrays import Floats
from vigilar_models.errors import ModelError
from vigilar_models.manifest import Manifest

LEAST_NORM = 1e-6
MAX_VECTOR = 4096


def embedding(outputs: Sequence[NDArray[np.generic]], manifest: Manifest) -> tuple[Floats, dict[str, float]]:
    """(float32[n] of length one, probability by animal of the head). Probabilities add up to at most one: the rest is no animal.

    Raises ModelError when the model gives something else.
    """
    if not outputs:
        raise ModelError(f"model {manifest.id} gives nothing")
    vector = np.asarray(outputs[0], np.float32).reshape(-1)
    if not 1 < len(vector) <= MAX_VECTOR or not bool(np.isfinite(vector).all()):
        raise ModelError(f"model {manifest.id} gives {len(vector)} numbers that are no vector")
    norm = float(np.linalg.norm(vector))
    if norm < LEAST_NORM:
        raise ModelError(f"model {manifest.id} gives a vector of length nought")
    return vector / norm, _animals(outputs, manifest)


def _animals(outputs: Sequence[NDArray[np.generic]], manifest: Manifest) -> dict[str, float]:
    if len(outputs) < 2 or not manifest.species:
        return {}
    logits = np.asarray(outputs[1], np.float64).reshape(-1)
    if not bool(np.isfinite(logits).all()):
        raise ModelError(f"model {manifest.id} gives numbers that are none")
    odds = np.exp(logits - logits.max())
    odds /= odds.sum()
    told: dict[str, float] = {}
    for index, animal in manifest.species.items():
        if int(index) >= len(odds):
            raise ModelError(f"model {manifest.id} names class {index} of {len(odds)}")
        told[animal] = told.get(animal, 0.0) + float(odds[int(index)])
    return told
