"""Crops for the detector, and its answers as looks: only while one lives, only while something moves.

While there is no lease nothing is cut or kept: a look of the motion detector costs one comparison here.
"""

from __future__ import annotations

import base64
import binascii
import logging
import threading
from dataclasses import dataclass
from typing import Final, Protocol

from vigilar_common.bus import Bus, Received
from vigilar_common.clock import Clock, uuid7
from vigilar_common.logs import Sparing
from vigilar_common.messages.detection import MAX_OUTSTANDING, CropResult, CropSeen, DetectorLease
from vigilar_common.topics import AVAILABLE, CROP, CROP_SEEN, DETECTOR_LEASE

from vigilar_camera_worker.adapters.cutting import cut
from vigilar_camera_worker.adapters.decoder import Picture
from vigilar_camera_worker.adapters.pictures import PictureError
from vigilar_camera_worker.domain.looks import Look, Rect, Seen, placed
from vigilar_camera_worker.domain.motion import Observation
from vigilar_camera_worker.domain.regions import Region, regions, tiles

log = logging.getLogger(__name__)

GIVE_UP_S: Final = 1.0
"""An answer that did not come within this time does not come any more."""
FIRST_SWEEP_S: Final = 1.0
SWEEP_EVERY_S: Final = 10.0
"""While something moves the whole picture is looked at after this time, and then so often; and once when it is over."""
START_SWEEPS_S: Final = (0.0, 3.0, 6.0, 50.0)
"""So long after the first lease the whole picture is looked at though nothing moves: what stands there is known again
after a restart, parked vehicles with the last of them."""
AGAIN_EVERY_S: Final = 1.3
"""Nothing moves any more: where somebody was seen last is looked at so often until the motion counts as over, so that who
is gone is not counted for longer than that takes."""
STANDS_EVERY_S: Final = 10.0
STANDS_S: Final = 900.0
"""Who stands still afterwards is looked at so often, for so long."""
DETECTOR: Final = "detector"


class Looked(Protocol):
    """Thread-safe; does not block."""

    wanted: bool
    muted: bool

    def looked(self, look: Look) -> None: ...
    def lost(self, reason: str) -> None: ...
    def expected(self) -> list[Rect]: ...


@dataclass(frozen=True)
class _Sent:
    """A crop that waits for its answer."""

    area: Rect
    wall_ms: int
    moving: tuple[Rect, ...]
    sent_s: float


