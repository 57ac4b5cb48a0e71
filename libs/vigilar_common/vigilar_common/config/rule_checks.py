"""What rules name must exist: cameras, sensors, zones, members, topics. A rule with a typing error would be silent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vigilar_common.config.mqtt import topic_allowed
from vigilar_common.config.root import Config
from vigilar_common.config.rule_words import (
    GROUPS,
    MOMENTS,
    ActionType,
    ConditionType,
    camera_of,
    unknown_word,
    window_of,
)
from vigilar_common.config.rules import Action, Condition, Logic, Rule, walk
from vigilar_common.topics_foreign import OWN_PREFIX

Problem = tuple[tuple[Any, ...], str]
"""Path of the rule's entry in the configuration, and what is wrong, beginning with the key."""


def rule_problems(config: Config) -> Iterator[Problem]:
    """Everything that rules name and that does not exist."""
    for index, rule in enumerate(config.rules):
        for below, condition in walk(rule.conditions):
            for reason in _condition(config, condition):
                yield ("rules", index, *below), reason
        for number, action in enumerate(rule.tables()):
            for reason in _action(config, action):
                yield ("rules", index, "actions", number), reason


def _condition(config: Config, condition: Condition) -> Iterator[str]:
    kind = condition.kind
    if condition.sensor_id:
        yield from _known("sensor_id", condition.sensor_id, [sensor.id for sensor in config.sensors])
    if kind is ConditionType.CAMERA_MOTION or condition.camera_id:
        key = "camera_id" if condition.camera_id else "value"
        camera_id = camera_of(condition) if kind is ConditionType.CAMERA_MOTION else condition.camera_id
        if camera_id:
            yield from _known(key, camera_id, [camera.id for camera in config.cameras])
    if condition.zone:
        yield from _zone(config, condition)
    if kind is ConditionType.PRESENCE:
        members = [member.name for member in config.presence.members]
        if condition.member:
            yield from _known("member", condition.member, members)
        elif not members:
            yield "value names a state of the household, and [[presence.members]] is empty"
    if kind is ConditionType.VEHICLE and condition.member:
        yield from _known("member", condition.member, [vehicle.name for vehicle in config.vehicles.known])
    by_sun = kind is ConditionType.SUN or (
        kind is ConditionType.TIME_WINDOW and window_of(condition.value).by_sun
    )
    if by_sun and config.location.latitude == 0 and config.location.longitude == 0:
        yield "value needs to know where the house stands: set [location] latitude and longitude"


def _zone(config: Config, condition: Condition) -> Iterator[str]:
    camera_id = condition.camera_id or (
        camera_of(condition) if condition.kind is ConditionType.CAMERA_MOTION else ""
    )
    cameras = [camera for camera in config.cameras if not camera_id or camera.id == camera_id]
    yield from _known("zone", condition.zone, [zone.name for camera in cameras for zone in camera.zones])


def _action(config: Config, action: Action) -> Iterator[str]:
    for camera_id in action.cameras:
        yield from _known("cameras", camera_id, [camera.id for camera in config.cameras])
    if action.type is not ActionType.MQTT:
        return
    if action.topic.split("/")[0] == OWN_PREFIX:
        yield (
            f'topic "{action.topic}" is Vigilar\'s own: recordings, snapshots, siren and arming have actions of their own'
        )
    elif not any(topic_allowed(action.topic, allowed) for allowed in config.mqtt.publish_topics):
        yield f'topic "{action.topic}" is not allowed by [mqtt] publish_topics'


def _known(key: str, name: str, known: list[str]) -> Iterator[str]:
    if name not in known:
        yield (
            f"{key} {unknown_word(name, tuple(known))}"
            if known
            else f'{key} "{name}" does not exist: there is none'
        )


def rule_warnings(config: Config) -> Iterator[str]:
    """What is valid and yet never does what was probably meant."""
    for rule in config.rules:
        if not rule.conditions or not rule.actions:
            yield f'[[rules]] "{rule.id}" has no conditions or no actions: it never does anything'
        if _never_meet(rule):
            yield (
                f'[[rules]] "{rule.id}" wants two events at once, which never happens: give all but the last to come '
                "within_s"
            )
        kinds = {condition.kind for _, condition in walk(rule.conditions)}
        if ConditionType.UPS_STATE in kinds and not config.ups.enabled:
            yield f'[[rules]] "{rule.id}" asks for the UPS, and [ups] is not enabled'
        if ConditionType.PRESENCE in kinds and not config.presence.enabled:
            yield f'[[rules]] "{rule.id}" asks who is home, and [presence] is not enabled'
        if ConditionType.DETECTION in kinds and not config.detection.person_detection:
            yield f'[[rules]] "{rule.id}" asks for detections, and [detection] person_detection is off'
        yield from _channels(config, rule)


def channels_on(config: Config) -> dict[str, bool]:
    """Every channel that rules and alert profiles may name, and whether it is switched on."""
    alerts = config.alerts
    return {
        "web_push": alerts.web_push.enabled,
        "email": alerts.email.enabled,
        "webhook": alerts.webhook.enabled,
        "syslog": alerts.local.enabled and alerts.local.syslog,
        "desktop": alerts.local.enabled and alerts.local.desktop_notify,
    }


def _channels(config: Config, rule: Rule) -> Iterator[str]:
    on = channels_on(config)
    for action in rule.tables():
        named = ["webhook"] if action.type is ActionType.WEBHOOK else [str(name) for name in action.channels]
        for name in named:
            if not on[name]:
                yield f'[[rules]] "{rule.id}" alerts through {name}, which is switched off'


def _never_meet(rule: Rule) -> bool:
    groups = [(rule.conditions, rule.logic is Logic.AND)]
    groups += [
        (condition.conditions, condition.kind is ConditionType.AND)
        for _, condition in walk(rule.conditions)
        if condition.kind in GROUPS
    ]
    return any(
        both and sum(c.kind in MOMENTS and not c.within_s for c in conditions) > 1
        for conditions, both in groups
    )
