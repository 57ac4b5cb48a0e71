"""From what the detector saw to what the house is told: objects as facts with their pictures, and what is there now.

``looked`` takes each answer. The work is done on a thread of its own, because a picture of an object costs decoding; it
waits without end while nothing is followed.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from vigilar_common.bus import Bus
from vigilar_common.clock import Clock, uuid7
from vigilar_common.config import Camera
from vigilar_common.config.detection import Detection
from vigilar_common.logs import Sparing
from vigilar_common.messages.camera import CameraCondition
from vigilar_common.messages.detection import ObjectDetected
from vigilar_common.messages.objects import (
    CameraObjects,
    Crossing,
    ObjectChange,
    ObjectChanged,
    ObjectEnd,
    ObjectLeft,
    ObjectSpeed,
    ObjectSuppressed,
)
from vigilar_common.threads import Thread
from vigilar_common.topics import CAMERA_OBJECTS

from vigilar_camera_worker.domain.likeness import Marks
from vigilar_camera_worker.domain.looks import Look, Rect
from vigilar_camera_worker.domain.object_tracker import (
    Appeared,
    Changed,
    Followed,
    Left,
    News,
    ObjectTracker,
    Reason,
    Suppressed,
)
from vigilar_camera_worker.domain.passers import Passers, passages
from vigilar_camera_worker.domain.session import StorePicture
from vigilar_camera_worker.main_moments import MainPictures, Moments
from vigilar_camera_worker.object_pictures import ObjectPictures, Told
from vigilar_camera_worker.object_words import box_of, places_of, present_objects, same, way_of, zones_of
from vigilar_camera_worker.report import Report
from vigilar_camera_worker.track_crops import TrackCrops

log = logging.getLogger(__name__)

MAX_LOOKS: Final = 32
"""Answers that wait; of more the oldest are left out, counted."""
TICK_S: Final = 1.0
CALM_TICK_S: Final = 5.0
"""While nothing can end by itself: whether the camera is still there. While nothing is known nothing is asked."""
MOST_BEHIND_S: Final = 5.0
NOT_YET: Final = "nobody has looked yet"


@dataclass(frozen=True)
class _Lost:
    reason: str


@dataclass(frozen=True)
class _Retune:
    camera: Camera


Item = Look | _Lost | _Retune | Marks


class ObjectReport:
    """Thread-safe. ``motion_id``: the motion that is told now, empty while none is; ``store``: keeps a picture;
    ``remember``: keeps how an object looks, should it be marked."""

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
        remember: Callable[[Followed], None] = lambda _followed: None,
    ) -> None:
        self._bus, self._report, self._clock = bus, report, clock
        self._sparing = Sparing(log, clock.monotonic_s)
        self._camera, self._detection = camera, detection
        self._motion_id, self._remember = motion_id, remember
        self._moments = Moments(view)
        self._pictures = ObjectPictures(bus, camera.id, clock, self._moments, store)
        self._track_crops = TrackCrops(bus, camera.id, clock, self._moments)
        self.wanted = detection.looks_at(camera.id)
        """False: this camera is not looked at for objects."""
        self._items: deque[Item] = deque()
        self._news = threading.Condition()
        self._stopping = False
        self.muted = False
        """Detection was switched off by command."""
        self._thread = Thread(target=self._run, name="objects")
        self._tracker, self.passers = self._new_tracker(), Passers()
        self._told: dict[str, Told] = {}
        self._said: CameraObjects | None = None
        self._reason = NOT_YET
        self._behind_s = 0.0
        """So long after its moment the newest look came: nothing is over before a look of that time could say otherwise."""
        self.counters = {
            **self._tracker.counters, **self._pictures.counters, **self._track_crops.counters,
            "object_looks_dropped": 0, "object_looks_failed": 0, "objects_suppressed": 0,
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
        self._track_crops.start()
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
        if self.wanted and not self.muted:
            self._put(look)

    def mute(self, muted: bool) -> None:
        """Detection was switched off or on by command."""
        if muted and not self.muted:
            self.lost("detection is switched off")
        self.muted = muted

    def lost(self, reason: str) -> None:
        """Nobody looks any more, and why: nothing is known from now on until the next look."""
        if self.wanted:
            self._put(_Lost(reason))

    def retune(self, camera: Camera) -> None:
        """Other zones."""
        if self.wanted:
            self._put(_Retune(camera))

    def learn(self, marks: Marks) -> None:
        """What the owner has marked, all of it."""
        if self.wanted:
            self._put(marks)

    def followed(self) -> list[Followed]:
        """All that is followed, told or not; newest first."""
        return self._tracker.followed()

    def expected(self) -> list[Rect]:
        """Where somebody or something is believed to be that does not rest."""
        return self._tracker.expected()

    def _put(self, item: Item) -> None:
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
                self._sparing.tell(logging.ERROR, "what the detector saw could not be told", exc_info=True)
        self._moments.forget()
        self.counters.update(self._tracker.counters | self._pictures.counters | self._track_crops.counters)

    def _go_on(self) -> None:
        """What time alone brings."""
        self._tell_all(self._tracker.tick(self._clock.now_ms() / 1000 - self._behind_s))
        if not self._reason and self._report.condition is CameraCondition.OFFLINE:
            self._lose("the camera is offline")
        self._say()

    def _handle(self, item: Item) -> None:
        match item:
            case Look():
                self._reason = ""
                self._behind_s = min(MOST_BEHIND_S, max(0.0, self._clock.now_ms() / 1000 - item.time_s))
                state = self._report.state
                if state.height_px:
                    self._tracker.aspect = state.width_px / state.height_px
                self._tell_all(self._tracker.look(item))
                self.passers.add(passages(self._tracker.present, item.wall_ms))
                self._pictures.improve(self._tracker.present, self._told)
                self._track_crops.offer(self._tracker.present, item.wall_ms)
            case _Lost():
                self._lose(item.reason)
            case _Retune():
                self._camera = item.camera
                self._tracker.places = places_of(item.camera, self._detection.loitering_s)
            case Marks():
                self._tracker.marks = item

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
                case Suppressed():
                    self._suppressed(item)

    def _appeared(self, followed: Followed) -> None:
        track = followed.track
        motion_id = self._motion_id() or None
        told = self._told[track.track_id] = Told(motion_id or track.track_id, motion_id)
        self._pictures.first(followed, told)
        self._remember(followed)
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
                picture_box=told.picture_box,
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
        self._track_crops.left(track.track_id)
        if told is not None:
            self._pictures.last(told)
        self._remember(news.followed)
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
                picture_box=told.picture_box if told else None,
                way=way_of(track),
            )
        )

    def _suppressed(self, news: Suppressed) -> None:
        track, like = news.followed.track, news.why.like
        self._remember(news.followed)
        self.counters["objects_suppressed"] += 1
        log.info(
            "%s: %s, %.2f, not told: %s", self._camera.id, track.object_class, track.score,
            f"mask {news.why.mask}" if like is None else f"like {like.track_id} ({like.likeness:.2f})",
        )  # fmt: skip
        self._report.tell(
            ObjectSuppressed(
                ts_ms=track.last_ms,
                camera_id=self._camera.id,
                track_id=track.track_id,
                object_class=track.object_class,
                confidence=round(track.score, 3),
                box=box_of(track.best.box if track.best else track.box),
                started_ms=track.first_ms,
                mask=news.why.mask,
                marked_track_id=like.track_id if like else None,
                likeness=round(like.likeness, 3) if like else 0,
                looks=track.hits,
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
