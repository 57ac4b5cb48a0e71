"""One object as long as it stays in sight: what it is, where it is and was, how it moves, when it is seen best.

Lengths are in *sizes*: the root of the box's area, both sides in parts of the picture's height. So the same walk has the
same length near the camera and far from it.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median
from typing import Final

from vigilar_camera_worker.domain.kinds import Kind, kind_of
from vigilar_camera_worker.domain.looks import EDGE, Rect, Seen
from vigilar_camera_worker.domain.vehicle_votes import VehicleVotes
from vigilar_camera_worker.domain.way import Way

SCORES_KEPT: Final = 32
SMOOTHING: Final = 0.5
"""Weight of the newest step in the velocity."""
PREDICT_S: Final = 1.0
"""So far ahead a velocity is believed."""
STEADY: Final = 1.2
"""Another class must have so many times the votes before the track takes it."""
STILL_SIZES: Final = 0.15
"""What stays this near to one place is still."""
BEST_SIZE: Final = 0.3
"""Of the picture's height; what is larger makes no better picture."""
DIRECTION_SIZES: Final = 0.5
"""A shorter way has no direction."""


class Speed(StrEnum):
    """Sizes per second over the whole way: below 0.1, 0.6 (a stroll), 2 (a run), more."""

    STILL = "still"
    SLOW = "slow"
    MEDIUM = "medium"
    FAST = "fast"


_SPEEDS: Final = ((0.1, Speed.STILL), (0.6, Speed.SLOW), (2.0, Speed.MEDIUM))
_DIRECTIONS: Final = ("right", "down_right", "down", "down_left", "left", "up_left", "up", "up_right")


@dataclass(frozen=True)
class Best:
    """A moment and how well it shows the object.

    ``quality``: score × size (1 from BEST_SIZE on) × what of it nothing else hides × 0.6 at the picture's edge × 0.5
    where the crop cut it.
    """

    wall_ms: int
    box: Rect
    quality: float


