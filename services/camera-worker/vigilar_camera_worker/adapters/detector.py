"""What moves in a picture: background subtraction (MOG2) on a small brightness image."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from vigilar_common.config import Camera, ZoneMode
from vigilar_common.config.cameras import normalised
from vigilar_common.messages.camera import Box

from vigilar_camera_worker.adapters.blobs import Blobs
from vigilar_camera_worker.adapters.decoder import Luma
from vigilar_camera_worker.adapters.excuses import HURRY_S, Excuses, Rejections
from vigilar_camera_worker.adapters.harmless import Exposure, same_structure
from vigilar_camera_worker.adapters.trigger import shrink
from vigilar_camera_worker.domain.motion import Observation, Rejection
from vigilar_camera_worker.domain.tracks import Rectangle, Track
from vigilar_camera_worker.domain.zones import Corners, ZoneMap, zone_map

ANALYSIS_WIDTH_PX: Final = 320
"""Pictures are analysed at most this wide: a third of the cost of 640 with the same recall (see performance notes)."""
LEARN_S: Final = 25.0
"""Time constant: what stands still this long fades into the background."""
MOST_LEARNT_S: Final = 2.0
"""One look stands for at most so much time: more would give what it shows for the first time the weight of background
(MOG2: a tenth), and the first look of a suspicion after a long rest would swallow what it is to find."""
WARM_UP_S: Final = 1.5
"""After the first picture (and after a light change) nothing is reported for this long."""
LIGHT_CHANGE_SHARE: Final = 0.4
MOST_BLIND_S: Final = 8.0
"""A picture that changes as a whole for longer than this is motion: nobody hides behind a flashing lamp."""
MIXTURES: Final = 3
"""Backgrounds a pixel may have (a branch and the sky behind it); OpenCV's five cost time and memory for nothing."""
LEAST_VARIANCE: Final = 2.0
"""Steps of luma, squared. OpenCV's 4 is made for full pictures; in reduced ones noise is averaged, and at night people
differ by a few steps only."""
LEAST_THRESHOLD, MOST_THRESHOLD = 7.0, 100.0


def threshold(sensitivity: float) -> float:
    """MOG2's squared distance in standard deviations above which a pixel is foreground.

    Falls exponentially from 100 (sensitivity 0: only strong contrast) over 15.5 at the default 0.7 (OpenCV's own
    default is 16) to 7 (sensitivity 1: sees faint changes, and noise).
    """
    return float(MOST_THRESHOLD * (LEAST_THRESHOLD / MOST_THRESHOLD) ** sensitivity)


def analysis_size(resolution_motion: tuple[int, int]) -> tuple[int, int]:
    """Width and height that are really analysed: resolution_motion, divided until at most 320 wide."""
    width, height = resolution_motion
    scale = min(1.0, ANALYSIS_WIDTH_PX / width)
    return max(16, round(width * scale)), max(16, round(height * scale))


