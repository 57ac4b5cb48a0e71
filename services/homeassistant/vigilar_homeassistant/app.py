"""Wiring of the bridge to Home Assistant."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from vigilar_common.config.slices import Slice
from vigilar_common.service import App, Context
from vigilar_common.state_file import StateFile
from vigilar_common.topics import AVAILABLE, CMD_ASK_SWITCH

from vigilar_homeassistant.commands import Commands
from vigilar_homeassistant.handlers import Bridge, table
from vigilar_homeassistant.pictures import Pictures

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

log = logging.getLogger("vigilar.homeassistant.service")

FIRST_WAIT_S = 1.0
"""Until retained states have come in."""
IDLE_S = 3600.0
FAILED_S = 5.0


class HomeAssistantService:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._config = context.config
        self._started = False
        self._bridge = Bridge(
            clock=context.clock,
            bus=context.bus,
            file=StateFile(context.state_dir / "announced.json"),
            config=context.config,
        )
        self._thread = threading.Thread(target=self._run, name="homeassistant-announce", daemon=True)
        self._commands = Commands(context.bus, self._bridge, lambda: self._config)
        self._pictures = Pictures(context.clock, context.bus, context.config, self._bridge)
        self._pictures_thread = threading.Thread(
            target=self._run_pictures, name="homeassistant-pictures", daemon=True
        )
        context.health.live_when("announce", self._problem)
        context.health.live_when("commands", self._commands.problem)
        context.health.measure(self._metrics)

    def start(self) -> None:
        bus, settings = self._context.bus, self._config.homeassistant
        self._bridge.load()
        if settings.enabled:  # where it is switched off it only takes back what stands
            for topic, handler in table(self._bridge, settings.status_topic).items():
                bus.subscribe(topic, handler, **({"service": "events"} if topic is AVAILABLE else {}))
            bus.subscribe(CMD_ASK_SWITCH, self._commands.asked)
            self._commands.start()
        if settings.enabled and settings.images:
            for topic, handler in self._pictures.table().items():
                bus.subscribe(topic, handler)
            self._pictures_thread.start()
        bus.on_connect(self._bridge.on_connect)
        self._thread.start()
        self._started = True

    def stop(self) -> None:
        self._context.stopping.set()
        self._bridge.wake.set()
        self._commands.stop()
        if self._thread.is_alive():
            self._thread.join(3)

    def not_ready_reason(self) -> str:
        return "" if self._started else "starting"

    def reload(self, new: Slice) -> bool:
        """Other cameras, sensors or people are taken over while it runs."""
        if (new.config.homeassistant, new.config.mqtt) != (self._config.homeassistant, self._config.mqtt):
            return False
        self._config = new.config
        self._bridge.configure(new.config)
        return True

    def heartbeat_detail(self) -> dict[str, Any]:
        found = [finding.model_dump(mode="json") for finding in self._bridge.findings()]
        return {**self._bridge.summary(), "findings": found}

    def _run(self) -> None:
        clock, stopping, bridge = self._context.clock, self._context.stopping, self._bridge
        clock.wait(stopping, FIRST_WAIT_S)
        while not stopping.is_set():
            bridge.wake.clear()
            if stopping.is_set():  # just now: its call to wake up is lost
                break
            try:
                wait_s = bridge.step()
            except Exception:
                log.exception("announcing failed; it is tried again")
                wait_s = FAILED_S
            clock.wait(bridge.wake, IDLE_S if wait_s is None else wait_s)

    def _run_pictures(self) -> None:
        stopping = self._context.stopping
        while not stopping.is_set():
            try:
                wait_s = self._pictures.step()
            except Exception:
                log.exception("asking for pictures failed; it is tried again")
                wait_s = FAILED_S
            self._context.clock.wait(stopping, wait_s)

    def _problem(self) -> str:
        if self._context.stopping.is_set():
            return ""
        threads = (self._thread, self._pictures_thread)
        dead = [thread.name for thread in threads if thread.ident and not thread.is_alive()]
        return f"thread died: {', '.join(dead)}" if dead else ""

    def _metrics(self) -> Collector:
        from vigilar_homeassistant.metrics import BridgeCollector

        return BridgeCollector(self._bridge)


def build(context: Context) -> App:
    return HomeAssistantService(context)
