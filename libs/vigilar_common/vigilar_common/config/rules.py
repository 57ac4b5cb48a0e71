"""`[[rules]]`: what shall happen when. The words of single values stand in `rule_words`, what must exist in `rule_checks`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from vigilar_common.config.base import AnyCaseLower, AnyCaseUpper, Id, Section, Words
from vigilar_common.config.rule_words import (
    ACTION_KEYS,
    CONDITION_KEYS,
    GROUPS,
    NAMED_ACTIONS,
    ActionType,
    ConditionType,
    condition_problem,
    unknown_word,
)
from vigilar_common.messages.alarm import ArmMode, Severity

MAX_DEPTH = 4
"""Groups within groups; the rule's own list is the first."""
MAX_CONDITIONS = 32
"""Of one rule, groups and what is in them counted together."""
Ids = Annotated[tuple[Id, ...], Field(max_length=64)]


class Logic(StrEnum):
    AND = "AND"
    OR = "OR"


class Channel(StrEnum):
    """Ways in which the alerts service reaches people."""

    WEB_PUSH = "web_push"
    EMAIL = "email"
    WEBHOOK = "webhook"
    SYSLOG = "syslog"
    DESKTOP = "desktop"


class Condition(Section):
    """One thing that must happen or hold, or a group of them."""

    type: str = Field(
        min_length=1, max_length=64, title="Type", description="What is looked at, or and/or for a group."
    )
    value: str = Field(
        "", max_length=200, coerce_numbers_to_str=True, title="Value", description="What it must be."
    )
    sensor_id: str = Field(
        "",
        max_length=64,
        title="Sensor",
        description="Which sensor of [[sensors]]; empty in sensor_event: any.",
    )
    event: str = Field(
        "",
        max_length=64,
        title="Event",
        description="What the sensor tells: open, closed, motion, smoke, … or a key of it.",
    )
    key: str = Field(
        "",
        max_length=40,
        title="Key",
        description="Of events above and below: what is measured, for example temperature.",
    )
    camera_id: str = Field(
        "", max_length=64, title="Camera", description="Which camera of [[cameras]]; empty: any."
    )
    zone: str = Field(
        "", max_length=120, title="Zone", description="A named zone of the camera; empty: anywhere."
    )
    object_class: str = Field(
        "",
        max_length=200,
        title="Object class",
        description="Of a detection: person, car, …, several by commas; empty: any.",
    )
    member: str = Field(
        "",
        max_length=120,
        title="Member",
        description="Of presence: one of [[presence.members]]; empty: the household. Of vehicle: one of [[vehicles.known]].",
    )
    within_s: int = Field(
        0,
        ge=0,
        le=3600,
        title="Within",
        description="Seconds for which something that happened still counts, so that two events can meet.",
    )
    conditions: tuple[Condition, ...] = Field(
        (), max_length=MAX_CONDITIONS, title="Conditions", description="Of a group: what it holds."
    )

    @property
    def kind(self) -> ConditionType:
        return ConditionType(self.type.lower())

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        try:
            kind = self.kind
        except ValueError:
            raise ValueError(f"type {unknown_word(self.type, tuple(ConditionType))}") from None
        for name in type(self).model_fields:
            if name != "type" and getattr(self, name) and name not in CONDITION_KEYS[kind]:
                raise ValueError(f"{name} does not belong to a condition of type {kind}")
        if kind in GROUPS and not self.conditions:
            raise ValueError(f"conditions is missing: a group of type {kind} without conditions never holds")
        if problem := condition_problem(kind, self):
            raise ValueError(problem)
        return self


class Action(Section):
    """An action with parameters; one without is written as its name alone."""

    type: Annotated[ActionType, AnyCaseLower] = Field(title="Type", description="What is done.")
    channels: tuple[Annotated[Channel, AnyCaseLower], ...] = Field(
        (), max_length=8, title="Channels", description="Of alert: web_push, email, webhook, syslog, desktop."
    )
    severity: Annotated[Severity, AnyCaseLower] = Field(
        Severity.ALERT, title="Severity", description="Of an alert: info, alert or critical."
    )
    cameras: Ids = Field(
        (), title="Cameras", description="Of record and snapshot: which cameras of [[cameras]]."
    )
    duration_s: int = Field(
        60, ge=1, le=3600, title="Duration", description="Of recordings: seconds from now on."
    )
    mode: Annotated[ArmMode, AnyCaseLower] | None = Field(
        None, title="Mode", description="Of arm: home, away, night or vacation."
    )
    topic: str = Field(
        "",
        max_length=200,
        pattern=r"^[^+#\x00-\x1f]*$",
        title="Topic",
        description="Of mqtt: where to; [mqtt] publish_topics must allow it.",
    )
    payload: str = Field("", max_length=4000, title="Payload", description="Of mqtt: what is sent.")

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        allowed, required = ACTION_KEYS[self.type]
        for name, field in type(self).model_fields.items():
            if name != "type" and getattr(self, name) != field.default and name not in allowed:
                raise ValueError(f"{name} does not belong to an action of type {self.type}")
        for name in required:
            if not getattr(self, name):
                raise ValueError(f"{name} is missing: an action of type {self.type} needs it")
        return self


