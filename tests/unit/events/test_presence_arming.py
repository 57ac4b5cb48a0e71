"""What a phone on the network may do to the alarm: arm, and no more, unless the owner says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from alarm_house import House
from vigilar_common.messages.alarm import ArmRefused, ArmState, ArmStateChanged

STATES = ("DISARM", "ARM_HOME", "ARM_NIGHT", "ARM_AWAY", "ARM_VACATION")


@pytest.fixture(name="house")
def _house(tmp_path: Path) -> House:
    return House(tmp_path)


def phone(house: House, action: str) -> str:
    return house.ask(action, sender="presence", user="EMPTY").code


def test_presence_arms_without_a_pin(house: House) -> None:
    assert phone(house, "ARM_AWAY") == "ok"
    (changed,) = house.facts.of(ArmStateChanged)
    assert (changed.to_state, changed.changed_by, changed.method) == (
        ArmState.ARMED_AWAY, "presence:EMPTY", "presence",
    )  # fmt: skip
    assert house.hashed == 0


@pytest.mark.parametrize("wanted", STATES)
@pytest.mark.parametrize("current", STATES[1:])
def test_presence_never_lowers_the_guard(house: House, current: str, wanted: str) -> None:
    house.ask(current, "1234")
    before = house.told.state
    lowers = wanted == "DISARM" or STATES.index(wanted) < STATES.index(current)
    assert (phone(house, wanted) == "presence_may_not_disarm") == lowers
    if lowers:
        assert house.told.state is before
        assert house.facts.of(ArmRefused)[-1].requested_by == "presence:EMPTY"


def test_with_leave_of_the_owner_it_disarms(house: House) -> None:
    house.configure(presence={"allow_disarm": True})
    house.ask("ARM_AWAY", "1234")
    assert phone(house, "DISARM") == "ok"
    house.ask("ARM_AWAY", "1234")
    house.configure(presence={})
    assert phone(house, "DISARM") == "presence_may_not_disarm"


def test_without_any_pin_presence_does_nothing(tmp_path: Path) -> None:
    house = House(tmp_path, pin="")
    assert phone(house, "ARM_AWAY") == "pin_not_configured"


@pytest.mark.parametrize("sender", ["home_automation", "zigbee2mqtt", "presence2"])
def test_nobody_else_is_presence(house: House, sender: str) -> None:
    assert house.ask("ARM_AWAY", sender=sender).ok is False
