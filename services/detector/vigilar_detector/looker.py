"""Crops in, answers out: the threads that look, one request of the model each."""

from __future__ import annotations

import logging
import statistics
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vigilar_common.clock import Clock
from vigilar_common.logs import Sparing
from vigilar_common.messages.camera import Box
from vigilar_common.messages.detection import MAX_OBJECTS, CropResult, CropSeen, Detection
from vigilar_common.messages.vehicles import VehicleLook
from vigilar_models import jpeg
from vigilar_models.arrays import Pixels
from vigilar_models.errors import CropError, ModelError
from vigilar_models.manifest import Manifest
from vigilar_models.runtime import LoadedModel

from vigilar_detector.adapters.appearance import vector
from vigilar_detector.domain.decode import Found, decode
from vigilar_detector.domain.turns import Crop, Turns

log = logging.getLogger(__name__)

Answer = Callable[[CropSeen], None]
Vehicles = Callable[[Crop, Sequence[Found]], Mapping[int, VehicleLook]]
"""How the vehicles among what was found look, by their places."""
FAULTS_IN_A_ROW: Final = 20
"""So many unusable answers in a row: the model is not to be trusted, and a finding says so."""
LOOKS_TOLD: Final = 32
"""Of the surest objects of a crop is told how they look: an answer has 32 kB."""
KEPT_TIMES: Final = 200
SHARE: Final = 0.8
"""Of what the threads can do, so much is given to the cameras: the rest is for what comes unevenly."""
LEAST_PER_S, MOST_PER_S = 0.5, 5.0


@dataclass(frozen=True)
class Loaded:
    """A model that is ready, and how it is read."""

    manifest: Manifest
    model: LoadedModel
    workers: int
    threshold: float


def look(loaded: Loaded, worker: int, data: bytes) -> list[Found]:
    """What is in this JPEG. Raises CropError, ModelError."""
    return _look(loaded, worker, data)[0]


def _look(loaded: Loaded, worker: int, data: bytes) -> tuple[list[Found], Pixels]:
    pixels = jpeg.pixels(data)
    picture, fitted = jpeg.fit(pixels, loaded.manifest.input)
    outputs = loaded.model.look(worker, picture)
    return decode(outputs, loaded.manifest, loaded.model.anchors, loaded.threshold, fitted), pixels


