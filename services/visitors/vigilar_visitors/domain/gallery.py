"""Who is known by face: people, their vectors, and whose face a new one is, or nobody's (an open set)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]

MAX_VECTORS: Final = 20
"""Of one person; when one more comes, the worst goes."""
MAX_PEOPLE: Final = 2_000
NEAREST: Final = 3
"""So many of a person's vectors say how like a face is to that person."""
MARGIN_SHARE: Final = 0.06
"""Of the limit: the next person must be so much further away, else nobody is named."""


@dataclass(frozen=True)
class Person:
    """`name` is empty while unknown."""

    profile_id: str
    first_seen_ms: int
    last_seen_ms: int
    name: str = ""
    household: bool = False
    ignored: bool = False


@dataclass(frozen=True)
class Sample:
    """One vector of a person."""

    embedding_id: str
    profile_id: str
    values: Vector
    quality: float
    model: str


@dataclass(frozen=True)
class Limits:
    """Distances of the model that runs: `same` still one person, `sure` beyond doubt."""

    model: str
    same: float
    sure: float
    cosine: bool = False


@dataclass(frozen=True)
class Match:
    profile_id: str
    distance: float
    sure: bool
    confidence: float
    """1 at no distance, 0.5 at the limit."""


class Gallery:
    """Not thread-safe."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.people: dict[str, Person] = {}
        self._samples: dict[str, dict[str, Sample]] = {}

    def put(self, person: Person) -> None:
        self.people[person.profile_id] = person
        self._samples.setdefault(person.profile_id, {})

    def seen(self, profile_id: str, ts_ms: int) -> None:
        person = self.people[profile_id]
        self.people[profile_id] = replace(person, last_seen_ms=max(person.last_seen_ms, ts_ms))

    def add(self, sample: Sample) -> list[Sample]:
        """What has to go for it: the worst of the person beyond MAX_VECTORS, which may be the new one."""
        mine = self._samples[sample.profile_id]
        mine[sample.embedding_id] = sample
        gone = []
        while len(mine) > MAX_VECTORS:
            worst = min(mine.values(), key=lambda one: one.quality)
            gone.append(mine.pop(worst.embedding_id))
        return gone

    def drop(self, sample: Sample) -> None:
        self._samples.get(sample.profile_id, {}).pop(sample.embedding_id, None)

    def samples(self, profile_id: str) -> list[Sample]:
        """Best first."""
        return sorted(self._samples.get(profile_id, {}).values(), key=lambda one: -one.quality)

    def every_sample(self) -> Iterable[Sample]:
        for mine in self._samples.values():
            yield from mine.values()

    def stale(self) -> list[Sample]:
        """Vectors of a model that does not run any more."""
        return [sample for sample in self.every_sample() if sample.model != self.limits.model]

    def forget(self, profile_id: str) -> list[Sample]:
        """The person's vectors, whose pictures have to go too."""
        self.people.pop(profile_id, None)
        return list(self._samples.pop(profile_id, {}).values())

    def merge(self, profile_id: str, into_id: str) -> list[Sample]:
        """All vectors and the earlier first sight go to `into_id`; returns what was too many. Raises KeyError."""
        going, into = self.people[profile_id], self.people[into_id]
        self.put(
            replace(
                into,
                first_seen_ms=min(into.first_seen_ms, going.first_seen_ms),
                last_seen_ms=max(into.last_seen_ms, going.last_seen_ms),
            )
        )
        return self._move(self.forget(profile_id), into_id)

    def split(self, profile_id: str, embedding_ids: Sequence[str], into: Person) -> None:
        """These vectors are another person's. Raises KeyError for vectors that are not the person's."""
        mine = self._samples[profile_id]
        moved = [mine[one] for one in embedding_ids]
        self.put(into)
        for sample in moved:
            del mine[sample.embedding_id]
        self._move(moved, into.profile_id)

    def _move(self, samples: Iterable[Sample], into_id: str) -> list[Sample]:
        gone = []
        for sample in samples:
            gone += self.add(replace(sample, profile_id=into_id))
        return gone

    # -- whose face -----------------------------------------------------------------------------------------

    def match(self, looks: Sequence[tuple[Vector, float]]) -> Match | None:
        """Of the looks (vector, quality) of one track. None: nobody who is known, or it could be two.

        Vectors of another model are never compared.
        """
        ranked = sorted(self._distances(looks))
        if not ranked or ranked[0][0] > self.limits.same:
            return None
        distance, profile_id = ranked[0]
        if len(ranked) > 1 and ranked[1][0] - distance < MARGIN_SHARE * self.limits.same:
            return None
        sure = distance <= self.limits.sure
        return Match(profile_id, distance, sure, round(max(0.0, 1 - 0.5 * distance / self.limits.same), 3))

    def _distances(self, looks: Sequence[tuple[Vector, float]]) -> Iterable[tuple[float, str]]:
        if not looks:
            return
        weights = np.array([max(quality, 0.01) for _, quality in looks])
        vectors = np.stack([values for values, _ in looks])
        for profile_id, mine in self._samples.items():
            usable = [one.values for one in mine.values() if one.model == self.limits.model]
            if not usable:
                continue
            table = self.apart(vectors, np.stack(usable))
            nearest = np.sort(table, axis=1)[:, :NEAREST].mean(axis=1)
            closest = table.min(axis=1)
            # Few vectors: the closest one; many: what the closest ones say together.
            each = (nearest + closest) / 2
            yield float((each * weights).sum() / weights.sum()), profile_id

    def apart(self, one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32[n, m]: distances of n vectors from m."""
        if self.limits.cosine:
            turned: NDArray[np.float32] = 1 - _unit(one) @ _unit(other).T
            return turned
        apart: NDArray[np.float32] = np.linalg.norm(one[:, None] - other[None], axis=2)
        return apart


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    result: NDArray[np.float32] = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return result
