"""`[[rules]]`: what shall happen when."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from vigilar_common.config.base import AnyCaseUpper, Id, Section, Words


class Logic(StrEnum):
    AND = "AND"
    OR = "OR"


class Condition(Section):
    """One thing that must hold."""

    type: str = Field(min_length=1, max_length=64, title="Type", description="What is looked at.")
    value: str = Field(
        "", max_length=200, coerce_numbers_to_str=True, title="Value", description="What it must be."
    )
    sensor_id: str = Field(
        "", max_length=64, title="Sensor", description="Which sensor, where the type needs one."
    )
    event: str = Field("", max_length=64, title="Event", description="Which event, where the type needs one.")


class Rule(Section):
    """Conditions, actions and a pause."""

    id: Id = Field(title="Id", description="Short name of the rule, unique.")
    description: Words = Field("", title="Description", description="What the rule is for.")
    conditions: tuple[Condition, ...] = Field(
        (), max_length=32, title="Conditions", description="List of {type, value, sensor_id, event}."
    )
    logic: Annotated[Logic, AnyCaseUpper] = Field(
        Logic.AND, title="Logic", description="AND: all conditions must hold; OR: one is enough."
    )
    actions: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,120}$")], ...] = Field(
        (),
        max_length=32,
        title="Actions",
        description="Names of actions, like alert_all or record_all_cameras.",
    )
    cooldown_s: int = Field(
        60, ge=0, le=86_400, title="Cooldown", description="Seconds before the rule may act again."
    )
