"""A detector without a model, for tests of what comes before and after it: it sees one object that walks to and fro."""

from __future__ import annotations

import threading
import time

from vigilar_camera_worker.domain.looks import Rect, within
from vigilar_common.bus import MqttBus, Received
from vigilar_common.messages.camera import Box
from vigilar_common.messages.detection import CropResult, CropSeen, Detection, DetectorLease
from vigilar_common.testing.broker import TestBroker
from vigilar_common.topics import CROP, CROP_SEEN, DETECTOR_LEASE

LEASE_EVERY_S = 0.5
TURN_S = 8.0


class StandInDetector:
    """Answers crops of the camera `front` as the broker's user `detector`: all of the object or nothing."""

    def __init__(
        self, broker: TestBroker, object_class: str = "person", size: tuple[float, float] = (0.2, 0.5)
    ) -> None:
        self._class, self._size = object_class, size
        self._began_s = time.monotonic()
        self.answered = 0
        self._stopping = threading.Event()
        self.bus: MqttBus = broker.bus("detector")
        self.bus.subscribe(CROP, self._crop)
        self._thread = threading.Thread(target=self._lease, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(5)
        self.bus.stop()

    def place(self) -> Rect:
        """In parts of the picture."""
        share = abs((time.monotonic() - self._began_s) / TURN_S % 2 - 1)
        w, h = self._size
        return Rect(0.1 + share * (0.8 - w), 0.3, w, h)

    def _lease(self) -> None:
        while not self._stopping.is_set():
            self.bus.publish(DETECTOR_LEASE, DetectorLease(model_id="stand-in"))
            self._stopping.wait(LEASE_EVERY_S)

    def _crop(self, received: Received) -> None:
        area = Rect(*(float(part) for part in received.properties["area"].split(",")))
        place, found = self.place(), []
        if place.inside(area) >= 0.999:
            box = within(place, area)
            found.append(
                Detection(object_class=self._class, score=0.9, box=Box(x=box.x, y=box.y, w=box.w, h=box.h))
            )
        seen = CropSeen(
            camera_id=received.ids["camera_id"],
            crop_id=received.properties["crop_id"],
            result=CropResult.SEEN,
            objects=found,
        )
        self.answered += self.bus.publish(CROP_SEEN, seen, camera_id=received.ids["camera_id"])
