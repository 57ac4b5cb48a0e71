"""When the bridge announces, announces again, and takes back; which events it passes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from homeassistant_house import BridgeHouse, house
from vigilar_common.config import Config
from vigilar_common.messages.alarm import (
    ArmAction,
    ArmRefused,
    ArmState,
    EventOpened,
    EventType,
    Severity,
)
from vigilar_common.messages.pets import PetNow, PetsState
from vigilar_common.messages.sensor import SensorChanged, SensorState
from vigilar_common.topics import (
    ALARM_REFUSED,
    AVAILABLE,
    EVENT_OPENED,
    FACT_TOPICS,
    HOUSE_EVENT,
    PETS_STATE,
    SENSOR_STATE,
)

CAMERA = "homeassistant/device/vigilar_camera_front/config"
DOOR = "vigilar_sensor_door"


@pytest.fixture
def there(tmp_path: Path) -> BridgeHouse:
    return BridgeHouse(tmp_path)


def event(there: BridgeHouse, kind: EventType = EventType.MOTION, **more: Any) -> EventOpened:
    return EventOpened(
        event_id=str(uuid4()), type=kind, severity=Severity.INFO, title="x", arm_state=ArmState.DISARMED, **more
    )  # fmt: skip


def events(there: BridgeHouse) -> list[tuple[str, str]]:
    return [
        (found.ids["device"], found.message.event_type)  # type: ignore[union-attr]
        for found in there.bus.published
        if found.topic is HOUSE_EVENT
    ]


def says(there: BridgeHouse, sensor_id: str, **values: Any) -> None:
    state = SensorState(sensor_id=sensor_id, type="X", known=True, values=values)
    there.bus.deliver(SENSOR_STATE, state, sensor_id=sensor_id)
    there.settle()


def test_home_assistants_birth_brings_everything_again_after_5_to_30_seconds(there: BridgeHouse) -> None:
    """Rule: "On online wait 5–30 s with jitter, then re-assert discovery and every state"."""
    before = len(there.sent)
    states = dict(there.bus.states)
    there.bus.states.clear()
    there.born()
    there.clock.advance(4.9)
    assert there.bridge.step() == pytest.approx(12.6)
    assert len(there.sent) == before
    there.clock.advance(12.6)
    assert there.bridge.step() is None
    assert len(there.sent) == 2 * before
    assert there.bus.states.keys() == states.keys() == {"vigilar/homeassistant/state"}


def test_births_one_after_another_are_one(there: BridgeHouse) -> None:
    before = len(there.sent)
    for _ in range(5):
        there.born()
        there.clock.advance(1)
    there.clock.advance(30)
    there.bridge.step()
    assert len(there.sent) == 2 * before
    assert there.bridge.counters["births"] == 5


@pytest.mark.parametrize(("payload", "retained"), [(b"offline", False), (b"online", True), (b"\xff", False)])
def test_a_will_or_a_retained_birth_brings_nothing(
    there: BridgeHouse, payload: bytes, retained: bool
) -> None:
    """Rule: "HA birth/will: online/offline, not retained"."""
    there.born(payload, retained)
    assert there.bridge.step() is None


def test_after_a_reconnect_everything_is_announced_again(there: BridgeHouse) -> None:
    """The broker may have lost what it kept: "re-assert"."""
    before = len(there.sent)
    there.bus.reconnect()
    there.bridge.step()
    assert len(there.sent) == 2 * before


def test_nothing_is_sent_while_nothing_changed(there: BridgeHouse) -> None:
    before = len(there.sent)
    says(there, "door", contact=True)
    assert len(there.sent) == before + 1
    says(there, "door", contact=False)
    there.settle()
    assert len(there.sent) == before + 1


def test_without_the_broker_it_waits_and_announces_when_it_is_back(there: BridgeHouse) -> None:
    there.bus.connected = False
    before = len(there.sent)
    says(there, "door", contact=True)
    assert len(there.sent) == before
    there.bus.reconnect()
    there.bridge.step()
    assert "binary_sensor_contact" in there.announced[DOOR]["components"]


def test_a_value_that_a_sensor_told_once_keeps_its_entity_over_restarts(there: BridgeHouse) -> None:
    """A sensors service that has just started knows no values yet: no entity may vanish for that."""
    says(there, "door", contact=True, temperature=20.5)
    there.restart()
    says(there, "door")
    assert {"binary_sensor_contact", "sensor_temperature"} <= there.announced[DOOR]["components"].keys()


def test_a_pet_is_a_device_while_the_household_has_it_and_stands_while_its_service_is_away(
    there: BridgeHouse,
) -> None:
    there.raw["pets"] = {"enabled": True}
    there.bridge.configure(Config.model_validate(there.raw))
    pet_id = str(uuid4())
    cat = PetNow(pet_id=pet_id, name="Minka", species="cat")
    there.bus.deliver(PETS_STATE, PetsState(pets=[cat]))
    there.settle()
    device = f"vigilar_pet_{pet_id}"
    assert there.announced[device]["device"]["name"] == "Minka"
    there.restart()
    assert there.announced[device]["device"]["name"] == "Minka"
    assert (f"homeassistant/device/{device}/config", b"") not in there.sent
    there.bus.deliver(PETS_STATE, PetsState())
    there.settle()
    assert there.sent[-1] == (f"homeassistant/device/{device}/config", b"")


def test_a_camera_that_is_configured_away_is_cleared(there: BridgeHouse) -> None:
    """Rule: "An empty retained payload removes all"; "clears stale configs"."""
    there.raw["cameras"][0]["enabled"] = False
    there.bridge.configure(Config.model_validate(there.raw))
    there.settle()
    assert there.sent[-1] == (CAMERA, b"")
    assert there.bridge.counters["cleared"] == 1


def test_what_an_earlier_run_announced_is_cleared_by_the_next_one(there: BridgeHouse) -> None:
    there.raw["cameras"] = []
    there.raw["presence"]["enabled"] = False
    there.restart()
    cleared = [topic for topic, payload in there.sent if payload == b""]
    assert CAMERA in cleared
    assert len(cleared) == 3
    there.restart()
    again = [topic for topic, payload in there.sent if payload == b""]
    assert again == cleared, "whether the first time arrived is not known"


def test_a_cleared_device_that_comes_back_is_announced_and_no_longer_cleared(there: BridgeHouse) -> None:
    camera = there.raw["cameras"]
    there.raw["cameras"] = []
    there.restart()
    there.raw["cameras"] = camera
    there.restart()
    assert dict(there.sent)[CAMERA] != b""
    assert all(payload for _, payload in there.sent)


def test_switched_off_takes_everything_back_and_then_removes_its_file(there: BridgeHouse) -> None:
    names = set(there.announced)
    there.raw["homeassistant"]["enabled"] = False
    there.restart()
    assert {topic.split("/")[2] for topic, payload in there.sent if not payload} == names
    assert there.announced == {}
    assert there.bus.states == {}
    file = there.folder / "announced.json"
    assert file.exists()
    there.clock.advance(11)
    there.bridge.step()
    assert not list(there.folder.glob("announced*"))


def test_another_prefix_clears_the_old_one(there: BridgeHouse) -> None:
    names = set(there.announced)
    there.raw["homeassistant"]["discovery_prefix"] = "elsewhere/ha"
    there.restart()
    cleared = {topic for topic, payload in there.sent if not payload}
    assert cleared == {f"homeassistant/device/{name}/config" for name in names}
    assert set(there.announced) == names
    assert all(topic.startswith("elsewhere/ha/device/") for topic, payload in there.sent if payload)


def test_an_entity_that_is_no_more_is_named_by_its_platform_alone(there: BridgeHouse) -> None:
    """Rule: "{"platform": X} alone removes that entity"."""
    there.raw["homeassistant"]["switches"] = ["privacy"]
    there.restart()
    found = there.announced["vigilar_camera_front"]["components"]
    assert found["switch_recording"] == {"platform": "switch"}
    assert found["switch_detection"] == {"platform": "switch"}
    assert found["switch_privacy"]["unique_id"]
    there.restart()
    assert there.announced["vigilar_camera_front"]["components"]["switch_recording"] == {"platform": "switch"}


def test_a_damaged_file_is_no_reason_not_to_announce(there: BridgeHouse) -> None:
    for path in there.folder.glob("announced*"):
        path.write_text("not this")
    there.restart()
    assert "vigilar_hub" in there.announced


def test_a_disk_that_takes_nothing_is_a_finding_and_the_house_is_announced(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    there = BridgeHouse(tmp_path / "file")
    assert "vigilar_hub" in there.announced
    assert [found.code for found in there.bridge.findings()] == ["homeassistant_file"]
    assert there.bridge.step() == pytest.approx(5)


def test_an_event_is_told_for_the_hub_and_for_its_camera(there: BridgeHouse) -> None:
    there.bus.deliver(EVENT_OPENED, event(there, camera_id="front", zones=["street"]))
    assert events(there) == [("vigilar_hub", "motion"), ("vigilar_camera_front", "motion")]
    there.bus.deliver(EVENT_OPENED, event(there, EventType.ALARM_TRIGGERED, sensor_id="door"))
    assert events(there)[2:] == [("vigilar_hub", "alarm_triggered")]


def test_an_event_of_an_object_says_what_it_is(there: BridgeHouse) -> None:
    seen = event(
        there, EventType.OBJECT, camera_id="front", detail={"object_class": "person", "track_id": "x"}
    )
    there.bus.deliver(EVENT_OPENED, seen)
    told: list[Any] = [item.message for item in there.bus.published if item.topic is HOUSE_EVENT]
    assert [(item.event_type, item.detail["object_class"]) for item in told] == [("object", "person")] * 2


def test_duress_is_told_nowhere(there: BridgeHouse) -> None:
    there.bus.deliver(EVENT_OPENED, event(there, EventType.DURESS))
    assert events(there) == []


def test_an_old_event_informs_nobody(there: BridgeHouse) -> None:
    old = event(there, ts_ms=there.clock.now_ms() - 31_000)
    there.bus.deliver(EVENT_OPENED, old)
    assert events(there) == []
    assert there.bridge.counters["events_stale"] == 1


@pytest.mark.parametrize(("word", "told"), [("single", "single"), ("1_hold_release", "other")])
def test_a_button_is_an_event_of_its_sensor(there: BridgeHouse, word: str, told: str) -> None:
    topic = FACT_TOPICS[SensorChanged.TYPE]
    there.bus.deliver(topic, SensorChanged(sensor_id="bell", key="action", value=word))
    assert events(there) == [("vigilar_sensor_bell", told)]
    assert json.loads(there.bus.messages(HOUSE_EVENT)[0].model_dump_json())["detail"] == {"action": word}
    there.bus.deliver(topic, SensorChanged(sensor_id="bell", key="action", value=word, initial=True))
    there.bus.deliver(topic, SensorChanged(sensor_id="stranger", key="action", value=word))
    there.bus.deliver(topic, SensorChanged(sensor_id="bell", key="contact", value=True))
    assert len(events(there)) == 1
    assert "event_action" in there.announced["vigilar_sensor_bell"]["components"], (
        "a button has it from the start"
    )


def test_a_refused_arm_command_is_an_event_with_its_reason(there: BridgeHouse) -> None:
    fact = ArmRefused(
        action=ArmAction.DISARM, code="wrong_pin", requested_by="home_automation", method="mqtt"
    )
    there.bus.deliver(ALARM_REFUSED, fact)
    (told,) = there.bus.messages(HOUSE_EVENT)
    assert (told.event_type, told.detail["code"]) == ("command_refused", "wrong_pin")


def test_what_is_known_of_the_alarm_ends_with_the_last_will_of_events(there: BridgeHouse) -> None:
    known = [there.bridge.alarm]
    there.alarm()
    known.append(there.bridge.alarm)
    for payload in (b"offline", b"online"):
        there.bus.deliver(AVAILABLE, payload=payload, service="events")
        known.append(there.bridge.alarm)
    assert known == [None, ArmState.DISARMED, None, ArmState.DISARMED]


def test_the_heartbeat_says_what_is_announced(there: BridgeHouse) -> None:
    summary = there.bridge.summary()
    assert summary["devices"] == {"hub": 1, "camera": 1, "sensor": 4, "person": 2}
    assert len(str(summary)) < 200, "else health leaves it out of the system page"
    assert summary["entities"] == sum(len(found["components"]) for found in there.announced.values())
    assert there.bus.states["vigilar/homeassistant/state"].devices == 8  # type: ignore[attr-defined]


def test_two_installations_at_one_home_assistant_have_ids_of_their_own(tmp_path: Path) -> None:
    one = BridgeHouse(tmp_path / "one")
    two = BridgeHouse(tmp_path / "two", house(node_id="cabin"))
    assert not set(one.announced) & set(two.announced)
