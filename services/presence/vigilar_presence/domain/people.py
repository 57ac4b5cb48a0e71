"""From single signs of life to who is home. A phone that sleeps is not a person who left: only silence for long enough is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from vigilar_common.messages.presence import Household, Role

TRACKER = "device_tracker"


class Sign(Enum):
    HEARD = "heard"
    SILENT = "silent"
    BLIND = "blind"
    """Nothing could be asked (no route, no right, no name): that says nothing about anybody."""


@dataclass(frozen=True)
class Seen:
    """What one round found out about one person, and by which method."""

    sign: Sign
    method: str = ""


@dataclass
class Person:
    """`home` is None until it is known; `silent_s` counts only time in which somebody really listened."""

    name: str
    role: Role
    home: bool | None = None
    since_ms: int = 0
    method: str = ""
    silent_s: float = 0.0
    tracked: bool | None = None
    """What Home Assistant says; None while it says nothing."""

    def look(self, seen: Seen, passed_s: float, departure_s: float) -> bool:
        """One round, `passed_s` after the one before. True when the person came or went."""
        if self.tracked:
            seen = Seen(Sign.HEARD, TRACKER)
        elif self.tracked is False and seen.sign is Sign.BLIND:
            seen = Seen(Sign.SILENT, TRACKER)
        match seen.sign:
            case Sign.BLIND:
                return False
            case Sign.HEARD:
                self.silent_s = 0.0
                home = True
            case Sign.SILENT:
                self.silent_s += passed_s
                if self.silent_s < departure_s:
                    return False
                home = False
        # How a person is known changes with every round; only coming and going is news.
        self.method = seen.method or self.method
        if home is self.home:
            return False
        self.home = home
        return True


def household(people: Iterable[Person]) -> Household | None:
    """All of them together; None while one is unknown, or when there is nobody to know."""
    everybody = list(people)
    if not everybody or any(person.home is None for person in everybody):
        return None
    home = [person for person in everybody if person.home]
    if not home:
        return Household.EMPTY
    if len(home) == len(everybody):
        return Household.ALL_HOME
    if any(person.role is Role.ADULT for person in home):
        return Household.ADULTS_HOME
    return Household.KIDS_HOME
