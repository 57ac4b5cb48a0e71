"""`[[rules]]`: what a rule may say, and how one that names what does not exist is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from vigilar_common.config.load import InvalidConfigError, LoadedConfig, assemble

HOUSE = """
[mqtt]
publish_topics = ["zigbee2mqtt/+/set"]
[[cameras]]
id = "front"
display_name = "Front"
rtsp_url = "rtsp://x/"
zones = [{ name = "gate", polygon = [[0, 0], [1, 0], [1, 1]] }]
[[cameras]]
id = "yard"
display_name = "Yard"
rtsp_url = "rtsp://y/"
[[sensors]]
id = "back_door"
display_name = "Back door"
type = "CONTACT"
protocol = "ZIGBEE"
device_address = "x"
[[presence.members]]
name = "Ann"
ip = "192.0.2.1"
"""
DOOR = '{ type = "sensor_event", sensor_id = "back_door", event = "open" }'


def load(rules: str) -> LoadedConfig:
    return assemble(Path("v.toml"), HOUSE + rules, {})


def rule(conditions: str = DOOR, actions: str = '"alert_all"', more: str = "") -> str:
    return f'[[rules]]\nid = "night"\nconditions = [{conditions}]\nactions = [{actions}]\n{more}\n'


def test_a_rule_of_the_described_system_loads_unchanged() -> None:
    text = """
