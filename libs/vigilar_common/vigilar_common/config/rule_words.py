"""The words of `[[rules]]`: kinds of conditions and actions, what a value may be, and how values are read.

The events service reads values by the same functions, so that what passed the check means what was meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Protocol

from vigilar_common.messages.alarm import ArmState
from vigilar_common.messages.power import PowerState
from vigilar_common.messages.presence import Household

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES = 24 * 60
MAX_OFFSET_M = 720


class ConditionType(StrEnum):
    AND = "and"
    OR = "or"
    ARM_STATE = "arm_state"
    SENSOR_EVENT = "sensor_event"
    SENSOR_STATE = "sensor_state"
    CAMERA_MOTION = "camera_motion"
    DETECTION = "detection"
    PACKAGE = "package"
    VEHICLE = "vehicle"
    PRESENCE = "presence"
    TIME_WINDOW = "time_window"
    SUN = "sun"
    UPS_STATE = "ups_state"


GROUPS = (ConditionType.AND, ConditionType.OR)
MOMENTS = (
    ConditionType.SENSOR_EVENT,
    ConditionType.CAMERA_MOTION,
    ConditionType.DETECTION,
    ConditionType.PACKAGE,
    ConditionType.VEHICLE,
)
"""These happen; all others hold for a while."""
CONDITION_KEYS: Mapping[ConditionType, frozenset[str]] = {
    ConditionType.AND: frozenset({"conditions"}),
    ConditionType.OR: frozenset({"conditions"}),
    ConditionType.ARM_STATE: frozenset({"value"}),
    ConditionType.SENSOR_EVENT: frozenset({"sensor_id", "event", "key", "value", "within_s"}),
    ConditionType.SENSOR_STATE: frozenset({"sensor_id", "event", "key", "value"}),
    ConditionType.CAMERA_MOTION: frozenset({"camera_id", "value", "zone", "event", "within_s"}),
    ConditionType.DETECTION: frozenset({"camera_id", "value", "object_class", "zone", "within_s"}),
    ConditionType.PACKAGE: frozenset({"camera_id", "value", "zone", "within_s"}),
    ConditionType.VEHICLE: frozenset({"camera_id", "value", "member", "within_s"}),
    ConditionType.PRESENCE: frozenset({"value", "member"}),
    ConditionType.TIME_WINDOW: frozenset({"value"}),
    ConditionType.SUN: frozenset({"value"}),
    ConditionType.UPS_STATE: frozenset({"value"}),
}


class ActionType(StrEnum):
    ALERT_ALL = "alert_all"
    ALERT = "alert"
    RECORD_ALL_CAMERAS = "record_all_cameras"
    RECORD = "record"
    SNAPSHOT = "snapshot"
    SIREN = "siren"
    ARM = "arm"
    DISARM = "disarm"
    MQTT = "mqtt"
    WEBHOOK = "webhook"


_NONE: frozenset[str] = frozenset()
ACTION_KEYS: Mapping[ActionType, tuple[frozenset[str], tuple[str, ...]]] = {
    ActionType.ALERT_ALL: (frozenset({"severity"}), ()),
    ActionType.ALERT: (frozenset({"channels", "severity"}), ("channels",)),
    ActionType.RECORD_ALL_CAMERAS: (frozenset({"duration_s"}), ()),
    ActionType.RECORD: (frozenset({"cameras", "duration_s"}), ("cameras",)),
    ActionType.SNAPSHOT: (frozenset({"cameras"}), ("cameras",)),
    ActionType.SIREN: (_NONE, ()),
    ActionType.ARM: (frozenset({"mode"}), ("mode",)),
    ActionType.DISARM: (_NONE, ()),
    ActionType.MQTT: (frozenset({"topic", "payload"}), ("topic",)),
    ActionType.WEBHOOK: (_NONE, ()),
}
"""Type → keys that it may have, keys that it needs."""
NAMED_ACTIONS = (
    *(kind.value for kind, (_, needed) in ACTION_KEYS.items() if not needed),
    *("arm_home", "arm_away", "arm_night", "arm_vacation"),
)
"""What may be written as a name alone."""

SENSOR_EVENTS: Mapping[str, tuple[tuple[str, ...], bool]] = {
    "open": (("contact",), False),
    "closed": (("contact",), True),
    "motion": (("occupancy", "motion", "presence"), True),
    "no_motion": (("occupancy", "motion", "presence"), False),
    "vibration": (("vibration",), True),
    "glass_break": (("glass_break",), True),
    "smoke": (("smoke",), True),
    "heat": (("heat",), True),
    "gas": (("gas",), True),
    "carbon_monoxide": (("carbon_monoxide",), True),
    "water_leak": (("water_leak",), True),
    "tamper": (("tamper",), True),
    "battery_low": (("battery_low",), True),
}
"""Word → keys of a sensor's message, and the value that is meant. `contact` is false while a door is open."""
PRESSED = "pressed"
THRESHOLDS = ("above", "below")
_SYNONYMS = {
    "opened": "open", "contact_open": "open", "contact_closed": "closed", "close": "closed", "motion_start": "motion",
    "motion_started": "motion", "motion_end": "no_motion", "motion_ended": "no_motion", "water": "water_leak",
    "still": "no_motion", "low_battery": "battery_low",
}  # fmt: skip
_KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")
_CLASS = re.compile(r"[a-z][a-z0-9_ -]{0,39}")
MOTION_EVENTS = ("started", "ended")
SUN_VALUES = ("up", "down")
AT_HOME = ("home", "away")
PACKAGE_VALUES = ("delivered", "reminder", "collected", "taken")
VEHICLE_VALUES = ("arrived", "left")
ANY = "any"


