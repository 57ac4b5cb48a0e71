"""How it goes: failures and waits, what was lost, numbers; for log, events, findings, heartbeat and metrics."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from typing import Any

from vigilar_common.clock import Clock
from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.system import Finding

from vigilar_offsite.chooser import Chooser
from vigilar_offsite.domain.errors import TargetError
from vigilar_offsite.domain.findings import FAILING_AFTER_S, LOST_TOLD_S, Condition, findings
from vigilar_offsite.domain.jobs import Job
from vigilar_offsite.domain.occasions import Priority
from vigilar_offsite.domain.pace import BackOff

log = logging.getLogger("vigilar.offsite")

MAX_LOST = 1_000
Tell = Callable[[Severity, str, str], None]
"""Into the list of system events: level, code, message."""


class Standing:
    """Written by the thread that sends, read by others."""

    def __init__(
        self, target: str, chooser: Chooser, clock: Clock, tell: Tell, jitter: Callable[[], float]
    ) -> None:
        self._target, self._chooser, self._clock, self._tell, self._jitter = (
            target,
            chooser,
            clock,
            tell,
            jitter,
        )
        self._back_off = BackOff()
        self._error: TargetError | None = None
        self._since_s: float | None = None
        self._told = False
        self._lost: list[float] = []
        self._lost_reason = ""
        self._last_sent_ms = 0
        self.reached = False
        """The target took something since this service started."""
        self.retry_s = 0.0
        """Monotonic: no attempt before."""
        self.counters: Counter[str] = Counter(
            bytes=0, appends=0, files=0, connections=0, failures=0, resumed=0, anew=0, lost=0, unanchored=0
        )

    def sent(self, count_bytes: int) -> None:
        self.counters["bytes"] += count_bytes
        self._last_sent_ms = self._clock.now_ms()
        self.reached = True

    def worked(self) -> None:
        self._back_off.worked()
        if self._since_s is None:
            return
        log.info("%s takes what is sent again", self._target)
        if self._told:
            self._tell(Severity.INFO, "offsite_back", f"{self._target} takes what is sent again")
        self._error, self._since_s, self._told = None, None, False

    def failed(self, error: TargetError) -> None:
        self.counters["failures"] += 1
        now_s = self._clock.monotonic_s()
        if self._error is None or str(self._error) != str(error):
            log.warning("%s", error)
        self._error = error
        if self._since_s is None:
            self._since_s = now_s
        alarm = self._alarm_waits()
        if now_s - self._since_s >= FAILING_AFTER_S and not self._told:
            self._told = True
            level = Severity.CRITICAL if alarm else Severity.ALERT
            self._tell(level, "offsite_target", f"nothing gets off-site: {error}"[:500])
        self.retry_s = now_s + self._back_off.failed(alarm, self._jitter())

    def complete(self, job: Job) -> None:
        text = f"recording {job.recording_id} of camera {job.camera_id} is off-site as a whole ({job.sent_bytes} bytes)"
        log.info("%s", text)
        self._tell(Severity.INFO, "offsite_complete", text)

    def lost(self, job: Job, reason: str) -> None:
        text = f"recording {job.recording_id} of camera {job.camera_id} did not get off-site as a whole: {reason}"
        log.error("%s", text)
        self.counters["lost"] += 1
        self._lost = [*self._lost, self._clock.monotonic_s()][-MAX_LOST:]
        self._lost_reason = reason
        self._tell(Severity.ALERT, "offsite_lost", text[:500])

    def forget_old(self, now_s: float) -> None:
        self._lost = [at_s for at_s in self._lost if now_s - at_s < LOST_TOLD_S]

    def findings(self, unsaved: str) -> list[Finding]:
        """`unsaved`: why the state cannot be kept; empty when it can."""
        now_s = self._clock.monotonic_s()
        with self._chooser.lock:
            lag_s = self._chooser.jobs.lag_s(now_s)
        condition = Condition(
            error=self._error,
            failing_s=now_s - self._since_s if self._since_s is not None else 0.0,
            alarm_waits=self._alarm_waits(),
            lag_s=lag_s,
            lost=len(self._lost),
            lost_reason=self._lost_reason,
            unsealed=self._chooser.unsealed,
            unsaved=unsaved,
        )
        return list(findings(condition))

    def summary(self) -> dict[str, Any]:
        """For the heartbeat, and so for the system page."""
        with self._chooser.lock:
            jobs = list(self._chooser.jobs)
            lag_s = self._chooser.jobs.lag_s(self._clock.monotonic_s())
        waiting = [job for job in jobs if not job.complete]
        return {
            "target": self._target,
            "target_state": "failing" if self._error else ("ok" if self.reached else "unknown"),
            "waiting": len(waiting),
            "waiting_alarm": sum(job.priority is Priority.ALARM for job in waiting),
            "unanchored": len(jobs) - len(waiting),
            "lag_s": round(lag_s, 1),
            "sent_bytes": self.counters["bytes"],
            "lost": self.counters["lost"],
            "last_sent_ms": self._last_sent_ms,
        }

    def _alarm_waits(self) -> bool:
        with self._chooser.lock:
            return any(job.priority is Priority.ALARM for job in self._chooser.jobs.waiting())
