"""Parcels: put down, told of again, collected by whom, taken, or none at all; over restarts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from rule_house import Bench, rule
from vigilar_common.bus import Received
from vigilar_common.config import Camera, Config
from vigilar_common.config.detection import Detection, Packages
from vigilar_common.config.sensors import Sensor
from vigilar_common.config.system import Location
from vigilar_common.messages import Fact, Reply
from vigilar_common.messages.alarm import (
    ArmState,
    ArmStateChanged,
    EventEnded,
    EventOpened,
    EventType,
    Severity,
)
from vigilar_common.messages.camera import Box
from vigilar_common.messages.packages import (
    Collector,
    PackageAction,
    PackageCollected,
    PackageCommand,
    PackageDetected,
    PackageReminded,
    PackagesState,
    PackageState,
    Reminder,
    ThingGone,
    ThingLeft,
)
from vigilar_common.messages.presence import (
    Household,
    HouseholdChanged,
    HouseholdStatus,
    PresenceChanged,
    Role,
)
from vigilar_common.messages.sensor import SensorChanged, SensorReading
from vigilar_common.state_file import StateFile
from vigilar_common.testing import FakeBus, FakeClock, FakeFacts
from vigilar_common.topics import CMD_PACKAGE, HOUSEHOLD_STATE, PACKAGES_STATE
from vigilar_events.packages import PackageDesk
from vigilar_events.rules import reads

NOON_MS = 1_750_068_000_000
"""16 June 2025, 10:00 UTC: noon in Vienna, where the sun sets at 18:56 UTC."""
BOX = Box(x=0.5, y=0.7, w=0.05, h=0.08)


def config(**packages: Any) -> Config:
    sensors = [
        Sensor(id="door", display_name="Door", type="CONTACT", protocol="ZIGBEE", device_address="1", location="ENTRY"),
        Sensor(id="rain", display_name="Rain", type="RAIN", protocol="ZIGBEE", device_address="2", location="EXTERIOR"),
    ]  # fmt: skip
    return Config(
        cameras=(Camera(id="step", display_name="Step", rtsp_url="rtsp://x/", location="ENTRY"),),
        sensors=tuple(sensors),
        detection=Detection(person_detection=True),
        packages=Packages(**{"enabled": True, "rain_sensors": ("rain",), **packages}),
        location=Location(latitude=48.2, longitude=16.4),
    )


class House:
    def __init__(self, folder: Path, **packages: Any) -> None:
        self.clock = FakeClock(NOON_MS)
        self.bus, self.facts = FakeBus(self.clock), FakeFacts(self.clock)
        self.folder, self.config, self.arm_state = folder, config(**packages), ArmState.DISARMED
        self.restart()

    def restart(self) -> None:
        self.desk = PackageDesk(
            clock=self.clock, bus=self.bus, file=StateFile(self.folder / "packages.json"), config=self.config,
            arm_state=lambda: self.arm_state, tell=self._emit,
        )  # fmt: skip
        self.desk.start()

    def _emit(self, facts: Sequence[Fact]) -> None:
        for fact in facts:
            self.facts.emit(fact)

    def say(self, fact: Fact, age_s: float = 0.0) -> None:
        self.desk.on_fact(fact.model_copy(update={"id": str(uuid4())}), age_s)

    def put(self, thing_id: str | None = None, **over: Any) -> str:
        thing_id = thing_id or str(uuid4())
        fact = ThingLeft(
            ts_ms=self.clock.now_ms(), camera_id="step", thing_id=thing_id, box=BOX, zones=["Mat"], confidence=0.6,
            by_class="person", picture_id=str(uuid4()),
        )  # fmt: skip
        self.say(fact.model_copy(update=over))
        return thing_id

    def take(self, thing_id: str, by: str = "person") -> None:
        self.say(ThingGone(ts_ms=self.clock.now_ms(), camera_id="step", thing_id=thing_id, by_class=by))

    def home(self, state: Household) -> None:
        self.say(HouseholdChanged(ts_ms=self.clock.now_ms(), state=state))

    def comes(self) -> None:
        member = {"member": "Ann", "role": Role.ADULT, "home": True, "method": "icmp"}
        self.say(PresenceChanged(ts_ms=self.clock.now_ms(), **member))

    def sensor(self, sensor_id: str, key: str, value: bool | float, *, initial: bool = False) -> None:
        now_ms = self.clock.now_ms()
        self.say(SensorChanged(ts_ms=now_ms, sensor_id=sensor_id, key=key, value=value, initial=initial))

    def wait(self, seconds: float, step_s: float = 60.0) -> None:
        for _ in range(max(1, round(seconds / step_s))):
            self.clock.advance(min(step_s, seconds))
            self.desk.tick()

    def command(self, action: PackageAction, package_id: str) -> Reply:
        message = PackageCommand(action=action, package_id=package_id, user="Ann")
        answers: list[Reply] = []
        self.desk.on_command(
            Received(CMD_PACKAGE, {"sender": "web"}, message, b"", {}, False, answers.append)
        )
        return answers[0]

    @property
    def state(self) -> PackagesState:
        state = self.bus.states[PACKAGES_STATE.path()]
        assert isinstance(state, PackagesState)
        return state

    @property
    def told(self) -> list[str]:
        return [event.title for event in self.facts.of(EventOpened)]

    def collected(self) -> tuple[Collector, str]:
        (fact,) = self.facts.of(PackageCollected)
        return fact.collected_by, fact.reason


@pytest.fixture(name="house")
def _house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_a_parcel_is_told_with_its_place_and_picture_and_lies_there_until_it_is_gone(house: House) -> None:
    thing = house.put()
    (detected,), (event,) = house.facts.of(PackageDetected), house.facts.of(EventOpened)
    assert (detected.package_id, detected.zone, detected.event_id) == (thing, "Mat", event.event_id)
    assert (event.type, event.title) == (EventType.PACKAGE, "Parcel put down by a person: Step, Mat")
    assert event.picture_id == detected.picture_id
    assert (house.state.count, house.state.packages[0].since_ms) == (1, NOON_MS)
    house.take(thing)
    house.wait(120)
    assert house.state.count == 0
    (ended,) = [e for e in house.facts.of(EventEnded) if e.event_id == event.event_id]
    assert ended.detail["outcome"] == "unknown"


def test_the_same_fact_twice_is_one_parcel(house: House) -> None:
    thing = house.put()
    house.put(thing)
    house.take(thing)
    house.take(thing)
    house.wait(120)
    house.take(thing)
    assert len(house.facts.of(PackageDetected)) == len(house.facts.of(PackageCollected)) == 1


# -- who has it -------------------------------------------------------------------------------------------


def test_who_comes_home_took_it_in(house: House) -> None:
    house.home(Household.EMPTY)
    thing = house.put()
    house.wait(3600)
    house.take(thing)
    house.wait(20, 10)
    house.comes()
    house.wait(10, 10)
    assert house.collected() == (Collector.HOUSEHOLD, "somebody of the household came home")
    assert house.told[-1] == "Parcel collected by the household: Step, Mat"


def test_who_disarmed_a_moment_before_took_it_in(house: House) -> None:
    house.arm_state = ArmState.ARMED_AWAY
    thing = house.put()
    house.wait(600)
    change = {"from_state": ArmState.ARMED_AWAY, "to_state": ArmState.DISARMED, "changed_by": "Ann"}
    house.desk.on_arm_changed(ArmStateChanged(ts_ms=house.clock.now_ms(), method="web", **change))
    house.arm_state = ArmState.DISARMED
    house.take(thing)
    house.wait(120)
    assert house.collected()[0] is Collector.HOUSEHOLD


def test_the_door_tells_that_somebody_of_the_house_fetched_it(house: House) -> None:
    house.home(Household.ADULTS_HOME)
    thing = house.put()
    house.wait(600)
    house.sensor("door", "contact", False)
    house.take(thing)
    house.wait(120)
    assert house.collected() == (Collector.HOUSEHOLD, "the door was opened from inside")


@pytest.mark.parametrize(
    ("at_home", "armed", "reason"),
    [
        (Household.EMPTY, ArmState.DISARMED, "nobody of the household is at home"),
        (None, ArmState.ARMED_AWAY, "the house is armed and nobody is at home"),
        (Household.EMPTY, ArmState.ARMED_VACATION, "the house is armed and nobody is at home"),
    ],
)
def test_a_parcel_that_nobody_of_the_household_can_have_was_taken(
    house: House, at_home: Household | None, armed: ArmState, reason: str
) -> None:
    house.arm_state = armed
    if at_home is not None:
        house.home(at_home)
    thing = house.put()
    house.wait(600)
    house.take(thing)
    house.wait(30, 10)
    assert house.facts.of(PackageCollected) == [], "somebody may still turn up"
    house.wait(60)
    assert house.collected() == (Collector.STRANGER, reason)
    taken = house.facts.of(EventOpened)[-1]
    assert (taken.type, taken.severity) == (EventType.PACKAGE_TAKEN, Severity.ALERT)
    assert taken.title == f"Parcel taken, {reason}: Step, Mat"


@pytest.mark.parametrize(
    ("at_home", "reason"),
    [(Household.KIDS_HOME, "somebody is at home"), (None, "it is not known who is at home")],
)
def test_where_nothing_tells_it_is_said_so(house: House, at_home: Household | None, reason: str) -> None:
    if at_home is not None:
        house.home(at_home)
    thing = house.put()
    house.wait(60)
    house.take(thing)
    house.wait(120)
    assert house.collected() == (Collector.UNKNOWN, reason)


def test_how_it_stands_at_the_start_is_read_from_the_retained_state(house: House) -> None:
    status = HouseholdStatus(state=Household.EMPTY, since_ms=1)
    house.desk.on_household(Received(HOUSEHOLD_STATE, {}, status, b"", {}, True))
    thing = house.put()
    house.take(thing)
    house.wait(120)
    assert house.collected()[0] is Collector.STRANGER


# -- reminders --------------------------------------------------------------------------------------------


def test_after_hours_it_is_told_once_that_it_still_lies_there(house: House) -> None:
    house.put()
    house.wait(3.9 * 3600)
    assert house.facts.of(PackageReminded) == []
    house.wait(0.5 * 3600)
    (reminded,) = house.facts.of(PackageReminded)
    assert (reminded.why, house.told[-1]) == (Reminder.HOURS, "Parcel still lies there: Step, Mat")
    assert house.state.packages[0].state is PackageState.REMINDED
    house.wait(2 * 3600)
    assert len(house.facts.of(PackageReminded)) == 1


def test_at_dusk_and_when_it_rains_it_is_told_once_each(tmp_path: Path) -> None:
    house = House(tmp_path, remind_after_h=0)
    house.put()
    house.wait(10 * 3600)
    assert [r.why for r in house.facts.of(PackageReminded)] == [Reminder.DUSK]
    (reminded,) = house.facts.of(PackageReminded)
    assert 18.3 < (reminded.ts_ms - NOON_MS) / 3_600_000 + 10 < 18.6
    house.sensor("rain", "precipitation", 0.4)
    house.wait(3600)
    house.sensor("rain", "precipitation", 0)
    house.sensor("rain", "precipitation", 1)
    house.wait(3600)
    assert [r.why for r in house.facts.of(PackageReminded)] == [Reminder.DUSK, Reminder.RAIN]


@pytest.mark.parametrize("initial", [False, True])
def test_what_is_put_down_in_the_rain_is_told_at_once(house: House, initial: bool) -> None:
    """Also when the sensor says for the first time how it stands."""
    house.sensor("rain", "rain", True, initial=initial)
    house.put()
    house.wait(60)
    assert [r.why for r in house.facts.of(PackageReminded)] == [Reminder.RAIN]


def test_reminders_can_be_switched_off(tmp_path: Path) -> None:
    house = House(tmp_path, remind_after_h=0, remind_at_dusk=False, rain_sensors=())
    house.put()
    house.sensor("rain", "rain", True)
    house.wait(12 * 3600, 600)
    assert house.facts.of(PackageReminded) == []


# -- the page, restarts -----------------------------------------------------------------------------------


def test_the_page_says_that_it_was_collected(house: House) -> None:
    thing = house.put()
    assert house.command(PackageAction.COLLECTED, thing).ok
    assert house.command(PackageAction.COLLECTED, thing).code == "not_found"
    assert house.collected() == (Collector.HOUSEHOLD, "Ann says so")
    assert house.state.count == 0


def test_what_is_no_parcel_is_not_told_again_at_the_same_place_for_a_month(house: House) -> None:
    house.command(PackageAction.NOT_A_PARCEL, house.put())
    house.put(box=BOX.model_copy(update={"x": 0.505}))
    assert len(house.facts.of(PackageDetected)) == 1
    house.put(box=BOX.model_copy(update={"x": 0.1}))
    assert len(house.facts.of(PackageDetected)) == 2
    house.clock.advance(31 * 86_400)
    house.put()
    assert len(house.facts.of(PackageDetected)) == 3


def test_over_a_restart_nothing_is_forgotten(house: House) -> None:
    house.home(Household.EMPTY)
    lies, gone = house.put(), house.put(box=BOX.model_copy(update={"x": 0.1}))
    house.take(gone)
    house.restart()
    assert [parcel.package_id for parcel in house.state.packages] == [lies]
    house.wait(120)
    assert house.collected()[0] is Collector.STRANGER
    house.restart()
    house.wait(4.5 * 3600)
    assert [r.why for r in house.facts.of(PackageReminded)] == [Reminder.HOURS]


@pytest.mark.parametrize("bad", [{"parcels": [{"x": 1}]}, {"parcels": 7}, {}])
def test_a_damaged_memory_is_told_and_the_service_goes_on(
    house: House, bad: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    StateFile(house.folder / "packages.json").save(bad)
    house.restart()
    assert "may have been forgotten" in caplog.text
    house.put()
    assert house.state.count == 1


def test_while_switched_off_nothing_is_a_parcel_and_it_is_said_so(tmp_path: Path) -> None:
    house = House(tmp_path, enabled=False)
    house.put()
    assert house.facts.of(PackageDetected) == []
    assert (house.state.enabled, house.state.count) == (False, 0)


def test_amounts_of_rain_are_read_only_where_a_rain_sensor_is_named() -> None:
    assert SensorReading.TYPE in reads(config())
    assert SensorReading.TYPE not in reads(config(rain_sensors=()))
    assert SensorReading.TYPE not in reads(config(enabled=False))


# -- rules ------------------------------------------------------------------------------------------------


def test_a_rule_hears_of_parcels_by_what_became_of_them_and_where(house: House) -> None:
    bench = Bench(
        rule({"type": "package", "value": "delivered"}, id="came"),
        rule({"type": "package", "value": "taken, collected"}, id="gone"),
        rule({"type": "package", "value": "delivered", "camera_id": "front"}, id="elsewhere"),
    )
    thing = house.put()
    house.take(thing)
    house.wait(120)
    fired = [firing.rule.id for event in house.facts.of(EventOpened) for firing in bench.hears(event)]
    assert fired == ["came", "gone"]


def test_a_rule_hears_of_a_known_vehicle_by_its_name() -> None:
    bench = Bench(
        rule({"type": "vehicle", "value": "arrived", "member": "estate"}, id="ours"),
        rule({"type": "vehicle", "value": "arrived, left"}, id="any"),
        vehicles={"known": [{"name": "estate"}]},
    )

    def event(move: str, name: str, recognition: str) -> EventOpened:
        return EventOpened(
            id=str(uuid4()), ts_ms=bench.clock.now_ms(), event_id=str(uuid4()), type=EventType.VEHICLE, severity=Severity.INFO,
            title="x", camera_id="step", arm_state=ArmState.DISARMED,
            detail={"move": move, "vehicle": {"name": name, "recognition": recognition}},
        )  # fmt: skip

    def fired(found: EventOpened) -> list[str]:
        bench.clock.advance(3600)
        now = found.model_copy(update={"ts_ms": bench.clock.now_ms()})
        return sorted(firing.rule.id for firing in bench.hears(now))

    assert fired(event("arrived", "estate", "household")) == ["any", "ours"]
    assert fired(event("arrived", "estate", "unknown")) == ["any"]
    assert fired(event("left", "estate", "household")) == ["any"]
