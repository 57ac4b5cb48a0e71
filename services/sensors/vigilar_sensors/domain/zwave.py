"""What Z-Wave JS UI says below its MQTT prefix, with named topics or value ids, and all three kinds of payload.

Topics: `[location/]node/class/[endpoint/]property[/key]`, where node is a name, `nodeID_7` or `7`. Numbers of
notifications are those of the Z-Wave Alliance's list of notification types and events.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vigilar_sensors.domain.payloads import decode
from vigilar_sensors.domain.values import MAIN_KEYS, RESTS_TRUE, Reading, RefusedError, read

CLASSES: Mapping[str, str] = {
    "48": "sensor_binary",
    "49": "sensor_multilevel",
    "91": "central_scene",
    "98": "door_lock",
    "113": "notification",
    "128": "battery",
}
STATUS = "status"
_IGNORED = ("nodeinfo", "lastActive", "set", "api")

_ON_OFF: Mapping[int, bool] = {0: False, 1: True, 2: True}
NOTIFICATIONS: Mapping[tuple[str, str], tuple[str, Mapping[int, bool]]] = {
    ("access_control", "door_state"): ("contact", {22: False, 23: True, 5632: False, 5633: False}),
    ("access_control", "door_state_simple"): ("contact", {22: False, 23: True}),
    ("access_control", "lock_state"): ("locked", {1: True, 2: False, 3: True, 4: False, 5: True, 6: False}),
    ("home_security", "motion_sensor_status"): ("occupancy", {0: False, 7: True, 8: True}),
    ("home_security", "cover_status"): ("tamper", {0: False, 3: True}),
    ("home_security", "sensor_status"): ("glass_break", {0: False, 5: True, 6: True}),
    ("smoke_alarm", "sensor_status"): ("smoke", _ON_OFF),
    ("co_alarm", "sensor_status"): ("carbon_monoxide", _ON_OFF),
    ("gas_alarm", "combustible_gas_status"): ("gas", _ON_OFF),
    ("gas_alarm", "sensor_status"): ("gas", {**_ON_OFF, 3: True, 4: True}),
    ("water_alarm", "sensor_status"): ("water_leak", _ON_OFF),
    ("heat_alarm", "heat_sensor_status"): ("heat", _ON_OFF),
    ("power_management", "battery_maintenance_status"): ("battery_low", {0: False, 10: True, 11: True}),
}
BINARY: Mapping[str, str] = {
    "door_window": "contact",
    "door/window": "contact",
    "motion": "occupancy",
    "smoke": "smoke",
    "co": "carbon_monoxide",
    "water": "water_leak",
    "tamper": "tamper",
    "glass_break": "glass_break",
    "heat": "heat",
}
LEVELS: Mapping[str, str] = {
    "air_temperature": "temperature",
    "temperature": "temperature",
    "humidity": "humidity",
    "illuminance": "illuminance",
    "carbon_dioxide_(co₂)_level": "co2",
    "carbon_dioxide_level": "co2",
    "barometric_pressure": "pressure",
    "power": "power",
}
PRESSES: Mapping[int, str] = {0: "single", 1: "release", 2: "hold", 3: "double", 4: "triple", 5: "quadruple"}
_ENDPOINT = re.compile(r"endpoint_\d{1,3}|\d{1,3}")
_NODE = re.compile(r"(?:nodeid_)?(\d{1,4})", re.IGNORECASE)


@dataclass(frozen=True)
class Place:
    """Where a message belongs: which configured address, and the levels below the node."""

    address: str
    levels: tuple[str, ...]


def node_key(address: str) -> str:
    """`7` and `nodeID_7` are one node; names stay as they are."""
    found = _NODE.fullmatch(address.strip())
    return f"nodeID_{int(found[1])}" if found else address.strip()


def place(below: str, known: Mapping[str, Any]) -> Place | None:
    """Of a topic below the prefix; `known` has the node keys of configured sensors. A name may hold `/`."""
    levels = below.split("/")
    if len(levels) > 12 or levels[0].startswith("_"):
        return None
    for length in range(min(len(levels) - 1, 4), 0, -1):
        key = node_key("/".join(levels[:length]))
        if key in known:
            return Place(key, tuple(levels[length:]))
    # A location before the node, which the configuration need not know: only where a class follows the node.
    if len(levels) > 2 and (levels[2] == STATUS or _class_of(levels[2])):
        key = node_key(levels[1])
        if key in known and not _class_of(levels[1]) and not _NODE.fullmatch(levels[0]):
            return Place(key, tuple(levels[2:]))
    return None


def alive(payload: bytes) -> bool:
    """A node's `status`: dead ones are gone, sleeping ones are not. Raises RefusedError."""
    raw = decode(payload)
    if isinstance(raw, dict):
        word = raw.get("status")
        if isinstance(word, str):
            return word.lower() != "dead"
        raw = raw.get("value")
    if isinstance(raw, str) and raw.lower() in ("alive", "asleep", "awake", "dead", "unknown"):
        return raw.lower() != "dead"
    if not isinstance(raw, bool):
        raise RefusedError("is no status")
    return raw


