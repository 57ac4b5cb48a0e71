"""One stream of the camera, as its reader hands it on: the reader feeds it, whatever shows it live listens."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, Protocol

from vigilar_camera_worker.adapters.fmp4 import StreamFormat
from vigilar_camera_worker.domain.packets import Packet
from vigilar_camera_worker.domain.ring import PacketRing

OWN_RING_BYTES: Final = 8 * 1024 * 1024
"""A source without a ring of its reader's keeps the current GOP, up to this size."""


class PacketListener(Protocol):
    """What a reader of a stream tells, all of it on the reader's thread."""

    def stream_started(self, wanted: StreamFormat) -> None:
        """The packets that follow are of this format, from a keyframe on."""
        ...

    def feed(self, packet: Packet) -> None:
        """Every packet, after it went into the ring."""
        ...

    def interrupted(self) -> None:
        """The connection is gone, or the format changes."""
        ...

    @property
    def watching(self) -> bool:
        """Whether somebody waits for each packet."""
        ...


class LiveSource:
    """Passes packets on to its listeners and knows the current GOP; is itself a PacketListener.

    ``ring`` is the reader's own, filled before ``feed``; without one the source keeps a ring of one GOP.
    ``on_change`` hears whether the stream sends pictures.
    """

    def __init__(
        self, ring: PacketRing | None = None, on_change: Callable[[bool], None] = lambda _: None
    ) -> None:
        self._own = ring is None
        self.ring = PacketRing(0.0, OWN_RING_BYTES) if ring is None else ring
        self._on_change = on_change
        self._lock = threading.Lock()
        self._listeners: tuple[PacketListener, ...] = ()
        self._wanted: StreamFormat | None = None

    @property
    def wanted(self) -> StreamFormat | None:
        """None while the stream sends nothing."""
        return self._wanted

    @property
    def watching(self) -> bool:
        return any(listener.watching for listener in self._listeners)

    def join(self, listener: PacketListener) -> None:
        """Brings the format and the current GOP at once, on the caller's thread. The newest packet may come twice:
        a reader puts it into its ring before it feeds it."""
        with self._lock:
            self._listeners = (*self._listeners, listener)
            if self._wanted is not None:
                listener.stream_started(self._wanted)
                for packet in self.ring.current_gop():
                    listener.feed(packet)

    def leave(self, listener: PacketListener) -> None:
        with self._lock:
            self._listeners = tuple(item for item in self._listeners if item is not listener)

    # -- on the reader's thread ---------------------------------------------------------------------

    def stream_started(self, wanted: StreamFormat) -> None:
        with self._lock:
            if self._own:
                self.ring.clear()
            self._wanted = wanted
            for listener in self._listeners:
                listener.stream_started(wanted)
        self._on_change(True)

    def feed(self, packet: Packet) -> None:
        with self._lock:
            if self._own and not self.ring.push(packet):
                return
            for listener in self._listeners:
                listener.feed(packet)

    def interrupted(self) -> None:
        with self._lock:
            self._wanted = None
            if self._own:
                self.ring.clear()
            for listener in self._listeners:
                listener.interrupted()
        self._on_change(False)
