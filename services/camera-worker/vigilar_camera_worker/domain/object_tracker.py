"""From looks to objects: which box is which object of before, what is told of it, and what lets rest.

Only what a look covered can be missed in it: a crop that shows the door says nothing of who stands at the gate. Looks may
come late, twice, or not at all. Pure; belongs to one thread.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Final

from vigilar_camera_worker.domain.kinds import Kind
from vigilar_camera_worker.domain.likeness import Held, Marks, add_view, held_by
from vigilar_camera_worker.domain.looks import Look, Rect, Seen, clean
from vigilar_camera_worker.domain.object_again import (
    MOST_GROWTH,
    go_on_as,
    is_inside,
    known_before,
    reach_sizes,
)
from vigilar_camera_worker.domain.object_news import Appeared as Appeared
from vigilar_camera_worker.domain.object_news import Changed as Changed
from vigilar_camera_worker.domain.object_news import Followed as Followed
from vigilar_camera_worker.domain.object_news import Left as Left
from vigilar_camera_worker.domain.object_news import News as News
from vigilar_camera_worker.domain.object_news import Reason as Reason
from vigilar_camera_worker.domain.object_news import Suppressed as Suppressed
from vigilar_camera_worker.domain.object_track import ObjectTrack
from vigilar_camera_worker.domain.whereabouts import Change, Places, Step

MAX_TRACKS: Final = 64
LATE_S: Final = 1.0
"""A look that is older than the newest one by more than this is left out."""
RESTART_S: Final = 30.0
"""One that is older by more than this is of another stream: everything begins anew."""
EXTEND: Final = 0.7
BEGIN: Final = 0.9
"""Of the threshold a score must reach to go on with a track, and to begin one; a track is told by its own score."""
COVERED: Final = 0.6
"""Of its box a look must have covered before it is missed in it."""
GONE_S: Final = 4.0
HIDDEN_S: Final = 6.0
"""The same of what was not at the picture's edge: people do not vanish, they are behind something."""
KNOWN_FIRST: Final = 0.4
"""What is told has this advantage over a track that was just begun."""
GONE_MISSES: Final = 3
"""Both must have come true before an object has left."""
FORGET_MISSES: Final = 2
"""The same of what was not told yet."""
STALE_S: Final = 30.0
"""Nobody looked where it was for so long: it is not known any more."""
REST_S: Final = 10.0
REST_UNTOLD_S: Final = 45.0
REST_MISSES: Final = 5
"""Vehicles and things that are still for this long let rest; what never moved, whatever it is, after the second time."""
REST_IOU: Final = 0.5
ROSE_IOU: Final = 0.15
"""What begins so near to what rests is that, driving off, if its place turns out empty."""
SURE_HITS: Final = 4
SURE_S: Final = 0.4
SWIFT_HITS: Final = 2
SWIFT_SCORE: Final = 0.8
"""Told after four looks and 0.4 s (of fewer a crowd makes people who are none); after two when the track is as sure as this."""
ALIVE_SIZES: Final = 0.25
"""So far from where it was first seen is moved, for what lives."""
DRIVEN_SIZES: Final = 0.5
DRIVEN_BLIND_SIZES: Final = 1.0
DRIVEN_STEPS: Final = 2
"""The same of vehicles and things: all of it, by several looks (between two parked cars a box jumps at once), and twice as
far where nothing was seen to move."""
COME_NEARER: Final = 3.0
"""Or so many times larger: more than one look can bring."""
MOVING_LOOKS: Final = 2
MOVING_SHARE: Final = 0.3
"""In so many looks so much of it lay where something moved: for what lives that alone is enough."""


