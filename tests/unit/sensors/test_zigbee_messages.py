"""What Zigbee2MQTT sends becomes typed values, and what cannot be is refused with its reason."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vigilar_sensors.domain import payloads, zigbee
from vigilar_sensors.domain.values import KEYS, MAIN_KEYS, Kind, RefusedError
from zigbee_models import MODELS


@pytest.mark.parametrize("model", MODELS)
def test_a_model_gives_its_typed_values(model: str) -> None:
    kind, message, expected = MODELS[model]
    read = zigbee.device(json.dumps(message).encode())
    values = {reading.key: reading.value for reading in read.readings}
    assert values == expected
    assert {key: type(value) for key, value in values.items()} == {k: type(v) for k, v in expected.items()}
    assert read.refused == []
    assert all(reading.unit == KEYS[reading.key].unit for reading in read.readings)
    assert MAIN_KEYS[kind] in expected or kind == "BUTTON"


def test_the_models_cover_every_field_that_was_asked_for() -> None:
    covered = {key for _, _, expected in MODELS.values() for key in expected}
    assert len({model.split()[0] for model in MODELS}) >= 12
    assert covered >= {
        "contact", "occupancy", "temperature", "humidity", "smoke", "gas", "carbon_monoxide", "water_leak", "vibration",
        "tamper", "battery", "battery_low", "linkquality", "illuminance", "action",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("contact", "true", "contact is a text, not true or false"),
        ("contact", 1, "contact is a number, not true or false"),
        ("occupancy", {"x": 1}, "occupancy is an object"),
        ("temperature", "21", "temperature is a text, not a number"),
        ("temperature", True, "temperature is a truth value, not a number"),
        ("temperature", [20], "temperature is a list"),
        ("temperature", 1e300, "outside -100 to 300 °C"),
        ("battery", 101, "outside 0 to 100 %"),
        ("linkquality", 10**400, "outside 0 to 255"),
        ("action", "<img src=x onerror=alert(1)>", "action is a text, not a word"),
        ("action", "a\nb", "not a word"),
        ("action", "x" * 65, "not a word"),
        ("action", 3, "action is a number, not a word"),
    ],
)
def test_a_value_that_cannot_be_is_refused_and_the_others_are_used(
    field: str, value: Any, reason: str
) -> None:
    read = zigbee.device(json.dumps({field: value, "humidity": 40}).encode())
    assert [reading.key for reading in read.readings] == ["humidity"]
    (said,) = read.refused
    assert reason in said
    assert "onerror" not in said, "a reason never repeats what was sent"


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"online", b"[1, 2]", b"null", b"7", b'"text"', b"\xff\xfe{}", b'{"contact": true', b"{" * 5000,
        b"[" * 60_000, b'{"a":' * 5000, b'{"temperature": NaN}', b'{"temperature": Infinity}',
        b'{"temperature": ' + b"9" * 5000 + b"}", b" " * 70_000, json.dumps({str(n): n for n in range(300)}).encode(),
    ],
    ids=lambda payload: repr(payload[:20]),
)  # fmt: skip
def test_a_payload_that_is_no_small_json_object_is_refused(payload: bytes) -> None:
    with pytest.raises(RefusedError) as refused:
        zigbee.device(payload)
    assert len(str(refused.value)) < 100


def test_a_number_that_overflows_is_refused() -> None:
    read = zigbee.device(b'{"temperature": 1e999}')
    assert read.readings == []
    assert read.refused == ["temperature is no finite number"]


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(payload: bytes) -> None:
    for read in (
        zigbee.device,
        zigbee.online,
        zigbee.info,
        zigbee.names,
        lambda b: zigbee.attribute("contact", b),
    ):
        with suppress(RefusedError):
            read(payload)


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
JSON = PLAIN | st.lists(PLAIN, max_size=2) | st.dictionaries(st.text(max_size=2), PLAIN, max_size=2)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(zigbee.FIELDS)), JSON, max_size=4))
def test_whatever_the_fields_hold_only_typed_values_come_out(fields: dict[str, Any]) -> None:
    for reading in zigbee.device_fields(fields).readings:
        kind = KEYS[reading.key].kind
        assert type(reading.value) is {Kind.SWITCH: bool, Kind.NUMBER: float, Kind.WORD: str}[kind]


@pytest.mark.parametrize(
    ("payload", "there"),
    [(b"online", True), (b"offline", False), (b'{"state":"online"}', True), (b'{"state": "offline"}', False)],
)
def test_availability_is_json_or_a_word(payload: bytes, there: bool) -> None:
    assert zigbee.online(payload) is there


@pytest.mark.parametrize(
    "payload", [b"", b"ONLINE!", b'{"state": true}', b"[]", b'{"state": {"state": "online"}}']
)
def test_availability_that_says_neither_is_refused(payload: bytes) -> None:
    with pytest.raises(RefusedError):
        zigbee.online(payload)


def test_names_of_devices_are_read_one_by_one_without_the_coordinator() -> None:
    devices = [
        {"ieee_address": "0x00124B0012", "type": "Coordinator", "friendly_name": "Coordinator"},
        {
            "ieee_address": "0x00158D0001AA",
            "type": "EndDevice",
            "friendly_name": "Küche/<b>Tür</b>",
            "definition": {"exposes": [1]},
        },
        {"ieee_address": 7, "friendly_name": "odd"},
    ]
    assert zigbee.names(json.dumps(devices).encode()) == {"0x00158d0001aa": "Küche/<b>Tür</b>"}
    assert zigbee.names(b" [ ] ") == {}


@pytest.mark.parametrize("payload", [b"{}", b"[1]", b"[{}", b"[{} {}]", b"[{},", b"", b"[" * 9000])
def test_a_list_of_devices_that_is_none_is_refused(payload: bytes) -> None:
    with pytest.raises(RefusedError):
        zigbee.names(payload)


def test_too_many_devices_and_too_many_bytes_are_refused() -> None:
    many = [{"ieee_address": f"0x{n:016x}", "friendly_name": str(n), "type": "Router"} for n in range(2_100)]
    with pytest.raises(RefusedError, match="more than 2000 devices"):
        zigbee.names(json.dumps(many).encode())
    with pytest.raises(RefusedError, match="at most 4194304 are read"):
        zigbee.names(b" " * (payloads.MAX_LIST_BYTES + 1))


@pytest.mark.parametrize(
    ("said", "weak"),
    [
        ({"config": {"advanced": {"network_key": zigbee.DEFAULT_NETWORK_KEY}}}, True),
        ({"config": {"advanced": {"network_key": "GENERATE"}}}, True),
        (
            {
                "config": {"advanced": {"network_key": [7] * 16}},
                "network": {"extended_pan_id": "0xdddddddddddddddd"},
            },
            False,
        ),
        ({"network": {"extended_pan_id": "0xdddddddddddddddd", "pan_id": 6754}}, True),
        ({"network": {"extended_pan_id": [221] * 8}}, True),
        ({"network": {"extended_pan_id": "0x00124b0012345678"}}, False),
        ({"config": [], "network": 3}, False),
    ],
)
def test_the_default_network_key_is_noticed_where_the_bridge_gives_it_away(
    said: dict[str, Any], weak: bool
) -> None:
    found = zigbee.info(json.dumps(said).encode())
    assert bool(found.default_key) is weak
    assert "7, 7" not in repr(found)


@pytest.mark.parametrize(
    ("raw", "ms"),
    [(1_750_000_000_000, 1_750_000_000_000), ("2025-06-15T15:06:40+00:00", 1_750_000_000_000),
     ("2025-06-15T17:06:40+02:00", 1_750_000_000_000),
     ("2025-06-15T15:06:40", None), (-5, None), (True, None), ("soon", None), (1 << 60, None), ({}, None)],
)  # fmt: skip
def test_when_the_radio_heard_a_device_is_read_in_each_of_its_forms(raw: Any, ms: int | None) -> None:
    assert zigbee.device_fields({"last_seen": raw}).last_seen_ms == ms
