"""Every rule of Home Assistant's discovery, held against what is announced of a whole house."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from homeassistant_house import BridgeHouse, house
from homeassistant_schema import ID, PLATFORMS, REQUIRED, ROOT, problems
from vigilar_common.messages.alarm import ArmAction, ArmState, EventType
from vigilar_common.messages.power import PowerState, PowerStatus, PowerValues
from vigilar_common.messages.sensor import SensorState
from vigilar_common.topics import AVAILABLE, POWER_STATE, SENSOR_STATE
from vigilar_homeassistant.domain import hub, sensors
from vigilar_homeassistant.domain.device import Naming, safe_id

HUB, CAMERA, UPS = "vigilar_hub", "vigilar_camera_front", "vigilar_ups_eaton_5p"
ALL_VALUES: dict[str, Any] = {
    **dict.fromkeys(sensors.BINARY, True),
    **dict.fromkeys(sensors.NUMBERS, 1.5),
    "something_new": 7.0,
    "a_word": "x",
}


@pytest.fixture
def whole(tmp_path: Path) -> BridgeHouse:
    """Every platform that is used, every value that a sensor can tell."""
    there = BridgeHouse(tmp_path, house(images=True, configuration_url="https://vigilar.example:49735/"))
    there.alarm(pin_configured=True)
    values = {f"{key}": value for key, value in ALL_VALUES.items() if key != "battery_low"}
    state = SensorState(sensor_id="climate", type="TEMPERATURE", known=True, values=values, battery_low=False)
    there.bus.deliver(SENSOR_STATE, state, sensor_id="climate")
    for name, key in (("door", "contact"), ("hall", "occupancy")):
        state = SensorState(sensor_id=name, type="X", known=True, values={key: True})
        there.bus.deliver(SENSOR_STATE, state, sensor_id=name)
    status = PowerStatus(
        ups_id="eaton_5p",
        state=PowerState.ON_LINE,
        since_ms=1,
        values=PowerValues(charge_pct=99, runtime_s=900, load_pct=12, input_v=230, temperature_c=25),
    )
    there.bus.deliver(POWER_STATE, status, ups_id="eaton_5p")
    there.settle()
    return there


def components(there: BridgeHouse, platform: str = "") -> list[dict[str, Any]]:
    return [
        component
        for payload in there.announced.values()
        for component in payload["components"].values()
        if component["platform"] == platform or not platform
    ]


def test_everything_that_is_announced_is_accepted_by_home_assistant_without_a_key_lost(
    whole: BridgeHouse,
) -> None:
    """Rule: "Strict: an unknown key at root, in device, in origin or in an availability entry rejects the whole device"."""
    assert {name: problems(payload) for name, payload in whole.announced.items() if problems(payload)} == {}


def test_there_is_one_message_for_the_hub_each_camera_sensor_and_person_and_the_ups(
    whole: BridgeHouse,
) -> None:
    """Rule: "One discovery message per device (hub, each camera, each sensor, UPS, each person)"; not of what is switched off."""
    names = set(whole.announced)
    assert {HUB, CAMERA, UPS, "vigilar_sensor_bell", "vigilar_person_Ann"} <= names
    assert "vigilar_camera_old" not in names
    assert len(names) == 1 + 1 + 4 + 1 + 2


def test_it_is_retained_with_qos_1_on_the_discovery_topic_and_every_id_has_safe_characters(
    whole: BridgeHouse,
) -> None:
    """Rule: "Topic homeassistant/device/<object_id>/config (ids [a-zA-Z0-9_-]+), retained, QoS 1"."""
    for found in whole.bus.published:
        if found.topic.pattern.endswith("/config"):
            assert found.topic.pattern == "homeassistant/device/{device}/config"
            assert (found.topic.retain, found.topic.qos, found.topic.expiry_s) == (True, 1, None)
            assert ID.fullmatch(found.ids["device"])
    assert all(ID.fullmatch(key) for payload in whole.announced.values() for key in payload["components"])


def test_devices_hang_below_the_hub_and_know_where_the_page_is(whole: BridgeHouse) -> None:
    """Rule: "Linked with via_device"; "configuration_url (a real URL)"; "origin: name required"."""
    for name, payload in whole.announced.items():
        assert payload["device"].get("via_device") == (None if name == HUB else HUB)
        assert payload["device"]["identifiers"] == [name]
        assert payload["device"]["configuration_url"] == "https://vigilar.example:49735/"
        assert payload["origin"]["name"] == "Vigilar"
    assert whole.announced["vigilar_sensor_door"]["device"]["suggested_area"] == "hall"


def test_every_component_has_its_own_qos_and_a_unique_id_that_no_other_has(whole: BridgeHouse) -> None:
    """Rules: "root qos/encoding … not inherited"; "with any other key it needs unique_id"; "object_id is deprecated"."""
    found = components(whole)
    assert {component["qos"] for component in found} == {1}
    assert len({component["unique_id"] for component in found}) == len(found) > 50
    entity_ids = [component["default_entity_id"] for component in found]
    assert len(set(entity_ids)) == len(entity_ids)
    assert all("object_id" not in component for component in found), "deprecated: default_entity_id"
    assert all("~" not in payload and "qos" not in payload for payload in whole.announced.values())


def test_everything_is_unavailable_when_the_bridge_or_the_service_that_knows_is_away(
    whole: BridgeHouse,
) -> None:
    """Rule: "Availability mode all of hub and service", by last wills; at the component the list takes the device's place."""
    knows = {
        HUB: {"events", "health", "presence", "storage"},
        CAMERA: {"camera-worker/front"},
        UPS: {"ups"},
    }
    for name, payload in whole.announced.items():
        for key, component in payload["components"].items():
            block = component if "availability" in component else payload
            topics = [entry["topic"] for entry in block["availability"]]
            assert block["availability_mode"] == "all"
            assert topics[0] == AVAILABLE.path(service="homeassistant")
            services = knows.get(name, {"sensors"} if "sensor" in name else {"presence"})
            wills = {f"vigilar/{service}/available" for service in services}
            assert wills & set(topics[1:]) or key == "update_update", (name, key)


