"""A rule made ready: its conditions as leaves with the points they look at, and the tree over them.

Two kinds of leaf. A *moment* is true when what just happened fits (and for `within_s` afterwards); a *state* is true while
it holds. A condition *caused* a firing when it is a moment that just happened, or a state that just began to hold. A rule
fires when its tree holds because of that: of AND all hold and one of them caused it, of OR one of those that hold did.
What was not known before and is found to hold is how things are; it causes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass

from vigilar_common.config.rule_words import (
    GROUPS,
    PACKAGE_VALUES,
    SUNRISE,
    SUNSET,
    VEHICLE_VALUES,
    ConditionType,
    Telling,
    Window,
    arm_states_of,
    camera_of,
    choices_of,
    classes_of,
    telling_of,
    window_of,
)
from vigilar_common.config.rules import Condition, Logic, Rule
from vigilar_common.messages.power import PowerState
from vigilar_common.messages.presence import Household

from vigilar_events.domain.rule_world import ARM, HOUSEHOLD, TIME, UPS, Happening, Point, Value, World

NIGHT = Window(SUNSET, SUNRISE)
DAYLIGHT = Window(SUNRISE, SUNSET)


@dataclass(frozen=True)
class Leaf:
    """One condition. Exactly one of `happens`, `holds` and `window` is set."""

    text: str
    points: tuple[Point, ...]
    within_s: int = 0
    happens: Callable[[Happening], bool] | None = None
    holds: Callable[[World], bool | None] | None = None
    """None: not known."""
    window: Window | None = None


Truths = Sequence[bool]
"""How each leaf stands, by its number."""
Judge = Callable[[Truths, Set[int]], bool]
"""Whether a part of the tree holds because of one of the leaves whose numbers are given; these all hold."""


@dataclass(frozen=True)
class Compiled:
    rule: Rule
    leaves: tuple[Leaf, ...]
    fires: Judge


def compile_rule(rule: Rule) -> Compiled:
    leaves: list[Leaf] = []
    _, fires = _group(rule.conditions, rule.logic is Logic.AND, leaves)
    return Compiled(rule, tuple(leaves), fires)


def _group(
    conditions: Sequence[Condition], every: bool, leaves: list[Leaf]
) -> tuple[Callable[[Truths], bool], Judge]:
    """Whether the group holds, and whether something caused it to."""
    parts = [_part(condition, leaves) for condition in conditions]
    holding, judging = [holds for holds, _ in parts], [caused for _, caused in parts]
    if every and not any(condition.kind in GROUPS for condition in conditions):
        numbers = range(len(leaves) - len(parts), len(leaves))
        first, end = numbers.start, numbers.stop
        return (
            lambda truths: all(truths[first:end]),
            lambda truths, caused: all(truths[first:end]) and not caused.isdisjoint(numbers),
        )
    if every:
        return (
            lambda truths: all(holds(truths) for holds in holding),
            lambda truths, caused: (
                all(holds(truths) for holds in holding) and any(judge(truths, caused) for judge in judging)
            ),
        )
    return (
        lambda truths: any(holds(truths) for holds in holding),
        lambda truths, caused: any(judge(truths, caused) for judge in judging),
    )


def _part(condition: Condition, leaves: list[Leaf]) -> tuple[Callable[[Truths], bool], Judge]:
    if condition.kind in GROUPS:
        return _group(condition.conditions, condition.kind is ConditionType.AND, leaves)
    number = len(leaves)
    leaves.append(leaf_of(condition))
    return lambda truths: truths[number], lambda _, caused: number in caused


def leaf_of(condition: Condition) -> Leaf:
    """The condition ready to be looked at; it passed the configuration's check."""
    return _LEAVES[condition.kind](condition)


def _arm(condition: Condition) -> Leaf:
    wanted = frozenset(state.value for state in arm_states_of(condition.value))
    return Leaf(f"the alarm is {condition.value.lower()}", (ARM,), holds=_one_of(ARM, wanted))


def _ups(condition: Condition) -> Leaf:
    wanted = choices_of(condition.value, tuple(PowerState), "")
    return Leaf(f"the UPS is {condition.value.lower()}", (UPS,), holds=_one_of(UPS, wanted))


def _presence(condition: Condition) -> Leaf:
    if not condition.member:
        wanted = choices_of(condition.value, tuple(Household), "")
        return Leaf(
            f"the household is {condition.value.upper()}", (HOUSEHOLD,), holds=_one_of(HOUSEHOLD, wanted)
        )
    at_home = choices_of(condition.value, ("home", "away"), "")
    point = ("member", condition.member)
    text = f"{condition.member} is {condition.value.lower()}"
    return Leaf(text, (point,), holds=_one_of(point, frozenset(word == "home" for word in at_home)))


