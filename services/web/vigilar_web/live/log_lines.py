"""What services log, kept for the seconds in which an admin looks at it; they send only while this asks."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from vigilar_common import topics
from vigilar_common.bus import Bus, Received
from vigilar_common.clock import Clock
from vigilar_common.messages.system import LogLease, LogLines

from vigilar_web.bridge import Bridge

log = logging.getLogger(__name__)

LEASE_S = 8.0
RENEW_S = 3.0
FORGET_S = 60.0
"""After the last question nothing of the logs stays in memory."""
MAX_LINES = 4_000
MAX_SERVICES = 400
MAX_ANSWER = 500


@dataclass
class _Heard:
    began_ms: int
    number: int = 0
    lost: int = 0


class LogLinesKept:
    """Lives on the event loop, `heard` excepted."""

    def __init__(self, bus: Bus, clock: Clock, bridge: Bridge) -> None:
        self._bus, self._clock, self._bridge = bus, clock, bridge
        self._lines: deque[dict[str, Any]] = deque(maxlen=MAX_LINES)
        self._heard: dict[str, _Heard] = {}
        self._number = 0
        self._asked_s = self._renewed_s = float("-inf")
        self._anew = 0

    def start(self) -> None:
        self._bus.subscribe(topics.LOG_LINES, self.heard)

    def lease(self) -> LogLease | None:
        """Somebody asks: the lease to send now, or None while the last one is young."""
        now_s = self._clock.monotonic_s()
        if now_s - self._asked_s > LEASE_S:
            self._lines.clear()
            self._heard.clear()
            self._anew = self._clock.now_ms() % (1 << 31)
        self._asked_s = now_s
        if now_s - self._renewed_s < RENEW_S:
            return None
        self._renewed_s = now_s
        return LogLease(lease_s=LEASE_S, anew=self._anew)

    def send(self, lease: LogLease) -> bool:
        """From any thread: False when the broker is away."""
        return self._bus.publish(topics.LOG_LEASE, lease)

    def after(self, number: int) -> dict[str, Any]:
        """`{lines, after, services, lost}`: lines newer than `number`, oldest first; the oldest of too many are left out."""
        if number > self._number:  # this service began anew
            number = 0
        found = [line for line in self._lines if line["n"] > number]
        return {
            "lines": found[:MAX_ANSWER],
            "after": found[:MAX_ANSWER][-1]["n"] if found else self._number,
            "services": sorted(self._heard),
            "lost": sum(heard.lost for heard in self._heard.values()),
        }

    def text(self, service: str, level: str) -> str:
        """What is kept, as a file of lines."""
        chosen = sorted(
            (line for line in self._lines if line["service"] == (service or line["service"])),
            key=lambda one: one["ts_ms"],
        )
        least = logging.getLevelNamesMapping().get(level, 0)
        return "".join(
            f"{_utc(line['ts_ms'])} {line['level']:<8} [{line['service']}] {line['logger']}: {line['text']}\n"
            for line in chosen
            if logging.getLevelNamesMapping().get(line["level"], 0) >= least
        )

    def forget(self) -> None:
        """Called every few seconds."""
        if self._lines and self._clock.monotonic_s() - self._asked_s > FORGET_S:
            self._lines.clear()
            self._heard.clear()

    def heard(self, received: Received) -> None:
        """On the bus's thread."""
        told = received.message
        assert isinstance(told, LogLines)
        if told.service != received.ids["service"]:
            log.warning(
                "log lines of %s on the topic of %s are ignored", told.service, received.ids["service"]
            )
            return
        self._bridge.post(self._keep, told, size_bytes=len(received.payload))

    def _keep(self, told: LogLines) -> None:
        if self._clock.monotonic_s() - self._asked_s > LEASE_S + RENEW_S:
            return  # the rest of a lease
        heard = self._heard.get(told.service)
        if heard is None or heard.began_ms != told.began_ms:
            if heard is None and len(self._heard) >= MAX_SERVICES:
                return
            first = told.lines[0].number - 1 if told.lines else 0
            heard = self._heard[told.service] = _Heard(told.began_ms, first)
        for line in told.lines:
            if line.number <= heard.number:
                continue  # sent once more
            heard.lost += line.number - heard.number - 1
            heard.number = line.number
            self._number += 1
            self._lines.append(
                {"n": self._number, "service": told.service, **line.model_dump(exclude={"number"})}
            )


def _utc(ts_ms: int) -> str:
    return datetime.fromtimestamp(ts_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
