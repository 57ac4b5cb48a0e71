"""How large a metre is in a camera's picture, by how far down something stands: what makes sizes of boxes sizes of vehicles.

On level ground the height of what is equally high grows linearly with where its foot is. All lengths are parts of the
picture's height.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from vigilar_common.messages.vehicles import VehicleSize
from vigilar_models.errors import ModelError

PERSON_M: Final = 1.7
LEAST_SAMPLES: Final = 8
MOST_SAMPLES: Final = 200
LEAST_SPREAD: Final = 0.08
"""Of the picture's height: people who all stand equally far away say nothing of nearer and farther."""
MOST_SCATTER: Final = 0.25
"""Median part by which people may be higher or lower than the line says."""
LEAST_METRE: Final = 0.005
LARGE_M, HEAVY_M = 1.65, 2.4
SIDE_VIEW: Final = 2.2
"""Box so many times as wide as high: it is seen from the side, and its length can be told."""
COMPACT_M, MIDSIZE_M = 4.2, 4.45

_BY_CLASS: Final = {
    "bicycle": VehicleSize.SMALL,
    "motorcycle": VehicleSize.SMALL,
    "motorbike": VehicleSize.SMALL,
    "bus": VehicleSize.HEAVY,
    "train": VehicleSize.HEAVY,
}


@dataclass(frozen=True)
class Ground:
    """A metre is ``slope`` × (place of the foot) + ``base`` high."""

    slope: float
    base: float
    samples: int = 0

    def metre(self, foot: float) -> float:
        return max(LEAST_METRE, self.slope * foot + self.base)


def fitted(people: Sequence[tuple[float, float]]) -> Ground:
    """From (place of the feet, height) of standing people (Theil–Sen: half of them may be anything).

    Raises ModelError naming what is missing.
    """
    if len(people) < LEAST_SAMPLES:
        raise ModelError(
            f"{len(people)} standing persons were seen whole, at least {LEAST_SAMPLES} are needed"
        )
    people = people[:: max(1, len(people) // MOST_SAMPLES)]
    feet = sorted(foot for foot, _ in people)
    spread = feet[-1 - len(feet) // 10] - feet[len(feet) // 10]
    if spread < LEAST_SPREAD:
        raise ModelError(
            f"all persons stand equally far away ({spread:.0%} of the picture's height apart): let somebody walk from near to far"
        )
    slopes = [
        (h2 - h1) / (f2 - f1)
        for i, (f1, h1) in enumerate(people)
        for f2, h2 in people[i + 1 :]
        if abs(f2 - f1) >= LEAST_SPREAD / 4
    ]
    slope = statistics.median(slopes)
    base = statistics.median(height - slope * foot for foot, height in people)
    if slope <= 0:
        raise ModelError("persons who are farther away are not smaller: this is no view over level ground")
    scatter = statistics.median(abs(height / max(1e-6, slope * foot + base) - 1) for foot, height in people)
    if scatter > MOST_SCATTER:
        raise ModelError(f"persons' heights scatter by {scatter:.0%}: too much to measure by")
    return Ground(slope / PERSON_M, base / PERSON_M, len(people))


def size_of(
    object_class: str, width: float, height: float, foot: float, ground: Ground | None
) -> VehicleSize:
    """Width and height in parts of the picture's height. Without a ground only what its class says is told."""
    by_class = _BY_CLASS.get(object_class)
    if by_class is not None or ground is None or height <= 0:
        return by_class or VehicleSize.UNKNOWN
    high_m, wide_m = height / ground.metre(foot), width / ground.metre(foot)
    if high_m >= HEAVY_M:
        return VehicleSize.HEAVY
    if high_m >= LARGE_M:
        return VehicleSize.LARGE
    if width < SIDE_VIEW * height:
        return VehicleSize.UNKNOWN
    if wide_m < COMPACT_M:
        return VehicleSize.COMPACT
    return VehicleSize.MIDSIZE if wide_m > MIDSIZE_M else VehicleSize.UNKNOWN