def _one_of(point: Point, wanted: frozenset[str] | frozenset[bool]) -> Callable[[World], bool | None]:
    def holds(world: World) -> bool | None:
        value = world.get(point)
        return None if value is None else value in wanted

    return holds


def _sensor_event(condition: Condition) -> Leaf:
    telling, sensor_id = telling_of(condition), condition.sensor_id
    crossing = telling.above is not None or telling.below is not None

    def happens(seen: Happening) -> bool:
        if not seen.change or not telling.fits(seen.value):
            return False
        # A number goes beyond its limit once, however often it is told there.
        return not crossing or (seen.before is not None and not telling.fits(seen.before))

    points = tuple(("sensor", sensor_id, key) for key in telling.keys)
    text = f"{sensor_id or 'any sensor'}: {_told(condition)}"
    return Leaf(text, points, condition.within_s, happens=happens)


def _sensor_state(condition: Condition) -> Leaf:
    telling = telling_of(condition)
    points = tuple(("sensor", condition.sensor_id, key) for key in telling.keys)
    return Leaf(f"{condition.sensor_id} is: {_told(condition)}", points, holds=_tells(points, telling))


def _tells(points: tuple[Point, ...], telling: Telling) -> Callable[[World], bool | None]:
    def holds(world: World) -> bool | None:
        values: list[Value] = [value for point in points if (value := world.get(point)) is not None]
        return any(telling.fits(value) for value in values) if values else None

    return holds


def _told(condition: Condition) -> str:
    return " ".join(filter(None, (condition.key, condition.event.lower(), condition.value)))


def _motion(condition: Condition) -> Leaf:
    wanted, zone, camera_id = condition.event.lower() or "started", condition.zone, camera_of(condition)

    def happens(seen: Happening) -> bool:
        return seen.label == wanted and (not zone or zone in seen.zones)

    text = f"motion {'ended ' if wanted == 'ended' else ''}at {camera_id or 'any camera'}"
    return Leaf(
        f"{text} in {zone}" if zone else text, (("motion", camera_id),), condition.within_s, happens=happens
    )


def _detection(condition: Condition) -> Leaf:
    classes, zone, camera_id = classes_of(condition), condition.zone, condition.camera_id

    def happens(seen: Happening) -> bool:
        return (not classes or seen.label in classes) and (not zone or zone in seen.zones)

    text = f"{', '.join(sorted(classes)) or 'anything'} seen at {camera_id or 'any camera'}"
    return Leaf(
        f"{text} in {zone}" if zone else text, (("object", camera_id),), condition.within_s, happens=happens
    )


def _package(condition: Condition) -> Leaf:
    wanted, zone, camera_id = (
        choices_of(condition.value, PACKAGE_VALUES, ""),
        condition.zone,
        condition.camera_id,
    )

    def happens(seen: Happening) -> bool:
        return seen.label in wanted and (not zone or zone in seen.zones)

    text = f"parcel {', '.join(sorted(wanted))} at {camera_id or 'any camera'}"
    return Leaf(text, (("package", camera_id),), condition.within_s, happens=happens)


def _vehicle(condition: Condition) -> Leaf:
    wanted, name, camera_id = (
        choices_of(condition.value, VEHICLE_VALUES, ""),
        condition.member,
        condition.camera_id,
    )

    def happens(seen: Happening) -> bool:
        return seen.label in wanted and (not name or name == seen.value)

    text = f"{name or 'any vehicle'} {', '.join(sorted(wanted))} at {camera_id or 'any camera'}"
    return Leaf(text, (("vehicle", camera_id),), condition.within_s, happens=happens)


def _time(condition: Condition) -> Leaf:
    return Leaf(f"it is {condition.value.lower()}", (TIME,), window=window_of(condition.value))


def _sun(condition: Condition) -> Leaf:
    up = choices_of(condition.value, ("up", "down"), "") == {"up"}
    return Leaf(f"the sun is {'up' if up else 'down'}", (TIME,), window=DAYLIGHT if up else NIGHT)


_LEAVES: dict[ConditionType, Callable[[Condition], Leaf]] = {
    ConditionType.ARM_STATE: _arm,
    ConditionType.SENSOR_EVENT: _sensor_event,
    ConditionType.SENSOR_STATE: _sensor_state,
    ConditionType.CAMERA_MOTION: _motion,
    ConditionType.DETECTION: _detection,
    ConditionType.PACKAGE: _package,
    ConditionType.VEHICLE: _vehicle,
    ConditionType.PRESENCE: _presence,
    ConditionType.TIME_WINDOW: _time,
    ConditionType.SUN: _sun,
    ConditionType.UPS_STATE: _ups,
}
