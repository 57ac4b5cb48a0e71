"""One recording as the recorder knows it: what it is for, how far it is, what interrupted it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vigilar_common.messages.camera import Trigger

from vigilar_camera_worker.domain.packets import Packet

SPLIT_S: Final = 600.0


@dataclass(frozen=True)
class Policy:
    """The camera's configuration, as far as recording goes."""

    continuous: bool
    on_motion: bool
    pre_s: float
    post_s: float
    onset_slack_s: float
    """How much earlier than noticed a motion may have begun: one interval of idle analysis."""
    split_s: float = SPLIT_S
    """A longer recording goes on in another file, at the first keyframe after this much."""


@dataclass
class Session:
    recording_id: str
    trigger: Trigger
    cause_id: str | None
    first: Packet
    last_number: int
    end_ms: int
    """Wall time at which the newest frame ends, reckoned from the first one as in the file itself."""
    before: str | None = None
    """The recording that this one is the continuation of."""
    over_s: float | None = None
    """Media time at which there was nothing more to record. The file stays open while a new pre-roll would reach it."""
    held: list[Packet] | None = None
    """From the keyframe of a split on, until the sound before it has come."""
    blocked_from_ms: int | None = None
    """The writer's queue is full since then; nothing is put in until it has room again."""

    @property
    def over_reason(self) -> str:
        return "motion over" if self.trigger is Trigger.MOTION else "time is up"


@dataclass
class Outage:
    from_ms: int | None
    """None: nothing is missing so far."""
    reason: str
    trigger: Trigger
    cause_id: str | None
    motion_until_ms: int
    """When the post-roll of the motion would have ended."""


@dataclass(frozen=True)
class Ordered:
    """What became of an order."""

    recording_id: str | None
    """None: recording begins with the next keyframe."""
    until_s: float
    """Monotonic time of its end, without post-roll."""
    away: str = ""
    """Why there are no pictures at the moment."""
