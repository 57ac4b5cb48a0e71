"""What bridges send, on its way from the bus's thread to the worker's: bounded in number and bytes."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from enum import StrEnum

MAX_MESSAGES = 20_000
MAX_BYTES = 16 * 1024 * 1024
BATCH = 500
"""As many are worked off before their facts are written, in one commit."""


class Origin(StrEnum):
    ZIGBEE = "zigbee2mqtt"
    ZWAVE = "zwave"


@dataclass(frozen=True)
class Arrived:
    """One message. `below` is the topic without the prefix."""

    origin: Origin
    below: str
    payload: bytes
    retained: bool


class Intake:
    """Thread-safe. What finds no room is counted: the newest message gives way, the order of the others stays."""

    def __init__(self) -> None:
        self._news = threading.Condition()
        self._waiting: deque[Arrived] = deque()
        self._bytes = 0
        self._woken = False
        self.lost = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, message: Arrived) -> None:
        with self._news:
            size = len(message.payload) + len(message.below)
            if len(self._waiting) >= MAX_MESSAGES or self._bytes + size > MAX_BYTES:
                self.lost += 1
                return
            self._waiting.append(message)
            self._bytes += size
            self._news.notify()

    def wake(self) -> None:
        """`take` returns at once, even with nothing."""
        with self._news:
            self._woken = True
            self._news.notify()

    def take(self, timeout_s: float) -> list[Arrived]:
        """Up to `BATCH` messages in order; none when none came in time."""
        with self._news:
            if not self._waiting and not self._woken:
                self._news.wait(timeout_s)
            self._woken = False
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            self._bytes -= sum(len(message.payload) + len(message.below) for message in batch)
            return batch