class MotionDetector:
    """Of one camera; used by one thread. Feed pictures in order of time."""

    def __init__(self, camera: Camera, counter: Rejections | None = None) -> None:
        import cv2

        cv2.setNumThreads(1)  # four small threads for 1 ms of work cost more than they give
        self.width, self.height = analysis_size(camera.resolution_motion)
        full = camera.resolution_motion
        self._area_scale = (full[0] * full[1]) / (self.width * self.height)
        self._min_area_px = max(1.0, camera.motion_min_area_px / self._area_scale)
        self._threshold = threshold(camera.motion_sensitivity)
        self.zones: ZoneMap = zones_of_camera(camera, self.width, self.height)
        self._counted_px = max(1, self.zones.area_px)
        self._counts: Any = self.zones.counts.astype(np.uint8) * 255
        self._kernel = np.ones((3, 3), np.uint8)
        self._exposure = Exposure()
        self.counter = counter or Rejections()
        self.counted: Any = None
        """uint8[height, width], not 0 where something moves in the newest picture; None: nowhere."""
        self.explained: Any = None
        """The same, for what something harmless explains."""
        self.restart()

    def _new_model(self) -> Any:
        import cv2

        # The history length is irrelevant: every call gives its own learning rate.
        model = cv2.createBackgroundSubtractorMOG2(
            history=500, varThreshold=self._threshold, detectShadows=False
        )
        model.setNMixtures(MIXTURES)
        model.setVarMin(LEAST_VARIANCE)
        return model

    @property
    def light_changes(self) -> int:
        return self.rejections["rejected_light"]

    @property
    def rejections(self) -> dict[str, int]:
        return self.counter.counters

    def restart(self) -> None:
        """A new connection or new parameters: learn the background afresh."""
        self._model = self._new_model()
        self._exposure.forget()
        self._excuses = Excuses(self.width, self.height, self._min_area_px, self.counter)
        self._pictures = 0
        self._warm_at_s = -math.inf
        self._last_s = 0.0
        self._blind_since_s: float | None = None

    def observe(self, luma: Luma, time_s: float, wall_ms: int) -> Observation:
        """One picture of any size."""
        import cv2

        dt_s = max(0.001, time_s - self._last_s)
        small = self._exposure.level(shrink(luma, self.width, self.height), dt_s)
        self._last_s = time_s
        if self._pictures == 0:
            self._warm_at_s = time_s + WARM_UP_S
        self._pictures += 1
        # By time, not by frame, so that rates do not change what is learnt; the first pictures count fully.
        learn_s = HURRY_S if time_s < self._excuses.hurry_until_s else LEARN_S
        rate = max(
            1 - math.exp(-min(dt_s, MOST_LEARNT_S) / learn_s),
            1 / self._pictures if self._pictures < 20 else 0.0,
        )
        raw = self._model.apply(small, learningRate=rate)
        self.counted = self.explained = None
        if self._exposure.jumped:
            self.counter.reject(Rejection.LIGHT, time_s)
        if self._pictures > 1 and float(cv2.countNonZero(raw)) / raw.size > LIGHT_CHANGE_SHARE:
            if not self._swings_or_never_stops(small, raw, time_s):
                return self._all_changed(small, time_s, wall_ms)
        elif time_s < self._warm_at_s:
            return Observation(time_s, wall_ms, blind=True)
        else:
            self._blind_since_s = None
        moving: Any = cv2.bitwise_and(raw, self._counts)
        moving = cv2.morphologyEx(moving, cv2.MORPH_OPEN, self._kernel)
        if not cv2.countNonZero(moving):
            self._excuses.rest(small, moving, dt_s)
            return Observation(time_s, wall_ms)
        return self._judge(small, moving, time_s, wall_ms, dt_s)

    def _swings_or_never_stops(self, small: Any, raw: Any, time_s: float) -> bool:
        """Most of the picture changed at once, but by a shake, or it has been changing for too long."""
        if self._excuses.shake.explained(small, self._background, raw) is not None:
            return True
        if self._blind_since_s is None:
            self._blind_since_s = time_s
        return time_s - self._blind_since_s > MOST_BLIND_S

    def _all_changed(self, small: Any, time_s: float, wall_ms: int) -> Observation:
        """Another light or another scene: it is learnt afresh."""
        same = same_structure(small, self._background())
        self.counter.reject(Rejection.LIGHT if same else Rejection.SCENE, time_s)
        self._model.apply(small, learningRate=1.0)
        self._exposure.forget()
        # Counting starts over: what the new light shows is learnt quickly.
        self._pictures = 2
        self._warm_at_s = time_s + WARM_UP_S / (2 if same else 1)
        self._excuses.forget_look()
        return Observation(time_s, wall_ms, score=1.0, blind=True)

    def _judge(self, small: Any, moving: Any, time_s: float, wall_ms: int, dt_s: float) -> Observation:
        """Take out what something harmless explains, and describe the rest."""
        left, blobs, reason, tracks = self._excuses.take_out(small, moving, self._background, time_s, dt_s)
        self.counted = left
        if left is not moving:
            self.explained = moving & ~left
        return self._describe(left, blobs, tracks, time_s, wall_ms, reason)

    def _background(self) -> Any:
        return self._model.getBackgroundImage()

    def _describe(
        self,
        moving: Any,
        blobs: Blobs,
        tracks: list[Track],
        time_s: float,
        wall_ms: int,
        reason: Rejection | None,
    ) -> Observation:
        import cv2

        score = min(1.0, cv2.countNonZero(moving) / self._counted_px)
        if not blobs.large:
            return Observation(time_s, wall_ms, score=score, rejected=reason.value if reason else "")
        return Observation(
            time_s,
            wall_ms,
            score=score,
            area_px=round(float(blobs.sizes[blobs.large[0]]) * self._area_scale),
            boxes=tuple(self._box(box) for box in blobs.boxes),
            zones=self._zones_of(moving, blobs),
            followed=any(track.followed and track.seen >= self._excuses.looks for track in tracks),
        )

    def _zones_of(self, moving: Any, blobs: Blobs) -> tuple[str, ...]:
        if not self.zones.named:
            return ()
        return self.zones.touched(np.isin(blobs.labels, blobs.large) & (moving != 0))

    def _box(self, box: Rectangle) -> Box:
        x, y, w, h = box
        return Box(x=x / self.width, y=y / self.height, w=w / self.width, h=h / self.height)


def zones_of_camera(camera: Camera, width: int, height: int) -> ZoneMap:
    def corners(polygon: Any) -> Corners:
        return normalised(polygon, camera.resolution_motion)

    return zone_map(
        width,
        height,
        [corners(polygon) for polygon in camera.motion_zones],
        [(zone.name, corners(zone.polygon)) for zone in camera.zones if zone.mode is ZoneMode.INCLUDE],
        [corners(zone.polygon) for zone in camera.zones if zone.mode is ZoneMode.EXCLUDE],
    )
