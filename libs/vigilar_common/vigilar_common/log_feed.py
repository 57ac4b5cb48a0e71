"""A service's newest log lines on the broker, while somebody looks at them and not a moment longer."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from vigilar_common.bus import Bus, Received
from vigilar_common.clock import Clock
from vigilar_common.logs import Kept
from vigilar_common.messages.system import LogLease, LogLine, LogLines
from vigilar_common.topics import LOG_LEASE, LOG_LINES

log = logging.getLogger(__name__)

LINES_PER_MESSAGE = 40
MESSAGES_PER_TICK = 3
"""A tick is a second. A service that says more loses lines of this view, counted by their numbers, and none of its log."""


class LogFeed:
    """`tick` is called every second by the run loop; everything else comes from the bus."""

    def __init__(
        self,
        bus: Bus,
        clock: Clock,
        service: str,
        began_ms: int,
        after: Callable[[str, int], list[Kept]],
    ) -> None:
        self._bus, self._clock, self._service, self._began_ms, self._after = (
            bus,
            clock,
            service,
            began_ms,
            after,
        )
        self._lock = threading.Lock()
        self._until_s = float("-inf")
        self._anew = 0
        self._sent = 0

    def start(self) -> None:
        self._bus.subscribe(LOG_LEASE, self._leased)

    def _leased(self, received: Received) -> None:
        lease = received.message
        assert isinstance(lease, LogLease)
        now_s = self._clock.monotonic_s()
        with self._lock:
            if now_s > self._until_s or lease.anew != self._anew:
                self._sent = 0  # whoever begins to look sees what was said before
            self._until_s, self._anew = now_s + lease.lease_s, lease.anew

    def tick(self) -> int:
        """How many lines were sent. Never raises: a view of the log ends no service."""
        try:
            return self._send()
        except Exception:
            with self._lock:
                self._until_s = float("-inf")
            log.exception("the log cannot be shown on the page until somebody asks again")
            return 0

    def _send(self) -> int:
        with self._lock:
            if self._clock.monotonic_s() > self._until_s:
                return 0
            sent = self._sent
        lines = self._after(self._service, sent)[: LINES_PER_MESSAGE * MESSAGES_PER_TICK]
        for at in range(0, len(lines), LINES_PER_MESSAGE):
            some = lines[at : at + LINES_PER_MESSAGE]
            told = [
                LogLine(number=o.number, ts_ms=o.ts_ms, level=o.level, logger=o.logger, text=o.text)
                for o in some
            ]
            message = LogLines(service=self._service, began_ms=self._began_ms, lines=told)
            if not self._bus.publish(LOG_LINES, message, service=self._service):
                break  # not connected: what is kept is sent later
            with self._lock:
                if self._sent == sent:  # or a new lease began meanwhile
                    self._sent = sent = some[-1].number
        return len(lines)
