"""The arm state machine and who may drive it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vigilar_common.messages.alarm import ArmAction, ArmState
from vigilar_events.domain import alarm
from vigilar_events.domain.alarm import Alarm

EXPECTED = {
    "DISARM": "disarmed",
    "ARM_HOME": "armed_home",
    "ARM_AWAY": "armed_away",
    "ARM_NIGHT": "armed_night",
    "ARM_VACATION": "armed_vacation",
}


@pytest.mark.parametrize("before", list(ArmState))
@pytest.mark.parametrize("action", list(ArmAction))
def test_every_action_leads_from_every_state_to_its_own(before: ArmState, action: ArmAction) -> None:
    after = Alarm(before, 5, "anna").after(action, 9, "berta")
    assert after.state.value == EXPECTED[action.value]
    assert after.since_ms == (5 if before is after.state else 9)
    assert after.changed_by == ("anna" if before is after.state else "berta")


@given(st.lists(st.sampled_from(list(ArmAction)), max_size=30))
def test_any_sequence_ends_in_the_state_of_its_last_action_and_survives_keeping(
    actions: list[ArmAction],
) -> None:
    current = alarm.FIRST
    for at, action in enumerate(actions):
        current = current.after(action, at + 1, "x")
    assert current.state is (alarm.TARGETS[actions[-1]] if actions else ArmState.DISARMED)
    assert current.state in alarm.SETTLED
    assert alarm.restored(alarm.kept(current)) == current


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"state": "open", "since_ms": 1, "changed_by": ""},
        {"state": "disarmed", "since_ms": -1, "changed_by": ""},
        {"state": "disarmed", "since_ms": True, "changed_by": ""},
        {"state": "disarmed", "since_ms": 1, "changed_by": None},
    ],
)
def test_a_file_that_makes_no_sense_is_refused(raw: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        alarm.restored(raw)


@pytest.mark.parametrize(
    ("sender", "configured", "pin", "refusal"),
    [
        ("web", False, "", ""),
        ("web", False, "1234", ""),
        ("home_automation", False, "1234", "pin_not_configured"),
        ("presence", False, "", "pin_not_configured"),
        ("web", True, "", "pin_missing"),
        ("home_automation", True, "", "pin_missing"),
        ("web", True, "1234", ""),
        ("home_automation", True, "1234", ""),
    ],
)
def test_without_a_pin_only_a_web_session_may_arm(
    sender: str, configured: bool, pin: str, refusal: str
) -> None:
    assert alarm.refusal_without_pin(sender, configured, pin) == refusal


def test_a_name_from_outside_is_never_taken_for_a_session_user() -> None:
    assert alarm.requester("web", "admin") == "admin"
    assert alarm.requester("home_automation", "admin") == "home_automation:admin"
    assert "\n" not in alarm.requester("web", "a\nb")
    assert len(alarm.requester("home_automation", "x" * 80)) == 80