class ObjectTracker:
    """``look`` for each answer of the detector, ``tick`` now and then, ``end`` when nothing is looked at any more."""

    def __init__(self, threshold: float, places: Places, aspect: float, new_id: Callable[[], str]) -> None:
        self.places = places
        self.marks = Marks()
        """What the owner has marked as wrong here."""
        self.aspect = aspect
        self._threshold, self._new_id = threshold, new_id
        self._tracks: list[Followed] = []
        self._newest_s: float | None = None
        self.counters = {
            "object_looks": 0,
            "object_looks_late": 0,
            "object_boxes_refused": 0,
            "object_tracks": 0,
            "object_tracks_refused": 0,
            "objects_told": 0,
            "objects_rested": 0,
            "objects_found_again": 0,
        }

    @property
    def present(self) -> list[Followed]:
        """What was told and is still there, and the vehicles and things that rest: what a house may count."""
        return [
            item
            for item in self._tracks
            if item.track.announced
            or (
                item.track.resting
                and not item.track.kind.alive
                and item.track.score >= self._threshold
                and self._held_back(item) is None
            )
        ]  # fmt: skip

    @property
    def busy(self) -> bool:
        """Something may end by itself."""
        return any(not item.track.resting for item in self._tracks)

    def resting(self) -> list[Rect]:
        """Where nothing new is to be expected while nothing moves there."""
        return [item.track.box for item in list(self._tracks) if item.track.resting]

    def followed(self) -> list[Followed]:
        """All that is followed, newest first; from any thread."""
        return sorted(self._tracks, key=lambda item: item.track.first_s, reverse=True)

    def expected(self) -> list[Rect]:
        """Where what does not rest was seen last."""
        return [item.track.box for item in list(self._tracks) if not item.track.resting]

    def look(self, look: Look) -> list[News]:
        kept, refused = clean(look)
        self.counters["object_boxes_refused"] += refused
        if kept is None:
            return []
        news: list[News] = []
        if self._newest_s is not None and kept.time_s < self._newest_s - RESTART_S:
            news += self.end(Reason.INTERRUPTED)
        if self._newest_s is not None and kept.time_s < self._newest_s - LATE_S:
            self.counters["object_looks_late"] += 1
            return news
        self.counters["object_looks"] += 1
        self._newest_s = max(self._newest_s or kept.time_s, kept.time_s)
        seen = [item for item in kept.objects if item.score >= EXTEND * self._threshold]
        free = self._extend(kept, seen)
        self._miss(kept)
        for item in free:
            self._begin(item, kept)
        self._drop_doubles()
        for followed in list(self._tracks):
            if followed.track.last_ms == kept.wall_ms:
                news += self._tell(followed, kept)
        return news + self.tick(self._newest_s)

    def tick(self, time_s: float) -> list[News]:
        """What has ended by ``time_s``: seconds of the same wall clock as the looks."""
        news: list[News] = []
        for followed in list(self._tracks):
            reason = self._over(followed.track, time_s)
            if reason is Reason.RESTS:
                followed.track.resting = True
                self.counters["objects_rested"] += 1
            elif reason is not None:
                self._tracks.remove(followed)
            if reason is not None and followed.track.announced:
                followed.track.announced = False
                news.append(Left(followed, reason))
            elif reason is not None and followed.held is not None:
                news.append(Suppressed(followed, followed.held))
                followed.held = None
        return news

    def end(self, reason: Reason = Reason.INTERRUPTED) -> list[News]:
        news: list[News] = [Left(item, reason) for item in self._tracks if item.track.announced]
        news += [Suppressed(item, item.held) for item in self._tracks if item.held is not None]
        self._tracks, self._newest_s = [], None
        return news

    # -- which is which -------------------------------------------------------------------------------

    def _extend(self, look: Look, seen: list[Seen]) -> list[Seen]:
        """Give the boxes to the tracks they belong to, best fits first; the boxes that fit none."""
        fits = [
            (fit, number, index)
            for number, followed in enumerate(self._tracks)
            for index, item in enumerate(seen)
            if (fit := self._fit(followed.track, item, look.time_s)) > 0
        ]
        fits.sort(key=lambda found: (-found[0], found[1], found[2]))
        taken: set[int] = set()
        used: set[int] = set()
        for _, number, index in fits:
            if number not in used and index not in taken:
                used.add(number)
                taken.add(index)
                self._take(self._tracks[number], seen[index], look, seen)
        return [item for index, item in enumerate(seen) if index not in taken]

    def _fit(self, track: ObjectTrack, seen: Seen, time_s: float) -> float:
        """How well a box fits a track; 0: not at all."""
        same = seen.object_class in track.votes
        if track.resting:
            overlap = track.box.iou(seen.box)
            return 1.0 + overlap if overlap >= REST_IOU else 0.0
        expected = track.predicted(time_s)
        overlap = expected.iou(seen.box)
        if not same and overlap < REST_IOU:
            return 0.0
        seen_size = math.sqrt(seen.box.area * self.aspect)
        if not seen.cut and not 1 / MOST_GROWTH <= seen_size / max(1e-6, track.usual) <= MOST_GROWTH:
            return 0.0
        size = (track.size + seen_size) / 2
        unseen_s = abs(time_s - track.last_s)
        reach = reach_sizes(unseen_s) * size
        near = 1.0 - track.distance(expected, seen.box) / reach
        if near <= 0 and overlap < 0.1:
            return 0.0
        known = KNOWN_FIRST * track.announced
        return 0.01 + overlap + 0.5 * max(0.0, near) + 0.1 * same + 0.1 * seen.score + known

    def _take(self, followed: Followed, seen: Seen, look: Look, others: Iterable[Seen]) -> None:
        track = followed.track
        if look.time_s <= track.last_s and track.hits:
            # Another crop of the same moment, or an answer that comes late: nothing is known that was not.
            track.misses = 0
            if look.time_s == track.last_s and seen.box.area > track.box.area and not track.resting:
                track.box = seen.box
            return
        if followed.first_cut and not seen.cut:
            track.box = track.origin = track.anchor = seen.box
            followed.first_cut = False
        place = track.box
        followed.likes.append(self.marks.like(seen))
        add_view(followed.views, seen)
        moving = (
            max((seen.box.shared(box) for box in look.moving), default=0.0) >= MOVING_SHARE * seen.box.area
        )
        track.take(seen, look.time_s, look.wall_ms, moving)
        if track.resting:
            track.box = place  # it keeps its place: what drives off is found beside it
            return
        hidden = max(
            (seen.box.inside(other.box) for other in others if other is not seen and other.box.foot[1] > seen.box.foot[1]),
            default=0.0,
        )  # fmt: skip
        track.picture(seen, look.wall_ms, hidden)

    def _miss(self, look: Look) -> None:
        for followed in self._tracks:
            track = followed.track
            if track.last_s >= look.time_s:
                continue
            there = track.predicted(look.time_s).clipped()  # what has gone out of the picture is in no look
            if there.area < (1 - COVERED) * track.box.area or there.inside(look.area) >= COVERED:
                track.misses += 1

    def _begin(self, seen: Seen, look: Look) -> None:
        if seen.score < BEGIN * self._threshold or any(
            _double(seen, item.track.box) and item.track.last_s >= look.time_s for item in self._tracks
        ):
            return
        if len(self._tracks) >= MAX_TRACKS and not self._make_room():
            self.counters["object_tracks_refused"] += 1
            return
        track = ObjectTrack(self._new_id(), self.aspect, look.time_s, look.wall_ms, seen.box)
        followed = Followed(track, first_cut=seen.cut, rose_from=self._resting_at(seen.box))
        self._tracks.append(followed)
        self.counters["object_tracks"] += 1
        self._take(followed, seen, look, look.objects)

    def _resting_at(self, box: Rect) -> ObjectTrack | None:
        """The resting vehicle or thing that most of this box covers."""
        near = [
            (overlap, item.track)
            for item in self._tracks
            if item.track.resting
            and not item.track.kind.alive
            and (overlap := box.iou(item.track.box)) >= ROSE_IOU
        ]
        return max(near, key=lambda found: found[0])[1] if near else None

    def _make_room(self) -> bool:
        """Forget what was never told and was not seen for the longest time."""
        untold = [item for item in self._tracks if not item.track.announced]
        if not untold:
            return False
        self._tracks.remove(min(untold, key=lambda item: item.track.last_s))
        return True

    def _drop_doubles(self) -> None:
        """Two tracks on one object: the one that was not told goes, of two such the younger."""
        for followed in sorted(self._tracks, key=lambda item: item.track.first_s, reverse=True):
            track = followed.track
            if track.announced or track.resting:
                continue
            for other in self._tracks:
                if (
                    other is not followed
                    and other.track.kind is track.kind
                    and other.track.box.iou(track.box) >= 0.7
                ):
                    self._tracks.remove(followed)
                    break

    # -- what is told ---------------------------------------------------------------------------------

    def _tell(self, followed: Followed, look: Look) -> list[News]:
        track = followed.track
        if track.resting:
            return []
        waits_s = track.lasted_s if track.announced and track.kind is Kind.PERSON else 0.0
        steps = self.places.follow(followed.where, track.box, self.aspect, waits_s, look.time_s)
        if not track.announced:
            followed.away_looks = followed.away_looks + 1 if self._is_away(track) else 0
            if not self._worth_telling(followed):
                return []
            known = known_before(track, (item.track for item in self._tracks))
            if known is not None:
                go_on_as(known, track)
                self._tracks.remove(followed)
                self.counters["objects_found_again"] += 1
                return []
            followed.held = self._held_back(followed)
            if followed.held is not None:
                return []
            track.announced, followed.told_class = True, track.object_class
            self.counters["objects_told"] += 1
            return [Appeared(followed)]
        news: list[News] = [Changed(followed, step) for step in steps]
        if track.object_class != followed.told_class:
            followed.told_class = track.object_class
            news.append(Changed(followed, Step(Change.CLASS, track.object_class)))
        return news

    def _is_away(self, track: ObjectTrack) -> bool:
        assert track.origin is not None
        if track.kind.alive:
            return track.distance(track.origin, track.box) >= ALIVE_SIZES * track.size
        moved = track.moved_looks >= MOVING_LOOKS
        driven = track.shifted >= (DRIVEN_SIZES if moved else DRIVEN_BLIND_SIZES)
        return (driven and track.steps >= DRIVEN_STEPS) or (moved and track.grown >= COME_NEARER)

    def _worth_telling(self, followed: Followed) -> bool:
        track = followed.track
        sure = track.hits >= SURE_HITS and track.lasted_s >= SURE_S
        swift = track.hits >= SWIFT_HITS and track.score >= SWIFT_SCORE
        if not (sure or swift) or track.score < self._threshold or not self.places.counts(track.box):
            return False
        if track.kind.alive:
            return followed.away_looks > 0 or track.moved_looks >= MOVING_LOOKS
        return followed.away_looks >= 2 and not followed.first_cut

    def _held_back(self, followed: Followed) -> Held | None:
        if name := self.places.masked(followed.track.box, followed.track.object_class):
            return Held(mask=name)
        like = held_by(followed.likes)
        return Held(like=like) if like is not None else None

    def _over(self, track: ObjectTrack, time_s: float) -> Reason | None:
        unseen_s = time_s - track.last_s
        if track.resting:
            return Reason.GONE if track.misses >= REST_MISSES else None
        if track.misses >= GONE_MISSES and unseen_s >= (
            HIDDEN_S if track.announced and is_inside(track) else GONE_S
        ):
            return Reason.GONE
        if not track.announced and track.misses >= FORGET_MISSES and unseen_s >= GONE_S / 2:
            return Reason.GONE
        if unseen_s >= STALE_S:
            return Reason.UNSEEN
        still_s = track.last_s - track.still_since_s
        if track.hits >= SURE_HITS and not track.kind.alive and still_s >= REST_S:
            return Reason.RESTS
        if track.hits >= SURE_HITS and not track.announced and still_s >= REST_UNTOLD_S:
            return Reason.RESTS
        return None


def _double(seen: Seen, box: Rect) -> bool:
    return seen.box.iou(box) >= 0.6 or (seen.cut and seen.box.inside(box) >= 0.6)
