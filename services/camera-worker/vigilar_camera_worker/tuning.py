"""What the motion detector sees, for somebody who tunes it: made and sent only while a lease runs."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from vigilar_common.bus import Bus, Received
from vigilar_common.clock import Clock
from vigilar_common.config import Camera
from vigilar_common.messages.camera import TuneLease
from vigilar_common.topics import TUNE

from vigilar_camera_worker.adapters.detector import MotionDetector
from vigilar_camera_worker.domain.motion import Observation, Phase
from vigilar_camera_worker.domain.object_news import Followed

log = logging.getLogger(__name__)

MASK_SIZE: Final = (160, 90)
MAX_SHOWN: Final = 32
"""Objects in one look."""


class Tuning:
    """``leased`` comes from the bus's thread, ``wanted`` and ``looked`` from the analyser's."""

    def __init__(self, bus: Bus, camera: Camera, clock: Clock) -> None:
        self._bus, self._camera_id, self._clock = bus, camera.id, clock
        self.camera = camera
        """With the thresholds that are in force."""
        self.objects: Callable[[], list[Followed]] = list
        """What is followed now, told or not."""
        self._until_s = -1.0
        self._seq = 0
        self.counters = {"tune_looks": 0, "tune_unsent": 0}

    @property
    def wanted(self) -> bool:
        return self._clock.monotonic_s() < self._until_s

    def leased(self, received: Received) -> None:
        assert isinstance(received.message, TuneLease)
        if not self.wanted:
            log.info("motion is tuned: every picture is decoded while somebody looks")
        self._until_s = self._clock.monotonic_s() + received.message.lease_s

    def looked(self, seen: Observation, detector: MotionDetector, phase: Phase) -> None:
        self._seq += 1
        self.counters["tune_looks"] += 1
        payload = json.dumps(self._look(seen, detector, phase), separators=(",", ":")).encode()
        properties = {"seq": str(self._seq), "ts_ms": str(seen.wall_ms)}
        if not self._bus.publish_frame(TUNE, payload, properties, camera_id=self._camera_id):
            self.counters["tune_unsent"] += 1

    def _look(self, seen: Observation, detector: MotionDetector, phase: Phase) -> dict[str, Any]:
        return {
            "ts_ms": seen.wall_ms,
            "score": round(seen.score, 5),
            "area_px": seen.area_px,
            "boxes": [[round(v, 4) for v in (box.x, box.y, box.w, box.h)] for box in seen.boxes],
            "zones": list(seen.zones),
            "phase": phase.value,
            "blind": seen.blind,
            "followed": seen.followed,
            "rejected": seen.rejected,
            "rejections": detector.rejections,
            "sensitivity": self.camera.motion_sensitivity,
            "min_area_px": self.camera.motion_min_area_px,
            "objects": [_object(item) for item in self.objects()[:MAX_SHOWN]],
            "mask_size": MASK_SIZE,
            "counted": _bits(detector.counted),
            "explained": _bits(detector.explained),
        }


def _object(item: Followed) -> list[Any]:
    """Class, score, x, y, width, height, and told, rests, held or seen."""
    track = item.track
    how = "told" if track.announced else "held" if item.held else "rests" if track.resting else "seen"
    return [track.object_class, round(track.score, 2), *(round(v, 4) for v in track.box.clipped()), how]


def _bits(mask: Any) -> str:
    """A mask (0 or not, None: empty) at ``MASK_SIZE``: base64 of one bit per pixel, rows first, highest bit first."""
    if mask is None:
        return ""
    import cv2

    small = cv2.resize(mask, MASK_SIZE, interpolation=cv2.INTER_AREA) > 0
    return base64.b64encode(np.packbits(small).tobytes()).decode("ascii")
