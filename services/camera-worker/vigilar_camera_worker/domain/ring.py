"""The last seconds of a stream, encoded: what a recording begins with and what a new viewer gets first."""

from __future__ import annotations

import threading
from collections import deque
from itertools import islice
from typing import Final

from vigilar_camera_worker.domain.packets import Packet

DEFAULT_MAX_BYTES: Final = 48 * 1024 * 1024


class PacketRing:
    """Holds whole GOPs from a keyframe at least ``keep_s`` back; thread-safe.

    A GOP longer than ``keep_s`` is kept whole: without its keyframe nothing of it can be shown. Above
    ``max_bytes`` the oldest GOP goes (``short``), and a single GOP that large goes whole (``overflows``): then
    the ring waits for the next keyframe.
    """

    def __init__(self, keep_s: float, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        self.keep_s = keep_s
        self.max_bytes = max_bytes
        self.bytes = 0
        self.short = 0
        self.overflows = 0
        self.longest_gop_s = 0.0
        self._packets: deque[Packet] = deque()
        self._keys: deque[Packet] = deque()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._packets)

    def clear(self) -> None:
        with self._lock:
            self._clear()
            self.longest_gop_s = 0.0

    def push(self, packet: Packet) -> bool:
        """False when there is no keyframe yet that the packet could be shown after."""
        with self._lock:
            if packet.video and packet.key:
                if self._keys:
                    self.longest_gop_s = max(self.longest_gop_s, packet.time_s - self._keys[-1].time_s)
                self._keys.append(packet)
            elif not self._keys:
                return False
            self._packets.append(packet)
            self.bytes += len(packet.data)
            while len(self._keys) > 1 and self._keys[1].time_s <= packet.time_s - self.keep_s:
                self._drop_gop()
            while self.bytes > self.max_bytes:
                if len(self._keys) > 1:
                    self.short += 1
                    self._drop_gop()
                else:
                    self.overflows += 1
                    self._clear()
            return bool(self._keys)

    def since(self, time_s: float) -> list[Packet]:
        """From the last keyframe at or before ``time_s``, else from the oldest one; empty when there is none."""
        with self._lock:
            start = None
            for key in self._keys:
                if start is None or key.time_s <= time_s:
                    start = key
            return [] if start is None else self._from(start)

    def after(self, number: int) -> list[Packet] | None:
        """What came after the packet with this number; None when some of it is not there any more."""
        with self._lock:
            if not self._packets or self._packets[0].number > number + 1:
                return None
            return list(islice(self._packets, number + 1 - self._packets[0].number, None))

    def current_gop(self) -> list[Packet]:
        """From the newest keyframe to the newest packet."""
        with self._lock:
            return self._from(self._keys[-1]) if self._keys else []

    def _from(self, start: Packet) -> list[Packet]:
        # Numbers have no holes inside the ring, so the place follows from the number.
        return list(islice(self._packets, start.number - self._packets[0].number, None))

    def _drop_gop(self) -> None:
        self._keys.popleft()
        end = self._keys[0].number
        while self._packets[0].number != end:
            self.bytes -= len(self._packets.popleft().data)

    def _clear(self) -> None:
        self._packets.clear()
        self._keys.clear()
        self.bytes = 0
