"""Wiring of the sensors service."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from vigilar_common.config.slices import Slice
from vigilar_common.service import App, Context
from vigilar_common.state_file import StateFile

from vigilar_sensors.handlers import Handlers, detail, table
from vigilar_sensors.lines import Lines

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

log = logging.getLogger("vigilar.sensors.service")

RETRY_S = 1.0


class Sensors:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._config = context.config
        self._started = False
        lines = Lines(context.config, context.clock, lambda: self._handlers.intake.wake())
        self._handlers = Handlers(
            clock=context.clock,
            bus=context.bus,
            facts=context.facts,
            file=StateFile(context.state_dir / "sensors.json"),
            config=context.config,
            lines=lines,
        )
        self._worker = threading.Thread(target=self._work, name="sensors-worker", daemon=True)
        context.health.live_when("worker", self._problem)
        context.health.measure(self._collector)

    def start(self) -> None:
        self._handlers.load()
        for topic, handler in table(self._handlers, self._config).items():
            self._context.bus.subscribe(topic, handler)
        self._worker.start()
        self._started = True

    def stop(self) -> None:
        self._context.stopping.set()
        self._handlers.intake.wake()
        if self._worker.is_alive():
            self._worker.join(3)
        self._handlers.stop()

    def not_ready_reason(self) -> str:
        return "" if self._started else "starting"

    def reload(self, new: Slice) -> bool:
        before, after = self._config, new.config
        if (
            before.mqtt != after.mqtt
            or table(self._handlers, before).keys() != table(self._handlers, after).keys()
        ):
            return False  # what is subscribed to is another thing
        self._config = after
        self._handlers.configure(after)
        return True

    def heartbeat_detail(self) -> dict[str, Any]:
        return detail(self._handlers)

    def _work(self) -> None:
        while not self._context.stopping.is_set():
            try:
                self._handlers.work()
            except Exception:
                log.exception("a turn of the worker failed; the next one follows in %g s", RETRY_S)
                self._context.clock.wait(self._context.stopping, RETRY_S)

    def _problem(self) -> str:
        if self._worker.ident and not self._worker.is_alive() and not self._context.stopping.is_set():
            return "the worker's thread died"
        return ""

    def _collector(self) -> Collector:
        from vigilar_sensors.metrics import SensorCollector

        return SensorCollector(self._handlers)


def build(context: Context) -> App:
    return Sensors(context)
