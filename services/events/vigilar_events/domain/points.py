"""What a sensor's word means to the alarm: which of its keys count, and which values mean open."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from vigilar_common.config.alarm import AlwaysOn


class Reading(StrEnum):
    """What is known of one point of a sensor."""

    OPEN = "open"
    CLOSED = "closed"
    UNKNOWN = "unknown"


class Kind(StrEnum):
    """What follows when a point opens."""

    ALWAYS = "always"
    """Triggers in every state."""
    WATCHED = "watched"
    """Counts in the modes of its sensor."""
    NOTHING = "nothing"


TAMPER = "tamper"
RULE = "rule"
"""What a rule tells that sounds the siren; its id stands where a sensor's would."""
LIFE = frozenset({"smoke", "gas", "carbon_monoxide", "water_leak", "heat"})
"""These alarm also when nothing was known before: a fire that broke the radio link is a fire."""
WHATS = {
    "contact": "open",
    "occupancy": "motion",
    "motion": "motion",
    "presence": "motion",
    "vibration": "vibration",
    "glass_break": "glass_break",
    "tamper": TAMPER,
    **{key: key for key in LIFE},
}
"""Key of a sensor's message → what it tells. Zigbee2MQTT's meaning: `contact` is false while a door is open."""
_BY_TYPE = {
    "CONTACT": {"open"},
    "MOTION": {"motion"},
    "OCCUPANCY": {"motion"},
    "VIBRATION": {"vibration"},
    "GLASS_BREAK": {"glass_break", "vibration"},
}
_NO_INTRUDER = frozenset(
    {
        "TEMPERATURE",
        "HUMIDITY",
        "LOCK",
        "SIREN",
        "BUTTON",
        "POWER",
        "ILLUMINANCE",
        "SMOKE",
        "CARBON_MONOXIDE",
        "GAS",
    }
    | {"WATER_LEAK", "TAMPER"}
)
OPENED = {
    "open": "{name} opened",
    "motion": "Motion at {name}",
    "vibration": "Vibration at {name}",
    "glass_break": "Glass broke at {name}",
    "smoke": "Smoke at {name}",
    "heat": "Heat at {name}",
    "gas": "Gas at {name}",
    "carbon_monoxide": "Carbon monoxide at {name}",
    "water_leak": "Water at {name}",
    TAMPER: "{name} is being tampered with",
    "unavailable": "{name} is gone",
    RULE: "rule {name}",
}


@dataclass(frozen=True)
class Point:
    """One thing that a sensor can tell."""

    sensor_id: str
    what: str


def reading_of(key: str, value: bool | float | str) -> tuple[str, Reading] | None:
    """What a message tells and how it stands; None for a key or a value that means nothing to the alarm."""
    what = WHATS.get(key)
    if what is None:
        return None
    if not isinstance(value, bool):
        return None
    is_open = value is (key != "contact")
    return what, Reading.OPEN if is_open else Reading.CLOSED


def kind_of(sensor_type: str, what: str, always_on: AlwaysOn, tamper: bool) -> Kind:
    if what == TAMPER:
        return Kind.ALWAYS if tamper else Kind.NOTHING
    if what in LIFE:
        return Kind.WATCHED if always_on is AlwaysOn.NO else Kind.ALWAYS
    if sensor_type in _NO_INTRUDER or what not in _BY_TYPE.get(sensor_type, {what}):
        return Kind.NOTHING
    return Kind.ALWAYS if always_on is AlwaysOn.YES else Kind.WATCHED


def guards(sensor_type: str) -> bool:
    """Whether such a sensor is there to see intruders."""
    return sensor_type not in _NO_INTRUDER
