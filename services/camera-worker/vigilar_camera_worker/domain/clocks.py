"""The camera's clock against ours: how far apart they are, and how fast they part."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any, Final

WINDOW_S: Final = 10.0
"""Of each span of this length the quickest packet counts: it waited least on its way."""
WINDOWS: Final = 60
ENOUGH_WINDOWS: Final = 6


@dataclass(frozen=True)
class Clocks:
    """What is known of the camera's clock at one moment. Both clocks are kept: ours says when, the camera's is evidence."""

    arrival_ms: int
    """UTC by our clock: when the picture was taken, reckoned from its arrival."""
    camera_ms: int | None
    """UTC by the camera's clock for the same picture (RTCP sender reports); None: it never said."""
    drift_ppm: float | None
    """How much faster than ours its clock runs, parts per million; None until a minute was measured."""
    jumps: int
    """How often its timestamps jumped since the connection began; each was bridged."""

    @property
    def offset_ms(self) -> int | None:
        """How far the camera's clock is ahead of ours."""
        return None if self.camera_ms is None else self.camera_ms - self.arrival_ms

    def metadata(self) -> dict[str, Any]:
        """For a recording's footer."""
        return {
            "arrival_ms": self.arrival_ms,
            "camera_ms": self.camera_ms,
            "offset_ms": self.offset_ms,
            "drift_ppm": None if self.drift_ppm is None else round(self.drift_ppm, 1),
            "jumps": self.jumps,
        }


class Drift:
    """Least squares over the quickest packets of the last ten minutes."""

    def __init__(self) -> None:
        self._windows: deque[tuple[float, float]] = deque(maxlen=WINDOWS)
        self._from_s: float | None = None
        self._best: tuple[float, float] = (0.0, 0.0)

    def add(self, delay_s: float, now_s: float) -> None:
        """``delay_s``: arrival less media time; only its changes matter."""
        if self._from_s is None:
            self._from_s, self._best = now_s, (now_s, delay_s)
        elif now_s - self._from_s >= WINDOW_S:
            self._windows.append(self._best)
            self._from_s, self._best = now_s, (now_s, delay_s)
        elif delay_s < self._best[1]:
            self._best = (now_s, delay_s)

    @property
    def ppm(self) -> float | None:
        count = len(self._windows)
        if count < ENOUGH_WINDOWS:
            return None
        mean_t = sum(t for t, _ in self._windows) / count
        mean_d = sum(d for _, d in self._windows) / count
        spread = sum((t - mean_t) ** 2 for t, _ in self._windows)
        if spread <= 0:
            return None
        return -1e6 * sum((t - mean_t) * (d - mean_d) for t, d in self._windows) / spread
