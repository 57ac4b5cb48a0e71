"""From what the detector saw to what the house is told: objects as facts with their pictures, and what is there now.

``looked`` takes each answer. The work is done on a thread of its own, because a picture of an object costs decoding; it
waits without end while nothing is followed.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Protocol

from vigilar_common.bus import Bus
from vigilar_common.clock import Clock, uuid7
from vigilar_common.config import Camera
from vigilar_common.config.detection import Detection
from vigilar_common.messages.camera import CameraCondition, PictureKind
from vigilar_common.messages.detection import ObjectDetected
from vigilar_common.messages.objects import (
    CameraObjects,
    Crossing,
    ObjectChange,
    ObjectChanged,
    ObjectEnd,
    ObjectLeft,
    ObjectSpeed,
)
from vigilar_common.topics import CAMERA_OBJECTS, PICTURE

from vigilar_camera_worker.adapters.decoder import Picture
from vigilar_camera_worker.adapters.pictures import Jpeg, PictureError, object_picture
from vigilar_camera_worker.domain.looks import Look, Rect
from vigilar_camera_worker.domain.object_tracker import (
    Appeared,
    Changed,
    Followed,
    Left,
    News,
    ObjectTracker,
    Reason,
)
from vigilar_camera_worker.domain.session import StorePicture
from vigilar_camera_worker.object_words import box_of, places_of, present_objects, same, zones_of
from vigilar_camera_worker.report import Report

log = logging.getLogger(__name__)

MAX_LOOKS: Final = 32
"""Answers that wait; of more the oldest are left out, counted."""
TICK_S: Final = 1.0
CALM_TICK_S: Final = 5.0
"""While nothing can end by itself: whether the camera is still there. While nothing is known nothing is asked."""
BETTER: Final = 1.2
"""A moment must be so many times better than the one of the picture there is."""
PICTURE_EVERY_S: Final = 2.0
"""A camera's objects are pictured anew at most this often: it costs decoding."""
MAX_HELD: Final = 16
"""Better pictures that wait for the end of their objects; at most 4 MB."""
NOT_YET: Final = "nobody has looked yet"


class MainPictures(Protocol):
    """The main stream's pictures of a moment ago."""

    @property
    def stream_id(self) -> str: ...
    def picture(self, wall_ms: int) -> Picture | None: ...


@dataclass
class _Told:
    """What was made of one object so far."""

    cause_id: str
    motion_id: str | None
    picture_id: str | None = None
    quality: float = 0.0
    better: StorePicture | None = field(default=None, repr=False)


@dataclass(frozen=True)
class _Lost:
    reason: str


@dataclass(frozen=True)
class _Retune:
    camera: Camera


