"""Wiring of the presence service."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from vigilar_common.config.presence import PresenceMethod
from vigilar_common.config.slices import Slice
from vigilar_common.service import App, Context
from vigilar_common.state_file import StateFile

from vigilar_presence.adapters.arp import Arp
from vigilar_presence.adapters.icmp import Icmp
from vigilar_presence.adapters.probe import Method, Prober
from vigilar_presence.handlers import Handlers, table

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

log = logging.getLogger("vigilar.presence.service")

LEAST_PAUSE_S = 1.0
FIRST_WAIT_S = 1.0
"""Until retained states (the alarm, trackers) have come in."""


class PresenceService:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._settings = context.config.presence
        self._started = False
        methods: list[Method] = [Icmp(), Arp(context.clock)]
        if self._settings.method is PresenceMethod.ARPING:
            methods.reverse()
        self._handlers = Handlers(
            clock=context.clock,
            bus=context.bus,
            facts=context.facts,
            file=StateFile(context.state_dir / "presence.json"),
            prober=Prober(methods),
            settings=self._settings,
        )
        self._thread = threading.Thread(target=self._run, name="presence-rounds", daemon=True)
        context.health.live_when("rounds", self._problem)
        context.health.measure(self._metrics)

    def start(self) -> None:
        if self._settings.enabled:  # in containers it runs also where it is switched off
            self._handlers.load()
            for topic, handler in table(self._handlers, self._settings).items():
                self._context.bus.subscribe(topic, handler)
            self._thread.start()
        self._started = True

    def stop(self) -> None:
        self._context.stopping.set()
        self._handlers.wake.set()
        if self._thread.is_alive():
            self._thread.join(3)

    def not_ready_reason(self) -> str:
        return "" if self._started else "starting"

    def reload(self, new: Slice) -> bool:
        return new.config.presence == self._settings

    def heartbeat_detail(self) -> dict[str, Any]:
        found = [finding.model_dump(mode="json") for finding in self._handlers.findings()]
        return {**self._handlers.summary(), "findings": found}

    def _run(self) -> None:
        clock, stopping = self._context.clock, self._context.stopping
        clock.wait(stopping, FIRST_WAIT_S)
        while not stopping.is_set():
            began_s = clock.monotonic_s()
            try:
                self._handlers.round()
            except Exception:
                log.exception("a round failed; the next one follows")
            # At least a pause between two rounds, whatever wakes them.
            clock.wait(stopping, LEAST_PAUSE_S)
            passed_s = clock.monotonic_s() - began_s
            clock.wait(self._handlers.wake, max(0.0, self._settings.ping_interval_s - passed_s))
            self._handlers.wake.clear()

    def _problem(self) -> str:
        dead = self._thread.ident and not self._thread.is_alive()
        return (
            "the thread that looks who is home died" if dead and not self._context.stopping.is_set() else ""
        )

    def _metrics(self) -> Collector:
        from vigilar_presence.metrics import PresenceCollector

        return PresenceCollector(self._handlers)


def build(context: Context) -> App:
    return PresenceService(context)
