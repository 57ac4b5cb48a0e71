"""What moves in a picture: background subtraction (MOG2) on a small brightness image."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from vigilar_common.config import Camera, ZoneMode
from vigilar_common.config.cameras import normalised
from vigilar_common.messages.camera import Box

from vigilar_camera_worker.adapters.decoder import Luma
from vigilar_camera_worker.domain.motion import Observation
from vigilar_camera_worker.domain.zones import Corners, ZoneMap, zone_map

ANALYSIS_WIDTH_PX: Final = 320
"""Pictures are analysed at most this wide: a third of the cost of 640 with the same recall (see performance notes)."""
LEARN_S: Final = 25.0
"""Time constant: what stands still this long fades into the background."""
WARM_UP_S: Final = 1.5
"""After the first picture (and after a light change) nothing is reported for this long."""
LIGHT_CHANGE_SHARE: Final = 0.4
MIXTURES: Final = 3
"""Backgrounds a pixel may have (a branch and the sky behind it); OpenCV's five cost time and memory for nothing."""
MAX_BOXES: Final = 32
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

    def __init__(self, camera: Camera) -> None:
        import cv2

        cv2.setNumThreads(1)  # four small threads for 1 ms of work cost more than they give
        self.width, self.height = analysis_size(camera.resolution_motion)
        full = camera.resolution_motion
        self._area_scale = (full[0] * full[1]) / (self.width * self.height)
        self._min_area_px = max(1.0, camera.motion_min_area_px / self._area_scale)
        self._threshold = threshold(camera.motion_sensitivity)
        self.zones: ZoneMap = _zones(camera, self.width, self.height)
        self._counted_px = max(1, self.zones.area_px)
        self._counts: Any = self.zones.counts.astype(np.uint8) * 255
        self._kernel = np.ones((3, 3), np.uint8)
        self._model = self._new_model()
        self._pictures = 0
        self._warm_at_s = -math.inf
        self._last_s = 0.0
        self.light_changes = 0

    def _new_model(self) -> Any:
        import cv2

        # The history length is irrelevant: every call gives its own learning rate.
        model = cv2.createBackgroundSubtractorMOG2(
            history=500, varThreshold=self._threshold, detectShadows=False
        )
        model.setNMixtures(MIXTURES)
        return model

    def restart(self) -> None:
        """A new connection or new parameters: learn the background afresh."""
        self._model = self._new_model()
        self._pictures = 0

    def observe(self, luma: Luma, time_s: float, wall_ms: int) -> Observation:
        """One picture of any size."""
        import cv2

        small = self._shrink(luma)
        dt_s = max(0.001, time_s - self._last_s)
        self._last_s = time_s
        if self._pictures == 0:
            self._warm_at_s = time_s + WARM_UP_S
        self._pictures += 1
        # By time, not by frame, so that rates do not change what is learnt; the first pictures count fully.
        rate = max(1 - math.exp(-dt_s / LEARN_S), 1 / self._pictures if self._pictures < 20 else 0.0)
        raw = self._model.apply(small, learningRate=rate)
        if self._pictures > 1 and float(cv2.countNonZero(raw)) / raw.size > LIGHT_CHANGE_SHARE:
            return self._light_changed(small, time_s, wall_ms)
        if time_s < self._warm_at_s:
            return Observation(time_s, wall_ms, blind=True)
        moving: Any = cv2.bitwise_and(raw, self._counts)
        moving = cv2.morphologyEx(moving, cv2.MORPH_OPEN, self._kernel)
        return self._describe(moving, time_s, wall_ms)

    def _light_changed(self, small: NDArray[np.uint8], time_s: float, wall_ms: int) -> Observation:
        self.light_changes += 1
        self._model.apply(small, learningRate=1.0)
        # Counting starts over: what the new light shows is learnt quickly.
        self._pictures = 2
        self._warm_at_s = time_s + WARM_UP_S / 2
        return Observation(time_s, wall_ms, score=1.0, blind=True)

    def _describe(self, moving: NDArray[np.uint8], time_s: float, wall_ms: int) -> Observation:
        import cv2

        score = min(1.0, cv2.countNonZero(moving) / self._counted_px)
        if score == 0:
            return Observation(time_s, wall_ms)
        # Parts of one person are often split by a low contrast: bridge two pixels before counting areas.
        joined = cv2.dilate(moving, self._kernel)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
        areas = np.bincount(labels.ravel(), weights=(moving.ravel() != 0), minlength=count)
        areas[0] = 0
        large = [index for index in np.argsort(areas)[::-1][:MAX_BOXES] if areas[index] >= self._min_area_px]
        if not large:
            return Observation(time_s, wall_ms, score=score)
        boxes = tuple(self._box(stats[index]) for index in large)
        within = np.isin(labels, large) & (moving != 0)
        return Observation(
            time_s,
            wall_ms,
            score=score,
            area_px=round(float(areas[large[0]]) * self._area_scale),
            boxes=boxes,
            zones=self.zones.touched(within),
        )

    def _box(self, stats: NDArray[np.int32]) -> Box:
        x, y, w, h = (int(value) for value in stats[:4])
        return Box(x=x / self.width, y=y / self.height, w=w / self.width, h=h / self.height)

    def _shrink(self, luma: Luma) -> NDArray[np.uint8]:
        """To the analysed size: rows and columns skipped down to twice that, then averaged."""
        import cv2

        rows, columns = luma.shape
        step = max(1, min(rows // (2 * self.height), columns // (2 * self.width)))
        small: Any = cv2.resize(
            np.ascontiguousarray(luma[::step, ::step]),
            (self.width, self.height),
            interpolation=cv2.INTER_AREA,
        )
        return small  # type: ignore[no-any-return]


def _zones(camera: Camera, width: int, height: int) -> ZoneMap:
    def corners(polygon: Any) -> Corners:
        return normalised(polygon, camera.resolution_motion)

    return zone_map(
        width,
        height,
        [corners(polygon) for polygon in camera.motion_zones],
        [(zone.name, corners(zone.polygon)) for zone in camera.zones if zone.mode is ZoneMode.INCLUDE],
        [corners(zone.polygon) for zone in camera.zones if zone.mode is ZoneMode.EXCLUDE],
    )