def test_an_entry_of_the_availability_list_uses_value_template(whole: BridgeHouse) -> None:
    """Rule: "Trap: An availability list entry uses value_template." A sensor that is not known says nothing."""
    component = whole.announced["vigilar_sensor_door"]["components"]["binary_sensor_contact"]
    (extra,) = component["availability"][2:]
    assert extra == {
        "topic": "vigilar/sensor/door/state",
        "value_template": "{{ 'online' if value_json['known'] else 'offline' }}",
    }


def test_the_alarm_panel_offers_the_modes_that_exist_and_asks_for_the_code(whole: BridgeHouse) -> None:
    """Rules: "supported_features defaults to all: list yours"; "code: REMOTE_CODE shows a keypad"."""
    panel = whole.announced[HUB]["components"]["alarm_control_panel_alarm"]
    assert panel["code"] == "REMOTE_CODE"
    assert panel["code_arm_required"] is panel["code_disarm_required"] is True
    offered = {feature.upper() for feature in panel["supported_features"]} | {"DISARM"}
    assert offered == {action.value for action in ArmAction}
    assert panel["command_topic"] == "vigilar/cmd/home_automation/alarm"
    assert panel["retain"] is False
    states = whole.announced[HUB]["components"]["sensor_arm_state"]["options"]
    assert set(states) == {state.value for state in ArmState}


def test_without_a_pin_the_panel_shows_the_state_and_offers_nothing(tmp_path: Path) -> None:
    there = BridgeHouse(tmp_path)
    there.alarm(pin_configured=False)
    there.settle()
    panel = there.announced[HUB]["components"]["alarm_control_panel_alarm"]
    assert panel["supported_features"] == []
    assert "code" not in panel
    there.alarm(pin_configured=True)
    there.settle()
    assert there.announced[HUB]["components"]["alarm_control_panel_alarm"]["code"] == "REMOTE_CODE"


@pytest.mark.parametrize(
    ("key", "device_class"),
    [
        ("contact", "opening"), ("smoke", "smoke"), ("gas", "gas"), ("carbon_monoxide", "carbon_monoxide"),
        ("water_leak", "moisture"), ("vibration", "vibration"), ("tamper", "tamper"), ("sounding", "sound"),
        ("locked", "lock"), ("battery_low", "battery"), ("occupancy", "occupancy"), ("heat", "heat"), ("glass_break", "safety"),
    ],
)  # fmt: skip
def test_a_truth_value_has_the_binary_sensor_class_that_fits(
    whole: BridgeHouse, key: str, device_class: str
) -> None:
    """Rule: "binary_sensor classes that fit"."""
    found = whole.announced["vigilar_sensor_climate"]["components"][f"binary_sensor_{key}"]
    assert found["device_class"] == device_class


