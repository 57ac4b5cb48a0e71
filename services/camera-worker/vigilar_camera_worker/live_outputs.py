"""Where the pictures of a transcode go: into live parts like a copied stream's, or out one by one."""

from __future__ import annotations

import threading
from typing import Final, Protocol

from vigilar_common.bus import Bus
from vigilar_common.clock import Clock, uuid7
from vigilar_common.messages.camera import LiveStream
from vigilar_common.topics import LIVE

from vigilar_camera_worker.adapters.fmp4 import StreamFormat, read_format
from vigilar_camera_worker.adapters.transcode import Encoded, Profile
from vigilar_camera_worker.domain.nal import parameter_sets
from vigilar_camera_worker.domain.packets import TICKS_PER_S, Packet
from vigilar_camera_worker.domain.ring import PacketRing
from vigilar_camera_worker.live import Live

RING_BYTES: Final = 4 * 1024 * 1024
JPEG_CODEC: Final = "image/jpeg"


class Output(Protocol):
    """``lease`` comes from the bus's thread, the rest from the transcode's."""

    counters: dict[str, int]

    def lease(self, lease_s: float, fresh: bool) -> None: ...
    def begin(self, source: StreamFormat) -> None: ...
    def sound(self, packet: Packet) -> None: ...
    def put(self, picture: Encoded, wall_ms: int) -> None: ...
    def end(self) -> None: ...


class VideoOutput:
    """H.264 as a stream of its own: a ring of one GOP and a `Live`, so that late viewers start at once."""

    def __init__(self, bus: Bus, camera_id: str, stream: LiveStream, profile: Profile, clock: Clock) -> None:
        self._clock = clock
        self._step = TICKS_PER_S // profile.fps
        self._ring = PacketRing(0.0, RING_BYTES)
        self._live = Live(bus, camera_id, self._ring, clock, stream)
        self._source: StreamFormat | None = None
        self._begun = False
        self._number = 0
        self.counters = self._live.counters

    def lease(self, lease_s: float, fresh: bool) -> None:
        self._live.lease(lease_s, fresh)

    def begin(self, source: StreamFormat) -> None:
        self.end()
        self._source = source

    def sound(self, packet: Packet) -> None:
        """The camera's sound goes along as it is."""
        if self._begun:
            self._push(packet.data, packet.key, packet.dts, packet.duration, packet.wall_ms, video=False)

    def put(self, picture: Encoded, wall_ms: int) -> None:
        """Raises UnusableStreamError when the encoder's own output cannot be read."""
        if not self._begun:
            if not picture.key or self._source is None:
                return
            sets = parameter_sets(picture.data, "h264")
            self._live.stream_started(
                read_format(uuid7(self._clock), "h264", picture.data, sets, self._source.audio)
            )
            self._begun = True
        self._push(picture.data, picture.key, picture.pts, self._step, wall_ms, video=True)

    def end(self) -> None:
        self._live.interrupted()
        self._ring.clear()
        self._begun, self._number = False, 0

    def _push(self, data: bytes, key: bool, ticks: int, duration: int, wall_ms: int, *, video: bool) -> None:
        self._number += 1
        packet = Packet(self._number, video, key and video, ticks, ticks, duration, wall_ms, data)
        if self._ring.push(packet):
            self._live.feed(packet)


class PictureOutput:
    """JPEGs, each a part of its own; whoever comes later gets the newest one at once."""

    def __init__(self, bus: Bus, camera_id: str, stream: LiveStream) -> None:
        self._bus, self._camera_id, self._stream = bus, camera_id, stream
        self._lock = threading.Lock()
        self._newest = b""
        self._seq = 0
        self.counters = dict.fromkeys(
            (f"live_{stream.value}_{what}" for what in ("parts", "bytes", "unsent")), 0
        )

    def lease(self, lease_s: float, fresh: bool) -> None:  # noqa: ARG002 the transcode knows how long it runs
        with self._lock:
            if fresh and self._newest:
                self._publish("init", b"")
                self._publish("part", self._newest)

    def begin(self, source: StreamFormat) -> None: ...

    def sound(self, packet: Packet) -> None: ...

    def put(self, picture: Encoded, wall_ms: int) -> None:  # noqa: ARG002 a JPEG carries no time
        with self._lock:
            if not self._newest:
                self._publish("init", b"")
            self._newest = picture.data
            self._publish("part", picture.data)

    def end(self) -> None:
        with self._lock:
            self._newest = b""

    def _publish(self, kind: str, data: bytes) -> None:
        name = f"live_{self._stream.value}"
        key = str(int(kind == "part"))
        properties = {"kind": kind, "seq": str(self._seq), "key": key, "codec": JPEG_CODEC}
        self._seq += 1
        self.counters[f"{name}_parts"] += 1
        self.counters[f"{name}_bytes"] += len(data)
        if not self._bus.publish_frame(
            LIVE, data, properties, camera_id=self._camera_id, stream=self._stream.value
        ):
            self.counters[f"{name}_unsent"] += 1
