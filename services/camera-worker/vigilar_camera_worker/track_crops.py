"""Pictures of followed objects for those who identify them (pets, visitors): only while one of them renews its lease.

Cut out of the main stream's picture of the moment. While nobody asks a look costs one comparison here.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from vigilar_common.bus import Bus, Received
from vigilar_common.clock import Clock
from vigilar_common.logs import Sparing
from vigilar_common.messages.detection import TrackLease
from vigilar_common.topics import PETS_LEASE, TRACK_CROP, VISITORS_LEASE

from vigilar_camera_worker.adapters.cutting import cut_object
from vigilar_camera_worker.adapters.decoder import Picture
from vigilar_camera_worker.adapters.pictures import PictureError
from vigilar_camera_worker.domain.object_track import BEST_SIZE, Best, ObjectTrack
from vigilar_camera_worker.domain.object_tracker import Followed
from vigilar_camera_worker.main_moments import MainPictures

log = logging.getLogger(__name__)

MAX_SIDE_PX: Final = 1024
MARGIN: Final = 0.15
"""Of the object's sides is shown around it."""
BETTER: Final = 1.2
"""A moment must be so many times better than the one that was sent last."""
HALF_LIFE_S: Final = 10.0
"""What was sent counts for half as much after this time: who turns round shows another side of himself."""
EVERY_S: Final = 1.0
"""Between two pictures of one object, and between two moments of a camera: each costs decoding."""
MAX_PER_TRACK: Final = 12
MAX_PER_MOMENT: Final = 4
BUFFERED_MS: Final = 3_000
"""Older moments may not be in the ring any more."""


@dataclass
class _Sent:
    """What was sent of one object, and the best of its moments since."""

    count: int = 0
    at_s: float = 0.0
    value: float = 0.0
    waiting: tuple[float, Best] | None = None

    def gain(self, now_s: float) -> float:
        """How many times better the moment that waits is; 0: none waits, or it is too early."""
        if self.waiting is None or self.count >= MAX_PER_TRACK:
            return 0.0
        if not self.count:
            return 1e9 + self.waiting[0]
        age_s = now_s - self.at_s
        worth = self.value * 0.5 ** (age_s / HALF_LIFE_S)
        return self.waiting[0] / max(worth, 1e-9) if age_s >= EVERY_S else 0.0


class TrackCrops:
    """``offer`` and ``left`` from the thread of objects, leases from the bus's."""

    def __init__(self, bus: Bus, camera_id: str, clock: Clock, view: MainPictures) -> None:
        self._bus, self._camera_id, self._clock, self._view = bus, camera_id, clock, view
        self._leases: dict[str, tuple[float, frozenset[str]]] = {}
        """By topic: until when, and which kinds and classes."""
        self._of: dict[str, _Sent] = {}
        """By track; the tracker holds at most MAX_TRACKS."""
        self._sent_s = 0.0
        self._sparing = Sparing(log, clock.monotonic_s)
        self.counters = {"track_crops_sent": 0, "track_crops_unsent": 0, "track_crops_failed": 0}

    def start(self) -> None:
        for topic in (PETS_LEASE, VISITORS_LEASE):
            self._bus.subscribe(topic, self._leased)

    def _leased(self, received: Received) -> None:
        lease = received.message
        assert isinstance(lease, TrackLease)
        named = not lease.cameras or self._camera_id in lease.cameras
        until_s = self._clock.monotonic_s() + lease.lease_s
        self._leases[received.topic.pattern] = (until_s, frozenset(lease.kinds if named else ()))

    def _wanted(self, now_s: float) -> frozenset[str]:
        leases = tuple(self._leases.values())
        return frozenset().union(*(kinds for until_s, kinds in leases if now_s < until_s))

    # -- on the thread of objects -------------------------------------------------------------------

    def offer(self, present: Iterable[Followed], wall_ms: int) -> None:
        """After each look: send what shows a followed object clearly better than before."""
        if not self._leases:
            return
        now_s = self._clock.monotonic_s()
        wanted = self._wanted(now_s)
        tracks = [item.track for item in present if wanted and item.track.announced]
        tracks = [track for track in tracks if track.kind.value in wanted or track.object_class in wanted]
        for track in tracks:
            self._note(track, wall_ms)
        if now_s - self._sent_s < EVERY_S:
            return
        gains = [(self._of[track.track_id].gain(now_s), track) for track in tracks]
        due = sorted((item for item in gains if item[0] >= BETTER), key=lambda item: -item[0])
        if due:
            self._sent_s = now_s
            self._send([track for _, track in due], now_s)

    def left(self, track_id: str) -> None:
        self._of.pop(track_id, None)

    def _note(self, track: ObjectTrack, wall_ms: int) -> None:
        sent, newest = self._of.setdefault(track.track_id, _Sent()), track.newest
        if sent.waiting is not None and wall_ms - sent.waiting[1].wall_ms > BUFFERED_MS:
            sent.waiting = None
        if newest is None or newest.wall_ms != wall_ms:
            return
        # Whoever identifies wants it as large as it can be had, beyond what makes a picture for people.
        value = newest.quality * max(1.0, (newest.box.area * track.aspect) ** 0.5 / BEST_SIZE)
        if sent.waiting is None or value >= sent.waiting[0]:
            sent.waiting = (value, newest)

    def _send(self, due: list[ObjectTrack], now_s: float) -> None:
        """The best one, and others whose moment is the same: that costs no second decoding."""
        first = self._of[due[0].track_id].waiting
        assert first is not None
        wall_ms, picture, problem = first[1].wall_ms, None, "its moment is not buffered"
        try:
            picture = self._view.picture(wall_ms)
        except PictureError as error:
            problem = str(error)
        if picture is None:
            self._failed(due[0], problem)
            return
        for track in due[:MAX_PER_MOMENT]:
            sent = self._of[track.track_id]
            if sent.waiting is None or sent.waiting[1].wall_ms != wall_ms:
                continue
            (sent.value, moment), sent.waiting = sent.waiting, None
            sent.at_s, sent.count = now_s, sent.count + 1
            self._publish(track, moment, picture)

    def _publish(self, track: ObjectTrack, moment: Best, picture: Picture) -> None:
        try:
            jpeg, area = cut_object(picture, moment.box, MAX_SIDE_PX, MARGIN)
        except PictureError as error:
            self._failed(track, str(error))
            return
        properties = {
            "track_id": track.track_id,
            "kind": track.kind.value,
            "class": track.object_class,
            "ts_ms": str(moment.wall_ms),
            "box": ",".join(f"{part:.4f}" for part in moment.box),
            "area": ",".join(f"{part:.4f}" for part in area),
            "score": f"{track.score:.3f}",
        }
        arrived = self._bus.publish_frame(TRACK_CROP, jpeg.data, properties, camera_id=self._camera_id)
        self.counters["track_crops_sent" if arrived else "track_crops_unsent"] += 1

    def _failed(self, track: ObjectTrack, problem: str) -> None:
        self._of[track.track_id].waiting = None
        self.counters["track_crops_failed"] += 1
        text = "%s: no picture of a %s for who identifies it: %s"
        self._sparing.tell(logging.WARNING, text, self._camera_id, track.object_class, problem)
