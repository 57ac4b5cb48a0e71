"""The demo's model: fetched beside everything else, so that the first alert does not wait for it."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from vigilar_common.clock import Clock

log = logging.getLogger("vigilar.demo")

FETCH_LIMIT_S = 600.0


class ModelFetch:
    """`vigilar models install` as a child process; `poll` is called every tick."""

    def __init__(self, models: Path, output: Path, clock: Clock, fetched: Callable[[], None]) -> None:
        self._models, self._output, self._clock, self._fetched = models, output, clock, fetched
        self._child: subprocess.Popen[bytes] | None = None
        self._give_up_s = 0.0

    def start(self) -> None:
        self._models.mkdir(mode=0o700, parents=True, exist_ok=True)
        environment = {**os.environ, "VIGILAR_MODELS_DIR": str(self._models)}
        with self._output.open("wb") as output:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "vigilar_detector", "models", "install"],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment,
            )  # fmt: skip
        self._give_up_s = self._clock.monotonic_s() + FETCH_LIMIT_S

    def poll(self) -> None:
        if self._child is None:
            return
        code = self._child.poll()
        if code is None and self._clock.monotonic_s() < self._give_up_s:
            return
        self.stop()
        if code == 0:
            log.info("a model is here: persons, vehicles and animals are told from now on")
            self._fetched()
            return
        why = f"it ended with {code}" if code is not None else f"it took more than {FETCH_LIMIT_S:g} s"
        log.warning("no model could be fetched, motion alone is told: %s; %s says why", why, self._output)

    def stop(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            if child.poll() is None:
                child.kill()
            child.wait()