class Written(Protocol):
    """A condition as it stands in the file."""

    @property
    def value(self) -> str: ...
    @property
    def sensor_id(self) -> str: ...
    @property
    def event(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def camera_id(self) -> str: ...
    @property
    def zone(self) -> str: ...
    @property
    def object_class(self) -> str: ...
    @property
    def member(self) -> str: ...


@dataclass(frozen=True)
class Telling:
    """What a sensor must tell: one of these keys with this value, or beyond this limit."""

    keys: tuple[str, ...]
    value: bool | str | None = None
    """None: anything."""
    above: float | None = None
    below: float | None = None

    def fits(self, value: bool | float | str) -> bool:
        if self.above is not None:
            return not isinstance(value, bool | str) and value > self.above
        if self.below is not None:
            return not isinstance(value, bool | str) and value < self.below
        if self.value is None:
            return value != ""
        if isinstance(self.value, bool):
            return value is self.value
        return _said(value) == self.value


@dataclass(frozen=True)
class Point:
    """A time of day: minutes after midnight, or minutes after sunrise or sunset."""

    minutes: int
    of: str = ""
    """`sunrise`, `sunset` or empty."""


SUNRISE, SUNSET = Point(0, "sunrise"), Point(0, "sunset")


@dataclass(frozen=True)
class Window:
    """From one time of day to another, over midnight where the end is not after the beginning."""

    begin: Point
    end: Point
    days: frozenset[int] = frozenset(range(7))
    """Weekdays on which it begins, Monday 0."""

    @property
    def by_sun(self) -> bool:
        return bool(self.begin.of or self.end.of)


def _said(value: bool | float | str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.lower() if isinstance(value, str) else f"{value:g}"


def unknown_word(word: str, known: tuple[str, ...]) -> str:
    """`"x" is unknown; did you mean "y"?`, or the whole list."""
    by_word = {str(name).lower(): str(name) for name in known}
    near = get_close_matches(word.lower(), by_word, n=1, cutoff=0.6)
    hint = f'did you mean "{by_word[near[0]]}"?' if near else f"known are {', '.join(by_word.values())}"
    shown = word if word.isprintable() else "?"
    return f'"{shown}" is unknown; {hint}'


def words(value: str) -> tuple[str, ...]:
    """A list by commas, in small letters."""
    return tuple(word.strip().lower() for word in value.split(",") if word.strip())


def telling_of(condition: Written) -> Telling:
    """Raises ValueError naming the key that is wrong."""
    event = condition.event.strip().lower()
    event = _SYNONYMS.get(event, event)
    if event in THRESHOLDS:
        if not _KEY.fullmatch(condition.key):
            raise ValueError(f"key is missing: event {event} needs what is measured, for example temperature")
        try:
            limit = float(condition.value)
        except ValueError:
            raise ValueError(f"value must be a number for event {event}") from None
        if not abs(limit) < 1e9:
            raise ValueError(f"value must be a number of sensible size for event {event}")
        if event == "above":
            return Telling((condition.key,), above=limit)
        return Telling((condition.key,), below=limit)
    if condition.key:
        raise ValueError("key belongs to events above and below alone")
    if event in SENSOR_EVENTS:
        if condition.value:
            raise ValueError(f"value does not belong to event {event}")
        keys, wanted = SENSOR_EVENTS[event]
        return Telling(keys, wanted)
    if event == PRESSED:
        return Telling(("action",), condition.value.strip().lower() or None)
    if not event:
        raise ValueError("event is missing: open, closed, motion, smoke, … or a key of the sensor")
    if condition.value and _KEY.fullmatch(event):
        return Telling((event,), condition.value.strip().lower())
    raise ValueError(f"event {unknown_word(event, (*SENSOR_EVENTS, PRESSED, *THRESHOLDS))}")


def arm_states_of(value: str) -> frozenset[ArmState]:
    """`armed` means every mode. Raises ValueError."""
    found: set[ArmState] = set()
    for word in words(value):
        if word == "armed":
            found |= {state for state in ArmState if state.value.startswith("armed_")}
        elif word in tuple(ArmState):
            found.add(ArmState(word))
        else:
            raise ValueError(f"value {unknown_word(word, ('armed', *ArmState))}")
    if not found:
        raise ValueError("value is missing: an arm state")
    return frozenset(found)


def choices_of(value: str, known: tuple[str, ...], what: str) -> frozenset[str]:
    """Words of a closed list, in any case. Raises ValueError."""
    by_word = {word.lower(): word for word in known}
    found = words(value)
    for word in found:
        if word not in by_word:
            raise ValueError(f"value {unknown_word(word, tuple(by_word))}")
    if not found:
        raise ValueError(f"value is missing: {what}")
    return frozenset(by_word[word] for word in found)


_POINT = r"(?:[01]\d|2[0-3]):[0-5]\d|(?:sunrise|sunset)(?:[+-]\d{1,3}m)?"
_WINDOW = re.compile(rf"(?:([a-z,-]+)\s+)?({_POINT})\s*-\s*({_POINT})")


def window_of(value: str) -> Window:
    """`22:00-06:00`, `mon-fri 08:00-17:00`, `sunset-30m-sunrise`. Raises ValueError."""
    found = _WINDOW.fullmatch(value.strip().lower())
    if not found:
        raise ValueError(
            'value must be a window like "22:00-06:00", "mon-fri 08:00-17:00" or "sunset-30m-sunrise"'
        )
    begin, end = _point(found[2]), _point(found[3])
    if begin == end:
        raise ValueError("value is a window that ends where it begins")
    return Window(begin, end, _days(found[1]) if found[1] else frozenset(range(7)))


def _point(text: str) -> Point:
    if text[0].isdigit():
        return Point(int(text[:2]) * 60 + int(text[3:]))
    of = "sunrise" if text.startswith("sunrise") else "sunset"
    offset = text.removeprefix(of).removesuffix("m")
    minutes = int(offset) if offset else 0
    if abs(minutes) > MAX_OFFSET_M:
        raise ValueError(f"value: at most {MAX_OFFSET_M} minutes before or after {of}")
    return Point(minutes, of)


def _days(text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        for day in (first, last or first):
            if day not in DAYS:
                raise ValueError(f"value {unknown_word(day, DAYS)}")
        at, end = DAYS.index(first), DAYS.index(last or first)
        found |= {(at + step) % 7 for step in range((end - at) % 7 + 1)}
    return frozenset(found)


def camera_of(condition: Written) -> str:
    """The camera that is meant, by `camera_id` or `value`; empty: any. Raises ValueError."""
    value = "" if condition.value.lower() == ANY else condition.value
    if value and condition.camera_id and value != condition.camera_id:
        raise ValueError("value and camera_id name two cameras")
    return condition.camera_id or value


def classes_of(condition: Written) -> frozenset[str]:
    """Classes of objects, by `object_class` or `value`; empty: any. Raises ValueError."""
    if condition.object_class and condition.value:
        raise ValueError("value and object_class mean the same: one is enough")
    found = words(condition.object_class or condition.value)
    if found == (ANY,):
        return frozenset()
    for word in found:
        if not _CLASS.fullmatch(word):
            raise ValueError("object_class must be words like person or car, several by commas")
    return frozenset(found)


def condition_problem(kind: ConditionType, condition: Written) -> str:
    """Why these values mean nothing, with the key that is wrong; empty when they do."""
    try:
        _CHECKS[kind](condition)
    except ValueError as error:
        return str(error)
    return ""


def _check_sensor_state(condition: Written) -> None:
    if not condition.sensor_id:
        raise ValueError("sensor_id is missing: the state of which sensor")
    if telling_of(condition).keys == ("action",):
        raise ValueError("event pressed happens, it is no state: use sensor_event")


def _check_motion(condition: Written) -> None:
    camera_of(condition)
    if condition.event and condition.event.lower() not in MOTION_EVENTS:
        raise ValueError(f"event {unknown_word(condition.event, MOTION_EVENTS)}")
    if condition.zone and condition.event.lower() == "ended":
        raise ValueError("zone belongs to motion that starts: its end has none")


def _check_sun(condition: Written) -> None:
    if len(choices_of(condition.value, SUN_VALUES, "up or down")) != 1:
        raise ValueError("value must be up or down: one of them always holds")


def _check_presence(condition: Written) -> None:
    known = AT_HOME if condition.member else tuple(Household)
    choices_of(condition.value, known, ", ".join(known))


_CHECKS: Mapping[ConditionType, Callable[[Written], object]] = {
    ConditionType.AND: lambda _: None,
    ConditionType.OR: lambda _: None,
    ConditionType.ARM_STATE: lambda condition: arm_states_of(condition.value),
    ConditionType.SENSOR_EVENT: telling_of,
    ConditionType.SENSOR_STATE: _check_sensor_state,
    ConditionType.CAMERA_MOTION: _check_motion,
    ConditionType.DETECTION: classes_of,
    ConditionType.PACKAGE: lambda condition: choices_of(condition.value, PACKAGE_VALUES, "what became of it"),
    ConditionType.VEHICLE: lambda condition: choices_of(condition.value, VEHICLE_VALUES, "arrived or left"),
    ConditionType.PRESENCE: _check_presence,
    ConditionType.TIME_WINDOW: lambda condition: window_of(condition.value),
    ConditionType.SUN: _check_sun,
    ConditionType.UPS_STATE: lambda condition: choices_of(
        condition.value, tuple(PowerState), "a state of the UPS"
    ),
}
