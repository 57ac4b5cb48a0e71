"""Which profile decides: location, arm state, time of day, zone, class, recognition."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alert_house import House
from vigilar_alerts import alerts_cli
from vigilar_common.config.alert_profiles import AlertProfile, Recognition
from vigilar_common.config.cameras import CameraLocation
from vigilar_common.config.load import assemble
from vigilar_common.config.slices import apply
from vigilar_common.errors import ConfigError
from vigilar_common.messages.alarm import ArmState, EventType, Severity
from vigilar_common.messages.alerts import AlertAsk
from vigilar_common.messages.detection import ObjectDetected
from vigilar_common.messages.objects import object_event_id
from vigilar_common.messages.visitors import FaceForgotten, FaceProfileSaved, VisitBegan
from vigilar_common.testing import FakeClock

NOON_MS = 1_750_075_200_000
"""2025-06-16 12:00 UTC, a Monday."""

EVENT: dict[str, Any] = {
    "event": EventType.MOTION, "arm_state": ArmState.ARMED_NIGHT, "location": CameraLocation.GARDEN, "zones": ["lawn", "path"],
    "object_class": "person", "recognition": Recognition.STRANGER,
}  # fmt: skip


@pytest.mark.parametrize(
    ("profile", "why_not"),
    [
        ({}, ""),
        ({"events": ["camera_offline", "rule"]}, "it is for camera_offline, rule"),
        ({"arm_states": ["armed_night"]}, ""),
        ({"arm_states": ["disarmed"]}, "the arm state was armed_night, it is for disarmed"),
        ({"locations": ["ENTRY"]}, "the location is GARDEN, it is for ENTRY"),
        ({"zones": ["path"]}, ""),
        ({"zones": ["street"]}, "it touched lawn, path, it is for street"),
        ({"classes": ["car", "person"]}, ""),
        ({"classes": ["Car"]}, "person was recognised, it is for car"),
        ({"recognition": ["household"]}, "who was seen is stranger, it is for household"),
        ({"recognition": ["stranger", "unknown"]}, ""),
    ],
)
def test_a_profile_says_why_it_does_not_fit(profile: dict[str, Any], why_not: str) -> None:
    made = AlertProfile.model_validate({"name": "x", **profile})
    event = dict(EVENT)
    assert made.why_not(event.pop("event"), event.pop("arm_state"), event.pop("location"), **event) == why_not


@pytest.fixture(name="house")
def _house(tmp_path: Path) -> Iterator[House]:
    profiles = [
        {
            "name": "people by day",
            "events": ["motion"],
            "times": ["mon-fri 08:00-17:00"],
            "classes": ["person"],
        },
        {"name": "night", "events": ["motion"], "times": ["22:00-06:00"], "severity": "critical"},
    ]
    made = House(tmp_path, FakeClock(NOON_MS), profiles=profiles)
    yield made
    made.close()


def test_a_profile_for_a_class_tells_when_it_is_recognised(house: House) -> None:
    moved = house.motion("front")
    assert house.sent == []
    house.seen("dog", moved)
    assert house.sent == []
    seen = house.seen("person", moved)
    assert isinstance(seen, ObjectDetected)
    event_id = object_event_id(seen.track_id)
    (told,) = house.loud()
    assert (told.title, told.event_id, told.url) == ("Person at Front", event_id, f"/events/{event_id}")
    (own,) = house.asks(AlertAsk.EXPLAIN, event_id=event_id)["decisions"]
    assert own["outcome"] == "alerted"
    decisions = house.asks(AlertAsk.EXPLAIN, event_id=moved.event_id)["decisions"]
    assert [one["outcome"] for one in decisions] == ["no_profile", "no_profile", "alerted"]
    assert decisions[1]["checked"][0]["why_not"] == "dog was recognised, it is for person"


def test_times_are_those_of_the_event_on_the_clock_of_the_house(house: House) -> None:
    house.later(11 * 3600)
    house.motion("front")
    assert [a.severity for a in house.loud()] == [Severity.CRITICAL]
    house.later(8 * 3600)
    moved = house.motion("front")
    why = house.asks(AlertAsk.EXPLAIN, event_id=moved.event_id)["decisions"][0]["checked"]
    assert [one["why_not"] for one in why] == [
        "nothing was recognised, it is for person",
        "it is for 22:00-06:00",
    ]


def test_who_is_recognised_can_be_left_alone(tmp_path: Path) -> None:
    profiles = [
        {"name": "family", "events": ["motion"], "recognition": ["household"], "mute": True},
        {"name": "others", "events": ["motion"]},
    ]
    house = House(tmp_path, profiles=profiles)
    house.motion("front", detail={"recognition": "household", "object_class": "person"})
    assert house.sent == []
    house.motion("front", detail={"recognition": "nonsense", "object_class": 7})
    assert len(house.loud()) == 1
    house.close()


def test_a_recognised_visit_is_told_by_whom_it_is_and_a_forgotten_face_is_unknown(tmp_path: Path) -> None:
    profiles = [{"name": "strangers", "events": ["motion"], "recognition": ["stranger"]}]
    house = House(tmp_path, profiles=profiles)
    ann, guest, cat = (house.id() for _ in range(3))
    for profile_id, household, ignored in ((ann, True, False), (guest, False, False), (cat, False, True)):
        house.says(
            FaceProfileSaved(
                profile_id=profile_id, name="Ann", household=household, ignored=ignored, first_seen_ms=1
            )
        )

    def visits(profile_id: str) -> None:
        house.later(1000)
        house.says(VisitBegan(visit_id=house.id(), profile_id=profile_id, camera_id="front", confidence=0.9))

    for profile_id in (ann, cat, house.id()):
        visits(profile_id)
    assert house.sent == []
    assert house.handlers.decisions["ignored"] == 1
    house.close()
    house = House(tmp_path, house.clock, profiles=profiles)
    visits(guest)
    assert [a.title for a in house.loud()] == ["A visitor at Front"]
    house.says(FaceForgotten(profile_id=guest))
    visits(guest)
    assert len(house.loud()) == 1
    names = house.store.read(
        "SELECT count(*) FROM kept WHERE body LIKE '%Ann%' OR body LIKE ?", (f"%{guest}%",)
    )
    assert names == [(0,)]
    house.close()


def test_the_explanation_also_says_what_the_profiles_of_now_would_do(house: House) -> None:
    moved = house.motion("front")
    found = house.asks(AlertAsk.EXPLAIN, event_id=moved.event_id)
    assert (found["today"]["profile"], found["alert_id"]) == ("", None)
    house.handlers.configure(
        house.handlers.cases.decider.config.model_copy(
            update={"alerts": type(house.handlers.cases.decider.config.alerts)()}
        )
    )
    assert house.asks(AlertAsk.EXPLAIN, event_id=moved.event_id)["today"]["profile"] == "outside"
    assert house.sent == [], "a dry run tells nobody"


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("times = ['25:00-06:00']", "times"),
        ("times = ['22:00-22:00']", "ends where it begins"),
        ("times = ['sunset-sunrise']", "set \\[location\\] latitude and longitude"),
        ("zones = ['stret']", 'did you mean "street"'),
        ("classes = ['']", "classes"),
        ("recognition = ['friend']", "recognition"),
        ("channels = ['smoke signals']", "channels"),
    ],
)
def test_a_profile_that_names_what_is_not_there_is_refused(tmp_path: Path, toml: str, message: str) -> None:
    camera = (
        "[[cameras]]\nid = 'front'\ndisplay_name = 'Front'\nrtsp_url = 'rtsp://x/'\n[[cameras.zones]]\nname = 'street'\n"
        "polygon = [[0.0, 0.0], [1.0, 0.0], [1.0, 0.3]]\n"
    )
    with pytest.raises(ConfigError, match=message):
        assemble(tmp_path / "v.toml", f"{camera}[[alerts.profiles]]\nname = 'x'\n{toml}\n", {})


def test_the_command_line_explains_beside_the_running_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    apply(assemble(tmp_path / "v.toml", "", {}), tmp_path / "run")
    monkeypatch.setenv("VIGILAR_CONFIG_RUN", str(tmp_path / "run"))
    monkeypatch.setenv("VIGILAR_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("VIGILAR_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("VIGILAR_STORAGE_URL", "http://127.0.0.1:9")
    assert alerts_cli.main(["alerts", "explain", "x"]) == 1
    assert "has the alerts service ever run here" in capsys.readouterr().err
    house = House(tmp_path / "state")
    moved = house.motion("front")
    assert alerts_cli.main(["alerts", "explain", moved.event_id]) == 0
    said = capsys.readouterr().out
    for words in (
        "alerted: It was told with a sound.",
        "profile outside: fits",
        "profile alarm: it is for",
        "told 1 times",
    ):
        assert words in said
    assert alerts_cli.main(["alerts", "explain", "unknown"]) == 1
    assert "nothing is known of event unknown" in capsys.readouterr().err
    house.close()