class Crops:
    """``looked``, ``began`` and ``ended`` from the analyser's thread, the rest from the bus's."""

    def __init__(self, bus: Bus, camera_id: str, clock: Clock, objects: Looked) -> None:
        self._bus, self._camera_id, self._clock, self._objects = bus, camera_id, clock, objects
        self._lock = threading.Lock()
        self._waiting: dict[str, _Sent] = {}
        self._until_s = 0.0
        self._lease = DetectorLease()
        self._next_s = 0.0
        self._sweep_s = 0.0
        self._moving = False
        self._again_s = 0.0
        self._over_s = -STANDS_S
        """When the last motion was over."""
        self._starts: list[float] = []
        """When the sweeps at the start are due, newest first; none: done, or no detector was heard of."""
        self._held: tuple[Observation, Picture] | None = None
        self._tiles: list[Region] = []
        """Those of the sweep that goes on which were not sent yet."""
        self._sparing = Sparing(log, clock.monotonic_s)
        self.counters = {
            "crops_sent": 0, "crops_skipped": 0, "crops_unsent": 0, "crops_failed_here": 0, "crops_unanswered": 0,
            "sweeps": 0, **{f"crops_{result.value}": 0 for result in CropResult},
        }  # fmt: skip

    def start(self) -> None:
        if self._objects.wanted:
            self._bus.subscribe(DETECTOR_LEASE, self._leased)
            self._bus.subscribe(CROP_SEEN, self._answered, camera_id=self._camera_id)
            self._bus.subscribe(AVAILABLE, self._available, service=DETECTOR)

    @property
    def leased(self) -> bool:
        """A detector lives."""
        return self._until_s > 0 and self._clock.monotonic_s() < self._until_s

    # -- on the analyser's thread -------------------------------------------------------------------

    def looked(self, seen: Observation, picture: Picture) -> None:
        """Each picture that the motion detector looks at."""
        if not self._until_s:
            return
        if not self.leased:
            self._lost("the detector has not been heard of")
            return
        if self._moving:
            self._held = (seen, picture)
            self._look(seen, picture)
        else:
            self._held = (seen, picture) if seen.hit else None
            self._look_while_idle(seen, picture)

    def began(self) -> None:
        """Motion is told: what was looked at last shows it."""
        self._moving = True
        self._sweep_s = self._clock.monotonic_s() + FIRST_SWEEP_S
        self._tiles = []
        held = self._held
        if self.leased and held is not None:
            self._look(*held)

    def ended(self) -> None:
        """Nothing moves any more: one look at what was left behind."""
        if not self._moving:
            return
        self._moving = False
        held, self._held = self._held, None
        self._over_s = now_s = self._clock.monotonic_s()
        self._again_s = now_s + STANDS_EVERY_S
        self._tiles = []
        if self.leased and held is not None:
            self._sweep(*held, self._free(now_s))

    def _sweep(self, seen: Observation, picture: Picture, free: int) -> None:
        """The whole picture; what is too much at a time is left for the next pictures."""
        self.counters["sweeps"] += 1
        self._tiles = tiles(picture.width_px, picture.height_px)
        self._send_tiles(seen, picture, free)

    def _send_tiles(self, seen: Observation, picture: Picture, free: int) -> None:
        due, self._tiles = self._tiles[:free], self._tiles[free:]
        self._send(due, seen, picture)

    def _look_while_idle(self, seen: Observation, picture: Picture) -> None:
        now_s = self._clock.monotonic_s()
        swept = bool(self._starts) and now_s >= self._starts[-1]
        if self._objects.muted or not (swept or self._tiles or now_s >= self._again_s):
            return
        free = self._free(now_s)
        if now_s < self._next_s or not free:
            return
        if swept:
            self._starts.pop()
            self._sweep(seen, picture, free)
        elif self._tiles:
            self._send_tiles(seen, picture, free)
        elif now_s - self._over_s < STANDS_S:
            self._look_again(seen, picture, free, now_s + STANDS_EVERY_S)

    def _look_again(self, seen: Observation, picture: Picture, free: int, next_s: float) -> None:
        """Where somebody is believed to be."""
        self._again_s = next_s
        self._send(
            regions(self._objects.expected(), picture.width_px, picture.height_px, free), seen, picture
        )

    def _look(self, seen: Observation, picture: Picture) -> None:
        now_s = self._clock.monotonic_s()
        free = self._free(now_s)
        if now_s < self._next_s or not free:
            self.counters["crops_skipped"] += bool(seen.boxes)
            return
        if now_s >= self._sweep_s:
            self._sweep_s = now_s + SWEEP_EVERY_S
            self._sweep(seen, picture, free)
        elif self._tiles:
            self._send_tiles(seen, picture, free)
        elif seen.hit:
            boxes = [(box.x, box.y, box.w, box.h) for box in seen.boxes]
            self._send(regions(boxes, picture.width_px, picture.height_px, free), seen, picture)
            self._again_s = now_s
        elif now_s >= self._again_s:
            self._look_again(seen, picture, free, now_s + AGAIN_EVERY_S)

    def _send(self, wanted: list[Region], seen: Observation, picture: Picture) -> None:
        now_s = self._clock.monotonic_s()
        moving = tuple(Rect(box.x, box.y, box.w, box.h) for box in seen.boxes) if seen.hit else ()
        for region in wanted:
            try:
                jpeg = cut(picture, region, self._lease.crop_px)
            except PictureError as error:
                self.counters["crops_failed_here"] += 1
                self._sparing.tell(logging.WARNING, "%s: %s", self._camera_id, error)
                continue
            crop_id = uuid7(self._clock)
            width, height = picture.width_px, picture.height_px
            area = Rect(region.x / width, region.y / height, region.width / width, region.height / height)
            with self._lock:
                self._waiting[crop_id] = _Sent(area, seen.wall_ms, moving, now_s)
            properties = {
                "crop_id": crop_id,
                "ts_ms": str(seen.wall_ms),
                "area": ",".join(f"{part:.4f}" for part in area),
            }
            if self._bus.publish_frame(CROP, jpeg, properties, camera_id=self._camera_id):
                self.counters["crops_sent"] += 1
            else:
                self.counters["crops_unsent"] += 1
                with self._lock:
                    self._waiting.pop(crop_id, None)
        self._next_s = now_s + len(wanted) / self._lease.crops_per_s

    def _free(self, now_s: float) -> int:
        """How many crops may be sent now; those whose answer does not come any more are given up."""
        with self._lock:
            gone = [name for name, sent in self._waiting.items() if now_s - sent.sent_s > GIVE_UP_S]
            for name in gone:
                del self._waiting[name]
            self.counters["crops_unanswered"] += len(gone)
            return max(0, MAX_OUTSTANDING - len(self._waiting))

    def _lost(self, reason: str) -> None:
        self._until_s = 0.0
        self._held = None
        with self._lock:
            self._waiting.clear()
        self._objects.lost(reason)

    # -- on the bus's threads -----------------------------------------------------------------------

    def _leased(self, received: Received) -> None:
        assert isinstance(received.message, DetectorLease)
        if not self._until_s:
            log.info("%s: the detector looks, with %s", self._camera_id, received.message.model_id)
            now_s = self._clock.monotonic_s()
            self._starts = [now_s + after_s for after_s in reversed(START_SWEEPS_S)]
        self._lease = received.message
        self._until_s = self._clock.monotonic_s() + received.message.lease_s

    def _available(self, received: Received) -> None:
        if received.payload == b"offline":
            self._lost("the detector does not run")

    def _answered(self, received: Received) -> None:
        seen = received.message
        assert isinstance(seen, CropSeen)
        with self._lock:
            sent = self._waiting.pop(seen.crop_id, None)
        if sent is None:
            return  # given up, counted then
        self.counters[f"crops_{seen.result.value}"] += 1
        if seen.result is not CropResult.SEEN:
            self._sparing.tell(logging.DEBUG, "%s: a crop was not seen: %s", self._camera_id, seen.reason)
            return
        objects = tuple(
            Seen(
                one.object_class,
                one.score,
                placed(Rect(one.box.x, one.box.y, one.box.w, one.box.h), sent.area),
                vehicle=one.vehicle,
                look=vector_of(one.look),
            )
            for one in seen.objects
        )
        self._objects.looked(Look(sent.wall_ms, objects, sent.area, sent.moving))


def vector_of(text: str) -> bytes:
    """Empty for what is none: then nothing is known of how it looks."""
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return b""
