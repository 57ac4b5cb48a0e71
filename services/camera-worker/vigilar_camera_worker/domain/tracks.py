"""Which moving area of one look is which of the next, and how far it has come."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

REACH_SIZES: Final = 0.25
REACH_SIZES_PER_S: Final = 1.5
"""Between two looks an area may leave a gap of so much of its size (the root of its area), and so much more for each second."""
FAST_SIZES_PER_S: Final = 3.5
FAST_S: Final = 0.6
"""What covers so many of its own sizes in a second (an insect at the lens) must be seen for so long."""
STRICT_WITHIN_S: Final = 0.5
STRICT_SIZES: Final = 0.1
MOST_GROWTH: Final = 2.5
FORGET_S: Final = 2.5
MAX_TRACKS: Final = 64
Rectangle = tuple[int, int, int, int]
"""x, y, width, height in pixels."""


@dataclass
class Track:
    """One moving area over time. ``travelled_px``: the largest distance of its centre from where it was first seen."""

    box: Rectangle
    first_s: float
    last_s: float
    origin: tuple[float, float]
    seen: int = 1
    travelled_px: float = 0.0

    @property
    def followed(self) -> bool:
        """Seen again where it could have got to; what is fast, for longer."""
        if self.seen < 2:
            return False
        lasted_s = self.last_s - self.first_s
        size = _size(self.box)
        return lasted_s >= FAST_S or self.travelled_px <= FAST_SIZES_PER_S * size * max(lasted_s, 0.1)

    @property
    def travels(self) -> bool:
        """It has left its place; leaves and flags come back to theirs."""
        return self.travelled_px > 0.5 * self.box[2] + 1 or self.travelled_px > 0.5 * self.box[3] + 1

    def _gap_px(self, box: Rectangle) -> float:
        x, y, w, h = self.box
        across = max(box[0] - (x + w), x - (box[0] + box[2]), 0)
        down = max(box[1] - (y + h), y - (box[1] + box[3]), 0)
        return float(max(across, down))

    def could_be(self, box: Rectangle, time_s: float, strict: bool) -> bool:
        size = max(_size(self.box), _size(box))
        if size > MOST_GROWTH * min(_size(self.box), _size(box)):
            return False
        if strict:
            return time_s - self.last_s <= STRICT_WITHIN_S and self._gap_px(box) <= STRICT_SIZES * size
        reach_px = size * (REACH_SIZES + REACH_SIZES_PER_S * (time_s - self.last_s))
        return self._gap_px(box) <= reach_px

    def take(self, box: Rectangle, time_s: float) -> None:
        x, y = _centre(box)
        self.box, self.last_s, self.seen = box, time_s, self.seen + 1
        away = math.hypot(x - self.origin[0], y - self.origin[1])
        self.travelled_px = max(self.travelled_px, away)


class Tracks:
    """Bounded."""

    def __init__(self) -> None:
        self._tracks: list[Track] = []
        self._fleeting = 0

    def update(self, boxes: Sequence[Rectangle], time_s: float, strict: bool = False) -> list[Track]:
        """The track of each box, in their order. ``strict``: among much else that moves, where chance brings boxes
        near each other."""
        alive = []
        for track in self._tracks:
            if time_s - track.last_s <= FORGET_S:
                alive.append(track)
            else:
                self._fleeting += not track.followed
        self._tracks = alive
        free, found = list(alive), []
        for box in boxes:
            near = [track for track in free if track.could_be(box, time_s, strict)]
            if near:
                track = min(near, key=lambda item: _distance(item.box, box))
                free = [item for item in free if item is not track]
                track.take(box, time_s)
            else:
                track = Track(box, time_s, time_s, _centre(box))
                self._tracks.append(track)
            found.append(track)
        self._tracks = self._tracks[-MAX_TRACKS:]
        return found

    def take_fleeting(self) -> int:
        """How many have gone since the last call that were seen a single time or too fast to be followed."""
        count, self._fleeting = self._fleeting, 0
        return count


def _size(box: Rectangle) -> float:
    return max(1.0, math.sqrt(box[2] * box[3]))


def _centre(box: Rectangle) -> tuple[float, float]:
    return box[0] + box[2] / 2, box[1] + box[3] / 2


def _distance(one: Rectangle, other: Rectangle) -> float:
    (x1, y1), (x2, y2) = _centre(one), _centre(other)
    return abs(x1 - x2) + abs(y1 - y2)
