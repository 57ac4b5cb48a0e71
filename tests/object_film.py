"""Real footage through everything that sees objects, without waiting: the worker's motion search, crops and tracker, and the
detector's model, on the film's own clock. Only the broker and the camera's connection are left out."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vigilar_camera_worker.adapters.decoder import Picture
from vigilar_camera_worker.adapters.detector import MotionDetector
from vigilar_camera_worker.crops import Crops
from vigilar_camera_worker.domain.governor import MAX_MOTION_FPS
from vigilar_camera_worker.domain.looks import Look, Rect
from vigilar_camera_worker.domain.motion import Ended, MotionMachine, Started
from vigilar_camera_worker.domain.object_tracker import Appeared, Left, News, ObjectTracker
from vigilar_camera_worker.domain.packets import TICKS_PER_S
from vigilar_camera_worker.object_words import places_of
from vigilar_common.config import Camera
from vigilar_common.messages.camera import Box
from vigilar_common.messages.detection import CropResult, CropSeen, Detection, DetectorLease
from vigilar_common.testing import FakeBus, FakeClock
from vigilar_common.testing.fakes import Published
from vigilar_common.topics import CROP, CROP_SEEN, DETECTOR_LEASE
from vigilar_detector.looker import Loaded, look

LEASE_S = 60.0


@dataclass(frozen=True)
class Irregular:
    """How a busy machine looks: pictures at odd times, answers late, in another order, or never."""

    seed: int
    step_s: tuple[float, float] = (0.1, 0.35)
    answer_s: tuple[float, float] = (0.02, 0.4)
    lost_share: float = 0.05


@dataclass
class Told:
    """One object that was told, as its event shows it at the end."""

    object_class: str
    from_s: float
    to_s: float = 0.0
    looks: int = 0
    score: float = 0.0
    reason: str = ""
    track_id: str = ""
    path: list[tuple[float, Rect]] = field(default_factory=list)


def frames(film: Path, from_s: float = 0.0, to_s: float = 1e9) -> Iterator[tuple[float, Any]]:
    """Media time in seconds and the frame, from the film's beginning on."""
    import av

    with av.open(str(film)) as container:
        for frame in container.decode(video=0):
            time_s = float(frame.time or 0.0)
            if time_s > to_s:
                return
            if time_s >= from_s:
                yield time_s, frame


class FilmRig:
    """`play` gives every object that was told."""

    def __init__(
        self,
        camera: Camera,
        loaded: Loaded,
        threshold: float = 0.5,
        per_s: float = 5.0,
        irregular: Irregular | None = None,
    ) -> None:
        self._irregular = irregular
        self._chance = random.Random(irregular.seed if irregular else 0)
        self._due: list[tuple[float, Published]] = []
        self.clock = FakeClock()
        self.bus = FakeBus(self.clock)
        self._loaded, self._per_s = loaded, per_s
        self.wanted, self.muted = True, False
        self.detector, self._machine = MotionDetector(camera), MotionMachine()
        self.crops = Crops(self.bus, camera.id, self.clock, self)
        numbers = itertools.count(1)
        width, height = camera.resolution_capture
        self.tracker = ObjectTracker(
            threshold, places_of(camera, 0.0), width / height, lambda: f"track-{next(numbers)}"
        )
        self.camera_id = camera.id
        self.told: list[Told] = []
        self._open: dict[str, Told] = {}
        self.looks: list[Look] = []
        self._begin_ms = self.clock.now_ms()
        self.crops.start()

    # -- what crops are given to -----------------------------------------------------------------------

    def looked(self, look: Look) -> None:
        self.looks.append(look)
        self._tell(self.tracker.look(look))

    def lost(self, reason: str) -> None:
        raise AssertionError(reason)

    def expected(self) -> list[Rect]:
        return self.tracker.expected()

    # -- the film --------------------------------------------------------------------------------------

    def play(self, film: Path, from_s: float = 0.0, to_s: float = 1e9) -> list[Told]:
        last_s, due_s, leased_s = from_s, from_s, -LEASE_S
        for time_s, frame in frames(film, from_s, to_s):
            self.clock.advance(time_s - last_s)
            last_s = time_s
            self._answer(time_s)
            if time_s < due_s - 0.001:
                continue
            due_s = time_s + self._step_s()
            if time_s - leased_s > LEASE_S / 2:
                leased_s = time_s
                self._lease()
            frame.pts = round(time_s * TICKS_PER_S)
            self._show(Picture(frame, self.clock.now_ms()), time_s)
            self._tell(self.tracker.tick(self.clock.now_ms() / 1000))
        self._answer(1e9)
        self._tell(self.tracker.end())
        return self.told

    def _show(self, picture: Picture, time_s: float) -> None:
        seen = self.detector.observe(picture.luma(), time_s, picture.wall_ms)
        result = self._machine.observe(seen)
        self.crops.looked(seen, picture)
        if isinstance(result, Started):
            self.crops.began()
        elif isinstance(result, Ended):
            self.crops.ended()

    def _lease(self) -> None:
        manifest = self._loaded.manifest
        lease = DetectorLease(
            lease_s=LEASE_S, crop_px=manifest.crop_px, crops_per_s=self._per_s, model_id=manifest.id
        )
        self.bus.deliver(DETECTOR_LEASE, lease)

    def _step_s(self) -> float:
        return self._chance.uniform(*self._irregular.step_s) if self._irregular else 1 / MAX_MOTION_FPS

    def _answer(self, time_s: float) -> None:
        """Every crop whose answer is due: all since the last picture where nothing is irregular."""
        sent, self.bus.published = self.bus.published, []
        how = self._irregular
        for item in sent:
            if item.topic is CROP and not (how and self._chance.random() < how.lost_share):
                self._due.append((time_s + self._chance.uniform(*how.answer_s) if how else time_s, item))
        due = sorted((one for one in self._due if one[0] <= time_s), key=lambda one: one[0])
        self._due = [one for one in self._due if one[0] > time_s]
        for _, item in due:
            found = look(self._loaded, 0, item.payload)
            objects = [
                Detection(
                    object_class=one.object_class,
                    score=one.score,
                    box=Box(x=one.x, y=one.y, w=min(1.0, one.w), h=min(1.0, one.h)),
                )
                for one in found
            ]
            seen = CropSeen(
                camera_id=self.camera_id,
                crop_id=item.properties["crop_id"],
                result=CropResult.SEEN,
                objects=objects,
            )
            self.bus.deliver(CROP_SEEN, seen, camera_id=self.camera_id)

    def _tell(self, news: list[News]) -> None:
        now = [self._seconds(item.followed.track.last_ms) for item in news]
        for item, at_s in zip(news, now, strict=True):
            track = item.followed.track
            if isinstance(item, Appeared):
                one = Told(track.object_class, self._seconds(track.first_ms), track_id=track.track_id)
                self.told.append(one)
                self._open[track.track_id] = one
            if (held := self._open.get(track.track_id)) is not None:
                held.to_s, held.looks, held.score = at_s, track.hits, track.score
                if isinstance(item, Left):
                    held.object_class, held.reason = track.object_class, item.reason.value
                    del self._open[track.track_id]
        for followed in self.tracker.present:
            track = followed.track
            if (held := self._open.get(track.track_id)) is not None:
                held.path.append((self._seconds(track.last_ms), track.box))

    def _seconds(self, wall_ms: int) -> float:
        return (wall_ms - self._begin_ms) / 1000
