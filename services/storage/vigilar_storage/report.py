"""How storage tells the operator: a system event (once in a while) and findings that last while they are true."""

from __future__ import annotations

import logging
import sqlite3
import threading

from vigilar_common.clock import Clock
from vigilar_common.errors import OutboxFullError
from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.system import Finding, SystemEvent
from vigilar_common.outbox import FactLog

log = logging.getLogger(__name__)

QUIET_S = 3_600.0
SUBJECTS = 1_000
MAX_FINDINGS = 20
_LEVELS = {Severity.INFO: logging.INFO, Severity.ALERT: logging.ERROR, Severity.CRITICAL: logging.CRITICAL}


class Reporter:
    """Thread-safe. The same code and subject make at most one system event an hour; the log gets all."""

    def __init__(self, facts: FactLog, clock: Clock) -> None:
        self._facts = facts
        self._clock = clock
        self._lock = threading.Lock()
        self._told: dict[tuple[str, str], float] = {}
        self._findings: dict[tuple[str, str], Finding] = {}

    def event(self, level: Severity, code: str, message: str, subject: str = "") -> None:
        log.log(_LEVELS[level], "%s: %s", code, message)
        now_s = self._clock.monotonic_s()
        with self._lock:
            if now_s - self._told.get((code, subject), -QUIET_S) < QUIET_S:
                return
            if len(self._told) >= SUBJECTS:
                self._told.clear()
            self._told[code, subject] = now_s
        try:
            self._facts.emit(SystemEvent(component="storage", level=level, code=code, message=message[:500]))
        except (OutboxFullError, sqlite3.Error):
            log.exception("the event %s could not be kept; it stands in this log only", code)

    def set(self, finding: Finding) -> None:
        """It holds from now on, until `clear`."""
        with self._lock:
            known = self._findings.get((finding.code, finding.subject))
            since_ms = known.since_ms if known else self._clock.now_ms()
            self._findings[finding.code, finding.subject] = finding.model_copy(update={"since_ms": since_ms})

    def clear(self, code: str, subject: str = "") -> None:
        with self._lock:
            self._findings.pop((code, subject), None)

    def findings(self) -> list[Finding]:
        with self._lock:
            return list(self._findings.values())[:MAX_FINDINGS]
