"""What goes into the alarm's machine beside commands, and what comes out."""

from __future__ import annotations

from dataclasses import dataclass

from vigilar_common.messages import Fact
from vigilar_common.messages.alarm import ArmState

from vigilar_events.domain.alarm import Trip


@dataclass(frozen=True)
class Now:
    """UTC ms for the log, monotonic seconds for what runs."""

    ms: int
    s: float


@dataclass(frozen=True)
class Changed:
    """A transition."""

    before: ArmState
    after: ArmState
    by: str
    method: str
    reason: str = ""


@dataclass(frozen=True)
class Record:
    """Every camera shall record."""

    duration_s: int
    event_id: str


Effect = Changed | Record | Fact


@dataclass(frozen=True)
class Answer:
    """What came of a command: a refusal's code, or its effects."""

    refusal: str = ""
    blockers: tuple[Trip, ...] = ()
    """Sensors that are open: those that refuse, or those that must be closed when the exit delay ends."""
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True)
class Said:
    """A sensor's word: when, in which fact; whether it is recent enough to act on, came live or from the log, and tells of
    a change or only of how things are (the first word after a silence).
    """

    sensor_id: str
    at_ms: int
    cause_id: str
    fresh: bool = True
    live: bool = True
    initial: bool = False
