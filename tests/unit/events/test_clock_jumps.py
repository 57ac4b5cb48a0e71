"""Wall clocks that jump, also in the middle of an entry delay: delays run by monotonic time, and the order of facts stays."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from alarm_house import House, sensor
from vigilar_common.messages.alarm import ArmState, ArmStateChanged
from vigilar_common.testing.fakes import START_MS

DAY_S = 86_400.0
JUMPS_S = {
    "a day back": -DAY_S,
    "an hour back": -3600.0,
    "a second back": -1.0,
    "an hour on": 3600.0,
    "a day on": DAY_S,
    "ten years on": 3650 * DAY_S,
    "to 1970": -START_MS / 1000 + 5,
}
ZONES = ("Europe/Vienna", "America/New_York", "Australia/Lord_Howe")
ENTRY_S = 30


def delays(exit_s: int) -> dict[str, object]:
    modes = ("home", "away", "night", "vacation")
    return {"modes": {mode: {"exit_delay_s": exit_s, "entry_delay_s": ENTRY_S} for mode in modes}}


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path, config={"alarm": delays(0), "sensors": [sensor("door"), sensor("back")]})


def come_in(house: House) -> None:
    house.says("door", True)
    assert house.ask("ARM_AWAY", "1234").ok
    house.passes(5)
    house.says("door", False)
    assert house.state() is ArmState.PENDING


@pytest.mark.parametrize("jump_s", JUMPS_S.values(), ids=JUMPS_S)
def test_an_entry_delay_takes_its_time_whatever_the_wall_clock_does(house: House, jump_s: float) -> None:
    come_in(house)
    house.passes(10)
    house.clock.jump_wall(jump_s)
    house.passes(ENTRY_S - 11)
    assert house.state() is ArmState.PENDING, "not a second sooner"
    house.passes(2)
    assert house.state() is ArmState.TRIGGERED
    house.clock.jump_wall(-jump_s)
    house.passes(119)
    assert house.state() is ArmState.TRIGGERED
    house.passes(3)
    assert house.state() is ArmState.ARMED_AWAY


@pytest.mark.parametrize("jump_s", JUMPS_S.values(), ids=JUMPS_S)
def test_an_exit_delay_does_too(tmp_path: Path, jump_s: float) -> None:
    house = House(tmp_path, config={"alarm": delays(45), "sensors": [sensor("door")]})
    assert house.ask("ARM_AWAY", "1234").ok
    house.passes(5)
    house.clock.jump_wall(jump_s)
    house.passes(39)
    assert house.state() is ArmState.ARMING
    house.passes(2)
    assert house.state() is ArmState.ARMED_AWAY


@pytest.mark.parametrize("jump_s", JUMPS_S.values(), ids=JUMPS_S)
def test_the_alarm_hears_and_disarms_after_a_jump_and_facts_keep_their_order(
    house: House, jump_s: float
) -> None:
    house.says("door", True)
    house.says("back", True)
    assert house.ask("ARM_AWAY", "1234").ok
    house.clock.jump_wall(jump_s)
    house.passes(1)
    house.says("back", False)
    assert house.state() is ArmState.PENDING
    assert house.ask("DISARM", "1234").ok
    changes = house.facts.of(ArmStateChanged)
    assert [change.to_state for change in changes] == ["armed_away", "pending", "disarmed"]
    ids = [fact.id for fact in changes]
    assert ids == sorted(ids), "made later, sorted later, though the clock went back"


@pytest.mark.parametrize("jump_s", JUMPS_S.values(), ids=JUMPS_S)
def test_a_restart_in_the_middle_of_an_entry_delay_and_a_jump_never_gives_more_time(
    house: House, jump_s: float
) -> None:
    """The process is gone: only the wall clock is left, and it may lie; the whole delay is the most it can give."""
    come_in(house)
    house.passes(10)
    house.clock.jump_wall(jump_s)
    house.restart()
    house.passes(ENTRY_S + 1)
    assert house.state() is ArmState.TRIGGERED


def changes_of(zone: str) -> list[int]:
    """UTC ms of both changes of the clock in 2026, to the minute."""
    place, found = ZoneInfo(zone), []
    start_s = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
    offset = datetime.fromtimestamp(start_s, place).utcoffset()
    for at_s in range(start_s, start_s + 365 * 86_400, 1800):
        now = datetime.fromtimestamp(at_s, place).utcoffset()
        if now != offset:
            found.append(at_s * 1000)
            offset = now
    return found


@pytest.mark.parametrize("zone", ZONES)
def test_summer_time_comes_and_goes_in_the_middle_of_an_entry_delay(tmp_path: Path, zone: str) -> None:
    changes = changes_of(zone)
    assert len(changes) == 2, "once each way"
    for number, change_ms in enumerate(changes):
        config = {"system": {"timezone": zone}, "alarm": delays(0), "sensors": [sensor("door")]}
        (folder := tmp_path / str(number)).mkdir()
        house = House(folder, config=config)
        house.clock.jump_wall((change_ms - house.clock.now_ms()) / 1000 - 20)
        come_in(house)
        house.passes(ENTRY_S - 1)
        assert house.state() is ArmState.PENDING
        assert house.clock.now_ms() > change_ms
        house.passes(2)
        assert house.state() is ArmState.TRIGGERED
        assert house.ask("DISARM", "1234").ok
