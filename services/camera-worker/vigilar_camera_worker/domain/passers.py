"""Who was where in the last minutes: to whom something left behind may belong, and how large people are at a place."""

from __future__ import annotations

import statistics
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from vigilar_camera_worker.domain.kinds import Kind
from vigilar_camera_worker.domain.looks import Rect
from vigilar_camera_worker.domain.object_tracker import Followed

MAX_PASSAGES: Final = 2_000
MAX_PERSONS: Final = 400
LEVEL: Final = 0.1
"""Persons whose feet are so near to a height of the picture say how large one is there."""
LEAST_PERSONS: Final = 3
REACH: Final = 0.5
"""Of its own height: so near somebody came to what he put down."""


@dataclass(frozen=True)
class Passage:
    """Somebody at one moment."""

    wall_ms: int
    track_id: str
    object_class: str
    kind: Kind
    box: Rect


def passages(present: Iterable[Followed], wall_ms: int) -> list[Passage]:
    """Who is told of and was seen at that moment."""
    return [
        Passage(wall_ms, item.track.track_id, item.track.object_class, item.track.kind, item.track.box)
        for item in present
        if item.track.announced and item.track.last_ms == wall_ms
    ]


class Passers:
    """Thread-safe: filled where objects are followed, asked where pictures are looked at."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._passages: deque[Passage] = deque(maxlen=MAX_PASSAGES)
        self._persons: deque[tuple[float, float]] = deque(maxlen=MAX_PERSONS)
        """(place of the feet, height), parts of the picture's height."""

    def add(self, passages: Iterable[Passage]) -> None:
        with self._lock:
            for passage in passages:
                self._passages.append(passage)
                box = passage.box
                if passage.kind is Kind.PERSON and box.y > 0.01 and box.y + box.h < 0.99:
                    self._persons.append((box.y + box.h, box.h))

    def near(self, box: Rect, aspect: float, from_ms: int, to_ms: int) -> Passage | None:
        """The person or vehicle that came nearest to the box in that time, within its reach. ``aspect``: width by height."""
        best: tuple[float, Passage] | None = None
        for passage in self._within(from_ms, to_ms):
            if passage.kind not in (Kind.PERSON, Kind.VEHICLE):
                continue
            away = _gap(passage.box, box, aspect) / max(1e-6, passage.box.h)
            if away <= REACH and (best is None or away < best[0]):
                best = (away, passage)
        return best[1] if best else None

    def covered(self, box: Rect, from_ms: int, to_ms: int, share: float = 0.3) -> Passage | None:
        """Who or what stood over so much of the box in that time."""
        for passage in self._within(from_ms, to_ms):
            if box.inside(passage.box) >= share:
                return passage
        return None

    def person_height(self, foot: float) -> float | None:
        """Of somebody who stands there, in parts of the picture's height; None: too few have."""
        with self._lock:
            heights = [height for at, height in self._persons if abs(at - foot) <= LEVEL]
        return statistics.median(heights) if len(heights) >= LEAST_PERSONS else None

    def _within(self, from_ms: int, to_ms: int) -> list[Passage]:
        with self._lock:
            return [passage for passage in self._passages if from_ms <= passage.wall_ms <= to_ms]


def _gap(one: Rect, other: Rect, aspect: float) -> float:
    """Between two boxes, in parts of the picture's height; 0 where they touch."""
    across = max(one.x - (other.x + other.w), other.x - (one.x + one.w), 0.0) * aspect
    down = max(one.y - (other.y + other.h), other.y - (one.y + one.h), 0.0)
    return float((across**2 + down**2) ** 0.5)
