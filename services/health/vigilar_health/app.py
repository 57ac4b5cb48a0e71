"""Wiring of the health service."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from vigilar_common.config.slices import Slice, refusal
from vigilar_common.service import App, Context
from vigilar_common.state_file import StateFile

from vigilar_health.handlers import Handlers, table

log = logging.getLogger("vigilar.health.service")

CHECK_S = 2.0
DISK_CHECK_S = 300.0
DISK_RETRY_S = 10.0


class Health:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._started = False
        self._handlers = Handlers(
            clock=context.clock,
            bus=context.bus,
            facts=context.facts,
            storage=context.storage,
            file=StateFile(context.state_dir / "findings.json"),
            config=context.config,
        )
        self._threads = [
            threading.Thread(target=self._report, name="health-report", daemon=True),
            # Apart from the report: a storage that does not answer must not delay it.
            threading.Thread(target=self._watch_disks, name="health-disks", daemon=True),
        ]
        context.health.live_when("threads", self._problem)

    def start(self) -> None:
        self._handlers.load()
        for topic, handler in table(self._handlers).items():
            self._context.bus.subscribe(topic, handler)
        for thread in self._threads:
            thread.start()
        self._started = True

    def stop(self) -> None:
        self._context.stopping.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(2)

    def not_ready_reason(self) -> str:
        return "" if self._started else "starting"

    def reload(self, new: Slice) -> bool:
        self._handlers.configure(new.config)
        return True

    def heartbeat_detail(self) -> dict[str, Any]:
        return self._handlers.heartbeat_detail()

    def _report(self) -> None:
        def once() -> float:
            self._handlers.set_refused_config(refusal(self._context.environment.config_run))
            self._handlers.check()
            return CHECK_S

        self._every(once)

    def _watch_disks(self) -> None:
        self._every(lambda: DISK_CHECK_S if self._handlers.ask_storage() else DISK_RETRY_S)

    def _every(self, task: Callable[[], float]) -> None:
        """Run `task`, which returns the seconds until its next run, until the service stops."""
        while not self._context.stopping.is_set():
            pause_s = DISK_RETRY_S
            try:
                pause_s = task()
            except Exception:
                log.exception("a regular task failed; tried again in %g s", pause_s)
            self._context.clock.wait(self._context.stopping, pause_s)

    def _problem(self) -> str:
        dead = [t.name for t in self._threads if t.ident and not t.is_alive()]
        return "" if self._context.stopping.is_set() or not dead else f"thread {dead[0]} died"


def build(context: Context) -> App:
    return Health(context)
