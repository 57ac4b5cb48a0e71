"""Scripted objects for the tracker: where they are at each moment, and the looks that a detector would give of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from vigilar_camera_worker.domain.looks import WHOLE, Look, Rect, Seen
from vigilar_camera_worker.domain.object_tracker import (
    GONE_S,
    HIDDEN_S,
    Appeared,
    Changed,
    Left,
    News,
    ObjectTracker,
    Suppressed,
)
from vigilar_camera_worker.domain.whereabouts import Change, Line, Places
from vigilar_camera_worker.domain.zones import zone_map

ASPECT = 16 / 9
START_MS = 1_750_000_000_000
STEP_MS = 200
LONGER_S = HIDDEN_S - GONE_S
"""Scenes go on for so long: who vanishes in the middle of the picture is waited for."""
PERSON = (0.05, 0.25)
CAR = (0.16, 0.14)


@dataclass(frozen=True)
class Actor:
    """Goes in a straight line from `start` to `end` (centres) between two moments; before and after it is not there."""

    name: str
    start: tuple[float, float]
    end: tuple[float, float]
    from_s: float = 0.0
    to_s: float = 10.0
    size: tuple[float, float] = PERSON
    score: float = 0.8

    def at(self, time_s: float) -> Seen | None:
        if not self.from_s <= time_s <= self.to_s:
            return None
        share = (time_s - self.from_s) / max(1e-9, self.to_s - self.from_s)
        x = self.start[0] + share * (self.end[0] - self.start[0])
        y = self.start[1] + share * (self.end[1] - self.start[1])
        w, h = self.size
        return Seen(self.name, self.score, Rect(x - w / 2, y - h / 2, w, h))


def places(
    zones: dict[str, list[tuple[float, float]]] | None = None,
    lines: Sequence[Line] = (),
    loiter_s: float = 0.0,
    exclude: Sequence[list[tuple[float, float]]] = (),
) -> Places:
    include = list((zones or {}).items())
    # A named zone alone would make all else not count, as it does for motion.
    everywhere = [((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))]
    return Places(zone_map(320, 180, everywhere, include, exclude), tuple(lines), loiter_s)


def tracker(where: Places | None = None, threshold: float = 0.5) -> ObjectTracker:
    numbers = itertools.count(1)
    return ObjectTracker(threshold, where or places(), ASPECT, lambda: f"track-{next(numbers)}")


def looks(
    actors: Iterable[Actor],
    to_s: float,
    from_s: float = 0.0,
    area: Callable[[float], Rect] = lambda _time_s: WHOLE,
    step_ms: int = STEP_MS,
) -> list[Look]:
    """One look every `step_ms`; who is mostly outside of its area is not in it."""
    cast, found = list(actors), []
    for now_ms in range(round(from_s * 1000), round((to_s + LONGER_S) * 1000) + 1, step_ms):
        part = area(now_ms / 1000)
        there = [seen for actor in cast if (seen := actor.at(now_ms / 1000)) is not None]
        within = tuple(seen for seen in there if seen.box.clipped().inside(part) >= 0.5)
        found.append(Look(START_MS + now_ms, within, part))
    return found


def play(subject: ObjectTracker, scene: Iterable[Look]) -> list[str]:
    """What is told, in words: `+person`, `zone_entered door`, `line_crossed gate in`, `-person gone`."""
    return [words(item) for look in scene for item in subject.look(look)]


def words(news: News) -> str:
    match news:
        case Appeared(followed):
            return f"+{followed.track.object_class}"
        case Left(followed, reason):
            return f"-{followed.track.object_class} {reason.value}"
        case Suppressed(followed, _):
            return f"({followed.track.object_class})"
        case Changed(_, step):
            what = step.what.value if step.what is not Change.CLASS else "class"
            return " ".join(word for word in (what, step.name, step.direction) if word)
