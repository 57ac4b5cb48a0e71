"""An object that was lost and is found again, and how far one can have gone meanwhile."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from vigilar_camera_worker.domain.object_track import ObjectTrack

REACH: Final = 0.7
REACH_PER_S: Final = 1.2
"""So many sizes an object may be away from where it is expected, and so many more for each second it was not seen."""
REACH_S: Final = 2.0
MOST_GROWTH: Final = 1.7
"""By so many times an object may be larger or smaller than it was of late; half of it, seen first, by the square."""
SAME_SIZES: Final = 0.8
"""Two that are seen by turns and this near to one another are one."""
NEAR_EDGE_SIZES: Final = 1.0


def reach_sizes(unseen_s: float) -> float:
    return REACH + REACH_PER_S * min(REACH_S, unseen_s)


def is_inside(track: ObjectTrack) -> bool:
    """It is nowhere near a way out of the picture."""
    across, down = NEAR_EDGE_SIZES * track.usual / track.aspect, NEAR_EDGE_SIZES * track.usual
    x, y = track.box.centre
    return across <= x <= 1 - across and down <= y <= 1 - down


def known_before(track: ObjectTrack, others: Iterable[ObjectTrack]) -> ObjectTrack | None:
    """The told one that this is: it was lost where this began, or the two are seen by turns in one place."""
    shares = [(share, other) for other in others if (share := _distance(track, other)) <= 1]
    return min(shares, key=lambda found: found[0])[1] if shares else None


def _distance(track: ObjectTrack, old: ObjectTrack) -> float:
    """Of how far it can be, 0–1; more: it is another one."""
    if not old.announced or old.kind is not track.kind or old.last_s >= track.last_s:
        return 2.0
    if not 1 / MOST_GROWTH**2 <= old.usual / max(1e-6, track.usual) <= MOST_GROWTH**2:
        return 2.0
    assert track.origin is not None
    unseen_s = track.first_s - old.last_s
    if unseen_s > 0:
        reach, away = reach_sizes(unseen_s), old.distance(old.predicted(track.first_s), track.origin)
    else:
        reach, away = SAME_SIZES, old.distance(old.box, track.box)
    return away / max(1e-6, reach * (old.usual + track.usual) / 2)


def go_on_as(old: ObjectTrack, new: ObjectTrack) -> None:
    """One object: its first track has what is told, its second where it is now."""
    old.box, old.velocity, old.usual = new.box, new.velocity, new.usual
    old.last_s, old.last_ms, old.misses = new.last_s, new.last_ms, 0
    old.hits += new.hits
    old.scores.extend(new.scores)
    old.still_since_s, old.anchor = new.still_since_s, new.anchor
    old.newest = new.newest
    if new.best is not None and (old.best is None or new.best.quality > old.best.quality):
        old.best = new.best
