"""How long a thread that wanted to run had to wait for a processor: what a busy machine, not the product, costs."""

from __future__ import annotations

import threading
import time
from typing import Self

STEP_S = 0.02
COUNTS_S = 0.05
"""A shorter wait is nobody's loss."""


class Waits(threading.Thread):
    """Measures while it is entered. It has the priority of whoever made it, as the processes of the test have."""

    def __init__(self) -> None:
        super().__init__(name="waits", daemon=True)
        self._enough = threading.Event()
        self._found: list[tuple[float, float]] = []
        """(UTC ms of its end, seconds)."""

    def run(self) -> None:
        while not self._enough.is_set():
            asked_s = time.monotonic()
            time.sleep(STEP_S)
            late_s = time.monotonic() - asked_s - STEP_S
            if late_s > COUNTS_S:
                self._found.append((time.time() * 1000, late_s))

    def between_s(self, from_ms: float, to_ms: float) -> float:
        """Together, of the waits that ended within; one that goes on counts when it ends."""
        return sum(late_s for at_ms, late_s in list(self._found) if from_ms < at_ms <= to_ms + late_s * 1000)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self.join(5)