class ObjectReport:
    """Thread-safe. ``motion_id``: the motion that is told now, empty while none is; ``store``: keeps a picture."""

    def __init__(
        self,
        bus: Bus,
        report: Report,
        clock: Clock,
        camera: Camera,
        detection: Detection,
        view: MainPictures,
        store: Callable[[StorePicture], bool],
        motion_id: Callable[[], str],
    ) -> None:
        self._bus, self._report, self._clock = bus, report, clock
        self._camera, self._detection, self._view = camera, detection, view
        self._store, self._motion_id = store, motion_id
        self.wanted = detection.looks_at(camera.id)
        """False: this camera is not looked at for objects."""
        self._items: deque[Look | _Lost | _Retune] = deque()
        self._news = threading.Condition()
        self._stopping = self._muted = False
        self._thread = threading.Thread(target=self._run, name="objects", daemon=True)
        self._tracker = self._new_tracker()
        self._told: dict[str, _Told] = {}
        self._pictured_s = 0.0
        self._said: CameraObjects | None = None
        self._reason = NOT_YET
        self.counters = {
            **self._tracker.counters, "object_looks_dropped": 0, "object_looks_failed": 0, "object_pictures": 0,
            "object_pictures_failed": 0,
        }  # fmt: skip

    @property
    def alive(self) -> bool:
        return not self.wanted or self._thread.is_alive()

    def start(self) -> None:
        """Says at once that nothing is known yet: what an earlier run said is not true any more."""
        if not self.wanted:
            self._bus.clear_state(CAMERA_OBJECTS, camera_id=self._camera.id)
            return
        self._say()
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """What is in sight is told as left."""
        if not self.wanted:
            return
        with self._news:
            self._stopping = True
            self._news.notify()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    def looked(self, look: Look) -> None:
        """An answer of the detector, boxes in parts of the picture."""
        if self.wanted and not self._muted:
            self._put(look)

    def mute(self, muted: bool) -> None:
        """Detection was switched off or on by command."""
        if muted and not self._muted:
            self.lost("detection is switched off")
        self._muted = muted

    def lost(self, reason: str) -> None:
        """Nobody looks any more, and why: nothing is known from now on until the next look."""
        if self.wanted:
            self._put(_Lost(reason))

    def retune(self, camera: Camera) -> None:
        """Other zones."""
        if self.wanted:
            self._put(_Retune(camera))

    def resting(self) -> list[Rect]:
        """Where parked cars and the like stand: nothing new is to be expected there while nothing moves."""
        return self._tracker.resting()

    def _put(self, item: Look | _Lost | _Retune) -> None:
        with self._news:
            if len(self._items) >= MAX_LOOKS:
                # New zones, and that nobody looks any more, must not be lost for one look more.
                oldest = next((at for at, held in enumerate(self._items) if isinstance(held, Look)), 0)
                del self._items[oldest]
                self.counters["object_looks_dropped"] += 1
            self._items.append(item)
            self._news.notify()

    # -- on the thread of objects -------------------------------------------------------------------

    def _run(self) -> None:
        while self._wait():
            self.turn()
        self._lose("the camera worker is stopped")

    def _wait(self) -> bool:
        with self._news:
            if not self._items and not self._stopping:
                self._news.wait(TICK_S if self._tracker.busy else None if self._reason else CALM_TICK_S)
            return not self._stopping

    def turn(self) -> None:
        """Whatever has gathered, and what has ended by now."""
        with self._news:
            items = list(self._items)
            self._items.clear()
        steps: list[Callable[[], None]] = [*(partial(self._handle, item) for item in items), self._go_on]
        for step in steps:
            try:
                step()
            except Exception:
                # What cannot be told of one look must not end all further ones.
                self.counters["object_looks_failed"] += 1
                log.exception("what the detector saw could not be told")
        self.counters.update(self._tracker.counters)

    def _go_on(self) -> None:
        """What time alone brings."""
        self._tell_all(self._tracker.tick(self._clock.now_ms() / 1000))
        if not self._reason and self._report.condition is CameraCondition.OFFLINE:
            self._lose("the camera is offline")
        self._say()

    def _handle(self, item: Look | _Lost | _Retune) -> None:
        match item:
            case Look():
                self._reason = ""
                state = self._report.state
                if state.height_px:
                    self._tracker.aspect = state.width_px / state.height_px
                self._tell_all(self._tracker.look(item))
                self._improve()
            case _Lost():
                self._lose(item.reason)
            case _Retune():
                self._camera = item.camera
                self._tracker.places = places_of(item.camera, self._detection.loitering_s)

    def _lose(self, reason: str) -> None:
        self._tell_all(self._tracker.end(Reason.INTERRUPTED))
        self._told.clear()
        self._reason = reason[:500]
        self._say()

    def _new_tracker(self) -> ObjectTracker:
        width, height = self._camera.resolution_capture
        places = places_of(self._camera, self._detection.loitering_s)
        return ObjectTracker(
            self._detection.confidence_threshold, places, width / height, lambda: uuid7(self._clock)
        )

    def _tell_all(self, news: list[News]) -> None:
        for item in news:
            match item:
                case Appeared():
                    self._appeared(item.followed)
                case Changed():
                    self._changed(item)
                case Left():
                    self._left(item)

    def _appeared(self, followed: Followed) -> None:
        track = followed.track
        motion_id = self._motion_id() or None
        told = self._told[track.track_id] = _Told(motion_id or track.track_id, motion_id)
        picture = self._picture(followed, told)
        if picture is not None:
            self._keep(picture, told)
        self._report.tell(
            ObjectDetected(
                ts_ms=track.first_ms,
                camera_id=self._camera.id,
                track_id=track.track_id,
                object_class=track.object_class,
                confidence=round(track.score, 3),
                box=box_of(track.box),
                zones=zones_of(followed),
                motion_id=motion_id,
                picture_id=told.picture_id,
                vehicle=track.vehicle.seen(),
            )
        )
        log.info("%s: %s, %.2f", self._camera.id, track.object_class, track.score)

    def _changed(self, news: Changed) -> None:
        track, step = news.followed.track, news.step
        self._report.tell(
            ObjectChanged(
                ts_ms=track.last_ms,
                camera_id=self._camera.id,
                track_id=track.track_id,
                what=ObjectChange(step.what.value),
                name=step.name,
                direction=step.direction,
                object_class=track.object_class,
                confidence=round(track.score, 3),
                box=box_of(track.box),
                zones=zones_of(news.followed),
            )
        )

    def _left(self, news: Left) -> None:
        track, where = news.followed.track, news.followed.where
        told = self._told.pop(track.track_id, None)
        if told is not None and told.better is not None:
            self._keep(told.better, told)
        best = track.best
        self._report.tell(
            ObjectLeft(
                ts_ms=track.last_ms,
                camera_id=self._camera.id,
                track_id=track.track_id,
                reason=ObjectEnd(news.reason.value),
                object_class=track.object_class,
                confidence=round(track.score, 3),
                box=box_of(best.box if best else track.box),
                started_ms=track.first_ms,
                zones=list(where.dwell_s),
                dwell_s={name: round(seconds, 1) for name, seconds in where.dwell_s.items()},
                crossed=[Crossing(line=line, direction=direction) for line, direction in where.crossed],
                loitered=where.loiters,
                speed=ObjectSpeed(track.speed.value),
                direction=track.direction,
                looks=track.hits,
                best_ms=best.wall_ms if best else 0,
                picture_id=told.picture_id if told else None,
                from_rest=news.followed.drove_off,
                vehicle=track.vehicle.seen(),
            )
        )

    def _say(self) -> None:
        """The retained state, when something in it changed."""
        present = [] if self._reason else self._tracker.present
        state = present_objects(self._camera.id, self._reason, present)
        before = self._said
        if before is not None and same(before, state):
            return
        self._said = state
        self._bus.set_state(CAMERA_OBJECTS, state, camera_id=self._camera.id)

    # -- pictures -----------------------------------------------------------------------------------

    def _improve(self) -> None:
        """Picture the object that is seen much better now than in its picture, while that moment is still buffered."""
        now_s = self._clock.monotonic_s()
        held = sum(told.better is not None for told in self._told.values())
        if now_s - self._pictured_s < PICTURE_EVERY_S:
            return
        for followed in self._tracker.present:
            track, told = followed.track, self._told.get(followed.track.track_id)
            if told is None or track.best is None or track.best.quality < BETTER * told.quality:
                continue
            if told.better is None and held >= MAX_HELD:
                continue
            told.better = self._picture(followed, told) or told.better
            return

    def _picture(self, followed: Followed, told: _Told) -> StorePicture | None:
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
            log.warning("%s: %s has no picture: %s", self._camera.id, followed.track.object_class, problem)
            return None
        told.quality = best.quality
        picture_id = uuid7(self._clock)
        self._send(jpeg, picture_id, told.cause_id, best.wall_ms)
        self.counters["object_pictures"] += 1
        return StorePicture(
            picture_id, told.cause_id, self._view.stream_id, best.wall_ms, jpeg.width_px, jpeg.height_px, jpeg.data,
            PictureKind.OBJECT,
        )  # fmt: skip

    def _send(self, jpeg: Jpeg, picture_id: str, cause_id: str, taken_ms: int) -> None:
        properties = {
            "kind": PictureKind.OBJECT.value,
            "picture_id": picture_id,
            "cause_id": cause_id,
            "ts_ms": str(taken_ms),
            "width_px": str(jpeg.width_px),
            "height_px": str(jpeg.height_px),
        }
        self._bus.publish_frame(PICTURE, jpeg.data, properties, camera_id=self._camera.id)

    def _keep(self, picture: StorePicture, told: _Told) -> None:
        told.better = None
        if self._store(picture):
            told.picture_id = picture.picture_id
        else:
            self.counters["object_pictures_failed"] += 1
            log.error("the picture %s of an object is not kept: the disk is too slow", picture.picture_id)
