"""Which parts of a picture are looked at: around what moves, joined and squared with some of what is near; or all of it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

CONTEXT: Final = 1.5
"""A part is so many times as large as what moves in it: a person moves an arm, and a model wants to see what is around."""
LEAST_SHARE: Final = 0.28
"""Of the picture's shorter side: smaller parts show an object without its surroundings."""
LEAST_PX: Final = 96
JOINED: Final = 1.35
"""Two parts become one when that is at most so much larger (by its side) than the larger of them."""
MOST_TILES: Final = 3
_EVEN: Final = 2
"""Chroma has half the resolution."""


@dataclass(frozen=True)
class Region:
    """Pixels from the top left; all even."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class _Area:
    """In pixels, not rounded."""

    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def side(self) -> float:
        return max(self.x2 - self.x1, self.y2 - self.y1)

    def with_(self, other: _Area) -> _Area:
        return _Area(
            min(self.x1, other.x1), min(self.y1, other.y1), max(self.x2, other.x2), max(self.y2, other.y2)
        )


def regions(
    boxes: Iterable[tuple[float, float, float, float]], width_px: int, height_px: int, most: int
) -> list[Region]:
    """At most ``most`` parts that hold all boxes (x, y, w, h in parts of the picture); what moves most comes first."""
    areas = [
        _Area(x * width_px, y * height_px, (x + w) * width_px, (y + h) * height_px) for x, y, w, h in boxes
    ]
    least = max(LEAST_PX, LEAST_SHARE * min(width_px, height_px))
    areas = _joined(areas, least)
    while len(areas) > most:
        areas = _with_the_nearest_two_joined(areas)
    areas.sort(key=lambda area: area.side, reverse=True)
    return [_squared(area, least, width_px, height_px) for area in areas]


def with_margin(
    box: tuple[float, float, float, float], margin: float, width_px: int, height_px: int
) -> Region:
    """A box (x, y, w, h in parts of the picture) with a margin, in parts of its sides, as far as the picture goes."""
    x, y, w, h = box
    left, right = max(0.0, x - margin * w), min(1.0, x + (1 + margin) * w)
    top, low = max(0.0, y - margin * h), min(1.0, y + (1 + margin) * h)
    return _whole_pixels(
        left * width_px, top * height_px, right * width_px, low * height_px, width_px, height_px
    )


def tiles(width_px: int, height_px: int) -> list[Region]:
    """The whole picture in squares that overlap, side by side (one above the other in an upright one)."""
    short, long = min(width_px, height_px), max(width_px, height_px)
    count = min(MOST_TILES, max(1, math.ceil(long / short - 0.1)))
    side = max(short, math.ceil(long / count))
    step = (long - side) / (count - 1) if count > 1 else 0.0
    found = []
    for number in range(count):
        at = round(number * step)
        if width_px >= height_px:
            found.append(_whole_pixels(at, 0, at + side, height_px, width_px, height_px))
        else:
            found.append(_whole_pixels(0, at, width_px, at + side, width_px, height_px))
    return found


def _joined(areas: list[_Area], least: float) -> list[_Area]:
    """Parts that nearly cover one another, or are parts of one thing, become one."""
    areas = list(areas)
    again = True
    while again:
        again = False
        for i, one in enumerate(areas):
            for j in range(i + 1, len(areas)):
                both = one.with_(areas[j])
                if max(both.side, least) <= JOINED * max(one.side, areas[j].side, least):
                    areas[i] = both
                    del areas[j]
                    again = True
                    break
            if again:
                break
    return areas


def _with_the_nearest_two_joined(areas: list[_Area]) -> list[_Area]:
    pairs = [(i, j) for i in range(len(areas)) for j in range(i + 1, len(areas))]
    i, j = min(pairs, key=lambda pair: areas[pair[0]].with_(areas[pair[1]]).side)
    rest = [area for number, area in enumerate(areas) if number not in (i, j)]
    return [*rest, areas[i].with_(areas[j])]


def _squared(area: _Area, least: float, width_px: int, height_px: int) -> Region:
    """With its surroundings, moved into the picture; as wide or high as the picture where that is less than the side."""
    side = max(CONTEXT * area.side, least)
    x1, x2 = _within((area.x1 + area.x2) / 2, side, width_px)
    y1, y2 = _within((area.y1 + area.y2) / 2, side, height_px)
    return _whole_pixels(x1, y1, x2, y2, width_px, height_px)


def _within(middle: float, side: float, length_px: int) -> tuple[float, float]:
    side = min(side, float(length_px))
    start = min(max(0.0, middle - side / 2), length_px - side)
    return start, start + side


def _whole_pixels(x1: float, y1: float, x2: float, y2: float, width_px: int, height_px: int) -> Region:
    left, top = int(x1) // _EVEN * _EVEN, int(y1) // _EVEN * _EVEN
    right = min(width_px // _EVEN * _EVEN, math.ceil(x2 / _EVEN) * _EVEN)
    low = min(height_px // _EVEN * _EVEN, math.ceil(y2 / _EVEN) * _EVEN)
    return Region(left, top, max(_EVEN, right - left), max(_EVEN, low - top))
