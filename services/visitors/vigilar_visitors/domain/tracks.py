"""One identification per track: the looks at one person while a camera follows it, and what they say together."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from vigilar_visitors.domain.gallery import Gallery, Match, Vector

MAX_TRACKS: Final = 64
MAX_LOOKS: Final = 5
"""The best ones of a track."""
SILENT_S: Final = 1_800.0
"""A track of which nothing was heard for so long has ended, although nobody said so."""
LOOKS_TO_SETTLE: Final = 2
"""So many looks agree before somebody is named who is not beyond doubt, or is new."""
LEAST_NEW_QUALITY: Final = 0.45
"""A stranger is remembered by a better picture than an acquaintance is recognised in."""


@dataclass(frozen=True)
class Look:
    """One face of the track that was good enough. `crop` is the picture of it, sealed by nobody yet."""

    ts_ms: int
    vector: Vector
    quality: float
    crop: bytes = field(repr=False)


@dataclass
class Track:
    camera_id: str
    track_id: str
    heard_s: float
    looks: list[Look] = field(default_factory=list)
    profile_id: str = ""
    """Whose it is; empty while that is open."""
    improved: int = 0

    @property
    def best(self) -> Look:
        return max(self.looks, key=lambda look: look.quality)


@dataclass(frozen=True)
class Verdict:
    """`match` is None for a face that nobody has met."""

    match: Match | None


class Tracks:
    """Not thread-safe."""

    def __init__(self) -> None:
        self._open: OrderedDict[tuple[str, str], Track] = OrderedDict()

    def __len__(self) -> int:
        return len(self._open)

    def get(self, camera_id: str, track_id: str) -> Track | None:
        return self._open.get((camera_id, track_id))

    def hear(self, camera_id: str, track_id: str, now_s: float) -> tuple[Track, Track | None]:
        """The track, and the one that had to end because there were too many."""
        key = (camera_id, track_id)
        pushed = None
        if key not in self._open:
            if len(self._open) >= MAX_TRACKS:
                pushed = self._open.popitem(last=False)[1]
            self._open[key] = Track(camera_id, track_id, now_s)
        self._open.move_to_end(key)
        self._open[key].heard_s = now_s
        return self._open[key], pushed

    def end(self, camera_id: str, track_id: str) -> Track | None:
        return self._open.pop((camera_id, track_id), None)

    def silent(self, now_s: float) -> list[Track]:
        """Takes out those that nothing was heard of."""
        gone = [track for track in self._open.values() if now_s - track.heard_s > SILENT_S]
        for track in gone:
            del self._open[track.camera_id, track.track_id]
        return gone

    def of_profile(self, profile_id: str) -> list[Track]:
        return [track for track in self._open.values() if track.profile_id == profile_id]


def take(track: Track, look: Look) -> None:
    """Keeps the best looks."""
    track.looks.append(look)
    track.improved += look is track.best
    if len(track.looks) > MAX_LOOKS:
        track.looks.remove(min(track.looks, key=lambda one: one.quality))


def judge(track: Track, gallery: Gallery, ending: bool) -> Verdict | None:
    """Who it is, once that can be said: None while more looks may come that say it better."""
    if not track.looks:
        return None
    match = gallery.match([(look.vector, look.quality) for look in track.looks])
    settled = ending or len(track.looks) >= LOOKS_TO_SETTLE
    if match is not None:
        return Verdict(match) if settled or match.sure else None
    return Verdict(None) if settled and track.best.quality >= LEAST_NEW_QUALITY else None
