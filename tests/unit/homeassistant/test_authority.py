"""What Home Assistant may switch."""

from __future__ import annotations

import pytest
from vigilar_common.config.homeassistant import HomeAssistant
from vigilar_common.messages.alarm import ArmState
from vigilar_common.messages.camera import CameraSwitch, CameraSwitchName
from vigilar_homeassistant.domain.authority import REFUSALS, lowers, refusal

SETTINGS = HomeAssistant(enabled=True)
LOWERING = [("recording", False), ("detection", False), ("privacy", True)]
RAISING = [(switch, not on) for switch, on in LOWERING]


def command(switch: str, on: bool) -> CameraSwitch:
    return CameraSwitch(switch=CameraSwitchName(switch), on=on)


@pytest.mark.parametrize(("switch", "on"), LOWERING)
@pytest.mark.parametrize("state", [*ArmState, None])
def test_a_camera_sees_and_keeps_less_only_while_the_alarm_is_disarmed(
    switch: str, on: bool, state: ArmState | None
) -> None:
    """Rule: "Its restart topic needs no authority: do not"."""
    assert lowers(command(switch, on))
    wanted = "" if state is ArmState.DISARMED else "armed" if state else "alarm_unknown"
    assert refusal(command(switch, on), SETTINGS, state) == wanted
    assert wanted in ("", *REFUSALS)


@pytest.mark.parametrize(("switch", "on"), RAISING)
@pytest.mark.parametrize("state", [*ArmState, None])
def test_the_guard_is_raised_at_any_time(switch: str, on: bool, state: ArmState | None) -> None:
    assert refusal(command(switch, on), SETTINGS, state) == ""


def test_who_prefers_it_so_may_lower_at_any_time() -> None:
    settings = HomeAssistant(lowering="ALWAYS")
    assert refusal(command("privacy", True), settings, ArmState.ARMED_AWAY) == ""


@pytest.mark.parametrize(("switch", "on"), [*LOWERING, *RAISING])
def test_a_switch_that_is_not_allowed_does_nothing(switch: str, on: bool) -> None:
    settings = HomeAssistant(switches=())
    assert refusal(command(switch, on), settings, ArmState.DISARMED) == "switch_not_allowed"
