"""The keys that sensors may have: what kind of value each is, in which unit, within which bounds."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Value = bool | float | str

MAX_WORD = 64
_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_ .:+/-]{0,63}")
"""Names of button presses: what may stand in a page, a rule and a log as it is."""


class RefusedError(Exception):
    """A payload or a value that is not taken; the text never repeats it."""


class Kind(StrEnum):
    SWITCH = "switch"
    """True or false; every change matters."""
    NUMBER = "number"
    WORD = "word"
    """Something pressed: no state, and each one counts."""


@dataclass(frozen=True)
class Key:
    kind: Kind
    unit: str = ""
    low: float = 0.0
    high: float = 0.0
    every_s: float = 0.0
    """At most one fact in this time; the state has the newest value all the same."""


@dataclass(frozen=True)
class Reading:
    """One typed value. A number is in its key's unit."""

    key: str
    value: Value
    unit: str = ""


_SWITCH = Key(Kind.SWITCH)

KEYS: Mapping[str, Key] = {
    "contact": _SWITCH,  # true: closed
    "occupancy": _SWITCH,
    "smoke": _SWITCH,
    "gas": _SWITCH,
    "carbon_monoxide": _SWITCH,
    "water_leak": _SWITCH,
    "vibration": _SWITCH,
    "glass_break": _SWITCH,
    "tamper": _SWITCH,
    "heat": _SWITCH,
    "locked": _SWITCH,
    "sounding": _SWITCH,
    "battery_low": _SWITCH,
    "action": Key(Kind.WORD),
    "temperature": Key(Kind.NUMBER, "°C", -100, 300),
    "humidity": Key(Kind.NUMBER, "%", 0, 100),
    "soil_moisture": Key(Kind.NUMBER, "%", 0, 100),
    "illuminance": Key(Kind.NUMBER, "lx", 0, 300_000),
    "pressure": Key(Kind.NUMBER, "hPa", 300, 1_200),
    "co2": Key(Kind.NUMBER, "ppm", 0, 100_000),
    "co": Key(Kind.NUMBER, "ppm", 0, 10_000),
    "gas_concentration": Key(
        Kind.NUMBER, "", 0, 1e6
    ),  # ppm or parts of the explosive limit, as the device has it
    "smoke_density": Key(Kind.NUMBER, "dB/m", 0, 100),
    "smoke_concentration": Key(Kind.NUMBER, "ppm", 0, 1e6),
    "pm25": Key(Kind.NUMBER, "µg/m³", 0, 10_000),
    "power": Key(Kind.NUMBER, "W", -100_000, 100_000),
    "energy": Key(Kind.NUMBER, "kWh", 0, 1e8),
    "battery": Key(Kind.NUMBER, "%", 0, 100),
    "linkquality": Key(Kind.NUMBER, "", 0, 255, every_s=300),
}

MAIN_KEYS: Mapping[str, str] = {
    "CONTACT": "contact",
    "MOTION": "occupancy",
    "OCCUPANCY": "occupancy",
    "TEMPERATURE": "temperature",
    "HUMIDITY": "humidity",
    "SMOKE": "smoke",
    "CARBON_MONOXIDE": "carbon_monoxide",
    "GAS": "gas",
    "WATER_LEAK": "water_leak",
    "VIBRATION": "vibration",
    "GLASS_BREAK": "glass_break",
    "TAMPER": "tamper",
    "LOCK": "locked",
    "SIREN": "sounding",
    "BUTTON": "action",
    "POWER": "power",
    "ILLUMINANCE": "illuminance",
}
"""By the configured type: what the sensor is there for. A type of somebody's own has none."""

RESTS_TRUE = ("contact", "locked")
"""Keys that are true while nothing is the matter."""


def active_of(main_key: str, value: Value | None) -> bool | None:
    """Open, moving, smoke …; None for what is neither."""
    if not isinstance(value, bool):
        return None
    return value != (main_key in RESTS_TRUE)


def read(name: str, raw: Any) -> Reading:
    """The typed value of a key. Raises RefusedError."""
    key = KEYS[name]
    match key.kind:
        case Kind.SWITCH:
            if not isinstance(raw, bool):
                raise RefusedError(f"{name} is {_kind_of(raw)}, not true or false")
            return Reading(name, raw)
        case Kind.NUMBER:
            return Reading(name, _number(name, key, raw), key.unit)
        case Kind.WORD:
            if not isinstance(raw, str) or not _WORD.fullmatch(raw):
                raise RefusedError(f"{name} is {_kind_of(raw)}, not a word of at most {MAX_WORD} characters")
            return Reading(name, raw)


def _number(name: str, key: Key, raw: Any) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise RefusedError(f"{name} is {_kind_of(raw)}, not a number")
    if isinstance(raw, float) and not math.isfinite(raw):
        raise RefusedError(f"{name} is no finite number")
    if not key.low <= raw <= key.high:
        raise RefusedError(f"{name} is outside {key.low:g} to {key.high:g} {key.unit}".rstrip())
    return round(float(raw), 3)


def _kind_of(raw: Any) -> str:
    names = {bool: "a truth value", str: "a text", dict: "an object", list: "a list", type(None): "null"}
    return names.get(type(raw), "a number")
