"""Who is home."""

from __future__ import annotations

import hashlib
import re
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from vigilar_common.messages.base import Fact, Identifier, Message, TimestampMs

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


class PersonStatus(Message):
    """Retained: one person."""

    person_id: Identifier
    member: Member
    role: Role
    home: bool | None = Field(None, description="empty: not known yet")
    since_ms: TimestampMs = 0
    method: str = Field("", max_length=32, description="how it is known")


class HouseholdStatus(Message):
    """Retained: the household."""

    state: Household | None = Field(None, description="empty: not known of everybody yet")
    since_ms: TimestampMs = 0
    home: list[Member] = Field(default_factory=list, max_length=64)


def person_id(name: str) -> str:
    """A name as it can stand in a topic; names that would look alike stay apart."""
    plain = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:48]
    if plain == name:
        return plain
    return f"{plain}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"
