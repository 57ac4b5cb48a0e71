"""From the analyser to the house: picture, motion facts, and the order to record."""

from __future__ import annotations

import logging
from collections.abc import Callable

from vigilar_common.bus import Bus
from vigilar_common.clock import Clock, uuid7
from vigilar_common.messages.camera import MotionEnded, MotionStarted
from vigilar_common.topics import PICTURE

from vigilar_camera_worker.adapters.decoder import Picture
from vigilar_camera_worker.adapters.pictures import Jpeg, PictureError, thumbnail
from vigilar_camera_worker.domain.motion import Ended, Observation, Started
from vigilar_camera_worker.domain.session import StorePicture
from vigilar_camera_worker.recorder import Recorder
from vigilar_camera_worker.report import Report

log = logging.getLogger(__name__)


class MotionReport:
    """A MotionListener. ``on_picture`` gets the stream id of every clean picture."""

    def __init__(
        self, bus: Bus, report: Report, recorder: Recorder, clock: Clock, on_picture: Callable[[str], None]
    ) -> None:
        self._bus, self._report, self._recorder, self._clock = bus, report, recorder, clock
        self._on_picture = on_picture
        self._motion_id = ""
        self._stream_id = ""
        self.last_score = 0.0
        self.counters = {"motions": 0, "pictures_sent": 0, "pictures_failed": 0}

    def picture_decoded(self, stream_id: str) -> None:
        self._stream_id = stream_id
        self._on_picture(stream_id)

    def observed(self, seen: Observation) -> None:
        self.last_score = seen.score
        self._report.score(seen.score, moving=bool(self._motion_id))

    def motion_started(self, started: Started, picture: Picture) -> None:
        camera_id = self._report.camera_id
        motion_id, picture_id = uuid7(self._clock), uuid7(self._clock)
        self._motion_id = motion_id
        self.counters["motions"] += 1
        recording_id = self._recorder.motion_started(started.onset_s, motion_id)
        jpeg = self._thumbnail(picture)
        if jpeg is not None:
            self._send(jpeg, picture_id, motion_id, picture.wall_ms)
        seen = started.seen
        self._report.tell(
            MotionStarted(
                ts_ms=started.onset_ms,
                camera_id=camera_id,
                motion_id=motion_id,
                score=min(1.0, seen.score),
                area_px=seen.area_px,
                boxes=list(seen.boxes),
                zones=list(seen.zones),
                picture_id=picture_id if jpeg is not None else None,
                recording_id=recording_id,
            )
        )
        log.info("motion: %.2f %% of the picture, largest area %d px", seen.score * 100, seen.area_px)
        self._report.update(motion=True)
        if jpeg is not None:
            self._keep(jpeg, picture_id, motion_id, picture.wall_ms)

    def motion_ended(self, ended: Ended) -> None:
        motion_id, self._motion_id = self._motion_id, ""
        self._recorder.motion_ended(ended.last_s)
        self._report.tell(
            MotionEnded(
                ts_ms=ended.last_ms,
                camera_id=self._report.camera_id,
                motion_id=motion_id,
                started_ms=ended.started_ms,
                peak_score=ended.peak_score,
            )
        )
        log.info("motion is over after %.1f s", (ended.last_ms - ended.started_ms) / 1000)
        self._report.update(motion=False, motion_score=0.0)

    def _thumbnail(self, picture: Picture) -> Jpeg | None:
        try:
            return thumbnail(picture)
        except PictureError as error:
            self.counters["pictures_failed"] += 1
            log.error("motion is told without a picture: %s", error)  # noqa: TRY400 the reason is all
            return None

    def _send(self, jpeg: Jpeg, picture_id: str, motion_id: str, taken_ms: int) -> None:
        properties = {
            "picture_id": picture_id,
            "cause_id": motion_id,
            "ts_ms": str(taken_ms),
            "width_px": str(jpeg.width_px),
            "height_px": str(jpeg.height_px),
        }
        if self._bus.publish_frame(PICTURE, jpeg.data, properties, camera_id=self._report.camera_id):
            self.counters["pictures_sent"] += 1

    def _keep(self, jpeg: Jpeg, picture_id: str, motion_id: str, taken_ms: int) -> None:
        item = StorePicture(
            picture_id, motion_id, self._stream_id, taken_ms, jpeg.width_px, jpeg.height_px, jpeg.data
        )
        if not self._recorder.store(item):
            self.counters["pictures_failed"] += 1
            log.error("thumbnail %s is not kept: the disk is too slow", picture_id)
