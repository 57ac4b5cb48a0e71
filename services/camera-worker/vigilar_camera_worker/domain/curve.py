"""How strongly something moved over time, in few numbers however long it goes on."""

from __future__ import annotations

from typing import Final

MAX_POINTS: Final = 120
FIRST_STEP_S: Final = 1.0
DIGITS: Final = 4


class ScoreCurve:
    """The largest score of each second; of each two seconds, four … when there are more than ``MAX_POINTS``."""

    def __init__(self, began_ms: int) -> None:
        self._began_ms = began_ms
        self._points: list[float] = []
        self._sum, self._count = 0.0, 0
        self.step_s = FIRST_STEP_S

    def add(self, wall_ms: int, score: float) -> None:
        """Seconds without a look take over the value before them; what is older than the newest point counts in it."""
        self._sum += score
        self._count += 1
        at = max(0, int((wall_ms - self._began_ms) / 1000 / self.step_s))
        while at >= MAX_POINTS:
            self._points = [max(self._points[n : n + 2]) for n in range(0, len(self._points), 2)]
            self.step_s *= 2
            at //= 2
        while len(self._points) <= at:
            self._points.append(self._points[-1] if self._points and len(self._points) < at else 0.0)
        self._points[at] = max(self._points[at], score)

    @property
    def points(self) -> list[float]:
        return [round(value, DIGITS) for value in self._points]

    @property
    def mean(self) -> float:
        """Of all looks."""
        return round(self._sum / self._count, DIGITS) if self._count else 0.0
