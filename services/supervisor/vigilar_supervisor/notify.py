"""What systemd is told (sd_notify(3)): ready, how it goes, and that it lives, by datagrams to the socket it names.

READY=1 when every service is ready. A single one that does not come up must not keep the house from counting as started:
after READY_LIMIT_S the vital ones are enough, and STATUS names what is missing. Until then the start is extended, for an
upgrade of a large database takes its time. WATCHDOG=1 follows only while storage and events live; what else fails is
restarted by the supervisor itself.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping, MutableMapping
from typing import Final

from vigilar_common.clock import Clock

from vigilar_supervisor.children import Child

log = logging.getLogger(__name__)

VITAL: Final = ("storage", "events")
READY_LIMIT_S: Final = 60.0
EXTEND_S: Final = 60.0
"""By so much the start is extended, three times as often."""
START_LIMIT_S: Final = 3600.0
"""From then on the start is no longer extended."""
PINGS: Final = 4
"""Per interval of the watchdog."""
SEND_LIMIT_S: Final = 0.5
NAMED: Final = 6
"""So many missing services are named in the status line."""


class Notifier:
    """Does nothing where nobody listens (no $NOTIFY_SOCKET)."""

    def __init__(self, environment: MutableMapping[str, str], clock: Clock) -> None:
        """Takes the variables out of the environment: children have nothing to tell systemd."""
        self._address = _address(environment.pop("NOTIFY_SOCKET", ""))
        self._ping_every_s = _watchdog_s(environment) / PINGS
        self._clock = clock
        self._began_s = clock.monotonic_s()
        self._next_ping_s = self._next_extension_s = self._began_s
        self.ready = False
        self._silent = False
        self._status = ""

    def tick(self, children: Mapping[str, Child]) -> None:
        if not self._address:
            return
        now = self._clock.monotonic_s()
        waiting = [name for name, child in children.items() if not child.ready]
        dead = [name for name in VITAL if name not in children or not children[name].live]
        self._tell_status(waiting)
        if not self.ready:
            self._starting(now, waiting, dead)
        elif self._ping_every_s and now >= self._next_ping_s:
            self._ping(now, dead)

    def stopping(self) -> None:
        self._send("STOPPING=1\nSTATUS=stopping the services")

    def _starting(self, now: float, waiting: list[str], dead: list[str]) -> None:
        age_s = now - self._began_s
        if children_suffice(waiting, dead, age_s):
            self._next_ping_s = now
            self.ready = self._send("READY=1")
        elif now >= self._next_extension_s and age_s < START_LIMIT_S:
            self._next_extension_s = now + EXTEND_S / 3
            self._send(f"EXTEND_TIMEOUT_USEC={int(EXTEND_S * 1e6)}")

    def _ping(self, now: float, dead: list[str]) -> None:
        if dead and not self._silent:
            log.error("%s does not live: the watchdog of systemd is not answered", ", ".join(dead))
        self._silent = bool(dead)
        if not dead and self._send("WATCHDOG=1"):
            self._next_ping_s = now + self._ping_every_s

    def _tell_status(self, waiting: list[str]) -> None:
        named = ", ".join(waiting[:NAMED]) + (", …" if len(waiting) > NAMED else "")
        status = f"waiting for {named}" if waiting else "all services are ready"
        if status != self._status:
            self._status = status
            self._send(f"STATUS={status}")

    def _send(self, text: str) -> bool:
        """Whether it was taken."""
        if not self._address:
            return False
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as end:
            try:
                end.settimeout(SEND_LIMIT_S)
                end.sendto(text.encode(), self._address)
                return True
            except OSError as error:
                log.warning("systemd could not be told %r: %s", text.splitlines()[0], error)
                return False


def children_suffice(waiting: list[str], dead: list[str], age_s: float) -> bool:
    return not waiting or (age_s >= READY_LIMIT_S and not dead)


def _address(name: str) -> str:
    """`@name` is an abstract socket; anything but that and a path is none of ours."""
    if name.startswith("@"):
        return "\0" + name[1:]
    return name if name.startswith("/") else ""


def _watchdog_s(environment: MutableMapping[str, str]) -> float:
    """The interval that systemd expects, 0 when it expects nothing of this process."""
    microseconds, pid = environment.pop("WATCHDOG_USEC", ""), environment.pop("WATCHDOG_PID", "")
    if not microseconds.isdigit() or (pid and pid != str(os.getpid())):
        return 0.0
    return int(microseconds) / 1e6
