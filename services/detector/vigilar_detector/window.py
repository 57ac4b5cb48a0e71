"""How many crops were seen, and how many were not, in the last minute."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Final

WINDOW_S: Final = 60.0
UNSEEN: Final = ("crops_late", "crops_replaced", "crops_failed")


class Window:
    """Fed with the running counters every few seconds."""

    def __init__(self) -> None:
        self._points: deque[tuple[float, int, int]] = deque(maxlen=120)

    def note(self, now_s: float, counters: Mapping[str, int]) -> None:
        self._points.append((now_s, counters["crops_seen"], sum(counters[name] for name in UNSEEN)))
        while len(self._points) > 1 and now_s - self._points[0][0] > WINDOW_S:
            self._points.popleft()

    def counts(self) -> tuple[int, int]:
        """Seen and unseen."""
        if len(self._points) < 2:
            return 0, 0
        (_, seen, unseen), (_, seen_now, unseen_now) = self._points[0], self._points[-1]
        return seen_now - seen, unseen_now - unseen
