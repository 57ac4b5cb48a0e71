"""Things that somebody puts down and leaves, and that are gone again: told as facts, with a picture. What they mean events says.

``looked`` is called on the analyser's thread with each picture that is analysed, at most twice a second is anything done.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from vigilar_common.bus import Bus
from vigilar_common.clock import Clock, uuid7
from vigilar_common.config import Camera
from vigilar_common.logs import Sparing
from vigilar_common.messages.camera import PictureKind
from vigilar_common.messages.packages import ThingGone, ThingLeft
from vigilar_common.state_file import StateFile
from vigilar_common.topics import PICTURE

from vigilar_camera_worker.adapters.decoder import Picture
from vigilar_camera_worker.adapters.detector import analysis_size
from vigilar_camera_worker.adapters.pictures import PictureError, object_picture, properties_of
from vigilar_camera_worker.adapters.still_life import Candidate, StillLife, Watched
from vigilar_camera_worker.adapters.trigger import shrink
from vigilar_camera_worker.domain.kinds import Kind
from vigilar_camera_worker.domain.left_behind import Parcel, judged
from vigilar_camera_worker.domain.looks import Rect
from vigilar_camera_worker.domain.motion import Observation
from vigilar_camera_worker.domain.object_tracker import Followed
from vigilar_camera_worker.domain.passers import Passers
from vigilar_camera_worker.domain.session import StorePicture
from vigilar_camera_worker.domain.whereabouts import Places
from vigilar_camera_worker.main_moments import MainPictures
from vigilar_camera_worker.object_words import box_of, places_of
from vigilar_camera_worker.report import Report

log = logging.getLogger(__name__)

TAKEN_WITHIN_MS: Final = 30_000
"""Who was near it so long before it was missed may have taken it."""
HINT_IOU: Final = 0.3
WHY: Final = ("size", "alive", "nobody_near", "zone")


class LeftBehind:
    """Of one camera. ``followed``: all that the detector sees, told or not; ``store``: keeps a picture."""

    def __init__(
        self,
        bus: Bus,
        report: Report,
        clock: Clock,
        camera: Camera,
        passers: Passers,
        view: MainPictures,
        store: Callable[[StorePicture], bool],
        file: StateFile,
        followed: Callable[[], list[Followed]] = list,
        zones: tuple[str, ...] = (),
    ) -> None:
        self._bus, self._report, self._clock, self._camera = bus, report, clock, camera
        self._passers, self._view, self._store, self._followed = passers, view, store, followed
        self._file, self._zones = file, frozenset(zones)
        self._still = StillLife(*analysis_size(camera.resolution_motion))
        self._places: Places = places_of(camera, 0.0)
        self._stream = ""
        self._sparing = Sparing(log, clock.monotonic_s)
        self.counters = {
            **self._still.counters, "things_left": 0, "things_gone": 0, "things_failed": 0, "thing_pictures_failed": 0,
            **{f"things_{why}": 0 for why in WHY},
        }  # fmt: skip

    def load(self) -> None:
        """What lay there when the worker stopped. Never raises for a damaged file."""
        loaded = self._file.load()
        problem = loaded.problem
        try:
            if loaded.value is not None:
                self._still.restore(list(loaded.value.get("things", [])))
        except (ValueError, TypeError) as error:
            problem = f"{self._file.path}: {error}"
        if problem:
            log.error("%s: what was left behind may have been forgotten: %s", self._camera.id, problem)

    def retune(self, camera: Camera) -> None:
        """Other zones."""
        self._camera, self._places = camera, places_of(camera, 0.0)

    def looked(self, seen: Observation, picture: Picture) -> None:
        if seen.blind or not self._still.due(picture.time_s):
            return
        try:
            self._look(picture)
        except Exception:
            # What lies in a picture must never cost the search for motion.
            self.counters["things_failed"] += 1
            text = "%s: a picture could not be searched for what was left"
            self._sparing.tell(logging.ERROR, text, self._camera.id, exc_info=True)

    def _look(self, picture: Picture) -> None:
        small = shrink(picture.luma(), self._still.width, self._still.height)
        ready, gone = self._still.look(small, picture.time_s, picture.wall_ms)
        aspect = picture.width_px / picture.height_px
        for candidate in ready:
            self._judge(candidate, picture, aspect)
        for thing in gone:
            self._tell_gone(thing, picture, aspect)
        if ready or gone:
            self._keep()
        self.counters.update(self._still.counters)

    def _judge(self, candidate: Candidate, picture: Picture, aspect: float) -> None:
        box = candidate.box
        zones = self._zones_of(box)
        why = ""
        if not self._places.counts(box) or (self._zones and not self._zones & set(zones)):
            why = "zone"
        else:
            verdict = judged(box, aspect, candidate.first_ms, picture.wall_ms, self._passers, self._hint(box))
            if isinstance(verdict, Parcel):
                self._tell_left(candidate, verdict, zones, picture)
                return
            why = verdict.why
        self.counters[f"things_{why}"] += 1
        log.info("%s: something new lies there and is no parcel: %s", self._camera.id, why)
        self._still.absorb(candidate)

    def _tell_left(self, candidate: Candidate, parcel: Parcel, zones: list[str], picture: Picture) -> None:
        thing_id = uuid7(self._clock)
        self._still.watch(thing_id, candidate)
        self.counters["things_left"] += 1
        self._report.tell(
            ThingLeft(
                ts_ms=candidate.first_ms,
                camera_id=self._camera.id,
                thing_id=thing_id,
                box=box_of(candidate.box),
                zones=zones,
                confidence=parcel.confidence,
                by_class=parcel.by.object_class,
                by_track=parcel.by.track_id or None,
                picture_id=self._picture(thing_id, candidate.box, picture),
            )
        )
        log.info("%s: %s left something behind", self._camera.id, parcel.by.object_class)

    def _tell_gone(self, thing: Watched, picture: Picture, aspect: float) -> None:
        by = self._passers.near(thing.box, aspect, picture.wall_ms - TAKEN_WITHIN_MS, picture.wall_ms)
        self.counters["things_gone"] += 1
        self._report.tell(
            ThingGone(
                ts_ms=by.wall_ms if by else picture.wall_ms,
                camera_id=self._camera.id,
                thing_id=thing.thing_id,
                by_class=by.object_class if by else "",
                by_track=(by.track_id or None) if by else None,
            )
        )

    def _hint(self, box: Rect) -> str:
        """The class of the thing that the detector sees there; empty: none."""
        seen = [item.track for item in self._followed() if item.track.kind is Kind.THING]
        near = max(seen, key=lambda track: track.box.iou(box), default=None)
        return near.object_class if near is not None and near.box.iou(box) >= HINT_IOU else ""

    def _zones_of(self, box: Rect) -> list[str]:
        x, y = box.foot
        found = []
        for name, mask in self._places.zones.named:
            height, width = mask.shape
            if mask[min(height - 1, int(y * height)), min(width - 1, int(x * width))]:
                found.append(name)
        return found[:32]

    def _picture(self, thing_id: str, box: Rect, picture: Picture) -> str | None:
        """None (counted) when it cannot be had or kept."""
        try:
            jpeg = object_picture(self._view.picture(picture.wall_ms) or picture, box)
        except PictureError as error:
            self.counters["thing_pictures_failed"] += 1
            log.warning("%s: what was left behind has no picture: %s", self._camera.id, error)
            return None
        picture_id = uuid7(self._clock)
        properties = properties_of(PictureKind.OBJECT.value, picture_id, thing_id, picture.wall_ms, jpeg)
        self._bus.publish_frame(PICTURE, jpeg.data, properties, camera_id=self._camera.id)
        kept = self._store(
            StorePicture(
                picture_id, thing_id, self._view.stream_id, picture.wall_ms, jpeg.width_px, jpeg.height_px, jpeg.data,
                PictureKind.OBJECT,
            )
        )  # fmt: skip
        if not kept:
            self.counters["thing_pictures_failed"] += 1
            log.error("the picture %s of what was left behind is not kept: the disk is too slow", picture_id)
        return picture_id if kept else None

    def _keep(self) -> None:
        try:
            self._file.save({"things": self._still.kept()})
        except OSError as error:
            log.error("what was left behind cannot be kept in %s: %s", self._file.path, error)  # noqa: TRY400
