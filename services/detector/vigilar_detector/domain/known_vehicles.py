"""Which known vehicle one looks like: nearest by measure, within limits that the household's own vehicles set."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vigilar_common.messages.vehicles import MEASURE_LENGTH, VehicleColour, VehicleLook, VehicleSize

MAX_SAMPLES: Final = 64
"""Looks that are kept of one vehicle."""
NEAREST: Final = 3
"""So many of its looks one is compared with: one odd look makes no acquaintance."""
LEAST_RADIUS, MOST_RADIUS, FIRST_RADIUS = 0.16, 0.36, 0.24
SLACK: Final = 1.5
APART: Final = 0.5
"""Of the distance between two known vehicles: nearer than that each must be."""
LOOK_ALIKE: Final = 0.24
"""Two vehicles that are nearer than this cannot be told apart by colour."""

_COLOUR_WORDS: Final = {
    "gray": VehicleColour.GREY, "anthracite": VehicleColour.GREY, "beige": VehicleColour.BROWN,
    "gold": VehicleColour.YELLOW, "maroon": VehicleColour.RED, "burgundy": VehicleColour.RED, "navy": VehicleColour.BLUE,
    "violet": VehicleColour.PURPLE, "turquoise": VehicleColour.GREEN,
}  # fmt: skip
_SIZE_WORDS: Final = {
    "motorcycle": VehicleSize.SMALL, "motorbike": VehicleSize.SMALL, "bicycle": VehicleSize.SMALL,
    "hatchback": VehicleSize.COMPACT, "city": VehicleSize.COMPACT,
    "estate": VehicleSize.MIDSIZE, "wagon": VehicleSize.MIDSIZE, "sedan": VehicleSize.MIDSIZE,
    "saloon": VehicleSize.MIDSIZE, "mid": VehicleSize.MIDSIZE, "medium": VehicleSize.MIDSIZE,
    "suv": VehicleSize.LARGE, "van": VehicleSize.LARGE, "pickup": VehicleSize.LARGE, "full": VehicleSize.LARGE,
    "truck": VehicleSize.HEAVY, "lorry": VehicleSize.HEAVY, "bus": VehicleSize.HEAVY,
}  # fmt: skip

Measures = tuple[float, ...]


def colour_of(words: str) -> VehicleColour:
    """The colour that `color_profile` names in any of its words; unknown: none that is told."""
    for word in _words(words):
        if word in tuple(VehicleColour):
            return VehicleColour(word)
        if word in _COLOUR_WORDS:
            return _COLOUR_WORDS[word]
    return VehicleColour.UNKNOWN


def size_of_words(words: str) -> VehicleSize:
    for word in _words(words):
        if word in tuple(VehicleSize):
            return VehicleSize(word)
        if word in _SIZE_WORDS:
            return _SIZE_WORDS[word]
    return VehicleSize.UNKNOWN


def _words(text: str) -> list[str]:
    return text.lower().replace("-", " ").replace(",", " ").split()


@dataclass(frozen=True)
class Known:
    """A vehicle of the household."""

    name: str
    colour: VehicleColour = VehicleColour.UNKNOWN
    size: VehicleSize = VehicleSize.UNKNOWN
    samples: tuple[Measures, ...] = ()


def distance(one: Sequence[float], other: Sequence[float]) -> float:
    """Hellinger's: 0 where two measures are the same, 1 where they share nothing."""
    shared = sum(math.sqrt(a * b) for a, b in zip(one, other, strict=True))
    return math.sqrt(max(0.0, 1.0 - min(1.0, shared)))


def to_vehicle(measure: Sequence[float], samples: Sequence[Measures]) -> float:
    """To the nearest looks of a vehicle, their mean; infinite where there are none."""
    nearest = sorted(distance(measure, sample) for sample in samples)[:NEAREST]
    return statistics.fmean(nearest) if nearest else math.inf


def radii(vehicles: Sequence[Known]) -> dict[str, float]:
    """How far from its samples each vehicle reaches: as its own looks differ, and never half-way to another one."""
    found = {}
    for vehicle in vehicles:
        if not vehicle.samples:
            continue
        own = sorted(
            to_vehicle(sample, vehicle.samples[:number] + vehicle.samples[number + 1 :])
            for number, sample in enumerate(vehicle.samples)
        )
        radius = SLACK * own[int(0.9 * (len(own) - 1))] if len(own) > NEAREST else FIRST_RADIUS
        radius = min(MOST_RADIUS, max(LEAST_RADIUS, radius))
        for other in vehicles:
            if other is not vehicle and other.samples:
                radius = min(radius, max(LEAST_RADIUS / 2, APART * apart(vehicle, other)))
        found[vehicle.name] = radius
    return found


def apart(one: Known, other: Known) -> float:
    """Median distance between the looks of two vehicles."""
    return statistics.median(to_vehicle(sample, other.samples) for sample in one.samples)


def look_alikes(vehicles: Sequence[Known]) -> list[tuple[str, str]]:
    """Pairs that colour alone cannot tell apart."""
    measured = [vehicle for vehicle in vehicles if vehicle.samples]
    return [
        (one.name, other.name)
        for number, one in enumerate(measured)
        for other in measured[number + 1 :]
        if apart(one, other) < LOOK_ALIKE and not _sizes_differ(one.size, other.size)
    ]


@dataclass(frozen=True)
class Household:
    """All known vehicles and how far each reaches."""

    vehicles: tuple[Known, ...] = ()
    reach: Mapping[str, float] | None = None

    def compare(self, look: VehicleLook) -> VehicleLook:
        """The same look with the vehicle that it is like. By words alone (`calibrated` false) a likeness is no proof."""
        calibrated = [vehicle for vehicle in self.vehicles if vehicle.samples]
        if not self.vehicles or len(look.measure) != MEASURE_LENGTH:
            return look
        reach = self.reach if self.reach is not None else radii(self.vehicles)
        near = sorted(
            (to_vehicle(look.measure, vehicle.samples) / reach[vehicle.name], vehicle.name)
            for vehicle in calibrated
            if not _sizes_differ(vehicle.size, look.size)
        )
        if near and near[0][0] <= 1.0:
            return look.model_copy(update={"name": near[0][1], "calibrated": True})
        for vehicle in self.vehicles:
            same = vehicle.colour is look.colour is not VehicleColour.UNKNOWN
            if same and not vehicle.samples and not _sizes_differ(vehicle.size, look.size):
                return look.model_copy(update={"name": vehicle.name, "calibrated": False})
        # Only where every known vehicle was measured is one that is like none of them a strange one.
        return look.model_copy(update={"calibrated": len(calibrated) == len(self.vehicles)})


def _sizes_differ(one: VehicleSize, other: VehicleSize) -> bool:
    return VehicleSize.UNKNOWN not in (one, other) and one is not other


def kept(samples: Sequence[Measures]) -> tuple[Measures, ...]:
    """At most MAX_SAMPLES, as different as they can be: of the two that are most alike the older one goes."""
    left = list(samples)
    while len(left) > MAX_SAMPLES:
        pairs = ((distance(left[i], left[j]), i) for i in range(len(left)) for j in range(i + 1, len(left)))
        del left[min(pairs)[1]]
    return tuple(left)
