"""What Zigbee2MQTT says: devices, availability, the bridge. Read from its documentation of topics and `exposes`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from vigilar_sensors.domain.payloads import MAX_INFO_BYTES, decode, objects
from vigilar_sensors.domain.values import KEYS, Reading, RefusedError, read

MAX_FIELDS = 200
MAX_DEVICES = 2_000

FIELDS: Mapping[str, str] = {
    **{name: name for name in KEYS},
    "presence": "occupancy",
    "motion": "occupancy",
    "illuminance_lux": "illuminance",
    "alarm": "sounding",
    "gas_value": "gas_concentration",
    "lock_state": "locked",
}
"""Its names of fields and ours. Of two that mean the same, the later one counts."""

DEFAULT_NETWORK_KEY = [1, 3, 5, 7, 9, 11, 13, 15, 0, 2, 4, 6, 8, 10, 12, 13]
DEFAULT_EXTENDED_PAN_ID = ("0xdddddddddddddddd", [0xDD] * 8)


@dataclass(frozen=True)
class DeviceMessage:
    readings: list[Reading] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    last_seen_ms: int | None = None
    """When the radio heard it, where Zigbee2MQTT says so (`last_seen`)."""


@dataclass(frozen=True)
class BridgeInfo:
    """What is weak about the network; the key itself is never kept."""

    permit_join: bool = False
    default_key: str = ""
    """Why the network key must be taken for the published default one; empty when nothing says so."""


def device(payload: bytes) -> DeviceMessage:
    """A device's JSON. Good values of a message with bad ones are used. Raises RefusedError."""
    return device_fields(decode(payload))


def device_fields(raw: Any) -> DeviceMessage:
    if not isinstance(raw, dict):
        raise RefusedError("is not a JSON object")
    if len(raw) > MAX_FIELDS:
        raise RefusedError(f"has {len(raw)} fields, at most {MAX_FIELDS} are read")
    found: dict[str, Reading] = {}
    refused = []
    for name, key in FIELDS.items():
        value = raw.get(name)
        if value is None or (key == "action" and value == ""):
            continue  # not known to it yet; a released button
        try:
            found[key] = read(key, _locked(value) if name == "lock_state" else value)
        except RefusedError as error:
            refused.append(str(error))
    return DeviceMessage(list(found.values()), refused, _last_seen_ms(raw.get("last_seen")))


def attribute(name: str, payload: bytes) -> DeviceMessage | None:
    """A value on a topic of its own (`output: attribute`); None for what is no value of a sensor."""
    if name not in FIELDS:
        return None
    try:
        value = decode(payload)
    except RefusedError:
        if FIELDS[name] not in ("action", "locked"):
            raise
        value = payload.decode("utf-8", "replace")  # texts come without quotes there
    return device_fields({name: value})


def online(payload: bytes) -> bool:
    """`{"state": "online"}`, or the bare word of older versions. Raises RefusedError."""
    word = payload.strip()
    if word not in (b"online", b"offline"):
        raw = decode(payload)
        word = str(raw.get("state")).encode() if isinstance(raw, dict) else b""
    if word not in (b"online", b"offline"):
        raise RefusedError("says neither online nor offline")
    return word == b"online"


def info(payload: bytes) -> BridgeInfo:
    """`bridge/info`. Raises RefusedError."""
    raw = decode(payload, MAX_INFO_BYTES)
    if not isinstance(raw, dict):
        raise RefusedError("is not a JSON object")
    return BridgeInfo(permit_join=raw.get("permit_join") is True, default_key=_default_key(raw))


def names(payload: bytes) -> dict[str, str]:
    """IEEE address to friendly name, from `bridge/devices`. Raises RefusedError."""
    found: dict[str, str] = {}
    for entry in objects(payload):
        address, name = entry.get("ieee_address"), entry.get("friendly_name")
        if isinstance(address, str) and isinstance(name, str) and entry.get("type") != "Coordinator":
            found[address.lower()[:64]] = name[:200]
        if len(found) > MAX_DEVICES:
            raise RefusedError(f"names more than {MAX_DEVICES} devices")
    return found


def _default_key(raw: Mapping[str, Any]) -> str:
    """Today's versions leave the key out of `bridge/info`; the rest of the defaults gives it away."""
    advanced = _inner(_inner(raw, "config"), "advanced")
    key = advanced.get("network_key")
    if key == "GENERATE":
        return "it is still to be made (GENERATE)"
    if key == DEFAULT_NETWORK_KEY:
        return "it is the one that everybody can read in its documentation"
    extended = _inner(raw, "network").get("extended_pan_id", advanced.get("ext_pan_id"))
    if key is None and (extended in DEFAULT_EXTENDED_PAN_ID):
        return "the network has the default extended PAN id, which goes with the default key"
    return ""


def _inner(raw: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    inner = raw.get(name)
    return inner if isinstance(inner, dict) else {}


def _locked(value: Any) -> Any:
    return (
        {"locked": True, "unlocked": False, "not_fully_locked": False}.get(value, value)
        if isinstance(value, str)
        else value
    )


def _last_seen_ms(raw: Any) -> int | None:
    """`last_seen` as epoch milliseconds or ISO 8601; anything else is as good as none."""
    if isinstance(raw, bool):
        return None
    if isinstance(raw, int):
        return raw if 0 < raw < 1 << 48 else None
    if isinstance(raw, str) and len(raw) <= 40:
        try:
            seen = datetime.fromisoformat(raw)
        except ValueError:
            return None
        return int(seen.timestamp() * 1000) if seen.tzinfo and seen.year >= 1971 else None
    return None
