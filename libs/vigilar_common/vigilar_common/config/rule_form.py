"""What a rule can be made of, for a page that builds one: made from the tables and models that check and run it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypedDict

from vigilar_common.config.rule_words import (
    ACTION_KEYS,
    AT_HOME,
    CONDITION_KEYS,
    GROUPS,
    MOMENTS,
    MOTION_EVENTS,
    NAMED_ACTIONS,
    PACKAGE_VALUES,
    PRESSED,
    SENSOR_EVENTS,
    SUN_VALUES,
    THRESHOLDS,
    VEHICLE_VALUES,
    ActionType,
    ConditionType,
)
from vigilar_common.config.rules import MAX_CONDITIONS, MAX_DEPTH, Action, Channel, Condition, Logic, Rule
from vigilar_common.messages.alarm import ArmMode, ArmState, Severity
from vigilar_common.messages.power import PowerState
from vigilar_common.messages.presence import Household


class Asked(StrEnum):
    """How a key is entered."""

    ONE = "one"
    """One of some words."""
    SOME = "some"
    """Several of some words: in a condition by commas, in an action as a list."""
    HOUSE = "house"
    """The name of something of this house, see `of`."""
    HOUSE_SOME = "house_some"
    SECONDS = "seconds"
    WINDOW = "window"
    """A time of day: `22:00-06:00`, `mon-fri 08:00-17:00`, `sunset-30m-sunrise`."""
    TEXT = "text"


class RuleKey(TypedDict, total=False):
    key: str
    about: str
    asked: Asked
    choices: list[str]
    of: str
    """cameras, sensors, zones, members or vehicles: the page knows those of the house."""
    open: bool
    """Any other word may stand there too."""
    only_with: list[str]
    """It belongs to these words of `event` alone."""
    not_with: list[str]
    """It does not belong to these words of `event`."""
    needed: bool
    minimum: int
    maximum: int
    default: Any


class RulePart(TypedDict):
    type: str
    group: bool
    happens: bool
    """A moment, not a state."""
    keys: list[RuleKey]


_KINDS = ConditionType
_ONE: Mapping[tuple[ConditionType, str], tuple[str, ...]] = {
    (_KINDS.CAMERA_MOTION, "event"): MOTION_EVENTS,
    (_KINDS.SUN, "value"): SUN_VALUES,
    (_KINDS.SENSOR_EVENT, "event"): (*SENSOR_EVENTS, PRESSED, *THRESHOLDS),
    (_KINDS.SENSOR_STATE, "event"): (*SENSOR_EVENTS, *THRESHOLDS),
}
_SOME: Mapping[tuple[ConditionType, str], tuple[str, ...]] = {
    (_KINDS.ARM_STATE, "value"): ("armed", *ArmState),
    (_KINDS.PACKAGE, "value"): PACKAGE_VALUES,
    (_KINDS.VEHICLE, "value"): VEHICLE_VALUES,
    (_KINDS.PRESENCE, "value"): tuple(Household),
    (_KINDS.UPS_STATE, "value"): tuple(PowerState),
}
OF_MEMBER = AT_HOME
"""Of `presence` with a member its value is one of these instead."""
_OF = {"sensor_id": "sensors", "camera_id": "cameras", "zone": "zones", "cameras": "cameras"}
_ALIASES = {(_KINDS.CAMERA_MOTION, "value"), (_KINDS.DETECTION, "value")}
"""Another way to write `camera_id` and `object_class`: one is enough on a page."""
_OF_SENSORS = (_KINDS.SENSOR_EVENT, _KINDS.SENSOR_STATE)
_ORDER = ("sensor_id", "camera_id", "zone", "member", "object_class", "event", "key", "value", "within_s")
_ACTION_WORDS: Mapping[str, tuple[str, ...]] = {"severity": tuple(Severity), "mode": tuple(ArmMode)}


def rule_form() -> dict[str, Any]:
    """`{conditions, actions, named, logic, of_member, limits}`; the same until the program changes."""
    return {
        "conditions": [_condition(kind) for kind in ConditionType],
        "actions": [_action(kind) for kind in ActionType],
        "named": list(NAMED_ACTIONS),
        "logic": [str(word) for word in Logic],
        "of_member": list(OF_MEMBER),
        "limits": {
            "depth": MAX_DEPTH,
            "conditions": MAX_CONDITIONS,
            "cooldown_s": _bound(Rule, "cooldown_s", "le"),
            "description": _bound(Rule, "description", "max_length"),
        },
    }


def _condition(kind: ConditionType) -> RulePart:
    keys = [
        _condition_key(kind, key)
        for key in _ORDER
        if key in CONDITION_KEYS[kind] and (kind, key) not in _ALIASES
    ]
    return {"type": str(kind), "group": kind in GROUPS, "happens": kind in MOMENTS, "keys": keys}


def _condition_key(kind: ConditionType, key: str) -> RuleKey:
    found: RuleKey = {"key": key, "about": str(Condition.model_fields[key].description or "")}
    if key == "key":
        found["only_with"] = list(THRESHOLDS)
    if key == "value" and kind in _OF_SENSORS:
        found["not_with"] = ["", *SENSOR_EVENTS]
    if key == "within_s":
        return found | {"asked": Asked.SECONDS, "minimum": 0, "maximum": _bound(Condition, key, "le")}
    if key in _OF:
        return found | {"asked": Asked.HOUSE, "of": _OF[key]}
    if key == "member":
        return found | {"asked": Asked.HOUSE, "of": "vehicles" if kind is _KINDS.VEHICLE else "members"}
    if words := _ONE.get((kind, key)):
        return found | {
            "asked": Asked.ONE,
            "choices": [str(word) for word in words],
            "open": kind in _OF_SENSORS,
        }
    if words := _SOME.get((kind, key)):
        return found | {"asked": Asked.SOME, "choices": [str(word) for word in words]}
    if kind is _KINDS.TIME_WINDOW:
        return found | {"asked": Asked.WINDOW}
    return found | {"asked": Asked.TEXT, "maximum": _bound(Condition, key, "max_length")}


def _action(kind: ActionType) -> RulePart:
    allowed, needed = ACTION_KEYS[kind]
    keys = [_action_key(key, key in needed) for key in Action.model_fields if key in allowed]
    return {"type": str(kind), "group": False, "happens": False, "keys": keys}


def _action_key(key: str, needed: bool) -> RuleKey:
    field = Action.model_fields[key]
    found: RuleKey = {"key": key, "about": str(field.description or ""), "needed": needed}
    if key == "channels":
        return found | {"asked": Asked.SOME, "choices": [str(word) for word in Channel]}
    if words := _ACTION_WORDS.get(key):
        default = {} if field.default is None else {"default": str(field.default)}
        return found | {"asked": Asked.ONE, "choices": [str(word) for word in words], **default}  # type: ignore[return-value]
    if key == "duration_s":
        bounds = {"minimum": _bound(Action, key, "ge"), "maximum": _bound(Action, key, "le")}
        return found | {"asked": Asked.SECONDS, "default": field.default, **bounds}  # type: ignore[return-value]
    if key in _OF:
        return found | {"asked": Asked.HOUSE_SOME, "of": _OF[key]}
    return found | {"asked": Asked.TEXT, "maximum": _bound(Action, key, "max_length")}


def _bound(model: type[Rule | Condition | Action], key: str, name: str) -> int:
    """A bound of the model's field, which has one."""
    field = model.model_fields[key]
    return next(int(getattr(rule, name)) for rule in field.metadata if hasattr(rule, name))
