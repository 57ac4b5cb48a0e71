"""Whether what lies there anew is a parcel that somebody put down: its size, who was there, what else it may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vigilar_camera_worker.domain.kinds import Kind
from vigilar_camera_worker.domain.looks import Rect
from vigilar_camera_worker.domain.passers import Passage, Passers

BEFORE_MS: Final = 25_000
"""So long before something is seen lying somebody must have been near it: he stood in front of it."""
AFTER_MS: Final = 2_000
LEAST_HEIGHT, MOST_HEIGHT = 0.06, 0.8
"""Of a person who stands there: a flat letter, a shadow's edge; a door, a bicycle, somebody."""
MOST_WIDTH: Final = 1.1
LEAST_AREA, MOST_AREA = 0.0004, 0.04
"""Of the picture, where it is not known how large a person is there."""
THINGS: Final = frozenset(("suitcase", "backpack", "handbag", "box", "parcel", "package"))
"""Classes that speak for it, where the model knows them: weakly, a rucksack is as good as a box."""
CONFIDENCE, HINT = 0.6, 0.25
VEHICLE_CONFIDENCE: Final = 0.45
"""Out of a vehicle less often something is put down than it is in the way of the view."""


@dataclass(frozen=True)
class Parcel:
    """What is told."""

    by: Passage
    confidence: float


@dataclass(frozen=True)
class Refused:
    """Why it is none; counted under this word."""

    why: str


def judged(
    box: Rect, aspect: float, first_ms: int, now_ms: int, passers: Passers, hint: str = ""
) -> Parcel | Refused:
    """``first_ms``: when it was first seen lying there; ``hint``: the class that the model gives it."""
    foot = box.y + box.h
    person = passers.person_height(foot)
    if person is None:
        if not LEAST_AREA <= box.area <= MOST_AREA:
            return Refused("size")
    elif not (
        LEAST_HEIGHT * person <= box.h <= MOST_HEIGHT * person and box.w * aspect <= MOST_WIDTH * person
    ):
        return Refused("size")
    still_there = passers.covered(box, now_ms - AFTER_MS, now_ms)
    if still_there is not None and still_there.kind is not Kind.THING:
        return Refused("alive")
    by = passers.near(box, aspect, first_ms - BEFORE_MS, first_ms + AFTER_MS)
    if by is None:
        return Refused("nobody_near")
    sure = CONFIDENCE if by.kind is Kind.PERSON else VEHICLE_CONFIDENCE
    return Parcel(by, round(sure + (HINT if hint in THINGS else 0.0), 2))
