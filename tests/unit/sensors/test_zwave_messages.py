"""Z-Wave JS UI: topics and payloads as its documentation describes them; nothing here was recorded from a device."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sensor_house import House, sensor
from vigilar_sensors.domain import zwave
from vigilar_sensors.domain.values import RefusedError


def house(kind: str = "CONTACT", address: str = "7", **keys: object) -> House:
    return House(sensor("door", kind, address, protocol="ZWAVE", **keys))


def value(number: Any) -> dict[str, Any]:
    return {"time": 1_750_000_000_000, "value": number}


@pytest.mark.parametrize(
    ("address", "topic"),
    [
        ("7", "nodeID_7/notification/endpoint_0/Access_Control/Door_state"),
        ("7", "7/113/0/Access Control/Door state"),
        ("nodeID_7", "7/113/0/Access Control/Door state (simple)"),
        ("7", "hall/nodeID_7/notification/endpoint_0/Access_Control/Door_state"),
        ("front door", "front door/notification/endpoint_0/Access_Control/Door_state"),
        ("front door", "hall/front door/notification/endpoint_0/Access_Control/Door_state"),
        ("hall/front door", "hall/front door/notification/endpoint_0/Access_Control/Door_state"),
    ],
)
def test_a_node_is_found_by_number_name_and_location(address: str, topic: str) -> None:
    it = house(address=address)
    assert it.zwave(topic, value(23)) == ["door contact:True"]
    assert it.zwave(topic, value(22)) == ["door contact=False"]


@pytest.mark.parametrize(
    "topic",
    ["5/48/0/Any", "nodeID_5/48/0/Any", "door/7/0/Any", "77/48/0/Any", "_EVENTS/7/48/0/Any", "7", "a/" * 20],
)
def test_another_nodes_numbers_are_not_taken_for_its_own(topic: str) -> None:
    for address in ("48", "7"):
        it = house(address=address)
        assert it.zwave(topic, value(True)) == []


@pytest.mark.parametrize(
    ("kind", "topic", "raw", "told"),
    [
        ("MOTION", "7/113/0/Home Security/Motion sensor status", 8, "occupancy:True"),
        ("MOTION", "7/113/0/Home Security/Motion sensor status", 0, "occupancy:False"),
        ("CONTACT", "7/113/0/Home Security/Cover status", 3, "tamper:True"),
        ("SMOKE", "7/113/0/Smoke Alarm/Sensor status", 2, "smoke:True"),
        ("CARBON_MONOXIDE", "7/113/0/CO Alarm/Sensor status", 1, "carbon_monoxide:True"),
        ("WATER_LEAK", "7/113/0/Water Alarm/Sensor status", 2, "water_leak:True"),
        ("GLASS_BREAK", "7/113/0/Home Security/Sensor status", 5, "glass_break:True"),
        ("CONTACT", "7/113/0/Power Management/Battery maintenance status", 11, "battery_low:True"),
        ("CONTACT", "7/48/0/Any", True, "contact:False"),
        ("CONTACT", "7/sensor_binary/endpoint_0/Door_Window", False, "contact:True"),
        ("VIBRATION", "7/sensor_binary/endpoint_2/Any", True, "vibration:True"),
        ("MOTION", "7/48/0/Motion", True, "occupancy:True"),
        ("TEMPERATURE", "7/sensor_multilevel/endpoint_0/Air_temperature", 21.4, "temperature 21.4 °C"),
        ("TEMPERATURE", "7/49/0/Humidity", 44, "humidity 44 %"),
        ("CONTACT", "7/128/0/level", 80, "battery 80 %"),
        ("CONTACT", "7/battery/endpoint_0/isLow", True, "battery_low:True"),
        ("BUTTON", "7/91/0/scene/001", 3, "action=001_double"),
        ("LOCK", "7/98/0/currentMode", 255, "locked:True"),
    ],
)
def test_values_of_each_command_class_become_typed_readings(
    kind: str, topic: str, raw: Any, told: str
) -> None:
    assert house(kind).zwave(topic, value(raw)) == [f"door {told}"]


def test_bare_values_and_whole_value_objects_are_read_too() -> None:
    it = house("TEMPERATURE")
    assert it.zwave("7/49/0/Air temperature", 20.5) == ["door temperature 20.5 °C"]
    whole = {"id": "7-49-0-Air temperature", "nodeId": 7, "commandClass": 49, "unit": "°F", "value": 68}
    assert it.zwave("7/49/0/Air temperature", whole) == ["door temperature 20 °C"]
    assert it.zwave("7/49/0/Air temperature", value(None)) == []


@pytest.mark.parametrize(
    "payload", [{"time": 1, "value": True, "status": "Asleep"}, {"status": "Alive"}, True, "Awake"]
)
def test_a_sleeping_node_is_not_lost(payload: Any) -> None:
    it = house()
    it.zwave("7/48/0/Any", value(False))
    assert it.zwave("nodeID_7/status", payload) == []


def test_a_dead_node_is_lost_and_its_next_word_is_a_state() -> None:
    it = house()
    it.zwave("7/48/0/Any", value(False))
    assert it.zwave("nodeID_7/status", {"time": 1, "value": False, "status": "Dead"}) == [
        "door lost: dead, says Z-Wave JS UI"
    ]
    assert it.zwave("nodeID_7/status", {"time": 1, "value": True, "status": "Alive"}) == []
    assert it.zwave("7/48/0/Any", value(True)) == ["door contact:False"]


def test_a_gateway_that_goes_takes_its_nodes() -> None:
    it = house()
    it.zwave("7/48/0/Any", value(False))
    assert it.zwave("_CLIENTS/ZWAVE_GATEWAY-home/status", {"value": False}) == [
        "door lost: Z-Wave JS UI is offline"
    ]
    assert it.zwave("_CLIENTS/ZWAVE_GATEWAY-home/status", {"value": True}) == []
    assert it.zwave("_CLIENTS/ZWAVE_GATEWAY-home/version", {"value": "9"}) == []


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("7/48/0/Any", value("true")), ("7/48/0/Any", b"{" * 9), ("7/113/0/Smoke Alarm/Sensor status", value(True)),
        ("7/113/0/Smoke Alarm/Sensor status", value("2")), ("7/128/0/level", value(300)), ("7/49/0/Humidity", value([1])),
        ("7/91/0/scene/001", value(99)), ("7/91/0/scene/<b>", value(0)), ("7/status", value(5)), ("7/status", b"[]"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(topic: str, payload: Any) -> None:
    for kind in ("CONTACT", "BUTTON"):
        with pytest.raises(RefusedError):
            house(kind).zwave(topic, payload)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60), st.binary(max_size=60))
def test_any_topic_and_any_bytes_are_read_or_refused(topic: str, payload: bytes) -> None:
    it = house()
    for below in (topic, f"7/{topic}", f"7/113/0/{topic}"):
        with suppress(RefusedError):
            it.board.zwave(below, payload, False, *it.now)


def test_numbers_of_nodes_read_alike() -> None:
    assert zwave.node_key("nodeID_07") == zwave.node_key(" 7 ") == "nodeID_7"
    assert zwave.node_key("7a") == "7a"
