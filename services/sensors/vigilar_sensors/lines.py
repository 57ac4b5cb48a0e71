"""GPIO sensors: their lines, debounced, opened again when they fail."""

from __future__ import annotations

import threading
from collections.abc import Callable

from vigilar_common.clock import Clock
from vigilar_common.config import Config
from vigilar_common.config.sensors import Protocol
from vigilar_common.messages import Fact

from vigilar_sensors.adapters.gpio import GpioLines, Line
from vigilar_sensors.domain.board import Board, gpio_problem, pulls_up
from vigilar_sensors.domain.debounce import Debouncer

RETRY_S = 60.0


class Lines:
    """The worker's thread calls everything but the edges, which come on gpiozero's."""

    def __init__(self, config: Config, clock: Clock, wake: Callable[[], None]) -> None:
        self._clock, self._wake = clock, wake
        self._gpio = GpioLines(self._edge)
        self._lock = threading.Lock()
        self._debouncers: dict[str, Debouncer] = {}
        self._told: set[str] = set()
        """Lines whose first level was told."""
        self._failed: set[str] = set()
        """Lines that went since the last turn."""
        self._wanted: list[Line] = []
        self._unfit: dict[str, str] = {}
        self._bounce_s = 0.0
        self._retry_at_s = 0.0
        self.configure(config)

    @property
    def problems(self) -> dict[str, str]:
        """Sensor id to why its line cannot be read."""
        return {**self._unfit, **self._gpio.problems}

    def configure(self, config: Config) -> None:
        """Lines are closed and opened anew: the bounce time, a line, or how it is pulled may be another."""
        self.close()
        sensors = [s for s in config.sensors if s.enabled and s.protocol is Protocol.GPIO]
        self._unfit = {s.id: problem for s in sensors if (problem := gpio_problem(s.type))}
        self._wanted = [
            Line(s.id, s.device_address.strip(), pulls_up(s.type)) for s in sensors if s.id not in self._unfit
        ]
        self._bounce_s = config.sensors_gpio.bounce_time_ms / 1000
        self._retry_at_s = 0.0

    def look(self, now_s: float) -> None:
        """Now and then: open what is not open, and read every line, in case an edge was missed."""
        if len(self._gpio.open_ids) < len(self._wanted) and now_s >= self._retry_at_s:
            self._retry_at_s = now_s + RETRY_S
            self._gpio.open(self._wanted)
            self._failed |= {line.sensor_id for line in self._wanted} & set(self._gpio.problems)
        for sensor_id in self._gpio.open_ids:
            self._edge(sensor_id)

    def due_s(self) -> float | None:
        """When the next line has been quiet for long enough; None when none has changed."""
        with self._lock:
            due = [at_s for debouncer in self._debouncers.values() if (at_s := debouncer.due_s()) is not None]
        return min(due, default=None)

    def settle(self, board: Board, now_ms: int, now_s: float) -> list[Fact]:
        facts: list[Fact] = []
        with self._lock:
            settled = {
                name: level for name, d in self._debouncers.items() if (level := d.settle(now_s)) is not None
            }
            failed, self._failed = self._failed, set()
        for sensor_id in failed & board.sensors.keys():
            self._debouncers.pop(sensor_id, None)
            self._told.discard(sensor_id)
            facts += board.line_lost(sensor_id, now_ms)
        for sensor_id, level in settled.items():
            if sensor_id in board.sensors and sensor_id not in failed:
                facts += board.line(sensor_id, level, sensor_id not in self._told, now_ms, now_s)
                self._told.add(sensor_id)
        return facts

    def close(self) -> None:
        self._gpio.close()
        self._gpio.problems.clear()
        with self._lock:
            self._debouncers.clear()
        self._told.clear()

    def _edge(self, sensor_id: str) -> None:
        """Read the line and note its level; any thread."""
        try:
            level = self._gpio.level(sensor_id)
        except KeyError:
            return  # closed in the meantime
        except Exception as error:
            with self._lock:
                self._failed.add(sensor_id)
            if sensor_id in self._gpio.open_ids:
                self._gpio.fail(sensor_id, error)
            return
        with self._lock:
            debouncer = self._debouncers.setdefault(sensor_id, Debouncer(self._bounce_s))
            debouncer.note(level, self._clock.monotonic_s())
            due = debouncer.due_s() is not None
        if due:
            self._wake()
