"""Wiring of the UPS service."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from vigilar_common.config.slices import Slice
from vigilar_common.service import App, Context
from vigilar_common.state_file import StateFile
from vigilar_common.topics import POWER_STATE

from vigilar_ups.adapters.host import Host
from vigilar_ups.adapters.nut import NutUps
from vigilar_ups.handlers import Watch

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

log = logging.getLogger("vigilar.ups.service")

RETRY_S = 5.0


class UpsService:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._settings = context.config.ups
        self._started = False
        settings = self._settings
        self._watch = Watch(
            clock=context.clock,
            bus=context.bus,
            facts=context.facts,
            file=StateFile(context.state_dir / "ups.json"),
            ups=NutUps(settings.nut_host, settings.nut_port, settings.ups_name, context.clock),
            host=Host(settings.shutdown_request_dir),
            settings=settings,
        )
        self._thread = threading.Thread(target=self._run, name="ups-watch", daemon=True)
        context.health.live_when("watch", self._problem)
        context.health.measure(self._metrics)

    def start(self) -> None:
        if self._settings.enabled:
            self._watch.load()
            self._thread.start()
        else:  # in containers it runs all the same
            self._context.bus.clear_state(POWER_STATE, ups_id=self._watch.ups_id)
        self._started = True

    def stop(self) -> None:
        self._context.stopping.set()
        if self._thread.is_alive():
            self._thread.join(2)

    def not_ready_reason(self) -> str:
        """A UPS that is silent is a finding, not a service that is not ready."""
        return "" if self._started else "starting"

    def reload(self, new: Slice) -> bool:
        return new.config.ups == self._settings

    def heartbeat_detail(self) -> dict[str, Any]:
        found = [finding.model_dump(mode="json") for finding in self._watch.findings()]
        return {**self._watch.summary(), "findings": found}

    def _run(self) -> None:
        while not self._context.stopping.is_set():
            pause_s = RETRY_S
            try:
                pause_s = self._watch.step()
            except Exception:
                log.exception("looking at the UPS failed; tried again in %g s", RETRY_S)
            self._context.clock.wait(self._context.stopping, pause_s)

    def _problem(self) -> str:
        dead = self._thread.ident and not self._thread.is_alive()
        return "the thread that watches the UPS died" if dead and not self._context.stopping.is_set() else ""

    def _metrics(self) -> Collector:
        from vigilar_ups.metrics import UpsCollector

        return UpsCollector(self._watch)


def build(context: Context) -> App:
    return UpsService(context)
