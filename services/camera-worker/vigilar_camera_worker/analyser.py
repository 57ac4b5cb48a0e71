"""Looks for motion on a thread of its own; a slow decoder never holds up recording or live pictures."""

from __future__ import annotations

import logging
import threading
from collections import deque
from dataclasses import dataclass
from typing import Final, Protocol

from vigilar_common.clock import Clock
from vigilar_common.config import Camera

from vigilar_camera_worker.adapters.decoder import Decoder, Picture
from vigilar_camera_worker.adapters.detector import MotionDetector
from vigilar_camera_worker.adapters.fmp4 import StreamFormat
from vigilar_camera_worker.domain.governor import DecodePlan, FpsGovernor
from vigilar_camera_worker.domain.motion import Ended, MotionMachine, Observation, Started
from vigilar_camera_worker.domain.packets import Packet

log = logging.getLogger(__name__)

MAX_QUEUE_PACKETS: Final = 120
MAX_QUEUE_BYTES: Final = 24 * 1024 * 1024
MAX_WAITING_PACKETS: Final = 60
MAX_WAITING_BYTES: Final = 4 * 1024 * 1024


class MotionListener(Protocol):
    """Called on the analyser's thread."""

    def picture_decoded(self, stream_id: str, picture: Picture) -> None: ...
    def motion_started(self, started: Started, picture: Picture) -> None: ...
    def motion_ended(self, ended: Ended) -> None: ...
    def observed(self, seen: Observation) -> None: ...


@dataclass(frozen=True)
class _Begin:
    wanted: StreamFormat


class _Interrupt:
    """The connection is gone."""


class Analyser:
    """Decodes, observes and decides. ``put`` never blocks: what cannot be looked at in time is skipped, counted."""

    def __init__(
        self, camera: Camera, detector: MotionDetector, listener: MotionListener, clock: Clock
    ) -> None:
        self._detector, self._listener, self._clock = detector, listener, clock
        self._governor = FpsGovernor(camera.idle_fps, camera.motion_fps)
        self._machine = MotionMachine()
        self._plan = DecodePlan()
        self._decoder: Decoder | None = None
        self._waiting: list[Packet] = []
        self._waiting_bytes = 0
        self._items: deque[Packet | _Begin | _Interrupt] = deque()
        self._news = threading.Condition()
        self._bytes = 0
        self._lost_packets = False
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="analyser", daemon=True)
        self.good_s = clock.monotonic_s()
        """Monotonic time of the newest clean picture."""
        self.counters = {"frames_decoded": 0, "frames_analysed": 0, "frames_damaged": 0, "packets_skipped": 0}

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def queued_packets(self) -> int:
        return len(self._items)

    @property
    def light_changes(self) -> int:
        return self._detector.light_changes

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        with self._news:
            self._stopping = True
            self._items.clear()
            self._bytes = 0
            self._news.notify()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    def stream_started(self, wanted: StreamFormat) -> None:
        self._put(_Begin(wanted), 0)

    def interrupted(self) -> None:
        self._put(_Interrupt(), 0)

    def put(self, packet: Packet) -> None:
        """A video packet."""
        with self._news:
            full = len(self._items) >= MAX_QUEUE_PACKETS or self._bytes + len(packet.data) > MAX_QUEUE_BYTES
            if full or (self._lost_packets and not packet.key):
                # Nothing after a hole can be decoded before the next keyframe.
                if not self._lost_packets:
                    log.warning("analysis is too slow: skipping to the next keyframe")
                self._lost_packets = True
                self.counters["packets_skipped"] += 1
                return
            self._lost_packets = False
        self._put(packet, len(packet.data))

    def _put(self, item: Packet | _Begin | _Interrupt, size_bytes: int) -> None:
        with self._news:
            self._items.append(item)
            self._bytes += size_bytes
            self._news.notify()

    # -- on the analyser's thread -------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            with self._news:
                while not self._items and not self._stopping:
                    self._news.wait()
                if self._stopping:
                    break
                item = self._items.popleft()
                if isinstance(item, Packet):
                    self._bytes -= len(item.data)
            try:
                self._handle(item)
            except Exception:
                # One picture that cannot be analysed must not end motion detection.
                log.exception("analysis of a picture failed")
                self.counters["frames_damaged"] += 1
        self._end_motion()

    def _handle(self, item: Packet | _Begin | _Interrupt) -> None:
        if isinstance(item, _Begin):
            self._forget_waiting()
            self._end_motion()
            self._decoder = Decoder(item.wanted)
            self._plan = DecodePlan()
            self._detector.restart()
        elif isinstance(item, _Interrupt):
            self._forget_waiting()
            self._end_motion()
            self._decoder = None
        elif self._decoder is not None:
            self._decode(self._decoder, item)

    def _decode(self, decoder: Decoder, packet: Packet) -> None:
        if not self._plan.wanted(packet.time_s, packet.key, self._machine.moving):
            return
        if packet.key:
            self._forget_waiting()  # nothing from here on refers to it
        elif self._may_wait(packet):
            self._waiting.append(packet)
            self._waiting_bytes += len(packet.data)
            return
        waiting = self._waiting
        self._forget_waiting()
        for due in (*waiting, packet):
            self._feed(decoder, due)

    def _may_wait(self, packet: Packet) -> bool:
        """While nothing moves, what comes after the last frame that is looked at before a keyframe."""
        return (
            not self._machine.active
            and len(self._waiting) < MAX_WAITING_PACKETS
            and self._waiting_bytes < MAX_WAITING_BYTES
            and self._plan.can_wait(packet.time_s, self._governor.next_due_s(active=False))
        )

    def _forget_waiting(self) -> None:
        self._waiting = []
        self._waiting_bytes = 0

    def _feed(self, decoder: Decoder, packet: Packet) -> None:
        errors = decoder.errors
        for picture in decoder.feed(packet):
            self.counters["frames_decoded"] += 1
            self.good_s = self._clock.monotonic_s()
            self._listener.picture_decoded(decoder.stream_id, picture)
            if self._governor.due(picture.time_s, self._machine.active):
                self._analyse(picture)
        if decoder.errors != errors:
            self.counters["frames_damaged"] += decoder.errors - errors
            self._plan.distrust()

    def _analyse(self, picture: Picture) -> None:
        self.counters["frames_analysed"] += 1
        seen = self._detector.observe(picture.luma(), picture.time_s, picture.wall_ms)
        result = self._machine.observe(seen)
        if log.isEnabledFor(logging.DEBUG) and seen.score > 0:
            log.debug("motion score %.4f, area %d px, %s", seen.score, seen.area_px, self._machine.phase)
        self._listener.observed(seen)
        if isinstance(result, Started):
            self._listener.motion_started(result, picture)
        elif isinstance(result, Ended):
            self._listener.motion_ended(result)

    def _end_motion(self) -> None:
        ended = self._machine.interrupt()
        if ended is not None:
            self._listener.motion_ended(ended)
