"""A server that does not answer is left alone for a while, so that it holds up neither threads nor other channels."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

OPENS_AFTER = 3
"""Failures in a row."""
FIRST_PAUSE_S = 5.0
MAX_PAUSE_S = 120.0
MAX_SERVERS = 256


@dataclass
class _State:
    failures: int = 0
    pause_s: float = FIRST_PAUSE_S
    closed_until_s: float = 0.0


class Breaker:
    """Per channel and server. Time is monotonic seconds given by the caller. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._states: OrderedDict[str, _State] = OrderedDict()

    def wait_s(self, server: str, now_s: float) -> float:
        """0: go ahead. Else how long to leave it alone; who is let through after a pause keeps the others waiting."""
        with self._lock:
            state = self._states.get(server)
            if state is None or state.failures < OPENS_AFTER:
                return 0.0
            if now_s < state.closed_until_s:
                return state.closed_until_s - now_s
            state.closed_until_s = now_s + state.pause_s
            return 0.0

    def told(self, server: str, answered: bool, now_s: float) -> None:
        """What became of an attempt. A refusal is an answer too: the server lives."""
        with self._lock:
            if answered:
                self._states.pop(server, None)
                return
            state = self._states.setdefault(server, _State())
            self._states.move_to_end(server)
            state.failures += 1
            if state.failures > OPENS_AFTER:
                state.pause_s = min(state.pause_s * 2, MAX_PAUSE_S)
            if state.failures >= OPENS_AFTER:
                state.closed_until_s = now_s + state.pause_s
            if len(self._states) > MAX_SERVERS:
                self._states.popitem(last=False)

    def resting(self, now_s: float) -> list[str]:
        """Servers that are left alone now."""
        with self._lock:
            return [
                server
                for server, state in self._states.items()
                if state.failures >= OPENS_AFTER and now_s < state.closed_until_s
            ]