[[rules]]
id = "intruder"
description = "Motion while away"
conditions = [
  { type = "arm_state", value = "ARMED_AWAY" },
  { type = "camera_motion", value = "any" },
  { type = "sensor_event", sensor_id = "back_door", event = "CONTACT_OPEN" },
]
logic = "or"
actions = ["alert_all", "record_all_cameras"]
"""
    loaded = load(text)
    (found,) = loaded.config.rules
    assert loaded.warnings == ()
    assert (found.logic.value, found.cooldown_s, found.actions) == (
        "OR",
        60,
        ("alert_all", "record_all_cameras"),
    )


@pytest.mark.parametrize(
    ("conditions", "actions", "more", "said"),
    [
        ('{ type = "sensr_event" }', '"siren"', "", 'entry 1: type "sensr_event" is unknown; did you mean "sensor_event"?'),
        (DOOR.replace("back", "bak"), '"siren"', "", 'entry 1: sensor_id "bak_door" is unknown; did you mean "back_door"?'),
        (DOOR.replace("open", "opn"), '"siren"', "", 'entry 1: event "opn" is unknown; did you mean "open"?'),
        (
            '{ type = "camera_motion", value = "frnt" }',
            '"siren"',
            "",
            'entry 1: value "frnt" is unknown; did you mean "front"?',
        ),
        (
            '{ type = "camera_motion", camera_id = "yard", zone = "gate" }',
            '"siren"',
            "",
            'entry 1: zone "gate" does not exist: there is none',
        ),
        ('{ type = "detection", zone = "gat" }', '"siren"', "", 'entry 1: zone "gat" is unknown; did you mean "gate"?'),
        (
            '{ type = "presence", member = "Anne", value = "home" }',
            '"siren"',
            "",
            'entry 1: member "Anne" is unknown; did you mean "Ann"?',
        ),
        ('{ type = "presence", value = "EMTY" }', '"siren"', "", 'entry 1: value "emty" is unknown; did you mean "empty"?'),
        (
            '{ type = "arm_state", value = "armed_nite" }',
            '"siren"',
            "",
            'entry 1: value "armed_nite" is unknown; did you mean "armed_night"?',
        ),
        ('{ type = "ups_state", value = "gone" }', '"siren"', "", "entry 1: value \"gone\" is unknown; known are"),
        ('{ type = "time_window", value = "25:00-06:00" }', '"siren"', "", "entry 1: value must be a window like"),
        ('{ type = "time_window", value = "06:00-06:00" }', '"siren"', "", "entry 1: value is a window that ends where"),
        ('{ type = "sun", value = "down" }', '"siren"', "", "entry 1: value needs to know where the house stands"),
        (
            '{ type = "time_window", value = "sunset-23:00" }',
            '"siren"',
            "",
            "entry 1: value needs to know where the house stands",
        ),
        ('{ type = "sun", value = "up,down" }', '"siren"', "", "entry 1: value must be up or down"),
        ('{ type = "arm_state", value = "armed", zone = "gate" }', '"siren"', "", "entry 1: zone does not belong to"),
        ('{ type = "or", conditions = [] }', '"siren"', "", "entry 1: conditions is missing"),
        (
            '{ type = "or", conditions = [{ type = "camera_motion", camera_id = "x" }] }',
            '"siren"',
            "",
            '[[rules.conditions.conditions]] "night" entry 1 entry 1: camera_id "x" is unknown',
        ),
        (DOOR.replace("event = ", "evnt = "), '"siren"', "", 'entry 1 evnt: unknown key; did you mean "event"?'),
        (DOOR, '"alertall"', "", 'action "alertall" is unknown; did you mean "alert_all"?'),
        (DOOR, '"record"', "", 'action "record" needs cameras'),
        (DOOR, '{ type = "record", cameras = ["bck"] }', "", 'entry 1: cameras "bck" is unknown'),
        (DOOR, '{ type = "alert", channels = ["pigeon"] }', "", "channels[0]: must be"),
        (DOOR, '{ type = "arm", mode = "out" }', "", "mode: must be"),
        (DOOR, '{ type = "siren", topic = "x" }', "", "topic does not belong to an action of type siren"),
        (DOOR, '{ type = "mqtt", topic = "lamp/set" }', "", 'topic "lamp/set" is not allowed by [mqtt] publish_topics'),
        (DOOR, '{ type = "mqtt", topic = "zigbee2mqtt/#" }', "", "topic: must match the pattern"),
        (DOOR, '{ type = "mqtt", topic = "vigilar/cmd/web/alarm" }', "", "is Vigilar's own"),
        (DOOR, '"disarm"', "", "actions: disarm needs allow_disarm = true in the same rule"),
        (DOOR, '"siren"', "colour = 1", "colour: unknown key"),
    ],
)  # fmt: skip
def test_a_rule_that_names_what_does_not_exist_is_refused_with_its_name_the_key_and_the_reason(
    conditions: str, actions: str, more: str, said: str
) -> None:
    with pytest.raises(InvalidConfigError) as caught:
        load(rule(conditions, actions, more))
    (problem,) = caught.value.problems
    assert problem.startswith("v.toml:")
    assert '"night"' in problem
    assert said in problem


def test_everything_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(InvalidConfigError) as caught:
        load(rule(DOOR.replace("back", "bak"), '{ type = "snapshot", cameras = ["a", "b"] }'))
    assert len(caught.value.problems) == 3


def test_groups_are_bounded_in_depth_and_number() -> None:
    deep = DOOR
    for _ in range(4):
        deep = f'{{ type = "or", conditions = [{deep}] }}'
    with pytest.raises(InvalidConfigError, match="at most 4 deep"):
        load(rule(deep))
    wide = ", ".join([DOOR] * 16)
    with pytest.raises(InvalidConfigError, match="at most 32"):
        load(rule(f'{wide}, {{ type = "or", conditions = [{wide}] }}'))


@pytest.mark.parametrize(
    ("conditions", "actions", "said"),
    [
        ("", '"siren"', "no conditions or no actions"),
        (f'{DOOR}, {{ type = "camera_motion" }}', '"siren"', "two events at once"),
        ('{ type = "detection", value = "person" }', '"siren"', "person_detection is off"),
        ('{ type = "presence", value = "EMPTY" }', '"siren"', "[presence] is not enabled"),
        (DOOR, '"webhook"', "alerts through webhook, which is switched off"),
    ],
)
def test_what_can_never_do_what_was_meant_is_a_warning(conditions: str, actions: str, said: str) -> None:
    loaded = load(rule(conditions, actions))
    assert any(said in warning for warning in loaded.warnings)


def test_arming_may_be_written_as_a_name_and_a_rule_lowers_the_guard_only_by_its_owners_word() -> None:
    loaded = load(rule(actions='"arm_away", "disarm"', more="allow_disarm = true"))
    assert [action.type.value for action in loaded.config.rules[0].tables()] == ["arm", "disarm"]


def test_a_reference_of_the_alarm_that_does_not_exist_is_told_too() -> None:
    with pytest.raises(InvalidConfigError, match=r'\[\[alarm.sensors\]\] "nope" is no sensor'):
        load('[[alarm.sensors]]\nid = "nope"\n')