def test_occupancy_of_a_motion_sensor_is_motion(whole: BridgeHouse) -> None:
    found = whole.announced["vigilar_sensor_hall"]["components"]["binary_sensor_occupancy"]
    assert (found["device_class"], found["name"]) == ("motion", "Motion")


def test_numbers_have_class_unit_and_state_class(whole: BridgeHouse) -> None:
    found = whole.announced["vigilar_sensor_climate"]["components"]
    for key, (_, device_class, unit, state_class) in sensors.NUMBERS.items():
        component = found[f"sensor_{key}"]
        assert component.get("device_class", "") == device_class
        assert component.get("unit_of_measurement", "") == unit
        assert component["state_class"] == state_class
    assert found["sensor_something_new"]["state_class"] == "measurement"
    assert "state_class" not in found["sensor_a_word"]


def test_events_are_never_retained_and_name_their_types(whole: BridgeHouse) -> None:
    """Rule: "event: state_topic, event_types (payload JSON holds event_type; never retain)". Duress shows nowhere."""
    from vigilar_common.topics import HOUSE_EVENT

    assert not HOUSE_EVENT.retain
    found = components(whole, "event")
    assert len(found) == 3
    shown = {kind for component in found for kind in component["event_types"]}
    assert EventType.DURESS.value not in shown
    assert {kind.value for kind in EventType} - {EventType.DURESS.value} <= shown


def test_commands_are_never_retained_and_go_below_the_users_own_name(whole: BridgeHouse) -> None:
    """Rule: "commands never retained"; "Ours: state topics retained QoS 1"."""
    found = [component for component in components(whole) if "command_topic" in component]
    assert len(found) == 1 + 3
    assert all(component["retain"] is False for component in found)
    assert all(component["command_topic"].startswith("vigilar/cmd/home_automation/") for component in found)
    assert all('"ts_ms":' in component["command_template"] for component in found)


def test_a_picture_is_announced_only_where_pictures_are_switched_on(
    whole: BridgeHouse, tmp_path: Path
) -> None:
    """Rule: "image exactly one of image_topic/url_topic"."""
    (image,) = components(whole, "image")
    assert image["image_topic"] == "vigilar/homeassistant/image/front"
    assert components(BridgeHouse(tmp_path / "other"), "image") == []


def test_only_allowed_switches_are_announced(tmp_path: Path) -> None:
    there = BridgeHouse(tmp_path, house(switches=["privacy"]))
    assert [found["name"] for found in components(there, "switch")] == ["Privacy"]


def test_people_are_device_trackers_that_say_home_or_not_home(whole: BridgeHouse) -> None:
    """Rule: "device_tracker state topic home/not_home"."""
    trackers = components(whole, "device_tracker")
    assert len(trackers) == 2
    assert all("'home'" in tracker["value_template"] for tracker in trackers)
    assert {tracker["source_type"] for tracker in trackers} == {"router"}


def test_a_ups_that_was_never_heard_is_not_announced(tmp_path: Path) -> None:
    there = BridgeHouse(tmp_path)
    status = PowerStatus(ups_id="eaton_5p", state=PowerState.UNKNOWN, since_ms=1)
    there.bus.deliver(POWER_STATE, status, ups_id="eaton_5p")
    there.settle()
    assert UPS not in there.announced


@pytest.mark.parametrize(
    "name", ["front", "Küche", "a/b", "+", "#", "a b", "", "x" * 200, "../..", "{{ x }}"]
)
def test_ids_with_odd_characters_become_safe_ones(name: str) -> None:
    assert ID.fullmatch(safe_id(name))
    assert len(safe_id(name)) <= 64


def test_names_that_would_become_the_same_id_stay_apart() -> None:
    names = ["a.b", "a b", "a/b", "a_b", "x" * 100, "x" * 101, "ü", "ö"]
    assert len({safe_id(name) for name in names}) == len(names)
    naming = Naming("vigilar")
    assert naming.object_id("camera", "x") != naming.object_id("sensor", "x")


