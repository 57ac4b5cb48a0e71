"""What all looks at a vehicle tell together: colour, size, which known one it is. One look in glare decides nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from vigilar_common.messages.vehicles import (
    MEASURE_LENGTH,
    Acquaintance,
    VehicleColour,
    VehicleLook,
    VehicleSeen,
    VehicleSize,
)

MAX_LOOKS: Final = 200
"""Of one vehicle that are counted; what stands for hours says nothing new."""
LEAST_LOOKS: Final = 2
STRANGE_LOOKS: Final = 3
"""Looks before one is told as known, and as a strange one."""
LEAD: Final = 0.6
"""Part of the votes that a name needs, or that it is none of the known ones."""
COLOUR_LEAD: Final = 0.5
TELLING: Final = 0.3
"""Part of the looks in which a colour could be told at all, by weight."""


@dataclass
class VehicleVotes:
    """Fed with each look, in any order. ``weight``: how well it was seen, 0–1."""

    looks: int = 0
    comparable: int = 0
    _colours: dict[VehicleColour, float] = field(default_factory=dict)
    _sizes: dict[VehicleSize, float] = field(default_factory=dict)
    _names: dict[tuple[str, bool], float] = field(default_factory=dict)
    _measure: list[float] = field(default_factory=list)
    _measured: float = 0.0

    def add(self, look: VehicleLook, weight: float) -> None:
        if self.looks >= MAX_LOOKS or weight <= 0:
            return
        self.looks += 1
        self._colours[look.colour] = self._colours.get(look.colour, 0.0) + weight
        self._sizes[look.size] = self._sizes.get(look.size, 0.0) + weight
        if len(look.measure) != MEASURE_LENGTH:
            return
        self.comparable += 1
        key = (look.name, look.calibrated)
        self._names[key] = self._names.get(key, 0.0) + weight
        before, self._measured = self._measured, self._measured + weight
        old = self._measure or [0.0] * MEASURE_LENGTH
        self._measure = [
            (was * before + value * weight) / self._measured
            for was, value in zip(old, look.measure, strict=True)
        ]

    def seen(self) -> VehicleSeen | None:
        """None: nothing was told of it."""
        if not self.looks:
            return None
        name, recognition = self._known()
        return VehicleSeen(
            colour=self._colour(),
            size=self._size(),
            name=name,
            recognition=recognition,
            measure=[round(min(1.0, value), 4) for value in self._measure],
            looks=self.comparable,
        )

    def _colour(self) -> VehicleColour:
        told = {
            colour: votes for colour, votes in self._colours.items() if colour is not VehicleColour.UNKNOWN
        }
        whole, known = sum(self._colours.values()), sum(told.values())
        if not told or known < TELLING * whole:
            return VehicleColour.UNKNOWN
        leader = max(told, key=told.__getitem__)
        return leader if told[leader] >= COLOUR_LEAD * known else VehicleColour.UNKNOWN

    def _size(self) -> VehicleSize:
        told = {size: votes for size, votes in self._sizes.items() if size is not VehicleSize.UNKNOWN}
        if not told:
            return VehicleSize.UNKNOWN
        leader = max(told, key=told.__getitem__)
        return leader if told[leader] >= LEAD * sum(told.values()) else VehicleSize.UNKNOWN

    def _known(self) -> tuple[str, Acquaintance]:
        if self.comparable < LEAST_LOOKS:
            return "", Acquaintance.UNKNOWN
        whole = sum(self._names.values())
        (name, calibrated), votes = max(self._names.items(), key=lambda item: item[1])
        if votes < LEAD * whole:
            return "", Acquaintance.UNKNOWN
        if name:
            return name, Acquaintance.HOUSEHOLD if calibrated else Acquaintance.UNKNOWN
        strange = calibrated and self.comparable >= STRANGE_LOOKS
        return "", Acquaintance.STRANGER if strange else Acquaintance.UNKNOWN
