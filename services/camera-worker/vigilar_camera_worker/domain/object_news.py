"""What the tracker says of an object, and why it says no more."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum

from vigilar_camera_worker.domain.likeness import LIKES_KEPT, Held, Likeness, View
from vigilar_camera_worker.domain.object_track import ObjectTrack
from vigilar_camera_worker.domain.whereabouts import Step, Whereabouts


class Reason(StrEnum):
    """Why an object is told no longer."""

    GONE = "gone"
    RESTS = "rests"
    UNSEEN = "unseen"
    """Nobody looked where it was for long."""
    INTERRUPTED = "interrupted"
    """The camera, the detector or the search ended."""


@dataclass
class Followed:
    """A track and where it went."""

    track: ObjectTrack
    where: Whereabouts = field(default_factory=Whereabouts)
    first_cut: bool = False
    """Only parts of it were seen so far."""
    away_looks: int = 0
    told_class: str = ""
    rose_from: ObjectTrack | None = None
    """What rested where this was seen first."""
    held: Held | None = None
    """Why it is not told although it would be."""
    likes: deque[Likeness | None] = field(default_factory=lambda: deque(maxlen=LIKES_KEPT))
    """Of each of its newest looks: the mark that it is like."""
    views: list[View] = field(default_factory=list)

    @property
    def drove_off(self) -> bool:
        """It had rested there itself: its place is empty."""
        return self.rose_from is not None and self.rose_from.misses > 0


@dataclass(frozen=True)
class Appeared:
    """`followed` goes on changing: read it at once."""

    followed: Followed


@dataclass(frozen=True)
class Changed:
    followed: Followed
    step: Step


@dataclass(frozen=True)
class Left:
    followed: Followed
    reason: Reason


@dataclass(frozen=True)
class Suppressed:
    """It is over, and was never told though it would have been."""

    followed: Followed
    why: Held


News = Appeared | Changed | Left | Suppressed