def test_a_message_is_small_enough_for_its_topic_with_everything_a_sensor_can_tell(
    whole: BridgeHouse,
) -> None:
    for _, payload in whole.sent:
        assert len(payload) < 65_536


def healthy() -> dict[str, Any]:
    return {
        "device": {"identifiers": ["x"]},
        "origin": {"name": "x"},
        "components": {
            "sensor_a": {"platform": "sensor", "unique_id": "a", "state_topic": "x/y", "qos": 1},
            "switch_gone": {"platform": "switch"},
        },
    }


BREAKS: dict[str, Any] = {
    "root": lambda p: p.update({"extra": 1}),
    "root ~": lambda p: p.update({"~": "x"}),
    "no origin": lambda p: p.pop("origin"),
    "device": lambda p: p["device"].update({"colour": "red"}),
    "no identifiers": lambda p: p["device"].update({"identifiers": []}),
    "url": lambda p: p["device"].update({"configuration_url": "vigilar.local"}),
    "origin": lambda p: p["origin"].update({"author": "x"}),
    "entry": lambda p: p.update({"availability": [{"topic": "x", "availability_template": "y"}]}),
    "both": lambda p: p.update({"availability": [{"topic": "x"}], "availability_topic": "x"}),
    "component": lambda p: p["components"]["sensor_a"].update({"colour": "red"}),
    "unique_id": lambda p: p["components"]["sensor_a"].pop("unique_id"),
    "state_topic": lambda p: p["components"]["sensor_a"].pop("state_topic"),
    "class": lambda p: p["components"]["sensor_a"].update({"device_class": "weather"}),
    "unit": lambda p: p["components"]["sensor_a"].update(
        {"device_class": "battery", "unit_of_measurement": "V"}
    ),
    "key": lambda p: p["components"].update({"a b": p["components"]["sensor_a"]}),
    "platform": lambda p: p["components"]["sensor_a"].update({"platform": "toaster"}),
}


@pytest.mark.parametrize("what", BREAKS)
def test_the_checker_is_as_strict_as_home_assistant(what: str) -> None:
    payload = healthy()
    assert problems(payload) == []
    BREAKS[what](payload)
    assert problems(payload) != []


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_checker_misses_every_required_key(platform: str) -> None:
    """Rule: "Required beyond unique_id", platform by platform."""
    whole: dict[str, Any] = {
        "platform": platform,
        "unique_id": "x",
        **{key: ["x"] if key in ("event_types", "options") else "x" for key in REQUIRED[platform]},
        **({"image_topic": "x"} if platform == "image" else {}),
    }
    for key in [*REQUIRED[platform], "unique_id", *(["image_topic"] if platform == "image" else [])]:
        payload = healthy()
        payload["components"] = {"x": whole}
        assert problems(payload) == []
        payload["components"] = {"x": {name: value for name, value in whole.items() if name != key}}
        assert problems(payload) != [], key


def test_what_stands_beside_the_components_is_what_the_documentation_lists() -> None:
    """Rule: "Optional: availability or availability_topic, availability_mode, state_topic, command_topic, qos, encoding"."""
    payload = healthy() | {
        "availability_mode": "all",
        "state_topic": "x",
        "command_topic": "x",
        "qos": 1,
        "encoding": "utf-8",
    }
    assert problems(payload) == []
    assert {"device", "components", "origin"} <= ROOT


def test_discovery_is_plain_json_without_our_envelope(whole: BridgeHouse) -> None:
    for _, payload in whole.sent:
        assert not {"id", "ts_ms", "source", "seq", "v"} & json.loads(payload).keys()


def test_refusals_are_an_event_type_of_the_hub(whole: BridgeHouse) -> None:
    """Alarmo's COMMAND_NOT_ALLOWED, NO_CODE_PROVIDED, INVALID_CODE_PROVIDED, FAILED_TO_ARM, TRIGGER: each has its event."""
    types = whole.announced[HUB]["components"]["event_events"]["event_types"]
    assert {hub.REFUSED, "failed_to_arm", "alarm_triggered"} <= set(types)
