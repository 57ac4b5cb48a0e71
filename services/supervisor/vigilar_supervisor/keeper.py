"""`vigilar init --watch`: what `vigilar init` makes follows the configuration, so that a new camera needs no shell.

In containers this is the one process that can write secrets; nobody shares its network, and no way leads out (compose.yaml).
"""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from vigilar_common import logs
from vigilar_common.clock import Clock
from vigilar_common.config import slices
from vigilar_common.errors import ConfigError, VigilarError
from vigilar_common.health import HealthRegistry, HealthServer

from vigilar_supervisor.start import CONFIG_POLL_S, UPKEEP_S, stamp

log = logging.getLogger("vigilar.keeper")

RETRY_S = 10.0
"""After a failure that is not the configuration's: a full disk, say."""


class Keeper:
    """``make`` is called at the start, when a file of the configuration changed, and once a day."""

    def __init__(
        self, make: Callable[[], None], files: Sequence[Path], config_run: Path | None, clock: Clock
    ) -> None:
        """``config_run``: where a refused configuration is told, for health and the page."""
        self._make, self._files, self._config_run, self._clock = make, files, config_run, clock
        self._seen: tuple[object, ...] = ()
        self._due_s = 0.0
        self.problem = "the first round is not over"
        """Why what was to be made is not there; a refused configuration is none: the last good one holds."""
        self.stopping = threading.Event()

    def run(self, health_host: str, health_port: int) -> int:
        """Until SIGTERM or SIGINT; the exit code. Raises StartupError when the health port cannot be bound."""
        logs.setup("keeper")
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stopping.set())
        registry = HealthRegistry()
        registry.ready_when("made", lambda: self.problem)
        server = HealthServer(registry, health_host, health_port)
        server.start()
        while not self.stopping.is_set():
            self.tick()
            self._clock.wait(self.stopping, CONFIG_POLL_S)
        server.stop()
        return 0

    def tick(self) -> None:
        now_s = self._clock.monotonic_s()
        stamps = tuple(stamp(path) for path in self._files)
        if stamps == self._seen and now_s < self._due_s:
            return
        self._seen, self._due_s = stamps, now_s + UPKEEP_S
        try:
            self._make()
            self.problem = ""
        except ConfigError as error:
            self.problem = ""
            log.error("the new configuration is refused, the last good one keeps running:\n%s", error)  # noqa: TRY400
            self._refuse(str(error))
        except (OSError, ValueError, VigilarError) as error:
            self._due_s = now_s + RETRY_S
            self.problem = f"it could not be applied: {error}"
            log.error("not done, it is tried again in %.0f s: %s", RETRY_S, error)  # noqa: TRY400 the reason is all
            self._refuse(self.problem)

    def _refuse(self, reason: str) -> None:
        if self._config_run is None:
            return
        try:
            slices.refuse(self._config_run, reason)
        except OSError as error:
            log.error("this cannot be shown in the web page: %s", error)  # noqa: TRY400 the reason is all
