"""Acknowledged, or told again: who did what and when is kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alert_house import PHONE, TABLET, House
from vigilar_common.messages.alarm import ArmState, Severity
from vigilar_common.messages.alerts import AlertAsk, AlertReceipt, ReceiptKind
from vigilar_common.testing import FakeClock

STEPS = [
    {"name": "bob too", "after_s": 60, "people": ["bob"], "min_severity": "alert", "severity": "alert"},
    {"name": "everybody", "after_s": 120, "min_severity": "alert"},
]
PROFILES = [{"name": "outside", "events": ["motion"], "people": ["ann"]}]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path, escalation=STEPS, profiles=PROFILES)
    yield made
    made.close()


def receipts(house: House) -> list[tuple[str, str, str]]:
    return [(fact.kind.value, fact.by, fact.method) for fact in house.facts.of(AlertReceipt)]


def test_nobody_acknowledges_so_the_next_people_are_told_and_then_all_louder(house: House) -> None:
    house.motion("front")
    assert (len(house.loud(PHONE)), len(house.loud(TABLET))) == (1, 0)
    assert house.alerts()[0]["escalates_ms"] is not None
    house.later(60)
    assert (len(house.loud(PHONE)), len(house.loud(TABLET))) == (1, 1)
    assert house.loud(TABLET)[0].title == "Not acknowledged: Motion at Front"
    house.later(100)
    assert len(house.loud(TABLET)) == 1
    house.later(30)
    assert (len(house.loud(PHONE)), len(house.loud(TABLET))) == (2, 2)
    assert house.loud(PHONE)[-1].severity is Severity.CRITICAL
    house.later(3600)
    assert len(house.loud(PHONE)) == 2, "the steps are bounded"
    assert receipts(house) == [("escalated", "bob too", "timer"), ("escalated", "everybody", "timer")]
    assert len({a.alert_id for a in house.pushed(TABLET)}) == 1


def test_who_acknowledges_ends_it_and_is_named(house: House) -> None:
    house.motion("front")
    (alert,) = house.loud(PHONE)
    reply = house.does(action="acknowledge", alert_id=alert.alert_id, subscription_id=PHONE)
    assert reply.ok
    assert reply.data["alert"]["acknowledged"]["by"] == "ann (phone)"
    again = house.does(action="acknowledge", alert_id=alert.alert_id, user="bob")
    assert again.message == "ann (phone) had acknowledged it already."
    house.later(30)
    event = house.motion("drive")
    house.later(600)
    assert (len(house.pushed(PHONE)), len(house.pushed(TABLET))) == (1, 0), "neither updates nor steps"
    assert house.asks(AlertAsk.EXPLAIN, event_id=event.event_id)["decisions"][0]["outcome"] == "acknowledged"
    assert receipts(house) == [("acknowledged", "ann (phone)", "notification")]


def test_what_becomes_graver_after_that_sounds_and_escalates_again(house: House) -> None:
    house.arms(ArmState.ARMED_AWAY)
    house.motion("drive")
    house.does(action="acknowledge", alert_id=house.loud(PHONE)[0].alert_id, user="ann")
    house.alarm()
    assert len(house.loud(TABLET)) == 1
    assert house.alerts()[0]["acknowledged"] is None
    house.later(60)
    assert len(house.loud(TABLET)) == 2


def test_disarming_acknowledges_what_it_ends(house: House) -> None:
    house.arms(ArmState.ARMED_AWAY)
    house.alarm()
    house.arms(ArmState.DISARMED, by="bob")
    house.later(600)
    assert len(house.loud(TABLET)) == 1
    assert receipts(house) == [("acknowledged", "bob", "disarmed")]
    assert house.alerts()[0]["acknowledged"]["how"] == "disarmed"


def test_an_alert_that_was_opened_says_by_whom_once(house: House) -> None:
    house.motion("front")
    alert_id = house.loud(PHONE)[0].alert_id
    for _ in range(3):
        assert house.does(action="opened", alert_id=alert_id, subscription_id=PHONE).ok
    house.does(action="opened", alert_id=alert_id, user="bob")
    assert receipts(house) == [("opened", "ann (phone)", "notification"), ("opened", "bob", "page")]
    assert [row["by"] for row in house.alerts()[0]["receipts"]] == ["ann (phone)", "bob"]
    assert house.facts.of(AlertReceipt)[0].kind is ReceiptKind.OPENED
    house.later(60)
    assert len(house.loud(TABLET)) == 1, "seen is not dealt with"


def test_a_restart_forgets_neither_the_wait_nor_the_acknowledgement(tmp_path: Path) -> None:
    clock = FakeClock()
    house = House(tmp_path, clock, escalation=STEPS, profiles=PROFILES)
    house.motion("front")
    house.close()
    clock.advance(60)
    again = House(tmp_path, clock, escalation=STEPS, profiles=PROFILES)
    again.tick()
    assert len(again.loud(TABLET)) == 1
    again.does(action="acknowledge", alert_id=again.loud(TABLET)[0].alert_id, user="bob")
    again.close()
    third = House(tmp_path, clock, escalation=STEPS, profiles=PROFILES)
    third.later(600)
    assert third.sent == []
    assert third.alerts()[0]["acknowledged"]["by"] == "bob"
    third.close()


def test_a_step_that_is_hours_late_is_skipped_and_a_clock_set_back_begins_the_wait_anew(house: House) -> None:
    house.motion("front")
    house.later(5 * 3600)
    assert house.loud(TABLET) == []
    house.later(60)
    house.motion("front")
    house.clock.jump_wall(-7200)
    house.tick()
    assert house.loud(TABLET) == []
    house.later(61)
    assert len(house.loud(TABLET)) == 1


def test_people_without_a_device_do_not_silence_an_alert(tmp_path: Path) -> None:
    house = House(
        tmp_path, profiles=[{"name": "x", "events": ["motion"], "people": ["nobody"], "channels": ["email"]}]
    )
    house.motion("front")
    assert (len(house.loud(PHONE)), len(house.loud(TABLET))) == (1, 1)
    assert house.handlers.decisions["no_people"] == 1
    assert house.handlers.decisions["no_channel"] == 1
    house.close()


def test_a_profile_reaches_the_channels_it_names(tmp_path: Path) -> None:
    profiles = [
        {"name": "quiet", "events": ["motion"], "locations": ["ENTRY"], "channels": ["desktop"]},
        {"name": "rest", "events": ["motion"]},
    ]
    house = House(tmp_path, profiles=profiles)
    house.motion("front")
    assert house.pushed() == []
    assert len(house.through("desktop")) == 1
    house.motion("drive")
    assert len(house.loud()) == 1, "the same incident, now also through the others"
    house.close()


def test_what_is_unknown_is_refused(house: House) -> None:
    assert house.does(action="acknowledge", alert_id=house.id(), user="ann").code == "not_found"
    assert house.does(action="acknowledge", user="ann").code == "not_found"
