"""Workers that crashed: what the next one is told, and when it is better not to decode."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

QUICK_RESTARTS: Final = 3
"""So many crashes within WINDOW_S are answered at once; further ones wait by the rule of all services."""
WINDOW_S: Final = 60.0
REST_S: Final = 600.0
"""After that many crashes nothing is decoded for so long: recording needs no decoder."""
KEPT: Final = 20


@dataclass(frozen=True)
class Crash:
    """An end that nobody asked for; ``at_ms`` in UTC, ``cause`` the signal's name."""

    at_ms: int
    cause: str


@dataclass(frozen=True)
class History:
    crashes: tuple[Crash, ...] = ()
    rests: bool = False
    """Do not decode: those before crashed too often."""

    def words(self) -> str:
        """For the camera's findings; "" when nothing crashed."""
        if not self.crashes:
            return ""
        times = "once" if len(self.crashes) == 1 else f"{len(self.crashes)} times"
        return (
            f"what this camera sends has crashed its worker {times} ({self.crashes[-1].cause}); each time up to one "
            "keyframe interval is missing; look for new firmware of the camera and for an update of Vigilar"
        )

    def rest_words(self) -> str:
        """Why nothing is decoded; "" when it is."""
        return (
            "its pictures are not looked at for ten minutes, because decoding them crashed"
            if self.rests
            else ""
        )


@dataclass
class CrashBook:
    """Of one camera. All times are monotonic seconds, unless they end with ``_ms``."""

    _crashes: deque[tuple[float, Crash]] = field(default_factory=lambda: deque(maxlen=KEPT))
    rest_until_s: float = 0.0

    def crashed(self, now_s: float, now_ms: int, cause: str) -> bool:
        """Whether it may start again at once."""
        self._crashes.append((now_s, Crash(now_ms, cause)))
        recent = sum(now_s - at_s <= WINDOW_S for at_s, _ in self._crashes)
        if recent >= QUICK_RESTARTS and now_s >= self.rest_until_s:
            self.rest_until_s = now_s + REST_S
        return recent <= QUICK_RESTARTS

    def history(self, now_s: float) -> History:
        return History(tuple(crash for _, crash in self._crashes), now_s < self.rest_until_s)
