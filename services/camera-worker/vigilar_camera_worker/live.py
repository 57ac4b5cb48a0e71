"""Live parts: fragmented MP4 by stream copy, made and sent only while somebody holds a lease."""

from __future__ import annotations

import logging
import threading
from typing import Final

from vigilar_common.bus import Bus
from vigilar_common.clock import Clock
from vigilar_common.fmp4 import FragmentIndex
from vigilar_common.messages.camera import LiveStream
from vigilar_common.topics import LIVE as LIVE_TOPIC

from vigilar_camera_worker.adapters.fmp4 import LIVE, Muxer, StreamFormat
from vigilar_camera_worker.domain.packets import Packet
from vigilar_camera_worker.domain.ring import PacketRing

log = logging.getLogger(__name__)

MAX_PART_BYTES: Final = 1024 * 1024
"""The GOP from the ring goes out in parts of about this size; the topic holds eight times as much."""


class Live:
    """One stream in parts. ``lease`` comes from the bus's thread, ``feed`` from that of the stream.

    Each `init` starts a new timeline at 0. `seq` has no holes as long as the worker lives.
    """

    def __init__(
        self, bus: Bus, camera_id: str, ring: PacketRing, clock: Clock, stream: LiveStream = LiveStream.MAIN
    ) -> None:
        self._bus, self._camera_id, self._ring, self._clock = bus, camera_id, ring, clock
        self._stream = stream
        self._lock = threading.Lock()
        self._wanted: StreamFormat | None = None
        self._until_s = -1.0
        self._muxer: Muxer | None = None
        self._codec = ""
        self._last_number = 0
        self._seq = 0
        self._index = FragmentIndex()
        self._name = "live" if stream is LiveStream.MAIN else f"live_{stream.value}"
        self.counters = dict.fromkeys(
            (f"{self._name}_{what}" for what in ("starts", "parts", "bytes", "unsent")), 0
        )

    @property
    def watching(self) -> bool:
        return self.leased

    @property
    def leased(self) -> bool:
        return self._clock.monotonic_s() < self._until_s

    def lease(self, lease_s: float, fresh: bool) -> None:
        """Keep sending for ``lease_s`` from now; the first one and every fresh one bring init and GOP at once."""
        with self._lock:
            self._until_s = self._clock.monotonic_s() + lease_s
            if fresh or self._muxer is None:
                self._begin()

    def stream_started(self, wanted: StreamFormat) -> None:
        """The next keyframe is of another stream: viewers need a new init."""
        with self._lock:
            self._wanted = wanted
            self._end()

    def interrupted(self) -> None:
        with self._lock:
            self._wanted = None
            self._end()

    def feed(self, packet: Packet) -> None:
        """Every packet, after it went into the ring."""
        if self._muxer is None and not self.leased:
            return  # nobody watches: the usual case costs no lock
        with self._lock:
            if not self.leased:
                self._end()
                return
            if self._muxer is None:
                if packet.video and packet.key:
                    self._begin()
                return
            if packet.number <= self._last_number:
                return  # was in the GOP from the ring
            for data, key in self._fragments(packet):
                self._publish("part", data, key=key)

    # -- with the lock held -------------------------------------------------------------------------

    def _begin(self) -> None:
        self._end()
        gop = self._ring.current_gop()
        if self._wanted is None or not gop:
            return  # the next keyframe begins
        self._muxer = Muxer(self._wanted, LIVE)
        self._index = FragmentIndex()
        self._codec = ""
        self.counters[f"{self._name}_starts"] += 1
        pending, first = bytearray(), True
        for packet in gop:
            pending += b"".join(data for data, _ in self._fragments(packet))
            if len(pending) >= MAX_PART_BYTES or (packet is gop[-1] and pending):
                self._publish("part", bytes(pending), key=first)
                pending.clear()
                first = False

    def _fragments(self, packet: Packet) -> list[tuple[bytes, bool]]:
        """What became complete with this packet, one (bytes, begins with a keyframe) per fragment; sends the init."""
        assert self._muxer is not None
        self._muxer.mux(packet)
        self._last_number = packet.number
        data = self._muxer.take()
        if not data:
            return []
        base = self._index.whole_length
        self._index.feed(data)
        if not self._codec:
            init = data[: self._index.init_length]
            self._codec = f'video/mp4; codecs="{", ".join(self._index.codecs)}"'
            self._publish("init", init, key=False)
        found = [
            (data[f.offset - base : f.offset - base + f.size], f.keyframe) for f in self._index.fragments
        ]
        self._index.fragments.clear()  # only the newest are of interest; a viewer may watch for days
        return found

    def _publish(self, kind: str, data: bytes, *, key: bool) -> None:
        properties = {"kind": kind, "seq": str(self._seq), "key": str(int(key)), "codec": self._codec}
        self._seq += 1
        self.counters[f"{self._name}_parts"] += 1
        self.counters[f"{self._name}_bytes"] += len(data)
        if not self._bus.publish_frame(
            LIVE_TOPIC, data, properties, camera_id=self._camera_id, stream=self._stream.value
        ):
            self.counters[f"{self._name}_unsent"] += 1

    def _end(self) -> None:
        muxer, self._muxer = self._muxer, None
        if muxer is not None:
            muxer.close()
