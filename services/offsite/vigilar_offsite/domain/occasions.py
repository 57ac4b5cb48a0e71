"""Which recordings are sent, and what comes first."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum

from vigilar_common.config.offsite import Occasion
from vigilar_common.messages.alarm import ArmState
from vigilar_common.messages.camera import Trigger

MAX_WINDOWS = 16
MAX_AGE_MS = 24 * 3_600_000
"""An alarm that is older when we hear of it (the log is read from its beginning once) sends nothing."""
CLOCK_SLACK_MS = 5_000
ARMED = (ArmState.ARMED_HOME, ArmState.ARMED_AWAY, ArmState.ARMED_NIGHT, ArmState.ARMED_VACATION)


class Priority(IntEnum):
    """Lower comes first."""

    ALARM = 0
    ORDERED = 1


def wanted_by_itself(
    occasions: Collection[Occasion], arm_state: ArmState | None, trigger: Trigger
) -> Priority | None:
    """How urgent a recording is for the reason it was made; None: it is not sent for that."""
    if arm_state is not None and is_alarm(occasions, arm_state):
        return Priority.ALARM
    ordered = (
        Occasion.ALWAYS in occasions
        or (trigger is Trigger.RULE and Occasion.RULE in occasions)
        or (trigger is Trigger.MANUAL and Occasion.MANUAL in occasions)
        or (arm_state in ARMED and Occasion.ARMED in occasions)
    )
    return Priority.ORDERED if ordered else None


def is_alarm(occasions: Collection[Occasion], state: ArmState) -> bool:
    """Whether all cameras' recordings are sent in this state."""
    return (state is ArmState.TRIGGERED and Occasion.ALARM in occasions) or (
        state is ArmState.PENDING and Occasion.ENTRY in occasions
    )


@dataclass(frozen=True)
class Window:
    """From when to when all cameras' recordings are sent; UTC ms. Open while `to_ms` is None."""

    from_ms: int
    to_ms: int | None = None


class Alarms:
    """Follows the arm state. Old news and repeats change nothing, in whatever order they come."""

    def __init__(self, occasions: Collection[Occasion]) -> None:
        self._occasions = frozenset(occasions)
        self.state: ArmState | None = None
        self.changed_ms = 0
        self.open: Window | None = None
        self.closed: list[Window] = []
        """Over, and still to be gone through once."""

    @property
    def active(self) -> bool:
        return self.open is not None

    def heard(self, state: ArmState, changed_ms: int, now_ms: int) -> bool:
        """Take in a state and since when it holds. True when there is something to look for at once."""
        # A state from the future was heard while the clock was wrong: it must not silence what is true now.
        older = changed_ms < self.changed_ms <= now_ms + CLOCK_SLACK_MS
        if older or (changed_ms == self.changed_ms and state is self.state):
            return False
        self.state, self.changed_ms = state, changed_ms
        alarm = is_alarm(self._occasions, state)
        if alarm and self.open is None:
            self.open = Window(changed_ms)
            return True
        if not alarm and self.open is not None:
            over, self.open = Window(self.open.from_ms, changed_ms), None
            if now_ms - changed_ms <= MAX_AGE_MS:
                self.closed = [*self.closed, over][-MAX_WINDOWS:]
                return True
        return False

    def kept(self) -> dict[str, object]:
        """For the state file."""
        return {
            "state": self.state.value if self.state else "",
            "changed_ms": self.changed_ms,
            "from_ms": self.open.from_ms if self.open else None,
        }

    def restore(self, kept: dict[str, object]) -> None:
        """What `kept` gave. Raises KeyError, TypeError, ValueError on anything else."""
        word, changed_ms, from_ms = kept["state"], kept["changed_ms"], kept["from_ms"]
        if not isinstance(word, str) or not isinstance(changed_ms, int):
            raise TypeError("the state is no word, or its time no number")
        if not (from_ms is None or isinstance(from_ms, int)):
            raise TypeError("times are not whole numbers")
        self.state = ArmState(word) if word else None
        self.changed_ms = changed_ms
        self.open = Window(from_ms) if from_ms is not None else None
