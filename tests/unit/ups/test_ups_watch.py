"""What is told of a UPS, and the way to the shutdown and back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from vigilar_common.config.ups import Ups as Settings
from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.power import (
    PowerChanged,
    PowerReading,
    PowerShutdown,
    PowerState,
    PowerStatus,
    ShutdownNotice,
    ShutdownStage,
)
from vigilar_common.messages.system import SystemEvent
from vigilar_common.state_file import StateFile
from vigilar_common.testing import FakeBus, FakeClock, FakeFacts
from vigilar_common.topics import CMD_SHUTDOWN, POWER_STATE
from vigilar_ups.adapters.host import FIRST_LINE, REQUEST, WATCHED, Host
from vigilar_ups.adapters.nut import NutError
from vigilar_ups.handlers import FOLLOW_S, Watch

MAINS = {"ups.status": "OL CHRG", "battery.charge": "100", "battery.runtime": "2400"}
CUT = {"ups.status": "OB DISCHRG", "battery.charge": "90", "battery.runtime": "2000"}
SHORT = {"ups.status": "OB DISCHRG", "battery.charge": "60", "battery.runtime": "299"}
LOW = {"ups.status": "OB DISCHRG LB", "battery.charge": "9", "battery.runtime": "1000"}


class Ups:
    def __init__(self) -> None:
        self.says: dict[str, str] | NutError = MAINS

    def variables(self) -> dict[str, str]:
        if isinstance(self.says, NutError):
            raise self.says
        return self.says


class House:
    def __init__(self, folder: Path, watched: bool = True, **settings: Any) -> None:
        self.clock, self.ups = FakeClock(), Ups()
        self.folder, self.shutdown = folder, folder / "shutdown"
        self.shutdown.mkdir(exist_ok=True)
        if watched:
            (self.shutdown / WATCHED).touch()
        self.settings = Settings(shutdown_request_dir=str(self.shutdown), **settings)
        self.restart()

    def restart(self) -> None:
        self.bus, self.facts = FakeBus(self.clock, "ups"), FakeFacts(self.clock, "ups")
        self.watch = Watch(
            clock=self.clock,
            bus=self.bus,
            facts=self.facts,  # type: ignore[arg-type]
            file=StateFile(self.folder / "ups.json"),
            ups=self.ups,
            host=Host(self.settings.shutdown_request_dir),
            settings=self.settings,
        )
        self.watch.load()

    def says(self, variables: dict[str, str] | NutError, times: int = 1) -> float:
        """So many looks with this answer, each after the pause that the one before asked for."""
        self.ups.says = variables
        pause_s = 0.0
        for _ in range(times):
            pause_s = self.watch.step()
            self.clock.advance(pause_s)
        return pause_s

    def until(self, condition: Callable[[], object], limit: int = 200) -> None:
        for _ in range(limit):
            if condition():
                return
            self.clock.advance(self.watch.step())
        raise AssertionError("it did not happen")

    @property
    def state(self) -> PowerStatus:
        state = self.bus.states[POWER_STATE.path(ups_id=self.watch.ups_id)]
        assert isinstance(state, PowerStatus)
        return state

    def states(self) -> list[PowerState]:
        return [fact.state for fact in self.facts.of(PowerChanged)]

    def stages(self) -> list[ShutdownStage]:
        return [fact.stage for fact in self.facts.of(PowerShutdown)]

    def notices(self) -> list[ShutdownStage]:
        found: list[ShutdownNotice] = self.bus.messages(CMD_SHUTDOWN)
        return [notice.stage for notice in found]

    def codes(self) -> set[str]:
        return {finding.code for finding in self.watch.findings()}

    @property
    def asked(self) -> bool:
        return (self.shutdown / REQUEST).exists()


@pytest.fixture(name="house")
def _house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_a_power_cut_a_low_battery_and_the_return_are_told_once_each(house: House) -> None:
    house.says(MAINS, 3)
    house.says(CUT, 3)
    house.says(LOW)
    house.says(MAINS, 3)
    assert house.states() == [
        PowerState.ON_LINE, PowerState.ON_BATTERY, PowerState.LOW_BATTERY, PowerState.ON_LINE,
    ]  # fmt: skip
    severities = [fact.severity for fact in house.facts.of(PowerChanged)]
    assert severities == [Severity.INFO, Severity.ALERT, Severity.CRITICAL, Severity.INFO]
    assert (house.state.state, house.state.values.charge_pct) == (PowerState.ON_LINE, 100)
    assert house.stages() == []


def test_on_battery_it_looks_more_often_and_every_reading_is_told(house: House) -> None:
    assert house.says(MAINS, 4) == 30
    assert len(house.facts.of(PowerReading)) == 2
    assert house.says(CUT, 5) == 5
    assert len(house.facts.of(PowerReading)) >= 6


@pytest.mark.parametrize(
    ("variables", "why"),
    [
        (LOW, "LB"),
        (SHORT, "299 s more"),
        ({**CUT, "ups.status": "OB FSD"}, "FSD"),
        ({"ups.status": "OB", "battery.charge": "19"}, "19 %"),
    ],
)
def test_the_host_goes_down_after_the_delay(house: House, variables: dict[str, str], why: str) -> None:
    house.says(MAINS)
    house.says(variables)
    assert house.stages() == [], "one reading may be wrong"
    began_s = house.clock.monotonic_s()
    house.says(variables)
    assert house.stages() == house.notices() == [ShutdownStage.PLANNED]
    assert why in house.facts.of(PowerShutdown)[0].reason
    assert "shutdown_planned" in house.codes()
    assert house.state.shutdown is ShutdownStage.PLANNED
    house.until(lambda: house.asked)
    assert 60 <= house.clock.monotonic_s() - began_s < 63
    assert house.stages() == house.notices() == [ShutdownStage.PLANNED, ShutdownStage.BEGUN]
    assert (house.shutdown / REQUEST).read_text().splitlines()[0] == FIRST_LINE


@pytest.mark.parametrize(
    "variables",
    [
        CUT,
        {**CUT, "battery.charge": "10"},  # the UPS knows better how long it lasts
        {**MAINS, "ups.status": "OL LB"},
        {**MAINS, "ups.status": "OL FSD"},
        {**MAINS, "battery.runtime": "0"},
        {**LOW, "ups.status": "OB LB CAL"},
        {**LOW, "ups.status": "OL OB LB"},
        {"ups.status": "LB", "battery.charge": "1", "battery.runtime": "1"},
    ],
)
def test_nothing_goes_down_without_need(house: House, variables: dict[str, str]) -> None:
    house.says(variables, 40)
    assert house.stages() == []
    assert not house.asked


def test_a_single_wrong_reading_stops_no_house(house: House) -> None:
    for _ in range(5):
        house.says(CUT)
        house.says({**CUT, "battery.runtime": "0"})
    assert house.stages() == []


def test_the_power_returns_in_time(house: House) -> None:
    house.says(LOW, 2)
    assert house.state.shutdown_at_ms > house.clock.now_ms()
    house.says(MAINS)
    assert house.stages() == house.notices() == [ShutdownStage.PLANNED, ShutdownStage.CANCELLED]
    assert house.state.shutdown is None
    house.says(MAINS, 10)
    assert not house.asked
    house.says(LOW, 2)
    assert house.stages()[-1] is ShutdownStage.PLANNED, "the next power cut is a new one"


def test_the_power_returns_after_the_request_and_before_the_host_took_it(house: House) -> None:
    house.says(LOW, 2)
    house.until(lambda: house.asked)
    house.says(MAINS)
    assert not house.asked
    assert house.stages()[-1] is ShutdownStage.CANCELLED


def test_a_delay_of_nothing_is_a_shutdown_at_once(tmp_path: Path) -> None:
    house = House(tmp_path, shutdown_delay_s=0)
    house.says(LOW, 2)
    assert house.stages() == [ShutdownStage.PLANNED, ShutdownStage.BEGUN]
    assert house.asked


def test_a_ups_that_vanishes_on_battery_counts_down_by_its_last_word(house: House) -> None:
    house.says({**CUT, "battery.runtime": "400"})
    house.says(NutError("gone"))
    assert house.states()[-1] is PowerState.ON_BATTERY, "upsd may only be restarted"
    house.until(lambda: house.stages())
    assert house.states()[-1] is PowerState.UNKNOWN
    assert house.facts.of(PowerChanged)[-1].severity is Severity.CRITICAL
    assert "is silent" in house.facts.of(PowerShutdown)[0].reason
    house.until(lambda: house.asked)


def test_a_ups_without_runtime_that_vanishes_on_battery_is_given_a_minute(house: House) -> None:
    house.says({"ups.status": "OB"})
    began_s = house.clock.monotonic_s()
    house.says(NutError("gone"))
    house.until(lambda: house.stages())
    assert 55 <= house.clock.monotonic_s() - began_s < 75


def test_a_ups_that_vanishes_on_mains_stops_nothing_and_is_asked_less_and_less_often(house: House) -> None:
    house.says(MAINS)
    pauses = [house.says(NutError("gone")) for _ in range(9)]
    assert pauses[:5] == [2, 4, 8, 16, 32]
    assert pauses[-1] == 60
    assert house.states() == [PowerState.ON_LINE, PowerState.UNKNOWN]
    assert "ups_silent" in house.codes()
    assert (house.state.reason, house.state.values.charge_pct) == ("gone", None)
    house.says(MAINS)
    assert house.states()[-1] is PowerState.ON_LINE
    assert "ups_silent" not in house.codes()


def test_without_a_ups_there_is_a_remark_and_nothing_else(house: House) -> None:
    house.says(NutError("nobody there"), 20)
    assert house.codes() == {"ups_never_heard"}
    assert house.facts.emitted == []


def test_a_host_that_nobody_watches_is_told_before_it_matters(tmp_path: Path) -> None:
    house = House(tmp_path, watched=False)
    house.says(MAINS)
    assert "shutdown_not_set_up" in house.codes()
    house.says(LOW, 2)
    house.until(lambda: house.facts.of(SystemEvent))
    (event,) = house.facts.of(SystemEvent)
    assert (event.level, event.code) == (Severity.CRITICAL, "shutdown_not_followed")
    assert house.stages() == [ShutdownStage.PLANNED], "nothing has begun"
    assert house.state.shutdown is None
    house.says(LOW, 100)
    assert len(house.facts.of(SystemEvent)) == 1
    house.says(MAINS)
    assert "shutdown_not_followed" not in house.codes()


def test_a_host_that_does_not_go_down_is_told(house: House) -> None:
    house.says(LOW, 2)
    house.until(lambda: house.asked)
    began_s = house.clock.monotonic_s()
    house.until(lambda: "shutdown_not_followed" in house.codes())
    assert house.clock.monotonic_s() - began_s >= FOLLOW_S - 5
    assert "did not take the request" in house.facts.of(SystemEvent)[0].message


def test_a_restart_tells_nothing_twice(house: House) -> None:
    house.says(CUT, 2)
    house.restart()
    house.says(CUT, 2)
    assert house.states() == []
    house.says(MAINS)
    assert house.states() == [PowerState.ON_LINE]


def test_a_planned_shutdown_outlives_a_restart_when_the_ups_confirms_it(house: House) -> None:
    house.says(LOW, 2)
    planned_ms = house.state.shutdown_at_ms
    house.clock.advance(20)
    house.restart()
    house.says(LOW)
    assert house.state.shutdown_at_ms == planned_ms
    house.until(lambda: house.asked)
    assert house.clock.now_ms() - planned_ms < 3_000


def test_a_plan_of_before_the_host_went_down_is_cancelled_when_it_comes_up_again(house: House) -> None:
    house.says(LOW, 2)
    house.clock.advance(7_200)
    house.restart()
    house.says(MAINS)
    assert house.stages() == [ShutdownStage.CANCELLED]
    assert not house.asked


def test_a_clock_that_is_set_moves_no_shutdown(house: House) -> None:
    house.says(LOW, 2)
    house.clock.jump_wall(86_400)
    house.says(LOW, 3)
    assert not house.asked


def test_a_toggling_flag_is_not_told_at_every_look(house: House) -> None:
    for number in range(60):
        house.says({**CUT, "ups.status": f"OB {'OVER' if number % 2 else 'BOOST'}"})
    assert 5 < len(house.facts.of(PowerChanged)) < 13, "five minutes, once in 30 s"


def test_a_damaged_file_is_no_reason_not_to_start(house: House) -> None:
    (house.folder / "ups.json").write_text("{")
    house.restart()
    house.says(MAINS)
    assert house.state.state is PowerState.ON_LINE


def test_the_state_of_another_ups_is_not_taken_over(house: House) -> None:
    house.says(CUT, 2)
    house.settings = house.settings.model_copy(update={"ups_name": "other.one"})
    house.restart()
    house.says(CUT)
    assert house.states() == [PowerState.ON_BATTERY]
    assert house.state.ups_id == "other_one"
