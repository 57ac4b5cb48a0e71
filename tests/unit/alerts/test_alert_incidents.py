"""Facts of one incident are one alert: told once, updated silently, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from alert_house import PHONE, House
from hypothesis import given, settings
from hypothesis import strategies as st
from vigilar_common.messages.alarm import ArmState, EventType, Severity
from vigilar_common.messages.alerts import AlertAsk, AlertDelivery
from vigilar_common.messages.detection import ObjectDetected
from vigilar_common.messages.objects import object_event_id
from vigilar_common.testing import FakeClock

Make = Callable[..., House]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()


def test_a_night_of_30_facts_is_exactly_3_alerts(house: House) -> None:
    facts = 0

    def happened(*made: object) -> None:
        nonlocal facts
        facts += len(made)

    # A parcel at the door: two cameras, one person.
    parcel = house.motion("front")
    happened(parcel, house.seen("person", parcel))
    for camera in ("drive", "front"):
        house.later(20)
        happened(house.motion(camera))
    happened(house.seen("person", parcel))
    house.later(600)
    # A camera on a bad cable.
    for _ in range(4):
        happened(house.offline("shed"))
        house.later(420)
    # Everybody is away; somebody comes through the garden and the back door.
    house.arms(ArmState.ARMED_AWAY)
    house.later(3600)
    happened(house.motion("drive"))
    house.later(15)
    house.arms(ArmState.PENDING)
    happened(house.opened())
    house.later(30)
    happened(house.alarm())
    happened(
        house.event(
            EventType.RULE, "Back door while away", Severity.CRITICAL, sensor_id="back_door",
            detail={"rule_id": "away", "channels": ["all"]},
        )
    )  # fmt: skip
    for number in range(12):
        house.later(15)
        moved = house.motion(("hall", "kitchen", "hall", "drive")[number % 4])
        happened(moved)
        if number in (0, 2, 4, 6, 8):
            happened(house.seen("person", moved))
    house.later(60)
    assert facts == 30

    told = {alert.alert_id for alert in house.pushed()}
    assert len(told) == 3
    sounded = [alert.title for alert in house.loud()]
    assert sounded[:4] == [
        "Motion at Front",
        "Shed is offline",
        "Motion at Drive",
        "Alarm: Back door opened, and 2 more",
    ]
    (again,) = sounded[4:]
    assert again.startswith("Not acknowledged: Alarm: Back door opened"), (
        "three minutes, and nobody dealt with it"
    )
    assert all(alert.tag == f"alert-{alert.alert_id}" for alert in house.pushed())
    parcel_told, cable, burglary = house.alerts()
    assert [one["count"] for one in (parcel_told, cable, burglary)] == [5, 4, 21]
    assert parcel_told["summary"].startswith("Person: Front ×2. Motion: Front ×2, Drive. 5 in ")
    assert cable["summary"].startswith("Offline: Shed ×4. 4 in ")
    last = [alert for alert in house.pushed() if alert.alert_id == burglary["alert_id"]][-1]
    assert (last.silent, last.severity, last.title) == (
        True,
        Severity.CRITICAL,
        "Alarm: Back door opened, and 20 more",
    )
    for words in (
        "Motion: Drive ×4, Hall ×6, Kitchen ×3",
        "Opened: Back door",
        "Alarm: Back door",
        "Person: Hall ×5",
    ):
        assert words in last.body
    # Nothing is lost: each fact is listed under its alert, and has its row on the alerts page.
    listed = [
        row
        for one in (parcel_told, cable, burglary)
        for row in house.asks(AlertAsk.ONE, alert_id=one["alert_id"])["events"]
    ]
    assert len(listed) == 30
    assert len(house.through("ui")) == 30 + 1, "and one row of the escalation"
    assert burglary["severity"] == "critical"


def test_an_update_is_silent_names_what_and_how_many_and_reaches_only_who_can_replace_it(
    house: House,
) -> None:
    house.motion("front")
    house.later(30)
    house.motion("drive")
    first, second = house.pushed()
    assert (first.silent, second.silent) == (False, True)
    assert first.alert_id == second.alert_id
    assert second.body.startswith("Motion: Front, Drive. 2 in 3")
    assert (first.update, second.update) == (0, 1)
    assert len(house.through("desktop")) == 1, "a notification that cannot be replaced is not repeated"
    rows = {
        (row.alert_id, row.update, row.event_id)
        for row in house.facts.of(AlertDelivery)
        if row.channel == "web_push"
    }
    assert len(rows) == 2


def test_a_person_is_named_before_the_motion_he_was_found_in_with_his_best_picture(house: House) -> None:
    best = house.id()
    motions = [house.motion("front") for _ in range(4)]
    house.later(5)
    first = house.seen("person", motions[0], confidence=0.7, picture_id=house.id())
    house.seen("person", motions[0], confidence=0.95, picture_id=best)
    for moved in motions[:3] * 5:
        house.seen("person", moved, confidence=0.6, picture_id=house.id())
    house.motion("front", picture_id=house.id())
    house.later(60)
    (one,) = house.alerts()
    assert one["title"] == "Person at Front"
    assert one["summary"].startswith("Person: Front ×17. Motion: Front ×5. 22 in ")
    assert one["picture_id"] == best
    last = house.pushed()[-1]
    assert (last.title, last.picture_id) == ("Person at Front, and 16 more", best)
    assert isinstance(first, ObjectDetected)
    assert one["lead"] == object_event_id(first.track_id), "the tap leads to the moment he came into sight"
    assert last.url == f"/events/{one['lead']}"


def test_somebody_takes_the_lead_from_graver_motion_but_not_from_an_alarm_or_a_door(house: House) -> None:
    house.arms(ArmState.ARMED_AWAY)
    moved = house.motion("hall", severity=Severity.CRITICAL)
    house.seen("person", moved)
    (one,) = house.alerts()
    assert (one["title"], one["severity"]) == ("Person at Hall", "critical")
    house.alarm()
    house.seen("person", moved)
    (one,) = house.alerts()
    assert one["title"] == "Alarm: Back door opened"


def test_that_a_parcel_was_taken_leads_before_that_it_was_put_down(house: House) -> None:
    for kind, title in (
        (EventType.PACKAGE, "Parcel put down"),
        (EventType.PACKAGE_REMINDER, "Parcel lies in the rain"),
        (EventType.PACKAGE_TAKEN, "Parcel taken"),
        (EventType.PACKAGE, "Parcel put down"),
    ):
        house.event(kind, title=title, camera_id="front")
        house.later(20)
    (one,) = house.alerts()
    assert (one["title"], house.pushed()[-1].title) == ("Parcel taken", "Parcel taken, and 3 more")


def test_more_within_the_pause_is_one_update_when_it_ends(house: House) -> None:
    for camera in ("front", "drive", "shed", "front"):
        house.motion(camera)
    assert len(house.pushed()) == 1
    house.later(10)
    assert len(house.pushed()) == 2
    assert house.pushed()[1].title == "Motion at Front, and 3 more"
    house.later(60)
    assert len(house.pushed()) == 2, "nothing new, nothing told"
    assert len(house.through("ui")) == 4


def test_what_is_graver_sounds_again(house: House) -> None:
    house.arms(ArmState.ARMED_AWAY)
    house.motion("drive")
    house.later(20)
    house.motion("hall", severity=Severity.CRITICAL)
    assert [(a.silent, a.severity) for a in house.pushed()] == [
        (False, Severity.ALERT),
        (False, Severity.CRITICAL),
    ]
    house.later(20)
    house.alarm()
    house.later(1)
    house.event(EventType.ALARM_TRIGGERED, "Alarm: Hall", Severity.CRITICAL)
    assert [a.silent for a in house.pushed()[2:]] == [False, False], "each alarm sounds"


def test_an_incident_goes_on_over_a_restart_and_repeated_facts_change_nothing(tmp_path: Path) -> None:
    clock = FakeClock()
    house = House(tmp_path, clock)
    first = house.motion("front")
    house.close()
    clock.advance(60)
    again = House(tmp_path, clock)
    again.says(first)
    assert again.pushed() == []
    again.motion("drive")
    (update,) = again.pushed()
    assert (update.silent, update.title) == (True, "Motion at Front, and 1 more")
    assert [one["count"] for one in again.alerts()] == [2]
    again.close()


def test_an_arm_session_is_known_after_a_restart(tmp_path: Path) -> None:
    clock = FakeClock()
    house = House(tmp_path, clock)
    house.arms(ArmState.ARMED_AWAY)
    house.motion("drive")
    house.close()
    again = House(tmp_path, clock)
    again.arm_state = ArmState.ARMED_AWAY
    again.opened()
    assert [one["count"] for one in again.alerts()] == [2]
    again.close()


def test_a_disk_that_refuses_keeps_neither_people_nor_grouping_from_working(house: House) -> None:
    house.store._db.execute("PRAGMA query_only=ON")
    house.motion("front")
    house.later(30)
    house.motion("drive")
    assert [alert.silent for alert in house.pushed()] == [False, True]


def test_disarming_ends_what_belonged_together(house: House) -> None:
    house.arms(ArmState.ARMED_AWAY)
    house.motion("drive")
    house.arms(ArmState.DISARMED)
    house.motion("drive")
    assert [alert.silent for alert in house.pushed()] == [False, False]
    house.arms(ArmState.ARMED_NIGHT)
    house.motion("drive")
    assert len({alert.alert_id for alert in house.pushed()}) == 3


def test_cameras_that_go_at_once_are_one_alert_and_one_that_goes_later_is_told(house: House) -> None:
    for camera in ("front", "drive", "hall"):
        house.offline(camera)
    house.later(20)
    assert [a.title for a in house.loud()] == ["Front is offline"]
    assert house.pushed()[-1].body.startswith("Offline: Front, Drive, Hall. 3 in ")
    house.later(600)
    house.offline("drive")
    assert len(house.loud()) == 1, "it flaps"
    house.later(600)
    house.offline("shed")
    assert [a.title for a in house.loud()] == ["Front is offline", "Shed is offline"]


def test_inside_and_outside_are_two_incidents_while_nothing_is_armed(tmp_path: Path) -> None:
    profiles = [{"name": "all", "events": ["motion"]}]
    house = House(tmp_path, profiles=profiles)
    house.motion("front")
    house.motion("hall")
    assert [a.title for a in house.loud()] == ["Motion at Front", "Motion at Hall"]
    house.close()


def test_what_nobody_is_told_of_is_listed_and_does_not_keep_an_incident_going(house: House) -> None:
    house.arms(ArmState.ARMED_NIGHT)
    house.motion("drive")
    for _ in range(10):
        house.later(100)
        house.motion("hall")  # somebody at home: no profile
    house.motion("drive")
    assert [alert.silent for alert in house.pushed()] == [False, False]
    assert house.alerts()[0]["count"] == 2, "the movement within three minutes is listed under it"


def test_an_incident_without_end_is_told_anew_but_an_alarm_is_not(house: House) -> None:
    def goes_on(minutes: int) -> None:
        for _ in range(minutes):
            house.later(60)
            house.motion("drive")

    goes_on(40)
    assert len(house.loud()) == 2
    house.later(3600)
    house.sent.clear()
    house.arms(ArmState.ARMED_AWAY)
    house.alarm()
    (one,) = house.loud()
    house.does(action="acknowledge", alert_id=one.alert_id, user="ann")
    goes_on(40)
    assert len(house.loud()) == 1


def test_power_is_one_alert_until_it_is_back(house: House) -> None:
    house.event(EventType.POWER_OUT, "The power is out", Severity.ALERT)
    house.later(900)
    house.event(EventType.POWER_LOW, "The battery of the UPS is low", Severity.CRITICAL)
    house.later(600)
    house.event(EventType.POWER_BACK, "The power is back", Severity.ALERT)
    house.later(20)
    told = [(a.title, a.silent) for a in house.pushed() if not a.title.startswith("Not acknowledged")]
    assert told == [
        ("The power is out", False),
        ("The battery of the UPS is low, and 1 more", False),
        ("The power is back, and 2 more", True),
    ]  # fmt: skip


def test_duress_never_mixes_with_anything_and_shows_in_no_count(house: House) -> None:
    house.arms(ArmState.ARMED_AWAY)
    house.alarm()
    alarm = house.loud()[-1].alert_id
    house.event(EventType.DURESS, "Disarmed under duress", Severity.CRITICAL)
    house.arms(ArmState.DISARMED)
    duress = house.loud()[-1]
    assert duress.alert_id != alarm
    state: Any = house.bus.states["vigilar/alerts/state"]
    assert state.unacknowledged == 0, "the alarm was dealt with by disarming, and nothing else may show"
    house.later(200)
    assert house.loud()[-1].title == "Not acknowledged: Disarmed under duress"


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["front", "hall", "offline", "opened", "alarm", "arm", "disarm", "person", "tick"]),
        st.integers(0, 400),
    ),
    max_size=20,
)


@settings(max_examples=10, deadline=None)
@given(STEPS)
def test_whatever_happens_every_fact_is_listed_once_and_every_alarm_sounds(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    house = House(tmp_path_factory.mktemp("house"))
    decided, alarms = set(), 0
    last = None
    for what, wait_s in steps:
        match what:
            case "front" | "hall":
                last = house.motion(what)
                decided.add(last.event_id)
            case "offline":
                decided.add(house.offline("shed").event_id)
            case "opened":
                decided.add(house.opened().event_id)
            case "alarm":
                alarms += 1
                decided.add(house.alarm().event_id)
            case "arm":
                house.arms(ArmState.ARMED_AWAY)
            case "disarm":
                house.arms(ArmState.DISARMED)
            case "person" if last:
                house.seen("person", last)
        house.later(wait_s)
    alerts = house.alerts()
    listed = [
        row["event_id"]
        for one in alerts
        for row in house.asks(AlertAsk.ONE, alert_id=one["alert_id"])["events"]
        if row["type"] != "motion" or not row["object_class"]
    ]
    assert len(listed) == len(set(listed))
    untold = {event_id for event_id in decided - set(listed) if event_id}
    assert all(
        house.asks(AlertAsk.EXPLAIN, event_id=event_id)["decisions"][0]["outcome"] in ("no_profile", "muted")
        for event_id in untold
    )
    sounds = [
        a
        for c, to, a in house.sent
        if (c, to) == ("web_push", PHONE) and not a.silent and a.severity is Severity.CRITICAL
    ]
    assert len(sounds) >= alarms
    house.close()
