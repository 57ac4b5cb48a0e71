"""The only place that reads a clock or sleeps.

UTC milliseconds are what is stored and sent; the monotonic clock measures durations and never jumps.
"""

from __future__ import annotations

import os
import threading
import time
from typing import Protocol
from uuid import UUID


class Clock(Protocol):
    """What a service is given instead of the ``time`` module."""

    def now_ms(self) -> int:
        """UTC, milliseconds since 1970."""
        ...

    def monotonic_s(self) -> float:
        """Seconds from an arbitrary start; never jumps."""
        ...

    def sleep(self, seconds: float) -> None: ...

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait until ``event`` is set or ``seconds`` have passed; True when it is set."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(seconds)


_last_ms = 0
_last_count = 0
_uuid_lock = threading.Lock()


def uuid7(clock: Clock) -> str:
    """A new UUIDv7 (RFC 9562), strictly increasing within this process.

    The 12 bits after the version count ids of one millisecond; if the wall clock goes back, the last
    millisecond is kept so that order within one source survives a clock jump.
    """
    global _last_ms, _last_count
    with _uuid_lock:
        now_ms = clock.now_ms()
        if now_ms > _last_ms:
            _last_ms, _last_count = now_ms, int.from_bytes(os.urandom(1), "big")
        else:
            _last_count += 1
            if _last_count > 0xFFF:
                _last_ms, _last_count = _last_ms + 1, 0
        high = (_last_ms << 16) | 0x7000 | _last_count
        low = (0b10 << 62) | (int.from_bytes(os.urandom(8), "big") >> 2)
    return str(UUID(int=(high << 64) | low))
