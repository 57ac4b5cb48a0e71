"""When a child that died is started again: one rule for services and cameras."""

from __future__ import annotations

from dataclasses import dataclass

FIRST_DELAY_S = 0.2
MAX_DELAY_S = 30.0
EARLY_DEATH_S = 10.0
HEALTHY_AFTER_S = 60.0
MAX_RESTARTS = 10
GIVEN_UP_RETRY_S = 300.0
RESTART_ME_EXIT_CODE = 75
"""EX_TEMPFAIL: the service asks for a restart (a changed configuration); it counts as no failure."""


@dataclass
class RestartPolicy:
    """Pure bookkeeping for one child; times are monotonic seconds given by the caller.

    The delay doubles from 0.2 s to 30 s. A death counts towards the ten only within 10 s of becoming
    ready (or before); 60 s of health reset everything. After ten: one try every five minutes.
    """

    failures: int = 0
    restarts: int = 0
    delay_s: float = FIRST_DELAY_S
    given_up: bool = False
    _ready_at: float | None = None

    def became_ready(self, now_s: float) -> None:
        if self._ready_at is None:
            self._ready_at = now_s

    def is_healthy(self, now_s: float) -> None:
        """Call while the child is ready: after a minute of it the past is forgotten."""
        if self._ready_at is not None and now_s - self._ready_at >= HEALTHY_AFTER_S:
            self.failures, self.delay_s, self.given_up = 0, FIRST_DELAY_S, False

    def died(self, now_s: float, exit_code: int | None = None) -> float:
        """The child is gone; returns the seconds to wait before it is started again."""
        self.is_healthy(now_s)
        ready_at, self._ready_at = self._ready_at, None
        self.restarts += 1
        if exit_code == RESTART_ME_EXIT_CODE:
            return 0.0
        if ready_at is None or now_s - ready_at < EARLY_DEATH_S:
            self.failures += 1
        if self.failures > MAX_RESTARTS:
            self.given_up = True
            return GIVEN_UP_RETRY_S
        delay_s, self.delay_s = self.delay_s, min(self.delay_s * 2, MAX_DELAY_S)
        return delay_s
