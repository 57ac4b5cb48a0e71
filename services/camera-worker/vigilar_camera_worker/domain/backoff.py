"""How long to wait before the camera is tried again."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Final

FIRST_S: Final = 0.2
QUICK_S: Final = 2.5
"""The longest wait while the camera is merely away: a try then is one packet, and it may be back any moment."""
HEALTHY_S: Final = 10.0
"""A connection that delivered pictures this long makes the next loss a fresh one."""


@dataclass
class BackOff:
    """Doubles from 0.2 s, each wait shortened at random by up to half, so that cameras that went away together do
    not come back together."""

    first_s: float = FIRST_S
    random: random.Random = field(default_factory=random.Random)
    failures: int = 0
    slow_failures: int = 0

    def next_s(self, longest_s: float = QUICK_S, quick_tries: int = 0) -> float:
        """``longest_s`` beyond QUICK_S holds for the kind of failure that the camera answers with: it is waited for
        longer and longer after ``quick_tries``."""
        if longest_s > QUICK_S:
            self.slow_failures += 1
            over = self.slow_failures - quick_tries
            wait_s = min(longest_s, QUICK_S * 2 ** min(over, 30)) if over > 0 else self._quick_s()
        else:
            self.slow_failures = 0
            wait_s = self._quick_s()
        self.failures += 1
        return wait_s * (1 - self.random.random() / 2)

    def _quick_s(self) -> float:
        return float(min(QUICK_S, self.first_s * 2 ** min(self.failures, 30)))

    def was_online(self, duration_s: float) -> None:
        """Call when a connection ends that had delivered pictures."""
        self.slow_failures = 0
        if duration_s >= HEALTHY_S:
            self.failures = 0
