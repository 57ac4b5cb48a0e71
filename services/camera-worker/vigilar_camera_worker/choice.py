"""Which stream motion is searched in: the sub stream while it sends, else the main stream."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

from vigilar_common.clock import Clock

from vigilar_camera_worker.adapters.decoder import MAX_PICTURE_PX, Decoder, Picture
from vigilar_camera_worker.adapters.fmp4 import StreamFormat
from vigilar_camera_worker.adapters.lull import LONGEST_S
from vigilar_camera_worker.analyser import Analyser
from vigilar_camera_worker.domain.packets import Packet
from vigilar_camera_worker.domain.ring import PacketRing
from vigilar_camera_worker.report import Report

log = logging.getLogger(__name__)

CHECK_S: Final = 60.0
"""While the sub stream is analysed, a picture of the main stream is decoded at least this often: is it still one?"""
MAX_SHARP_PACKETS: Final = 120
"""Of the main stream's GOP so much is decoded at most for one sharp picture."""


class MainView:
    """What the search in the sub stream needs of the main stream: its time and its pictures."""

    def __init__(self, ring: PacketRing) -> None:
        self._ring = ring
        self.wanted: StreamFormat | None = None
        self.decoded = 0
        """Pictures that came out so far."""

    @property
    def stream_id(self) -> str:
        """Of the connection that sends now; empty while none does."""
        wanted = self.wanted
        return wanted.stream_id if wanted is not None else ""

    def time_s(self, wall_ms: int) -> float | None:
        """The main stream's media time of a moment; None while it sends nothing."""
        found = [packet for packet in self._ring.since(0.0) if packet.video]
        if not found:
            return None
        nearest = min(found, key=lambda packet: abs(packet.wall_ms - wall_ms))
        return nearest.time_s + (wall_ms - nearest.wall_ms) / 1000

    def picture(self, wall_ms: int) -> Picture | None:
        """Of that moment, decoded from the buffered GOP that holds it; None when there is none."""
        wanted, time_s = self.wanted, self.time_s(wall_ms)
        if wanted is None or time_s is None:
            return None
        decoder, picture = Decoder(wanted), None
        packets = [packet for packet in self._ring.since(time_s) if packet.video]
        for packet in packets[:MAX_SHARP_PACKETS]:
            if picture is not None and (packet.time_s > time_s or packet.key):
                break
            for newer in decoder.feed(packet):
                picture = newer
        self.decoded += picture is not None
        return picture


class StreamChoice:
    """What the main stream's reader takes for its analyser, and a SubListener."""

    def __init__(self, analyser: Analyser, view: MainView, report: Report, clock: Clock) -> None:
        self._analyser, self._view, self._report, self._clock = analyser, view, report, clock
        self.on_main: Callable[[bool], None] = lambda _online: None
        """Hears on the main stream's thread whether that stream sends."""
        self._lock = threading.Lock()
        self._main: StreamFormat | None = None
        self._sub: StreamFormat | None = None
        self._check_s = 0.0
        self._checking = False
        self._decoded = 0

    @property
    def sub_analysed(self) -> bool:
        return self._sub is not None

    @property
    def good_s(self) -> float:
        """Monotonic time of the newest proof that the main stream can be decoded."""
        if self._sub is None:
            return self._analyser.good_s
        if not self._checking:
            return self._clock.monotonic_s()
        return max(self._analyser.checked_s, self._check_s)

    def main_needless_s(self, time_s: float) -> float:
        """How long nobody analyses what the main stream sends after the packet at this media time."""
        if self._sub is None:
            return self._analyser.needless_s(time_s)
        return LONGEST_S if self._analyser.quiet else 0.0

    def sub_needless_s(self, time_s: float) -> float:
        return self._analyser.needless_s(time_s)

    # -- on the main stream's thread ----------------------------------------------------------------

    def stream_started(self, wanted: StreamFormat) -> None:
        with self._lock:
            self._main = self._view.wanted = wanted
            self._check_s, self._decoded = 0.0, self._view.decoded
            self._begin()
        self.on_main(True)

    def interrupted(self) -> None:
        with self._lock:
            was, self._main, self._view.wanted = self._main, None, None
            self._checking = False
            if was is not None or self._sub is None:
                self._begin()
        if was is not None:
            self.on_main(False)

    def put(self, packet: Packet) -> None:
        with self._lock:
            if self._sub is None:
                self._analyser.put(packet)
            elif packet.key and self._main is not None:
                self._check(packet, self._main)

    def _check(self, key: Packet, wanted: StreamFormat) -> None:
        now_s = self._clock.monotonic_s()
        if self._view.decoded != self._decoded:
            # The picture of a motion or an object came out of this stream: that is the proof.
            self._check_s, self._checking, self._decoded = now_s, False, self._view.decoded
        if self._checking and self._analyser.checked_s > self._check_s:
            self._checking = False
        if not self._checking and self._check_s and now_s - self._check_s < CHECK_S:
            return
        if not self._checking:
            self._check_s, self._checking = now_s, True
        self._analyser.check(key, wanted)

    # -- on the sub stream's thread -----------------------------------------------------------------

    def sub_started(self, wanted: StreamFormat) -> None:
        with self._lock:
            self._sub = wanted
            self._check_s, self._checking = 0.0, False
            self._begin()
        self._report.find("detect_url", "")

    def sub_packet(self, packet: Packet) -> None:
        with self._lock:
            if self._sub is not None:
                self._analyser.put(packet)

    def sub_lost(self, reason: str) -> None:
        with self._lock:
            was, self._sub = self._sub, None
            self._checking = False
            if was is not None:
                self._begin()
        self._report.find(
            "detect_url", f"the sub stream is not used, motion is searched in the main stream: {reason}"
        )

    # -- with the lock held -------------------------------------------------------------------------

    def _begin(self) -> None:
        """Whatever was analysed so far is over: a stream came or went. Motion that goes on is found again."""
        self._analyser.interrupted()
        if self._sub is not None:
            self._analyser.stream_started(self._sub, self._view)
        elif self._main is not None and self._main.width_px * self._main.height_px <= MAX_PICTURE_PX:
            self._analyser.stream_started(self._main)
