"""What the rule builder offers is what the engine takes: nothing more, nothing less."""

from __future__ import annotations

import json
from typing import Any

import pytest
from vigilar_common.config.rule_form import Asked, rule_form
from vigilar_common.config.rule_words import ACTION_KEYS, CONDITION_KEYS, ActionType, ConditionType
from vigilar_common.config.rules import Action, Condition

FORM = rule_form()
PARTS = {part["type"]: part for part in FORM["conditions"]}
ENOUGH: dict[str, dict[str, Any]] = {
    "sensor_event": {"event": "open"},
    "sensor_state": {"sensor_id": "door", "event": "open"},
    "arm_state": {"value": "armed"},
    "package": {"value": "taken"},
    "vehicle": {"value": "left"},
    "presence": {"value": "EMPTY"},
    "time_window": {"value": "22:00-06:00"},
    "sun": {"value": "up"},
    "ups_state": {"value": "on_battery"},
}
"""What makes a condition of that kind valid."""


def test_every_kind_and_every_key_of_it_is_asked_for_once_but_for_aliases() -> None:
    aliases = {("camera_motion", "value"), ("detection", "value")}
    for kind in ConditionType:
        asked = [key["key"] for key in PARTS[kind]["keys"]]
        assert len(asked) == len(set(asked))
        wanted = {key for key in CONDITION_KEYS[kind] if (kind, key) not in aliases} - {"conditions"}
        assert set(asked) == wanted, kind
    for part in FORM["actions"]:
        assert {key["key"] for key in part["keys"]} == ACTION_KEYS[ActionType(part["type"])][0]
    json.dumps(FORM)


@pytest.mark.parametrize("kind", [kind for kind in ConditionType if kind not in ("and", "or")])
def test_every_word_that_is_offered_is_one_that_the_check_takes(kind: ConditionType) -> None:
    Condition(type=kind, **ENOUGH.get(kind, {}))
    for key in PARTS[kind]["keys"]:
        for word in key.get("choices", []):
            values = ENOUGH.get(kind, {}) | {key["key"]: word}
            if word in ("above", "below"):
                values |= {"key": "temperature", "value": "1"}
            Condition(type=kind, **values)


def test_of_one_member_other_words_are_offered() -> None:
    for word in FORM["of_member"]:
        Condition(type="presence", member="Ann", value=word)


def test_what_an_action_needs_is_marked() -> None:
    for part in FORM["actions"]:
        for key in part["keys"]:
            assert key["needed"] == (key["key"] in ACTION_KEYS[ActionType(part["type"])][1])
            for word in key.get("choices", []):
                whole = {"channels": ["email"], "mode": "home"} if part["type"] in ("alert", "arm") else {}
                held = {
                    name: whole[name] for name in ACTION_KEYS[ActionType(part["type"])][0] if name in whole
                }
                held[key["key"]] = [word] if key["asked"] is Asked.SOME else word
                Action(type=ActionType(part["type"]), **held)


def test_bounds_are_those_of_the_models() -> None:
    within = next(key for key in PARTS["camera_motion"]["keys"] if key["key"] == "within_s")
    assert (within["minimum"], within["maximum"]) == (0, 3600)
    assert FORM["limits"] == {"depth": 4, "conditions": 32, "cooldown_s": 86_400, "description": 500}