@dataclass
class ObjectTrack:
    """Fed by the tracker in order of time."""

    track_id: str
    aspect: float
    """Width of the picture by its height."""
    first_s: float
    first_ms: int
    box: Rect
    last_s: float = 0.0
    last_ms: int = 0
    hits: int = 0
    misses: int = 0
    """Looks in a row that covered its place and did not show it."""
    velocity: tuple[float, float] = (0.0, 0.0)
    """Parts of the picture's width and height per second."""
    votes: dict[str, float] = field(default_factory=dict)
    object_class: str = ""
    scores: deque[float] = field(default_factory=lambda: deque(maxlen=SCORES_KEPT))
    origin: Rect | None = None
    travelled: float = 0.0
    """Largest distance of its centre from where it was first seen, in sizes."""
    steps: int = 0
    """By so many looks it got further away from there, each time by more than jitter."""
    way: float = 0.0
    """Length of its whole way, in sizes, jitter left out."""
    moved_looks: int = 0
    """Looks in which most of it lay where something moved."""
    anchor: Rect | None = None
    still_since_s: float = 0.0
    usual: float = 0.0
    """Its size of late, looks that cut it left out."""
    best: Best | None = None
    newest: Best | None = None
    """How well its last look shows it."""
    announced: bool = False
    resting: bool = False
    vehicle: VehicleVotes = field(default_factory=VehicleVotes)
    went: Way = field(default_factory=Way)

    @property
    def kind(self) -> Kind:
        return kind_of(self.object_class)

    @property
    def score(self) -> float:
        """Of the track: the median of its newest looks. One lucky frame makes no object."""
        return median(self.scores) if self.scores else 0.0

    @property
    def sure(self) -> float:
        """Which part of all votes its class has, 0–1."""
        whole = sum(self.votes.values())
        return self.votes.get(self.object_class, 0.0) / whole if whole > 0 else 0.0

    @property
    def size(self) -> float:
        return math.sqrt(self.box.area * self.aspect)

    def distance(self, box: Rect, other: Rect) -> float:
        """Between two centres, in parts of the picture's height."""
        (x1, y1), (x2, y2) = box.centre, other.centre
        return math.hypot((x1 - x2) * self.aspect, y1 - y2)

    def predicted(self, time_s: float) -> Rect:
        ahead_s = max(-PREDICT_S, min(PREDICT_S, time_s - self.last_s))
        return self.box.moved(self.velocity[0] * ahead_s, self.velocity[1] * ahead_s)

    def vote(self, seen: Seen) -> None:
        weight = seen.score * (0.5 if seen.cut else 1.0)
        self.votes[seen.object_class] = self.votes.get(seen.object_class, 0.0) + weight
        leader = max(self.votes, key=self.votes.__getitem__)
        if not self.object_class or self.votes[leader] > STEADY * self.votes.get(self.object_class, 0.0):
            self.object_class = leader

    def take(self, seen: Seen, time_s: float, wall_ms: int, moving: bool = False) -> None:
        """Seen again at a time not before the last one."""
        self.vote(seen)
        self.scores.append(seen.score)
        self.moved_looks += moving
        if seen.vehicle is not None:
            self.vehicle.add(
                seen.vehicle, seen.score * (0.3 if seen.cut else 1.0) * min(1.0, self.size / BEST_SIZE)
            )
        first = self.hits == 0
        if seen.cut and not first and seen.box.area < 0.8 * self.box.area:
            self._seen_at(
                time_s, wall_ms
            )  # a part of it: where all of it is, is not known better than before
            return
        before, passed_s = self.box, time_s - self.last_s
        self.box = seen.box
        self.usual = self.size if first or not self.usual else 0.8 * self.usual + 0.2 * self.size
        if first:
            self.origin = self.anchor = seen.box
            self.still_since_s = time_s
        elif passed_s > 0:
            self._moved(before, passed_s, time_s)
        self._seen_at(time_s, wall_ms)

    def picture(self, seen: Seen, wall_ms: int, hidden: float) -> None:
        """Whether this look shows it better than any before; `hidden`: the part that others cover, 0–1."""
        size = min(1.0, math.sqrt(seen.box.area * self.aspect) / BEST_SIZE)
        quality = seen.score * size * (1.0 - 0.7 * min(1.0, max(0.0, hidden)))
        box = seen.box
        if box.x <= EDGE or box.y <= EDGE or box.x + box.w >= 1 - EDGE or box.y + box.h >= 1 - EDGE:
            quality *= 0.6
        if seen.cut:
            quality *= 0.5
        self.newest = Best(wall_ms, box, quality)
        if self.best is None or quality > self.best.quality:
            self.best = self.newest

    def still_s(self, time_s: float) -> float:
        return max(0.0, time_s - self.still_since_s)

    @property
    def shifted(self) -> float:
        """How far all of it is from where it was first seen, in sizes: as far as opposite edges went the same way. A box
        that shows more or less of something, or two things as one, grows or shrinks on one side."""
        if self.origin is None:
            return 0.0
        old, new = self.origin, self.box
        across = _same_way(new.x - old.x, new.x + new.w - old.x - old.w) * self.aspect
        down = _same_way(new.y - old.y, new.y + new.h - old.y - old.h)
        return math.hypot(across, down) / max(1e-6, math.sqrt(max(old.area, new.area) * self.aspect))

    @property
    def grown(self) -> float:
        """How many times larger it is than when it was first seen, by area: it comes nearer."""
        return self.box.area / max(1e-9, self.origin.area) if self.origin is not None else 1.0

    @property
    def lasted_s(self) -> float:
        return self.last_s - self.first_s

    @property
    def speed(self) -> Speed:
        if self.lasted_s <= 0:
            return Speed.STILL
        rate = self.way / self.lasted_s
        return next((speed for limit, speed in _SPEEDS if rate < limit), Speed.FAST)

    @property
    def direction(self) -> str:
        """From where it was first seen to where it is, in the picture; empty where it did not get far."""
        if self.origin is None or self.size <= 0:
            return ""
        if self.distance(self.origin, self.box) < DIRECTION_SIZES * self.size:
            return ""
        (x1, y1), (x2, y2) = self.origin.centre, self.box.centre
        turn = math.atan2(y2 - y1, (x2 - x1) * self.aspect)
        return _DIRECTIONS[round(turn / (math.pi / 4)) % 8]

    def _seen_at(self, time_s: float, wall_ms: int) -> None:
        self.last_s, self.last_ms = time_s, wall_ms
        self.went.add(wall_ms, self.box)
        self.hits, self.misses = self.hits + 1, 0

    def _moved(self, before: Rect, passed_s: float, time_s: float) -> None:
        (x1, y1), (x2, y2) = before.centre, self.box.centre
        passed_s = max(passed_s, 0.02)
        across, down = (x2 - x1) / passed_s, (y2 - y1) / passed_s
        if self.hits > 1:
            across = SMOOTHING * across + (1 - SMOOTHING) * self.velocity[0]
            down = SMOOTHING * down + (1 - SMOOTHING) * self.velocity[1]
        self.velocity = (across, down)
        size = max(self.size, 1e-6)
        assert self.origin is not None
        assert self.anchor is not None
        far = self.distance(self.origin, self.box) / size
        if far > self.travelled + STILL_SIZES:
            self.steps, self.travelled = self.steps + 1, far
        from_anchor = self.distance(self.anchor, self.box) / size
        if from_anchor > STILL_SIZES:
            self.way += from_anchor
            self.anchor, self.still_since_s = self.box, time_s


def _same_way(one: float, other: float) -> float:
    """What both have in common."""
    return math.copysign(min(abs(one), abs(other)), one) if one * other > 0 else 0.0
