"""From the analyser to the house: picture, motion facts, and the order to record."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from vigilar_common.bus import Bus
from vigilar_common.clock import Clock, uuid7
from vigilar_common.messages.camera import MotionEnded, MotionStarted
from vigilar_common.topics import PICTURE

from vigilar_camera_worker.adapters.decoder import Picture
from vigilar_camera_worker.adapters.pictures import Jpeg, PictureError, thumbnail
from vigilar_camera_worker.crops import Crops
from vigilar_camera_worker.domain.curve import ScoreCurve
from vigilar_camera_worker.domain.motion import Ended, Observation, Started
from vigilar_camera_worker.domain.session import StorePicture
from vigilar_camera_worker.left_behind import LeftBehind
from vigilar_camera_worker.recorder import Recorder
from vigilar_camera_worker.report import Report

log = logging.getLogger(__name__)

SNAPSHOT_INTERVAL_S: Final = 60.0
"""A camera that comes and goes shows its picture at most this often."""
SNAPSHOT_RETRY_S: Final = 5.0


class MotionReport:
    """A MotionListener. ``on_picture`` gets the stream id of every clean picture.

    The first picture of a connection is told as a snapshot, which is not kept: whoever looks at a camera sees
    something before the first motion.
    """

    def __init__(
        self, bus: Bus, report: Report, recorder: Recorder, clock: Clock, on_picture: Callable[[str], None]
    ) -> None:
        self._bus, self._report, self._recorder, self._clock = bus, report, recorder, clock
        self._on_picture = on_picture
        self._motion_id = ""
        self._stream_id = ""
        self._snapshot_wanted = False
        self._snapshot_at_s = clock.monotonic_s()
        self._curve: ScoreCurve | None = None
        self.crops: Crops | None = None
        """Whoever has what moves looked at by the detector."""
        self.left_behind: LeftBehind | None = None
        """Whoever looks for what somebody put down; None: nobody does."""
        self.muted = False
        """Detection is switched off: what begins now is not told."""
        self.last_score = 0.0
        self.told_after_s = 0.0
        """How long after its onset the newest motion was told."""
        self.counters = {"motions": 0, "snapshots_sent": 0, "pictures_sent": 0, "pictures_failed": 0}

    @property
    def motion_id(self) -> str:
        """Of the motion that is told now; empty while none is."""
        return self._motion_id

    def picture_decoded(self, stream_id: str, picture: Picture) -> None:
        if stream_id != self._stream_id:
            self._stream_id, self._snapshot_wanted = stream_id, True
        self._on_picture(stream_id)
        if self._snapshot_wanted and self._clock.monotonic_s() >= self._snapshot_at_s:
            self._snapshot(picture)

    def observed(self, seen: Observation, picture: Picture) -> None:
        self.last_score = seen.score
        self._report.score(seen.score, moving=bool(self._motion_id))
        if self._curve is not None and not seen.blind:
            self._curve.add(seen.wall_ms, seen.score)
        if self.crops is not None:
            self.crops.looked(seen, picture)
        if self.left_behind is not None and not self.muted:
            self.left_behind.looked(seen, picture)

    def motion_started(self, started: Started, picture: Picture) -> None:
        if self.muted:
            return
        camera_id = self._report.camera_id
        motion_id, picture_id = uuid7(self._clock), uuid7(self._clock)
        self._motion_id = motion_id
        self._curve = ScoreCurve(started.onset_ms)
        self._curve.add(started.seen.wall_ms, started.seen.score)
        self.counters["motions"] += 1
        recording_id = self._recorder.motion_started(started.onset_s, motion_id)
        jpeg = self._thumbnail(picture)
        if jpeg is not None:
            self.counters["pictures_sent"] += self._send(
                jpeg, "thumbnail", picture_id, motion_id, picture.wall_ms
            )
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
        self.told_after_s = max(0, self._clock.now_ms() - started.onset_ms) / 1000
        log.info("motion: %.2f %% of the picture, largest area %d px", seen.score * 100, seen.area_px)
        self._report.update(motion=True)
        if self.crops is not None:
            self.crops.began()
        if jpeg is not None:
            self._keep(jpeg, picture_id, motion_id, picture.wall_ms)

    def motion_ended(self, ended: Ended) -> None:
        motion_id, self._motion_id = self._motion_id, ""
        if not motion_id:
            return  # began while detection was switched off
        curve, self._curve = self._curve or ScoreCurve(ended.started_ms), None
        self._recorder.motion_ended(ended.last_s, motion_id)
        self._report.tell(
            MotionEnded(
                ts_ms=ended.last_ms,
                camera_id=self._report.camera_id,
                motion_id=motion_id,
                started_ms=ended.started_ms,
                peak_score=ended.peak_score,
                mean_score=curve.mean,
                curve=curve.points,
                curve_step_s=curve.step_s,
            )
        )
        log.info("motion is over after %.1f s", (ended.last_ms - ended.started_ms) / 1000)
        self._report.update(motion=False, motion_score=0.0)
        if self.crops is not None:
            self.crops.ended()

    def _snapshot(self, picture: Picture) -> None:
        """Tried again a little later when the broker is away or the picture does not do."""
        jpeg = self._thumbnail(picture, "the camera")
        sent = jpeg is not None and self._send(jpeg, "snapshot", uuid7(self._clock), "", picture.wall_ms)
        self.counters["snapshots_sent"] += sent
        self._snapshot_wanted = not sent
        self._snapshot_at_s = self._clock.monotonic_s() + (SNAPSHOT_INTERVAL_S if sent else SNAPSHOT_RETRY_S)

    def _thumbnail(self, picture: Picture, what: str = "motion") -> Jpeg | None:
        try:
            return thumbnail(picture)
        except PictureError as error:
            self.counters["pictures_failed"] += 1
            log.error("%s is told without a picture: %s", what, error)  # noqa: TRY400 the reason is all
            return None

    def _send(self, jpeg: Jpeg, kind: str, picture_id: str, cause_id: str, taken_ms: int) -> bool:
        properties = {
            "kind": kind,
            "picture_id": picture_id,
            "cause_id": cause_id,
            "ts_ms": str(taken_ms),
            "width_px": str(jpeg.width_px),
            "height_px": str(jpeg.height_px),
        }
        return self._bus.publish_frame(PICTURE, jpeg.data, properties, camera_id=self._report.camera_id)

    def _keep(self, jpeg: Jpeg, picture_id: str, motion_id: str, taken_ms: int) -> None:
        item = StorePicture(
            picture_id, motion_id, self._stream_id, taken_ms, jpeg.width_px, jpeg.height_px, jpeg.data
        )
        if not self._recorder.store(item):
            self.counters["pictures_failed"] += 1
            log.error("thumbnail %s is not kept: the disk is too slow", picture_id)
