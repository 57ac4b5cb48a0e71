"""In which zones an object stands, for how long, over which lines it goes, and whether it loiters."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from vigilar_camera_worker.domain.looks import Rect
from vigilar_camera_worker.domain.zones import Mask, ZoneMap

SURE_LOOKS: Final = 2
"""So many looks in a row in a zone, or out of it, before that counts: boxes jitter."""
LINE_MARGIN: Final = 0.1
"""Of its size a foot must be away from a line before the side counts."""
MAX_CROSSINGS: Final = 16
"""Of one object that are kept; what goes to and fro on a line says nothing new."""


class Change(StrEnum):
    ZONE_ENTERED = "zone_entered"
    ZONE_LEFT = "zone_left"
    LINE_CROSSED = "line_crossed"
    LOITERING = "loitering"
    CLASS = "class"
    """It is taken for something else than before."""


@dataclass(frozen=True)
class Line:
    """From start to end, parts of width and height. Who crosses to its right-hand side goes `in`, the others `out`."""

    name: str
    start: tuple[float, float]
    end: tuple[float, float]


@dataclass(frozen=True)
class MaskZone:
    """Where objects of some classes (empty: of all) are not told: a poster, a statue."""

    name: str
    area: Mask
    classes: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Step:
    """One change; `name` is the zone's or the line's, `direction` in or out."""

    what: Change
    name: str = ""
    direction: str = ""


@dataclass
class Whereabouts:
    """Of one object."""

    zones: dict[str, float] = field(default_factory=dict)
    """Where it is: since when, in seconds."""
    dwell_s: dict[str, float] = field(default_factory=dict)
    """Every zone it was in: for how long."""
    crossed: list[tuple[str, str]] = field(default_factory=list)
    """Lines and directions, in order."""
    loiters: bool = False
    _doubts: dict[str, int] = field(default_factory=dict)
    _sides: dict[str, tuple[float, tuple[float, float]]] = field(default_factory=dict)
    _last_s: float | None = None


@dataclass(frozen=True)
class Places:
    """What the owner has drawn into the picture of one camera."""

    zones: ZoneMap
    lines: tuple[Line, ...] = ()
    loiter_s: float = 0.0
    """Somebody who stays in sight so long loiters; 0: nobody does."""
    masks: tuple[MaskZone, ...] = ()

    def counts(self, box: Rect) -> bool:
        """Whether what stands there is to be told at all."""
        x, y = self._pixel(box.foot)
        return bool(self.zones.counts[y, x])

    def masked(self, box: Rect, object_class: str) -> str:
        """The name of the mask in which what is taken for this class stands; empty: none."""
        x, y = self._pixel(box.foot)
        found = (
            mask.name
            for mask in self.masks
            if (not mask.classes or object_class in mask.classes) and mask.area[y, x]
        )
        return next(found, "")

    def follow(
        self, where: Whereabouts, box: Rect, aspect: float, seen_s: float, time_s: float
    ) -> list[Step]:
        """What is new; `seen_s` is how long it has been in sight."""
        steps = self._zones(where, box, time_s)
        steps += self._lines(where, box, aspect)
        if self.loiter_s and not where.loiters and seen_s >= self.loiter_s:
            where.loiters = True
            steps.append(Step(Change.LOITERING))
        return steps

    def _zones(self, where: Whereabouts, box: Rect, time_s: float) -> list[Step]:
        x, y = self._pixel(box.foot)
        passed_s = 0.0 if where._last_s is None else max(0.0, time_s - where._last_s)
        where._last_s = time_s
        steps = []
        for name, mask in self.zones.named:
            inside, known = bool(mask[y, x]), name in where.zones
            if known:
                where.dwell_s[name] = where.dwell_s.get(name, 0.0) + passed_s
            if inside is known:
                where._doubts.pop(name, None)
                continue
            where._doubts[name] = where._doubts.get(name, 0) + 1
            if where._doubts[name] < SURE_LOOKS:
                continue
            del where._doubts[name]
            if inside:
                where.zones[name] = time_s
                where.dwell_s.setdefault(name, 0.0)
                steps.append(Step(Change.ZONE_ENTERED, name))
            else:
                del where.zones[name]
                steps.append(Step(Change.ZONE_LEFT, name))
        return steps

    def _lines(self, where: Whereabouts, box: Rect, aspect: float) -> list[Step]:
        foot = (box.foot[0] * aspect, box.foot[1])
        margin = LINE_MARGIN * math.sqrt(box.area * aspect)
        steps = []
        for line in self.lines:
            start, end = (line.start[0] * aspect, line.start[1]), (line.end[0] * aspect, line.end[1])
            away = _side(start, end, foot)
            if abs(away) <= margin:
                continue
            before = where._sides.get(line.name)
            where._sides[line.name] = (away, foot)
            if (
                before is None
                or (before[0] > 0) is (away > 0)
                or not _crosses(start, end, before, away, foot)
            ):
                continue
            direction = "in" if away > 0 else "out"
            if len(where.crossed) < MAX_CROSSINGS:
                where.crossed.append((line.name, direction))
                steps.append(Step(Change.LINE_CROSSED, line.name, direction))
        return steps

    def _pixel(self, point: tuple[float, float]) -> tuple[int, int]:
        height, width = self.zones.counts.shape
        return min(width - 1, max(0, int(point[0] * width))), min(height - 1, max(0, int(point[1] * height)))


def _side(start: tuple[float, float], end: tuple[float, float], point: tuple[float, float]) -> float:
    """How far the point lies to the right of the line (in the picture, y downwards); left of it is negative."""
    across, down = end[0] - start[0], end[1] - start[1]
    length = math.hypot(across, down)
    if length == 0:
        return 0.0
    return (across * (point[1] - start[1]) - down * (point[0] - start[0])) / length


def _crosses(
    start: tuple[float, float],
    end: tuple[float, float],
    before: tuple[float, tuple[float, float]],
    away: float,
    foot: tuple[float, float],
) -> bool:
    """Whether the way between two points on different sides goes through the line between its ends."""
    share = before[0] / (before[0] - away)
    x = before[1][0] + share * (foot[0] - before[1][0])
    y = before[1][1] + share * (foot[1] - before[1][1])
    across, down = end[0] - start[0], end[1] - start[1]
    along = ((x - start[0]) * across + (y - start[1]) * down) / (across**2 + down**2)
    return 0.0 <= along <= 1.0
