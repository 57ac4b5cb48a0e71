"""May recordings be deleted by their age now? Only while the time of day can be believed.

Storage keeps a timeline of its own: the last time it trusted, plus the seconds that a clock which never jumps has
counted since. What the wall clock says is compared with that:

- within STEP_MS of it: trusted; the timeline follows (steps of a day may not add up to more than STEP_MS);
- off by more: retention is suspended. A difference that may be honest (up to RUNNING_MAX_MS forward while storage ran,
  up to AWAY_MAX_MS forward after it was off, backward only while no recording is newer than now) is accepted after
  STABLE_S without another jump; any other waits until the clock is right again, or until the operator says that it is
  (`vigilar storage confirm-time`);
- before NOT_BEFORE_MS: never trusted, that clock was not set.
"""

from __future__ import annotations

STEP_MS = 3_600_000
RUNNING_MAX_MS = 24 * 3_600_000
AWAY_MAX_MS = 7 * 24 * 3_600_000
STABLE_S = 3_600.0
FIRST_STABLE_S = 600.0
"""After a start whose clock shows nothing strange, and on the first start of all."""
JUMP_MS = 5_000
"""Between two looks: more than this is a jump, and stability is counted anew."""
BUDGET_S = 86_400.0
NOT_BEFORE_MS = 1_735_689_600_000
"""2025-01-01: this software did not exist earlier."""


class ClockTrust:
    """Pure: told the clocks, it answers. `witness_ms` is the last time trusted before this process, 0: none."""

    def __init__(self, witness_ms: int, now_ms: int, monotonic_s: float) -> None:
        self._anchor_ms = float(witness_ms)
        self._anchor_s = monotonic_s
        self._last = (now_ms, monotonic_s)
        self._stable_since_s = monotonic_s
        self._crept_ms = 0.0
        self._crept_from_s = monotonic_s
        self._trusted_once = False

    def look(self, now_ms: int, monotonic_s: float, newest_ms: int, confirmed_ms: int = 0) -> str:
        """Why the time is not believed; empty when it is.

        `newest_ms`: start of the newest recording. `confirmed_ms`: what the operator last called the right time.
        """
        jump_ms = (now_ms - self._last[0]) - (monotonic_s - self._last[1]) * 1000
        self._last = (now_ms, monotonic_s)
        if abs(jump_ms) > JUMP_MS:
            self._stable_since_s = monotonic_s
        if now_ms < NOT_BEFORE_MS:
            return "the clock of this machine was never set"
        if confirmed_ms and abs(now_ms - confirmed_ms) <= STEP_MS:
            return self._accept(now_ms, monotonic_s)
        steady_s = monotonic_s - self._stable_since_s
        if not self._anchor_ms:
            return (
                self._accept(now_ms, monotonic_s)
                if steady_s >= FIRST_STABLE_S
                else _wait("it has just begun")
            )
        drift_ms = now_ms - (self._anchor_ms + (monotonic_s - self._anchor_s) * 1000)
        if self._creeps_little(drift_ms, monotonic_s):
            return self._accept(now_ms, monotonic_s, crept=True)
        return self._judge(drift_ms, steady_s, now_ms, monotonic_s, newest_ms)

    @property
    def trusted_ms(self) -> int:
        """To be kept as the next process's witness; 0 while nothing was ever trusted."""
        return round(self._anchor_ms)

    def _judge(
        self, drift_ms: float, steady_s: float, now_ms: int, monotonic_s: float, newest_ms: int
    ) -> str:
        most_ms = RUNNING_MAX_MS if self._trusted_once else AWAY_MAX_MS
        if drift_ms > most_ms:
            return f"the clock is {_days(drift_ms)} ahead of the last time that was believed"
        if drift_ms < -STEP_MS and newest_ms > now_ms:
            return f"the clock was set back by {_days(-drift_ms)}, and there are recordings newer than now"
        need_s = STABLE_S if self._trusted_once or drift_ms < -STEP_MS else FIRST_STABLE_S
        if steady_s < need_s:
            return _wait(f"the clock differs by {_days(abs(drift_ms))} from the last time that was believed")
        return self._accept(now_ms, monotonic_s)

    def _creeps_little(self, drift_ms: float, monotonic_s: float) -> bool:
        if monotonic_s - self._crept_from_s > BUDGET_S:
            self._crept_ms, self._crept_from_s = 0.0, monotonic_s
        return self._crept_ms + abs(drift_ms) <= STEP_MS

    def _accept(self, now_ms: int, monotonic_s: float, *, crept: bool = False) -> str:
        drift_ms = now_ms - (self._anchor_ms + (monotonic_s - self._anchor_s) * 1000)
        self._crept_ms = self._crept_ms + abs(drift_ms) if crept else 0.0
        self._anchor_ms, self._anchor_s = float(now_ms), monotonic_s
        self._trusted_once = True
        return ""


def _wait(why: str) -> str:
    return f"{why}: it is watched for a while first"


def _days(ms: float) -> str:
    hours = ms / 3_600_000
    return f"{hours / 24:.1f} days" if hours >= 48 else f"{hours:.1f} hours"
