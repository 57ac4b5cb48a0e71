"""Whether the sensors service runs: without it no opening is heard, and what was last known of a door is not known any more."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable

from vigilar_common.bus import Received
from vigilar_common.clock import Clock
from vigilar_common.errors import OutboxFullError
from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.system import Finding, SystemEvent
from vigilar_common.outbox import FactLog

from vigilar_events.guard import Guard

log = logging.getLogger("vigilar.events.ears")

GRACE_S = 10.0
"""A service that is started again at once says itself what it knows; only a longer absence is one."""
OFFLINE = b"offline"
CODE = "alarm_deaf"
TITLE = "The alarm hears no sensor: the sensors service is not running"
CURE = "Look at the log of the sensors service and start it; doors and motion trigger nothing until then."


class Ears:
    """Thread-safe. `wanted`: whether any sensor is configured; `forget`: what else has to know that they are unknown."""

    def __init__(
        self,
        *,
        clock: Clock,
        facts: FactLog,
        guard: Guard,
        wanted: Callable[[], bool],
        forget: Callable[[], None],
    ) -> None:
        self._clock, self._facts, self._guard, self._wanted = clock, facts, guard, wanted
        self._forget = forget
        self._lock = threading.Lock()
        self._gone_since_s: float | None = None
        self._deaf = False

    def on_available(self, received: Received) -> None:
        """The last will of the sensors service, or its word that it is there."""
        with self._lock:
            if received.payload != OFFLINE:
                self._gone_since_s = None
            elif self._gone_since_s is None:
                self._gone_since_s = self._clock.monotonic_s()

    def tick(self) -> None:
        """Every second. Raises nothing that the next turn would not raise again."""
        with self._lock:
            since_s = self._gone_since_s
            gone = since_s is not None and self._clock.monotonic_s() - since_s >= GRACE_S
            deaf = gone and self._wanted()
            if deaf == self._deaf:
                return
            self._deaf = deaf
        if deaf:
            # Unknown, not open: nothing was heard, so nothing happened.
            self._guard.forget_sensors()
            self._forget()
            log.error("%s", TITLE)
            self._tell(self._severity(), CODE, TITLE)
        else:
            self._tell(Severity.INFO, f"{CODE}.over", "The sensors service runs again; the alarm hears it.")

    def findings(self) -> list[Finding]:
        if not self._deaf:
            return []
        return [Finding(code=CODE, severity=self._severity(), title=TITLE, cure=CURE)]

    def _severity(self) -> Severity:
        return Severity.ALERT if self._guard.mode is None else Severity.CRITICAL

    def _tell(self, level: Severity, code: str, message: str) -> None:
        try:
            self._facts.emit(SystemEvent(component="events", level=level, code=code, message=message))
        except (OutboxFullError, sqlite3.Error) as error:
            log.critical("%s is not in the log: %s", code, error)
