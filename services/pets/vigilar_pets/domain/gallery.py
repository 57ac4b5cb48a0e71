"""Which pet looks like that: the nearest of the household's photos, or honestly nobody.

Vectors have length one; likeness is their product, 1 is the same picture. A pet is as like as the mean of its likest photos.
How like it must be follows from the household's own photos, each judged by all the others: halfway between what one pet's
photos are like each other and what photos of different pets are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from vigilar_common.messages.pets import Learnt

Floats = NDArray[np.float32]

LIKEST: Final = 3
"""Photos of a pet that are averaged: one picture by chance alike does not decide."""
DEFAULT_THRESHOLD: Final = 0.55
LEAST_THRESHOLD, MOST_THRESHOLD = 0.50, 0.85
LEAST_LEAD: Final = 0.03
"""By so much the likest pet must be ahead of the next one: two that look the same are told as nobody."""
OWN_SHARE_PCT: Final = 10
"""So many of a pet's own photos may fall below the threshold when pets look very much alike."""


@dataclass(frozen=True)
class Told:
    """``pet_id`` is None when no pet is like enough; ``likeness`` is that of the likest all the same."""

    pet_id: str | None
    likeness: float
    nearest: str | None = None


class Gallery:
    """Vectors by pet, all of one model. Never changes: learning makes a new one."""

    def __init__(self, vectors: Mapping[str, Sequence[Floats]]) -> None:
        self._rows = {pet: np.stack(list(rows)) for pet, rows in vectors.items() if len(rows)}
        self.threshold = DEFAULT_THRESHOLD
        own, other = self._judged()
        if own and other:
            middle = (float(np.percentile(own, OWN_SHARE_PCT)) + max(other)) / 2
            self.threshold = min(MOST_THRESHOLD, max(LEAST_THRESHOLD, middle))

    def __len__(self) -> int:
        return len(self._rows)

    def tell(self, vector: Floats) -> Told:
        return self._told([(_likeness(rows, vector), pet) for pet, rows in self._rows.items()])

    def learnt(self) -> Learnt:
        """Each photo judged by the others. A pet with one photo cannot be judged, nor be right."""
        photos = right = unsure = 0
        for pet, rows in self._rows.items():
            for number in range(len(rows)):
                photos += 1
                told = self._told(self._without(pet, number))
                right += told.pet_id == pet
                unsure += told.pet_id is None
        return Learnt(photos=photos, right=right, unsure=unsure, threshold=self.threshold)

    def _told(self, scores: list[tuple[float, str]]) -> Told:
        if not scores:
            return Told(None, 0.0)
        scores.sort(reverse=True)
        likeness, pet = scores[0]
        lead = likeness - scores[1][0] if len(scores) > 1 else 1.0
        sure = likeness >= self.threshold and lead >= LEAST_LEAD
        return Told(pet if sure else None, min(1.0, max(0.0, likeness)), pet)

    def _without(self, own: str, number: int) -> list[tuple[float, str]]:
        vector = self._rows[own][number]
        scores = [(_likeness(rows, vector), pet) for pet, rows in self._rows.items() if pet != own]
        rest = np.delete(self._rows[own], number, axis=0)
        return [*scores, (_likeness(rest, vector), own)] if len(rest) else scores

    def _judged(self) -> tuple[list[float], list[float]]:
        """Likeness of photos to their own pet, and to the likest other one."""
        own, other = [], []
        for pet, rows in self._rows.items():
            for number in range(len(rows)):
                scores = {name: score for score, name in self._without(pet, number)}
                if pet in scores:
                    own.append(scores.pop(pet))
                if scores:
                    other.append(max(scores.values()))
        return own, other


def _likeness(rows: Floats, vector: Floats) -> float:
    near = np.sort(rows @ vector)[::-1][:LIKEST]
    return float(near.mean())
