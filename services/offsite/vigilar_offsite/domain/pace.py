"""How fast: a cap on the upload, and waits between attempts."""

from __future__ import annotations

BURST_S = 1.0
"""So much of the cap may go out at once after a rest."""
BITS = 8
FIRST_S, FACTOR = 0.5, 2.0
MAX_ALARM_S, MAX_S = 10.0, 300.0
"""Between two attempts, at most: while evidence of an alarm waits, and else."""


class Pace:
    """A token bucket. 0 Mbit/s: no cap."""

    def __init__(self, mbps: float, now_s: float) -> None:
        self._bytes_s = mbps * 1_000_000 / BITS
        self._tokens = self._bytes_s * BURST_S
        self._at_s = now_s

    def wait_s(self, now_s: float) -> float:
        """How long until anything may be sent."""
        if not self._bytes_s:
            return 0.0
        self._tokens = min(self._bytes_s * BURST_S, self._tokens + (now_s - self._at_s) * self._bytes_s)
        self._at_s = now_s
        return -self._tokens / self._bytes_s if self._tokens <= -1 else 0.0

    def sent(self, count_bytes: int) -> None:
        self._tokens -= count_bytes


class BackOff:
    """Doubling waits after failures, from half a second."""

    def __init__(self) -> None:
        self.failures = 0

    def failed(self, alarm: bool, jitter: float) -> float:
        """Seconds until the next attempt; `jitter` is 0.0–1.0 and shortens it by up to a quarter."""
        wait_s = min(FIRST_S * FACTOR ** min(self.failures, 20), MAX_ALARM_S if alarm else MAX_S)
        self.failures += 1
        return wait_s * (1 - 0.25 * jitter)

    def worked(self) -> None:
        self.failures = 0
