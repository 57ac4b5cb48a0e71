"""Letting a camera's data gather in its socket while nobody needs it.

Most of what an idle stream costs is waking up for each of its packets: with cold caches a packet costs four times as
much as one of several that are read in a row. So where nobody waits for the next packets, the reader sleeps, and then
reads what has gathered. The camera must not notice: a lull becomes shorter where a good part of the socket's buffer
fills up in it.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from vigilar_common.clock import Clock

SHORTEST_S: Final = 0.1
LONGEST_S: Final = 0.9
MOST_FILLED: Final = 0.2
"""Share of the socket's buffer; about half of it can hold data."""
GROWTH: Final = 1.05
WAITED_S: Final = 0.01
"""A packet that took this long to come was waited for: there are no more. (Bytes in the socket tell nothing: FFmpeg gives
a picture only when the next one begins.)"""
AGAIN_S: Final = 30.0
"""After lulls have become too short to be of use they are tried again so much later."""
EARLY_S: Final = 0.005
"""A lull ends so long before the packet it waits for is expected: the reader must see it come, for the time of its arrival
says when all the others that gathered were sent."""
CAUGHT_UP: Final = 0.8
"""Of the time between two packets: a younger one is the newest there is."""


class Socket(Protocol):
    def gathered(self) -> tuple[int, int] | None:
        """(bytes that wait to be read, size of the socket's buffer in bytes); None when that cannot be known."""
        ...


@dataclass(slots=True)
class Newest:
    """What its reader knows of the newest packet of a stream."""

    time_s: float = 0.0
    """Media time."""
    came_s: float = 0.0
    """Monotonic time at which it would have come without any delay."""
    step_s: float = 0.0
    """Until the next one; 0: not known."""


class Lull:
    """Of one connection; used by its reader, save ``end``."""

    def __init__(self, socket: Socket, clock: Clock) -> None:
        self._socket, self._clock = socket, clock
        self._ended = threading.Event()
        self._most_s = LONGEST_S
        self._not_before_s = 0.0
        self._left_s = 0.0
        self.needless_s: Callable[[], float] = lambda: 0.0
        """How much media time after the newest packet nobody needs."""
        self.newest = Newest()

    def end(self) -> None:
        """From any thread: what has gathered is needed now."""
        self._ended.set()

    def maybe(self) -> None:
        """After each packet: sleep, if all is read and nothing is needed."""
        now_s, newest = self._clock.monotonic_s(), self.newest
        age_s = now_s - newest.came_s
        if age_s < CAUGHT_UP * newest.step_s or now_s - self._left_s >= WAITED_S:
            self._ended.clear()  # whoever needs something says so before it calls `end`
            for_s = self._for_s(self.needless_s(), age_s, newest.step_s)
            if for_s >= SHORTEST_S and now_s >= self._not_before_s:
                self._sleep(for_s)
                now_s = self._clock.monotonic_s()
        self._left_s = now_s

    def _for_s(self, needless_s: float, age_s: float, step_s: float) -> float:
        """Until just before the first packet that is needed, or the last one within the bound, can be there."""
        if not 0 <= age_s < step_s:
            return min(needless_s, self._most_s)
        steps = min(
            math.ceil((min(needless_s, LONGEST_S) - 0.001) / step_s),
            math.floor((self._most_s + age_s) / step_s),
        )
        return steps * step_s - age_s - EARLY_S

    def _sleep(self, for_s: float) -> None:
        if self._socket.gathered() is None:
            return
        self._clock.wait(self._ended, for_s)
        after = self._socket.gathered()
        if after is None or after[0] <= MOST_FILLED * after[1]:
            self._most_s = min(self._most_s * GROWTH, LONGEST_S)
            return
        self._most_s /= 2
        if self._most_s < SHORTEST_S:
            self._most_s, self._not_before_s = SHORTEST_S, self._clock.monotonic_s() + AGAIN_S
