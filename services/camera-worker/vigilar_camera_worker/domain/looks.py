"""What the detector saw, as the tracker takes it: one look at a part of the picture."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from vigilar_common.messages.vehicles import VehicleLook

LEAST_SIDE: Final = 0.004
"""Boxes narrower or flatter than this part of the picture say nothing."""
EDGE: Final = 0.012
"""A box this near to the edge of what was looked at (parts of that side) may go on behind it."""


class Rect(NamedTuple):
    """Parts of the picture's width and height, from the top left; not checked: see `clean`."""

    x: float
    y: float
    w: float
    h: float

    @property
    def area(self) -> float:
        return self.w * self.h

    @property
    def centre(self) -> tuple[float, float]:
        return self.x + self.w / 2, self.y + self.h / 2

    @property
    def foot(self) -> tuple[float, float]:
        """Where what is seen stands: the middle of the lower side."""
        return self.x + self.w / 2, self.y + self.h

    def shared(self, other: Rect) -> float:
        """The area that both cover."""
        across = min(self.x + self.w, other.x + other.w) - max(self.x, other.x)
        down = min(self.y + self.h, other.y + other.h) - max(self.y, other.y)
        return max(0.0, across) * max(0.0, down)

    def inside(self, other: Rect) -> float:
        """Which part of this one the other covers, 0–1."""
        return min(1.0, self.shared(other) / self.area) if self.area > 0 else 0.0

    def iou(self, other: Rect) -> float:
        shared = self.shared(other)
        whole = self.area + other.area - shared
        return shared / whole if whole > 0 else 0.0

    def moved(self, across: float, down: float) -> Rect:
        return Rect(self.x + across, self.y + down, self.w, self.h)

    def clipped(self) -> Rect:
        """The part of it that lies in the picture; no area when none does."""
        x, y = min(1.0, max(0.0, self.x)), min(1.0, max(0.0, self.y))
        right, low = min(1.0, self.x + self.w), min(1.0, self.y + self.h)
        return Rect(x, y, max(0.0, right - x), max(0.0, low - y))


WHOLE: Final = Rect(0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True)
class Seen:
    """One object of one look; `box` is a part of the picture, not of the crop."""

    object_class: str
    score: float
    box: Rect
    cut: bool = False
    """It touches an edge of the crop that is none of the picture: there may be more of it."""
    vehicle: VehicleLook | None = None
    look: bytes = field(default=b"", repr=False)
    """A vector that says how it looks; empty: not known."""


@dataclass(frozen=True)
class Look:
    """One answer of the detector.

    `wall_ms` is when the picture was taken, not when the answer came. Only what lies in `area` was looked at: nothing is
    said of the rest. `moving`: where something moved then.
    """

    wall_ms: int
    objects: tuple[Seen, ...]
    area: Rect = WHOLE
    moving: tuple[Rect, ...] = ()

    @property
    def time_s(self) -> float:
        return self.wall_ms / 1000


def placed(box: Rect, crop: Rect) -> Rect:
    """A box given in parts of a crop, in parts of the picture."""
    return Rect(crop.x + box.x * crop.w, crop.y + box.y * crop.h, box.w * crop.w, box.h * crop.h)


def within(box: Rect, part: Rect) -> Rect:
    """A box of the picture, in parts of a part of it: `placed` backwards."""
    return Rect((box.x - part.x) / part.w, (box.y - part.y) / part.h, box.w / part.w, box.h / part.h)


def cut_off(box: Rect, area: Rect) -> bool:
    """Whether the box touches an edge of the area behind which the picture goes on."""
    across, down = EDGE * area.w, EDGE * area.h
    return (
        (box.x <= area.x + across and area.x > EDGE)
        or (box.y <= area.y + down and area.y > EDGE)
        or (box.x + box.w >= area.x + area.w - across and area.x + area.w < 1 - EDGE)
        or (box.y + box.h >= area.y + area.h - down and area.y + area.h < 1 - EDGE)
    )


def clean(look: Look) -> tuple[Look | None, int]:
    """The look with what can be believed of it, and how many of its boxes cannot. None: nothing of it can."""
    if not (_finite(look.area) and look.area.w > 0 and look.area.h > 0):
        return None, len(look.objects)
    objects = []
    for seen in look.objects:
        if not (_finite((seen.score, *seen.box)) and 0 < seen.score <= 1 and seen.object_class):
            continue
        box = seen.box.clipped()
        if box.w >= LEAST_SIDE and box.h >= LEAST_SIDE:
            cut = seen.cut or cut_off(box, look.area)
            objects.append(replace(seen, box=box, cut=cut))
    moving = tuple(box for box in look.moving if _finite(box))
    kept = Look(look.wall_ms, tuple(objects), look.area, moving)
    return kept, len(look.objects) - len(objects)


def _finite(values: Iterable[float]) -> bool:
    return all(math.isfinite(value) for value in values)
