"""Looks for motion on a thread of its own; a slow decoder never holds up recording or live pictures."""

from __future__ import annotations

import logging
import threading
from collections import deque
from dataclasses import dataclass
from typing import Final

from vigilar_common.clock import Clock
from vigilar_common.config import Camera
from vigilar_common.threads import Thread

from vigilar_camera_worker.adapters.fmp4 import StreamFormat
from vigilar_camera_worker.domain.packets import Packet
from vigilar_camera_worker.search import MotionSearch
from vigilar_camera_worker.search_parts import MainPictures
from vigilar_camera_worker.work import Lag

log = logging.getLogger(__name__)

MAX_QUEUE_PACKETS: Final = 120
MAX_QUEUE_BYTES: Final = 24 * 1024 * 1024


@dataclass(frozen=True)
class _Begin:
    wanted: StreamFormat
    main: MainPictures | None


@dataclass(frozen=True)
class _Check:
    """One keyframe of a stream that is not analysed."""

    key: Packet
    wanted: StreamFormat


@dataclass(frozen=True)
class _Retune:
    camera: Camera


class _Interrupt:
    """The connection is gone."""


Item = Packet | _Begin | _Check | _Retune | _Interrupt


class Analyser:
    """Gives one stream to the search. ``put`` never blocks: what cannot be looked at in time is skipped, counted.

    While nothing moves most packets are only kept, so the thread is woken for those alone that may be looked at.
    """

    def __init__(self, search: MotionSearch, clock: Clock) -> None:
        self._search, self._clock = search, clock
        self._items: deque[Item] = deque()
        self._news = threading.Condition()
        self._bytes = 0
        self._lost_packets = False
        self._stopping = False
        self._thread = Thread(target=self._run, name="analyser")
        self.good_s = clock.monotonic_s()
        """Monotonic time of the newest picture that came out of the decoder."""
        self.checked_s = 0.0
        self.lag = Lag(clock)
        """How long after a packet arrived its picture was looked at."""
        self.counters = search.counters
        self.counters["packets_skipped"] = 0

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def queued_packets(self) -> int:
        return len(self._items)

    @property
    def rejections(self) -> dict[str, int]:
        return self._search.rejections

    @property
    def quiet(self) -> bool:
        """Nothing seems to begin: either nothing moves, or it is known that something does."""
        return self._search.quiet

    def needless_s(self, time_s: float) -> float:
        """How long nothing is looked at of what follows the packet at this media time."""
        return self._search.needless_s(time_s)

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

    def stream_started(self, wanted: StreamFormat, main: MainPictures | None = None) -> None:
        """``main``: what is analysed is the sub stream, pictures and media times are those of the main stream."""
        self._put(_Begin(wanted, main), 0, wake=True)

    def check(self, key: Packet, wanted: StreamFormat) -> None:
        """See whether this keyframe of a stream that is not analysed can be decoded: then ``checked_s`` moves on."""
        self._put(_Check(key, wanted), 0, wake=True)

    def retune(self, camera: Camera) -> None:
        self._put(_Retune(camera), 0, wake=True)

    def interrupted(self) -> None:
        self._put(_Interrupt(), 0, wake=True)

    def put(self, packet: Packet) -> None:
        """A video packet."""
        size_bytes = len(packet.data)
        full = len(self._items) >= MAX_QUEUE_PACKETS or self._bytes + size_bytes > MAX_QUEUE_BYTES
        if full or (self._lost_packets and not packet.key):
            # Nothing after a hole can be decoded before the next keyframe.
            if not self._lost_packets:
                log.warning("analysis is too slow: skipping to the next keyframe")
            self._lost_packets = True
            self.counters["packets_skipped"] += 1
            return
        self._lost_packets = False
        self._put(packet, size_bytes, wake=packet.key or packet.time_s >= self._search.wake_s)

    def _put(self, item: Item, size_bytes: int, *, wake: bool) -> None:
        with self._news:
            self._items.append(item)
            self._bytes += size_bytes
            if wake or len(self._items) > MAX_QUEUE_PACKETS // 2:
                self._news.notify()

    # -- on the analyser's thread -------------------------------------------------------------------

    def _run(self) -> None:
        while (items := self._next()) is not None:
            for item in items:
                self._handle(item)
        self._search.interrupt()

    def _next(self) -> list[Item] | None:
        """What has gathered since the last time; None when this is to end."""
        with self._news:
            while not self._items and not self._stopping:
                self._news.wait()
            if self._stopping:
                return None
            items = list(self._items)
            self._items.clear()
            self._bytes = 0
            return items

    def _handle(self, item: Item) -> None:
        if self._stopping:
            return
        before = self._pictures()
        try:
            if isinstance(item, _Begin):
                self._search.begin(item.wanted, item.main)
            elif isinstance(item, _Check):
                if self._search.glance(item.key, item.wanted):
                    self.checked_s = self._clock.monotonic_s()
            elif isinstance(item, _Retune):
                self._search.retune(item.camera)
            elif isinstance(item, _Interrupt):
                self._search.interrupt()
            else:
                self._search.packet(item)
        except Exception:
            # One picture that cannot be analysed must not end motion detection.
            log.exception("analysis of a picture failed")
            self.counters["frames_damaged"] += 1
        if self._pictures() != before:
            self.good_s = self._clock.monotonic_s()
            if isinstance(item, Packet):
                self.lag.note(max(0, self._clock.now_ms() - item.wall_ms) / 1000)

    def _pictures(self) -> int:
        return self.counters["frames_decoded"] + self.counters["frames_sparse"]