def _named(name: str) -> str:
    word = name.lower()
    if word in NAMED_ACTIONS:
        return word
    if word in tuple(ActionType):
        needed = ", ".join(ACTION_KEYS[ActionType(word)][1])
        raise ValueError(f'action "{word}" needs {needed}: write {{ type = "{word}", … }}')
    raise ValueError(f"action {unknown_word(name, NAMED_ACTIONS)}")


RuleAction = Annotated[
    Annotated[Action, Tag("[table]")]
    | Annotated[str, Field(max_length=120), AfterValidator(_named), Tag("[name]")],
    Discriminator(lambda value: "[name]" if isinstance(value, str) else "[table]"),
]


class Rule(Section):
    """Conditions, actions and a pause."""

    id: Id = Field(title="Id", description="Short name of the rule, unique.")
    description: Words = Field("", title="Description", description="What the rule is for.")
    enabled: bool = Field(True, title="Enabled", description="Let the rule act.")
    conditions: tuple[Condition, ...] = Field(
        (),
        max_length=MAX_CONDITIONS,
        title="Conditions",
        description="List of {type, value, sensor_id, event}.",
    )
    logic: Annotated[Logic, AnyCaseUpper] = Field(
        Logic.AND, title="Logic", description="AND: all conditions must hold; OR: one is enough."
    )
    actions: tuple[RuleAction, ...] = Field(
        (),
        max_length=32,
        title="Actions",
        description="Names of actions, like alert_all or record_all_cameras, or tables {type, …}.",
    )
    cooldown_s: int = Field(
        60, ge=0, le=86_400, title="Cooldown", description="Seconds before the rule may act again."
    )
    position: int = Field(
        0,
        ge=0,
        le=10_000,
        title="Position",
        description="Rules act from the smallest to the largest; with the same number in the order of the file.",
    )
    allow_disarm: bool = Field(
        False,
        title="May disarm",
        description="Let this rule disarm, or arm less than before. Whoever can bring about its conditions can do so too.",
    )

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if _depth(self.conditions) > MAX_DEPTH:
            raise ValueError(f"conditions: groups within groups are at most {MAX_DEPTH} deep")
        if sum(1 for _ in walk(self.conditions)) > MAX_CONDITIONS:
            raise ValueError(f"conditions: at most {MAX_CONDITIONS}, groups and what is in them together")
        for action in self.tables():
            if action.type is ActionType.DISARM and not self.allow_disarm:
                raise ValueError("actions: disarm needs allow_disarm = true in the same rule")
        return self

    @property
    def wants_readings(self) -> bool:
        """Whether it asks for numbers, which come again and again."""
        return any(condition.key for _, condition in walk(self.conditions))

    def tables(self) -> tuple[Action, ...]:
        """Every action in its long form; `arm_away` is `arm` with its mode."""
        return tuple(_long(action) if isinstance(action, str) else action for action in self.actions)


def in_order(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """As they act, one after the other, where one thing sets off several."""
    return tuple(sorted(rules, key=lambda rule: rule.position))


def _long(name: str) -> Action:
    if name.startswith("arm_"):
        return Action(type=ActionType.ARM, mode=ArmMode(name.removeprefix("arm_")))
    return Action(type=ActionType(name))


def walk(
    conditions: tuple[Condition, ...], path: tuple[Any, ...] = ()
) -> Iterator[tuple[tuple[Any, ...], Condition]]:
    """Every condition with its path (`conditions`, 0, `conditions`, 1 …), groups before what they hold."""
    for index, condition in enumerate(conditions):
        here = (*path, "conditions", index)
        yield here, condition
        yield from walk(condition.conditions, here)


def _depth(conditions: tuple[Condition, ...]) -> int:
    return 1 + max((_depth(c.conditions) for c in conditions if c.conditions), default=0) if conditions else 0
