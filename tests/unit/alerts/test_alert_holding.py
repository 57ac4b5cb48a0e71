"""Snoozes, quiet hours, cooldowns, mute profiles: what is not critical waits, and everything is listed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alert_house import PHONE, House
from vigilar_common.messages.alarm import ArmState
from vigilar_common.messages.alerts import MAX_SNOOZE_S, AlertAsk, AlertSnoozed, AlertsState
from vigilar_common.testing import FakeClock

NIGHT_MS = 1_750_027_500_000
"""2025-06-15 22:45 UTC, a Sunday."""
QUIET = {"quiet": {"times": ["22:00-06:00"]}}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()


def state(house: House) -> AlertsState:
    found = house.bus.states["vigilar/alerts/state"]
    assert isinstance(found, AlertsState)
    return found


def outcome(house: House, event_id: str) -> str:
    return str(house.asks(AlertAsk.EXPLAIN, event_id=event_id)["decisions"][0]["outcome"])


def test_a_snooze_holds_one_camera_back_ends_by_itself_and_is_told_to_everybody(house: House) -> None:
    reply = house.does(action="snooze", camera_id="front", duration_s=600, user="ann")
    assert reply.ok
    assert [(one.camera_id, one.by) for one in state(house).snoozes] == [("front", "ann")]
    held = house.motion("front")
    assert (house.pushed(), outcome(house, held.event_id)) == ([], "snoozed")
    assert len(house.through("ui")) == 1, "it is listed"
    assert house.alerts()[0]["held"] == "snoozed"
    house.motion("drive")
    assert len(house.loud()) == 1, "the other camera is told, of the same incident"
    house.later(700)
    assert state(house).snoozes == []
    house.motion("front")
    assert len(house.loud()) == 2
    (fact,) = house.facts.of(AlertSnoozed)
    assert (fact.camera_id, fact.by, fact.method) == ("front", "ann", "page")


def test_a_snooze_of_all_never_silences_what_is_critical(house: House) -> None:
    house.arms(ArmState.ARMED_AWAY)
    house.does(action="snooze", duration_s=3600, user="ann")
    house.motion("drive")
    house.offline("shed")
    assert house.pushed() == []
    house.motion("hall")
    house.alarm()
    assert len(house.loud()) == 2


def test_a_snooze_survives_a_restart_and_ends_when_it_is_asked_to(tmp_path: Path) -> None:
    clock = FakeClock()
    house = House(tmp_path, clock)
    house.does(action="snooze", duration_s=3600, user="ann")
    house.close()
    again = House(tmp_path, clock)
    again.motion("front")
    assert again.pushed() == []
    assert again.does(action="unsnooze", user="bob").data == {"snoozes": []}
    assert "ended already" in again.does(action="unsnooze", user="bob").message
    again.motion("drive")
    assert len(again.loud()) == 1
    again.close()


def test_a_snooze_made_while_the_clock_was_wrong_holds_nothing_back(house: House) -> None:
    house.does(action="snooze", duration_s=MAX_SNOOZE_S, user="ann")
    house.clock.jump_wall(-30 * 86_400)
    house.motion("front")
    assert len(house.loud()) == 1


def test_only_cameras_of_the_house_can_be_snoozed(house: House) -> None:
    assert house.does(action="snooze", camera_id="nowhere", user="ann").code == "not_found"


def test_a_notification_snoozes_the_cameras_of_its_alert(house: House) -> None:
    house.motion("front")
    house.motion("drive")
    (alert,) = house.loud()
    assert house.does(action="snooze", alert_id=alert.alert_id, subscription_id=PHONE).ok
    snoozes = state(house).snoozes
    assert {one.camera_id for one in snoozes} == {"front", "drive"}
    assert {one.by for one in snoozes} == {"ann (phone)"}
    stranger = house.does(action="snooze", alert_id=alert.alert_id, subscription_id=house.id())
    assert stranger.code == "unknown_device"


def test_in_quiet_hours_only_the_critical_sounds_and_a_digest_tells_the_rest(tmp_path: Path) -> None:
    house = House(tmp_path, FakeClock(NIGHT_MS), **QUIET)
    first = house.motion("front")
    house.later(30)
    house.motion("drive")
    house.later(3600)
    house.offline("shed")
    assert (house.pushed(), outcome(house, first.event_id)) == ([], "quiet")
    house.tick()
    assert (state(house).quiet, state(house).held_back) == (True, 2)
    house.arms(ArmState.ARMED_NIGHT)
    house.alarm()
    assert [a.title for a in house.pushed()] == ["Alarm: Back door opened"]
    house.arms(ArmState.DISARMED)
    house.later(7 * 3600)
    digest = house.pushed()[-1]
    assert (digest.title, digest.silent) == ("2 alerts in the quiet hours", False)
    assert digest.body == "Motion at Front, and 1 more; Shed is offline"
    house.later(60)
    assert house.pushed()[-1] is digest, "once"
    assert not state(house).quiet
    house.close()


def test_what_quiet_hours_held_back_is_not_forgotten_by_a_restart(tmp_path: Path) -> None:
    clock = FakeClock(NIGHT_MS)
    house = House(tmp_path, clock, **QUIET)
    house.motion("front")
    house.close()
    clock.advance(8 * 3600)
    again = House(tmp_path, clock, **QUIET)
    again.tick()
    assert [a.title for a in again.pushed()] == ["1 alert in the quiet hours"]
    again.close()


def test_what_became_critical_in_the_night_is_not_in_the_digest_again(tmp_path: Path) -> None:
    house = House(tmp_path, FakeClock(NIGHT_MS), **QUIET)
    house.arms(ArmState.ARMED_AWAY)
    house.motion("drive")
    house.motion("hall")
    assert len(house.loud()) == 1
    house.later(8 * 3600)
    assert [a.title for a in house.loud() if "quiet" in a.title] == []
    house.close()


def test_without_a_digest_the_list_has_it(tmp_path: Path) -> None:
    house = House(tmp_path, FakeClock(NIGHT_MS), quiet={"times": ["22:00-06:00"], "digest": False})
    house.motion("front")
    house.later(8 * 3600)
    assert house.pushed() == []
    assert house.alerts()[0]["held"] == "quiet"
    house.close()


def test_a_profile_cools_down_but_not_for_what_is_graver(tmp_path: Path) -> None:
    profiles = [
        {"name": "outside", "events": ["motion"], "locations": ["DRIVEWAY", "ENTRY"], "cooldown_s": 900},
        {"name": "inside", "events": ["motion"]},
    ]
    house = House(tmp_path, profiles=profiles)
    house.motion("drive")
    house.later(400)
    held = house.motion("front")
    assert (len(house.loud()), outcome(house, held.event_id)) == (1, "cooldown")
    house.motion("hall")
    assert len(house.loud()) == 2, "another profile"
    house.later(600)
    house.motion("front")
    assert len(house.loud()) == 3
    house.arms(ArmState.ARMED_AWAY)
    house.alarm()
    assert len(house.loud()) == 4
    house.close()


def test_a_mute_profile_lists_and_tells_nobody(tmp_path: Path) -> None:
    profiles = [
        {"name": "cat flap", "events": ["motion"], "zones": ["flap"], "mute": True},
        {"name": "rest", "events": ["motion"]},
    ]
    house = House(tmp_path, profiles=profiles)
    event = house.motion("front", zones=["flap"])
    assert house.sent == []
    assert outcome(house, event.event_id) == "muted"
    house.motion("front")
    house.alarm()
    assert len(house.loud()) == 2
    house.close()
