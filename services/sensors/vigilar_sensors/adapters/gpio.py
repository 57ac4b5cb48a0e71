"""GPIO lines through gpiozero, which is imported when there is a line to watch."""

from __future__ import annotations

import logging
import os
import tempfile
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

log = logging.getLogger("vigilar.sensors.gpio")


@dataclass(frozen=True)
class Line:
    sensor_id: str
    address: str
    """As gpiozero names pins: `17`, `GPIO17`, `BOARD11`."""
    pull_up: bool
    """A dry contact to ground closes it; else a module drives it high."""


class GpioLines:
    """Edges call `on_edge(sensor_id)` on a thread of gpiozero's; `level` reads a line."""

    def __init__(self, on_edge: Callable[[str], None]) -> None:
        self._on_edge = on_edge
        self._devices: dict[str, Any] = {}
        self.problems: dict[str, str] = {}
        """Sensor id to why its line could not be opened."""

    def open(self, lines: Iterable[Line]) -> list[str]:
        """Open those that are not open yet, a missing chip costing nothing but its lines. Returns what is newly open."""
        opened = []
        for line in lines:
            if line.sensor_id in self._devices:
                continue
            try:
                self._devices[line.sensor_id] = self._device(line)
            except Exception as error:
                # gpiozero raises its own, its back ends' and the system's errors here: any means "not this line".
                reason = f"{type(error).__name__}: {error}"[:200]
                if self.problems.get(line.sensor_id) != reason:
                    log.error("GPIO line %r of %s: %s", line.address, line.sensor_id, reason)  # noqa: TRY400
                self.problems[line.sensor_id] = reason
                continue
            self.problems.pop(line.sensor_id, None)
            opened.append(line.sensor_id)
        return opened

    def level(self, sensor_id: str) -> bool:
        """True while a contact closes the line, or a module drives it. Raises OSError, gpiozero's errors."""
        return bool(self._devices[sensor_id].is_active)

    def fail(self, sensor_id: str, error: Exception) -> None:
        """A line that could be opened can no longer be read: closed, to be opened again."""
        self.problems[sensor_id] = f"{type(error).__name__}: {error}"[:200]
        log.error("GPIO line of %s: %s", sensor_id, self.problems[sensor_id])
        self._close(sensor_id)

    @property
    def open_ids(self) -> list[str]:
        return list(self._devices)

    def close(self) -> None:
        for sensor_id in list(self._devices):
            self._close(sensor_id)

    def _device(self, line: Line) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # one per back end that is missing; the last one's error says enough
            # lgpio makes a pipe in its working folder, which may be read-only.
            os.environ.setdefault("LG_WD", tempfile.gettempdir())
            gpiozero: Any = import_module("gpiozero")
            device = gpiozero.DigitalInputDevice(line.address, pull_up=line.pull_up)
        device.when_activated = device.when_deactivated = lambda: self._on_edge(line.sensor_id)
        return device

    def _close(self, sensor_id: str) -> None:
        device = self._devices.pop(sensor_id)
        try:
            device.close()
        except Exception:
            log.exception("closing the GPIO line of %s failed", sensor_id)
