"""Who is home."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from vigilar_common.messages.base import Fact

Member = Annotated[str, Field(min_length=1, max_length=120)]
"""A name from `[[presence.members]]`."""


class Role(StrEnum):
    ADULT = "adult"
    CHILD = "child"


class Household(StrEnum):
    """Who of the household is home, taken together."""

    EMPTY = "EMPTY"
    ADULTS_HOME = "ADULTS_HOME"
    KIDS_HOME = "KIDS_HOME"
    ALL_HOME = "ALL_HOME"


class PresenceChanged(Fact):
    """A person came or went."""

    TYPE: ClassVar[str] = "presence.changed"
    member: Member
    role: Role
    home: bool
    method: str = Field(max_length=32, description="how it is known: icmp, arping, device_tracker")


class HouseholdChanged(Fact):
    """Who is home, taken together, is another state now."""

    TYPE: ClassVar[str] = "household.changed"
    state: Household
    home: list[Member] = Field(default_factory=list, max_length=64)
