"""Known vehicles: told when they come and go, kept over a restart, said again on every connection."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from vigilar_common.bus import Bus
from vigilar_common.config import Config
from vigilar_common.messages import Fact
from vigilar_common.messages.alarm import ArmState
from vigilar_common.messages.objects import ObjectLeft
from vigilar_common.state_file import StateFile
from vigilar_common.topics import VEHICLES_STATE

from vigilar_events.domain.vehicles import Garage, vehicle_told

log = logging.getLogger("vigilar.events.vehicles")


class VehicleDesk:
    """Thread-safe."""

    def __init__(
        self,
        *,
        bus: Bus,
        file: StateFile,
        config: Config,
        arm_state: Callable[[], ArmState],
        tell: Callable[[Sequence[Fact]], None],
    ) -> None:
        self._bus, self._file, self._config = bus, file, config
        self._arm_state, self._tell = arm_state, tell
        self._lock = threading.Lock()
        self._garage = Garage(config.vehicles.known)

    def start(self) -> None:
        if problem := self._file.restore(self._garage.restore):
            log.error("which vehicles are at home may have been forgotten: %s", problem)
        self._say()

    def configure(self, config: Config) -> None:
        with self._lock:
            self._config = config
            self._garage.configure(config.vehicles.known)
            self._say()

    def left(self, fact: ObjectLeft, age_s: float) -> None:
        """Once per object that is followed no longer. Raises what the outbox raises."""
        if fact.vehicle is None:
            return
        with self._lock:
            cameras = {camera.id: camera for camera in self._config.cameras}
            self._tell(vehicle_told(fact, cameras, self._arm_state(), age_s))
            if not self._garage.seen(fact):
                return
            self._say()
            try:
                self._file.save(self._garage.kept())
            except OSError as error:
                log.error("vehicles cannot be kept in %s: %s", self._file.path, error)  # noqa: TRY400

    def _say(self) -> None:
        self._bus.set_state(VEHICLES_STATE, self._garage.state())
