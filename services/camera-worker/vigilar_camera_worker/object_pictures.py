"""Pictures of objects: each of the moment in which it is seen best, cut out of the main stream while that is buffered."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from vigilar_common.bus import Bus
from vigilar_common.clock import Clock, uuid7
from vigilar_common.messages.camera import Box, PictureKind
from vigilar_common.topics import PICTURE

from vigilar_camera_worker.adapters.pictures import Jpeg, PictureError, around, object_picture, properties_of
from vigilar_camera_worker.domain.looks import within
from vigilar_camera_worker.domain.object_tracker import Followed
from vigilar_camera_worker.domain.session import StorePicture
from vigilar_camera_worker.main_moments import MainPictures
from vigilar_camera_worker.object_words import box_of

log = logging.getLogger(__name__)

BETTER: Final = 1.2
"""A moment must be so many times better than the one of the picture there is."""
PICTURE_EVERY_S: Final = 2.0
"""A camera's objects are pictured anew at most this often: it costs decoding."""
MAX_HELD: Final = 16
"""Better pictures that wait for the end of their objects; at most 4 MB."""


@dataclass
class Told:
    """What was made of one object so far."""

    cause_id: str
    motion_id: str | None
    picture_id: str | None = None
    picture_box: Box | None = None
    """Where the object is in its picture."""
    quality: float = 0.0
    better: tuple[StorePicture, Box] | None = field(default=None, repr=False)


class ObjectPictures:
    """Used by the thread of objects. ``store``: keeps a picture."""

    def __init__(
        self,
        bus: Bus,
        camera_id: str,
        clock: Clock,
        view: MainPictures,
        store: Callable[[StorePicture], bool],
    ) -> None:
        self._bus, self._camera_id, self._clock, self._view, self._store = bus, camera_id, clock, view, store
        self._pictured_s = 0.0
        self.counters = {"object_pictures": 0, "object_pictures_failed": 0}

    def first(self, followed: Followed, told: Told) -> None:
        """The picture it is told with."""
        made = self._make(followed, told)
        if made is not None:
            self._keep(made, told)

    def improve(self, present: Iterable[Followed], known: dict[str, Told]) -> None:
        """Picture the object that is seen much better now than in its picture, while that moment is still buffered."""
        if self._clock.monotonic_s() - self._pictured_s < PICTURE_EVERY_S:
            return
        held = sum(told.better is not None for told in known.values())
        for followed in present:
            track, told = followed.track, known.get(followed.track.track_id)
            if told is None or track.best is None or track.best.quality < BETTER * told.quality:
                continue
            if told.better is None and held >= MAX_HELD:
                continue
            told.better = self._make(followed, told) or told.better
            return

    def last(self, told: Told) -> None:
        """It has left: its best picture is kept."""
        if told.better is not None:
            self._keep(told.better, told)

    def _make(self, followed: Followed, told: Told) -> tuple[StorePicture, Box] | None:
        """Of its best moment; None (counted) when that cannot be had any more."""
        best = followed.track.best
        if best is None:
            return None
        self._pictured_s = self._clock.monotonic_s()
        try:
            picture = self._view.picture(best.wall_ms)
            jpeg = object_picture(picture, best.box) if picture is not None else None
            problem = "its moment is not buffered"
        except PictureError as error:
            jpeg, problem = None, str(error)
        if jpeg is None:
            self.counters["object_pictures_failed"] += 1
            log.warning("%s: %s has no picture: %s", self._camera_id, followed.track.object_class, problem)
            return None
        told.quality = best.quality
        picture_id = uuid7(self._clock)
        self._send(jpeg, picture_id, told.cause_id, best.wall_ms)
        self.counters["object_pictures"] += 1
        made = StorePicture(
            picture_id, told.cause_id, self._view.stream_id, best.wall_ms, jpeg.width_px, jpeg.height_px, jpeg.data,
            PictureKind.OBJECT,
        )  # fmt: skip
        return made, box_of(within(best.box, around(best.box)))

    def _send(self, jpeg: Jpeg, picture_id: str, cause_id: str, taken_ms: int) -> None:
        properties = properties_of(PictureKind.OBJECT.value, picture_id, cause_id, taken_ms, jpeg)
        self._bus.publish_frame(PICTURE, jpeg.data, properties, camera_id=self._camera_id)

    def _keep(self, made: tuple[StorePicture, Box], told: Told) -> None:
        told.better = None
        picture, box = made
        if self._store(picture):
            told.picture_id, told.picture_box = picture.picture_id, box
        else:
            self.counters["object_pictures_failed"] += 1
            log.error("the picture %s of an object is not kept: the disk is too slow", picture.picture_id)