def gateway_online(below: str, payload: bytes) -> bool | None:
    """Of `_CLIENTS/ZWAVE_GATEWAY-…/status`; None for another topic. Raises RefusedError."""
    levels = below.split("/")
    if len(levels) != 3 or levels[0] != "_CLIENTS" or levels[2] != STATUS:
        return None
    return alive(payload)


def value(levels: tuple[str, ...], payload: bytes, sensor_type: str) -> Reading | None:
    """The reading of a value's topic; None for what is no value of a sensor. Raises RefusedError."""
    if not levels or levels[-1] in _IGNORED:
        return None
    kind = _class_of(levels[0])
    if not kind:
        return None
    rest = [level.lower().replace(" ", "_") for level in levels[1:]]
    if len(rest) > 1 and _ENDPOINT.fullmatch(rest[0]):
        rest = rest[1:]
    raw, unit = _unwrapped(decode(payload))
    if raw is None or not rest:
        return None
    match kind:
        case "notification" if len(rest) > 1:
            return _notification(rest[0], rest[1], raw)
        case "sensor_binary":
            return _binary(rest[0], raw, sensor_type)
        case "sensor_multilevel":
            return _level(rest[0], raw, unit)
        case "battery":
            return _battery(rest[0], raw)
        case "central_scene" if rest[0] == "scene" and len(rest) > 1:
            press = PRESSES.get(raw) if type(raw) is int else None
            if press is None:
                raise RefusedError("is no way to press a button")
            return read("action", f"{rest[1]}_{press}")
        case "door_lock" if rest[0] == "currentmode":
            return read("locked", raw == 255 if type(raw) is int else raw)
    return None


def _class_of(level: str) -> str:
    name = CLASSES.get(level, level.lower().replace(" ", "_"))
    return name if name in CLASSES.values() else ""


def _unwrapped(raw: Any) -> tuple[Any, str]:
    """Time and value, the whole value object, or the bare value."""
    if isinstance(raw, dict):
        unit = raw.get("unit")
        return raw.get("value"), unit if isinstance(unit, str) else ""
    return raw, ""


def _notification(kind: str, event: str, raw: Any) -> Reading | None:
    found = NOTIFICATIONS.get((kind, event.replace("(", "").replace(")", "")))
    if found is None:
        return None
    key, meanings = found
    if type(raw) is not int:
        raise RefusedError(f"{key} is no number of a notification")
    return read(key, meanings[raw]) if raw in meanings else None


def _binary(name: str, raw: Any, sensor_type: str) -> Reading | None:
    key = BINARY.get(name) or (MAIN_KEYS.get(sensor_type) if name in ("any", "general_purpose") else None)
    if key is None:
        return None
    if not isinstance(raw, bool):
        raise RefusedError(f"{key} is not true or false")
    return read(key, raw != (key in RESTS_TRUE))  # there true is "something is the matter"


def _level(name: str, raw: Any, unit: str) -> Reading | None:
    key = LEVELS.get(name)
    if key is None or (key == "illuminance" and unit == "%"):
        return None
    reading = read(key, raw)
    if unit in ("°F", "F") and isinstance(reading.value, float):
        return read(key, (reading.value - 32) / 1.8)
    return reading


def _battery(name: str, raw: Any) -> Reading | None:
    return {
        "level": lambda: read("battery", raw),
        "islow": lambda: read("battery_low", raw),
    }.get(name, lambda: None)()
