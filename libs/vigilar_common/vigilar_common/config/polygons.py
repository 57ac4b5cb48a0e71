"""Whether the corners of a zone enclose an area."""

from __future__ import annotations

from collections.abc import Sequence

Point = tuple[float, float]

LEAST_SHARE = 0.0001
"""Of the picture; a smaller zone is a mistake: 23 of the 230,400 pixels of 640×360."""


def polygon_problem(corners: Sequence[Point]) -> str:
    """What is wrong with a polygon whose corners are 0–1 of width and height; "" when nothing is.

    Corners that repeat the one before, or the first at the end, are taken as one. Corners count from 1.
    """
    ring = [point for at, point in enumerate(corners) if at == 0 or point != corners[at - 1]]
    if len(ring) > 1 and ring[0] == ring[-1]:
        ring.pop()
    if len(ring) < 3:
        return "has fewer than three different corners"
    for first in range(len(ring)):
        for second in range(first + 1, len(ring)):
            if _touch(ring, first, second):
                return (
                    f"crosses itself: its sides {first + 1} and {second + 1} meet; give the corners in order"
                )
    area = (
        abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in zip(ring, ring[1:] + ring[:1], strict=True))) / 2
    )
    if area < LEAST_SHARE:
        return "covers next to nothing: corners are all 0–1, or all pixels of resolution_motion"
    return ""


def _touch(ring: list[Point], first: int, second: int) -> bool:
    """Whether two sides meet where they must not; neighbours share a corner, but may not lie on one another."""
    count = len(ring)
    a, b = ring[first], ring[(first + 1) % count]
    c, d = ring[second], ring[(second + 1) % count]
    if second == first + 1:
        return _turn(a, b, d) == 0 and _back(a, b, d)
    if (second + 1) % count == first:
        return _turn(c, d, b) == 0 and _back(c, d, b)
    one, two, three, four = _turn(a, b, c), _turn(a, b, d), _turn(c, d, a), _turn(c, d, b)
    if one * two < 0 and three * four < 0:
        return True
    on = ((one, a, b, c), (two, a, b, d), (three, c, d, a), (four, c, d, b))
    return any(turn == 0 and _between(p, q, r) for turn, p, q, r in on)


def _turn(a: Point, b: Point, c: Point) -> int:
    """1 to the left, -1 to the right, 0 straight on."""
    value = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    return 0 if abs(value) < 1e-12 else 1 if value > 0 else -1


def _back(a: Point, b: Point, c: Point) -> bool:
    return (b[0] - a[0]) * (c[0] - b[0]) + (b[1] - a[1]) * (c[1] - b[1]) < 0


def _between(a: Point, b: Point, c: Point) -> bool:
    return min(a[0], b[0]) <= c[0] <= max(a[0], b[0]) and min(a[1], b[1]) <= c[1] <= max(a[1], b[1])
