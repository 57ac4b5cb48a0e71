"""What vehicles mean: events of arriving and leaving, and which of the known ones are at home."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from vigilar_common.config import Camera, Config
from vigilar_common.config.detection import KnownVehicle, Vehicles
from vigilar_common.messages import Fact
from vigilar_common.messages.alarm import ArmState, EventOpened, EventType, Severity
from vigilar_common.messages.camera import Box
from vigilar_common.messages.objects import ObjectEnd, ObjectLeft
from vigilar_common.messages.vehicles import (
    Acquaintance,
    VehicleColour,
    VehicleSeen,
    VehiclesState,
    vehicle_id,
)
from vigilar_common.state_file import StateFile
from vigilar_common.testing import FakeBus, FakeClock, FakeFacts
from vigilar_common.topics import VEHICLES_STATE
from vigilar_events.vehicles import VehicleDesk

START_MS = 1_750_000_000_000
OURS = VehicleSeen(
    name="silver estate", colour=VehicleColour.SILVER, recognition=Acquaintance.HOUSEHOLD, looks=9
)


def config(*names: str) -> Config:
    return Config(
        cameras=(Camera(id="drive", display_name="Drive", rtsp_url="rtsp://x/", location="DRIVEWAY"),),
        vehicles=Vehicles(known=tuple(KnownVehicle(name=name) for name in names)),
    )


class House:
    def __init__(self, folder: Path, *names: str) -> None:
        self.clock = FakeClock(START_MS)
        self.bus, self.facts = FakeBus(self.clock), FakeFacts(self.clock)
        self.folder, self.names, self.arm_state = folder, names, ArmState.DISARMED
        self.restart()

    def restart(self) -> None:
        self.desk = VehicleDesk(
            bus=self.bus, file=StateFile(self.folder / "vehicles.json"), config=config(*self.names),
            arm_state=lambda: self.arm_state, tell=self._emit,
        )  # fmt: skip
        self.desk.start()

    def left(
        self, seen: VehicleSeen | None = OURS, *, parked: bool = False, was_parked: bool = False, **over: Any
    ) -> None:
        self.clock.advance(60)
        fact = ObjectLeft(
            ts_ms=self.clock.now_ms(), camera_id="drive", track_id=str(uuid4()), object_class="car", confidence=0.8,
            reason=ObjectEnd.RESTS if parked else ObjectEnd.GONE, from_rest=was_parked,
            box=Box(x=0.1, y=0.1, w=0.2, h=0.2), started_ms=START_MS, vehicle=seen,
        )  # fmt: skip
        self.desk.left(fact.model_copy(update=over), 0.0)

    def _emit(self, facts: Sequence[Fact]) -> None:
        for fact in facts:
            self.facts.emit(fact)

    @property
    def told(self) -> list[str]:
        return [event.title for event in self.facts.of(EventOpened) if event.type is EventType.VEHICLE]

    @property
    def home(self) -> dict[str, bool | None]:
        state = self.bus.states[VEHICLES_STATE.path()]
        assert isinstance(state, VehiclesState)
        return {vehicle.name: vehicle.home for vehicle in state.vehicles}


@pytest.fixture(name="house")
def _house(tmp_path: Path) -> House:
    return House(tmp_path, "silver estate", "Bike")


def test_a_known_vehicle_arrives_and_leaves(house: House) -> None:
    assert house.home == {"silver estate": None, "Bike": None}
    house.left(parked=True)
    assert house.home == {"silver estate": True, "Bike": None}
    house.left(was_parked=True)
    assert house.home == {"silver estate": False, "Bike": None}
    assert house.told == ["The silver estate arrived: Drive", "The silver estate left: Drive"]


def test_what_passes_by_or_is_only_moved_a_little_is_no_arrival(house: House) -> None:
    house.left()
    house.left(parked=True, was_parked=True)
    house.left(was_parked=True, reason=ObjectEnd.INTERRUPTED)
    assert house.told == []
    assert house.home["silver estate"] is None


@pytest.mark.parametrize(
    ("seen", "title"),
    [
        (VehicleSeen(colour=VehicleColour.RED, recognition=Acquaintance.STRANGER), "Unknown red car arrived: Drive"),
        (VehicleSeen(), "Car arrived: Drive"), (VehicleSeen(colour=VehicleColour.BLUE), "Blue car arrived: Drive"),
        (VehicleSeen(name="the van"), "A car like the van arrived: Drive"),
    ],
)  # fmt: skip
def test_what_is_not_recognised_is_told_as_what_is_known_of_it_and_moves_nobody(
    house: House, seen: VehicleSeen, title: str
) -> None:
    house.left(seen, parked=True)
    assert house.told == [title]
    assert set(house.home.values()) == {None}


def test_an_event_says_who_it_was_and_matters_while_armed(house: House) -> None:
    house.arm_state = ArmState.ARMED_AWAY
    house.left(VehicleSeen(recognition=Acquaintance.STRANGER), parked=True, picture_id=str(uuid4()))
    (event,) = house.facts.of(EventOpened)
    assert (event.detail["recognition"], event.detail["move"], event.severity) == (
        "stranger",
        "arrived",
        Severity.ALERT,
    )
    assert event.picture_id


def test_who_is_at_home_is_still_known_after_a_restart_and_an_old_word_changes_nothing(house: House) -> None:
    house.left(parked=True)
    house.restart()
    assert house.home["silver estate"] is True
    house.left(was_parked=True, ts_ms=START_MS)
    assert house.home["silver estate"] is True


def test_a_damaged_file_is_unknown_and_not_away(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.left(parked=True)
    StateFile(house.folder / "vehicles.json").save({"vehicles": [{"name": 7}]})
    house.restart()
    assert house.home["silver estate"] is None
    assert "may have been forgotten" in caplog.text


def test_a_vehicle_that_is_no_longer_configured_goes(house: House) -> None:
    house.left(parked=True)
    house.desk.configure(config("Bike"))
    assert house.home == {"Bike": None}
    house.desk.configure(config())
    assert house.home == {}


def test_names_that_look_alike_in_a_topic_stay_apart() -> None:
    assert vehicle_id("bike") == "bike"
    ids = {vehicle_id(name) for name in ("Bike", "bike!", "Bike?", "Büke", "…")}
    assert len(ids) == 5
