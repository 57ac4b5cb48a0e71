"""Who is home, from single signs of life."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vigilar_common.messages.alarm import ArmState
from vigilar_common.messages.presence import Household, Role, person_id
from vigilar_presence.domain.acting import ACTIONS, refusal
from vigilar_presence.domain.people import Person, Seen, Sign, household

HEARD, SILENT, BLIND = Seen(Sign.HEARD, "icmp"), Seen(Sign.SILENT, "icmp"), Seen(Sign.BLIND)
DELAY_S = 600.0


def person(home: bool | None = True, role: Role = Role.ADULT) -> Person:
    return Person("Ann", role, home)


def rounds(who: Person, seen: Seen, number: int, passed_s: float = 30.0) -> int:
    """After how many rounds the person came or went; 0: not at all."""
    return next((n for n in range(1, number + 1) if who.look(seen, passed_s, DELAY_S)), 0)


def test_one_answer_is_enough_to_be_home() -> None:
    who = person(None)
    assert rounds(who, HEARD, 1) == 1
    assert (who.home, who.method) == (True, "icmp")
    assert rounds(who, HEARD, 5) == 0, "staying is no news"


def test_only_silence_for_the_whole_delay_is_leaving() -> None:
    who = person()
    assert rounds(who, SILENT, 30) == 20
    assert who.home is False
    assert rounds(who, SILENT, 30) == 0


def test_a_phone_that_sleeps_and_answers_now_and_then_stays_home() -> None:
    who = person()
    for _ in range(20):
        assert rounds(who, SILENT, 19) == 0
        assert rounds(who, HEARD, 1) == 0


def test_rounds_in_which_nobody_could_ask_are_no_silence() -> None:
    who = person()
    assert rounds(who, BLIND, 1_000) == 0
    assert rounds(who, SILENT, 19) == 0
    assert rounds(who, BLIND, 1_000) == 0
    assert rounds(who, SILENT, 1) == 1


def test_without_a_delay_one_silent_round_is_leaving() -> None:
    who = person()
    assert who.look(SILENT, 0.0, 0.0)


def test_the_tracker_of_home_assistant_knows_without_a_phone_on_the_network() -> None:
    who = person(None)
    who.tracked = True
    assert rounds(who, BLIND, 1) == 1
    assert (who.home, who.method) == (True, "device_tracker")
    who.tracked = False
    assert rounds(who, BLIND, 30) == 20, "it waits as for a phone"
    who.tracked = None
    assert rounds(who, BLIND, 100) == 0


def test_a_phone_on_the_network_is_home_whatever_the_tracker_says() -> None:
    who = person()
    who.tracked = False
    assert rounds(who, HEARD, 30) == 0
    assert who.home


@pytest.mark.parametrize(
    ("adults", "children", "state"),
    [
        ([False, False], [False], Household.EMPTY),
        ([True, True], [True], Household.ALL_HOME),
        ([True, False], [True], Household.ADULTS_HOME),
        ([True, True], [False], Household.ADULTS_HOME),
        ([False, False], [True], Household.KIDS_HOME),
        ([False, False], [True, False], Household.KIDS_HOME),
        ([], [True], Household.ALL_HOME),
        ([True], [], Household.ALL_HOME),
        ([True, None], [True], None),
        ([], [], None),
    ],
)
def test_the_household(adults: list[bool | None], children: list[bool], state: Household | None) -> None:
    people = [person(home) for home in adults] + [person(home, Role.CHILD) for home in children]
    assert household(people) is state


SETTLED = tuple(ACTIONS)


@given(st.sampled_from(SETTLED), st.sampled_from(SETTLED))
def test_a_phone_alone_never_lowers_the_guard(target: ArmState, current: ArmState) -> None:
    lowers = target is ArmState.DISARMED or SETTLED.index(target) < SETTLED.index(current)
    assert bool(refusal(target, current, allow_disarm=False)) == lowers
    assert refusal(target, current, allow_disarm=True) == ""


@pytest.mark.parametrize("current", [ArmState.PENDING, ArmState.TRIGGERED])
@pytest.mark.parametrize("target", SETTLED)
def test_a_phone_has_no_say_while_the_alarm_rings(target: ArmState, current: ArmState) -> None:
    assert refusal(target, current, allow_disarm=True) == f"the alarm is {current}"


def test_an_unknown_alarm_may_be_armed_and_not_disarmed() -> None:
    assert refusal(ArmState.ARMED_AWAY, None, allow_disarm=False) == ""
    assert refusal(ArmState.DISARMED, None, allow_disarm=False)


@given(st.text(min_size=1, max_size=120), st.text(min_size=1, max_size=120))
def test_every_name_has_a_topic_of_its_own(one: str, other: str) -> None:
    assert 1 <= len(person_id(one)) <= 64
    assert person_id(one).isascii()
    assert (person_id(one) == person_id(other)) == (one == other)