class Looker:
    """``offer`` from the bus's frame thread; answers come from the threads that look, or at once for what is not taken."""

    def __init__(
        self, loaded: Loaded, answer: Answer, clock: Clock, vehicles: Vehicles = lambda _crop, _found: {}
    ) -> None:
        self.loaded, self._answer, self._clock = loaded, answer, clock
        self._vehicles = vehicles
        self._turns = Turns()
        self._news = threading.Condition()
        self._stopping = False
        self._faults = 0
        self._sparing = Sparing(log, clock.monotonic_s)
        self._took_ms: deque[float] = deque(maxlen=KEPT_TIMES)
        self._waited_ms: deque[float] = deque(maxlen=KEPT_TIMES)
        self.problem = ""
        """Why its answers are not to be trusted; empty while they are."""
        self.counters = {f"crops_{result.value}": 0 for result in CropResult} | {
            "objects": 0,
            "answers_lost": 0,
        }
        self._threads = [
            threading.Thread(target=self._run, args=(number,), name=f"look-{number}", daemon=True)
            for number in range(loaded.workers)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, timeout_s: float) -> None:
        with self._news:
            self._stopping = True
            self._turns.clear()
            self._news.notify_all()
        for thread in self._threads:
            thread.join(timeout_s)

    def dead(self) -> str:
        alive = all(thread.is_alive() for thread in self._threads) or self._stopping
        return "" if alive else "a thread that looks at crops has died"

    @property
    def waiting(self) -> int:
        return len(self._turns)

    @property
    def ms_per_crop(self) -> float:
        """Median of the newest, end to end in here; 0 before the first."""
        return statistics.median(self._took_ms) if self._took_ms else 0.0

    @property
    def waited_ms(self) -> float:
        """Longest of the newest."""
        return max(self._waited_ms, default=0.0)

    def rate_per_s(self, measured_ms: float) -> float:
        """Crops a second that each busy camera may send. ``measured_ms``: per crop, before any has come."""
        each_ms = max(0.1, self.ms_per_crop or measured_ms)
        with self._news:
            busy = max(1, self._turns.busy(self._clock.monotonic_s()))
        return min(MOST_PER_S, max(LEAST_PER_S, SHARE * self.loaded.workers * 1000 / each_ms / busy))

    def offer(self, crop: Crop) -> None:
        try:
            jpeg.check(crop.jpeg)
        except CropError as error:
            self.tell(crop, CropResult.REFUSED, f"the crop {error}")
            return
        with self._news:
            if self._stopping:
                return
            replaced = self._turns.offer(crop)
            self._news.notify()
        if replaced is not None:
            self.tell(replaced, CropResult.REPLACED, "a newer one of the same camera came")

    def tell(self, crop: Crop, result: CropResult, reason: str) -> None:
        """An answer without a look."""
        self.counters[f"crops_{result.value}"] += 1
        if result in (CropResult.REFUSED, CropResult.FAILED):
            self._sparing.tell(logging.WARNING, "a crop of %s was not seen: %s", crop.camera_id, reason)
        waited_ms = max(0.0, (self._clock.monotonic_s() - crop.came_s) * 1000)
        self._answer(
            CropSeen(
                camera_id=crop.camera_id, crop_id=crop.crop_id, result=result, reason=reason[:500],
                model_id=self.loaded.manifest.id, waited_ms=waited_ms,
            )
        )  # fmt: skip

    # -- on the threads that look -------------------------------------------------------------------

    def _run(self, worker: int) -> None:
        while (found := self._next()) is not None:
            crop, late = found
            for old in late:
                self.tell(old, CropResult.LATE, "it waited too long")
            if crop is not None:
                try:
                    self._look(worker, crop)
                except Exception:
                    # The worker gives this crop up after a second; the thread must go on with the next one.
                    self.counters["answers_lost"] += 1
                    log.exception("the answer to a crop of %s got lost", crop.camera_id)

    def _next(self) -> tuple[Crop | None, list[Crop]] | None:
        """None: this is to end."""
        with self._news:
            while not self._stopping:
                crop, late = self._turns.take(self._clock.monotonic_s())
                if crop is not None or late:
                    return crop, late
                self._news.wait()
        return None

    def _look(self, worker: int, crop: Crop) -> None:
        began_s = self._clock.monotonic_s()
        try:
            every, pixels = _look(self.loaded, worker, crop.jpeg)
            found = every[:MAX_OBJECTS]
            vehicles = self._vehicles(crop, found)
            looks = [vector(pixels, one) for one in found[:LOOKS_TOLD]]
        except CropError as error:
            self.tell(crop, CropResult.REFUSED, f"the crop {error}")
            return
        except ModelError as error:
            self._failed(crop, str(error))
            return
        except Exception as error:
            # A runtime that throws costs this crop alone.
            log.exception("the model failed")
            self._failed(crop, f"{type(error).__name__}: {error}")
            return
        took_ms = (self._clock.monotonic_s() - began_s) * 1000
        waited_ms = (began_s - crop.came_s) * 1000
        self._took_ms.append(took_ms)
        self._waited_ms.append(waited_ms)
        self._faults, self.problem = 0, ""
        self.counters["crops_seen"] += 1
        self.counters["objects"] += len(found)
        self._answer(
            CropSeen(
                camera_id=crop.camera_id, crop_id=crop.crop_id, result=CropResult.SEEN,
                objects=[
                    _detection(one, vehicles.get(number), "".join(looks[number : number + 1]))
                    for number, one in enumerate(found)
                ],
                model_id=self.loaded.manifest.id, waited_ms=max(0.0, waited_ms), took_ms=max(0.0, took_ms),
            )
        )  # fmt: skip

    def _failed(self, crop: Crop, reason: str) -> None:
        self._faults += 1
        if self._faults >= FAULTS_IN_A_ROW:
            self.problem = f"{self._faults} answers in a row were unusable: {reason}"[:400]
        self.tell(crop, CropResult.FAILED, reason)


def _detection(found: Found, vehicle: VehicleLook | None, look: str) -> Detection:
    return Detection(
        object_class=found.object_class,
        score=found.score,
        box=Box(x=found.x, y=found.y, w=min(1.0, found.w), h=min(1.0, found.h)),
        vehicle=vehicle,
        look=look,
    )
