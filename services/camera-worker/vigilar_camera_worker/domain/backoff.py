"""How long to wait before the camera is tried again."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Final

FIRST_S: Final = 0.2
LONGEST_S: Final = 30.0
HEALTHY_S: Final = 10.0
"""A connection that delivered pictures this long makes the next loss a fresh one."""


@dataclass
class BackOff:
    """Doubles from 0.2 to 30 s, each wait shortened at random by up to half, so that cameras that went away
    together do not come back together."""

    first_s: float = FIRST_S
    longest_s: float = LONGEST_S
    random: random.Random = field(default_factory=random.Random)
    failures: int = 0

    def next_s(self) -> float:
        wait_s: float = min(self.longest_s, self.first_s * 2 ** min(self.failures, 30))
        self.failures += 1
        return wait_s * (1 - self.random.random() / 2)

    def was_online(self, duration_s: float) -> None:
        """Call when a connection ends that had delivered pictures."""
        if duration_s >= HEALTHY_S:
            self.failures = 0
