"""Known vehicles: told when they come and go, kept over a restart, said again on every connection."""

from __future__ import annotations

from typing import Unpack

from vigilar_common.config import Config
from vigilar_common.messages.objects import ObjectLeft
from vigilar_common.messages.vehicles import VehiclesState
from vigilar_common.topics import VEHICLES_STATE

from vigilar_events.desk import Desk, DeskParts
from vigilar_events.domain.vehicles import Garage, vehicle_told


class VehicleDesk(Desk):
    """Thread-safe."""

    WHAT = "which vehicles are at home"
    TOPIC = VEHICLES_STATE

    def __init__(self, **desk: Unpack[DeskParts]) -> None:
        self._garage = Garage(())
        super().__init__(**desk)

    @property
    def _book(self) -> Garage:
        return self._garage

    def left(self, fact: ObjectLeft, age_s: float) -> None:
        """Once per object that is followed no longer. Raises what the outbox raises."""
        if fact.vehicle is None:
            return
        with self._lock:
            self._tell(vehicle_told(fact, self._cameras, self._arm_state(), age_s))
            if self._garage.seen(fact):
                self._keep()

    def _take(self, config: Config) -> None:
        self._cameras = {camera.id: camera for camera in config.cameras}
        self._garage.configure(config.vehicles.known)

    def _state(self) -> VehiclesState:
        return self._garage.state()
