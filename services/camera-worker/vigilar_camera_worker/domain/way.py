"""Where an object was from its first look to its last: few points, evenly in time, however long it stays."""

from __future__ import annotations

from typing import Final

from vigilar_camera_worker.domain.looks import Rect

MAX_POINTS: Final = 48
LEAST_STEP_MS: Final = 200


class Way:
    """Of one object. ``points``: UTC ms and box, in order."""

    def __init__(self) -> None:
        self.points: list[tuple[int, Rect]] = []
        self._step_ms = LEAST_STEP_MS

    def add(self, wall_ms: int, box: Rect) -> None:
        """The newest point always stays; of what is older every second one goes when there are too many."""
        if len(self.points) > 1 and self.points[-1][0] - self.points[-2][0] < self._step_ms:
            self.points[-1] = (wall_ms, box)
            return
        self.points.append((wall_ms, box))
        if len(self.points) > MAX_POINTS:
            self.points = [*self.points[:-1:2], self.points[-1]]
            self._step_ms *= 2
