"""When motion begins and ends: idle → suspect → moving → quiet → idle."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from vigilar_common.messages.camera import Box

CONFIRM_FRAMES: Final = 2
SUSPECT_S: Final = 1.5
"""A suspicion that is not confirmed within this time was noise."""
QUIET_S: Final = 5.0
"""Nothing has moved for this long: the motion is over."""


class Rejection(StrEnum):
    """Why what changed in a picture is no motion."""

    LIGHT = "light"
    """A lamp, the beam of a car: the same things in another light."""
    SCENE = "scene"
    """The whole picture is another one: the camera changed between day and night, or its lens is covered."""
    SHAKE = "shake"
    RAIN = "rain"
    """Rain or snow: many small things that come and go."""
    FOLIAGE = "foliage"
    """A place that is active again and again, and nothing new in it."""
    FLEETING = "fleeting"
    """Seen once, and not where it could have got to: an insect at the lens, a drop."""


@dataclass(frozen=True)
class Observation:
    """What one analysed frame shows. ``blind``: the whole picture changed (light), so nothing can be said.

    ``followed``: an area of the look before is seen again. ``rejected``: a `Rejection` that explains all of it.
    """

    time_s: float
    wall_ms: int
    score: float = 0.0
    area_px: int = 0
    boxes: tuple[Box, ...] = ()
    zones: tuple[str, ...] = ()
    blind: bool = False
    followed: bool = True
    rejected: str = ""

    @property
    def hit(self) -> bool:
        return self.area_px > 0 and not self.blind


@dataclass(frozen=True)
class Started:
    """Confirmed. The onset is the first frame in which it was seen; the rest describes the confirming one."""

    onset_s: float
    onset_ms: int
    seen: Observation


@dataclass(frozen=True)
class Ended:
    """``last_s``/``last_ms``: the last frame that showed it."""

    started_ms: int
    last_s: float
    last_ms: int
    peak_score: float


class Phase(StrEnum):
    IDLE = "idle"
    SUSPECT = "suspect"
    MOVING = "moving"
    QUIET = "quiet"


@dataclass
class MotionMachine:
    """Fed with every analysed frame in order of media time."""

    confirm_frames: int = CONFIRM_FRAMES
    quiet_s: float = QUIET_S
    phase: Phase = Phase.IDLE
    _hits: list[Observation] = field(default_factory=list)
    _misses: int = 0
    _onset: Observation | None = None
    _last: Observation | None = None
    _peak: float = 0.0

    @property
    def active(self) -> bool:
        """Worth looking at more often."""
        return self.phase is not Phase.IDLE

    @property
    def moving(self) -> bool:
        return self.phase in (Phase.MOVING, Phase.QUIET)

    def observe(self, seen: Observation) -> Started | Ended | None:
        if seen.blind:
            # Neither motion nor quiet; a suspicion born of the light change dies with it.
            if self.phase is Phase.SUSPECT:
                self._forget()
            return None
        if self.moving:
            return self._while_moving(seen)
        return self._while_idle(seen)

    def interrupt(self) -> Ended | None:
        """The pictures stop (camera lost, parameters changed): what moved is over as far as one can tell."""
        ended = self._ended() if self.moving else None
        self._forget()
        return ended

    def _while_idle(self, seen: Observation) -> Started | None:
        if not seen.hit:
            self._misses += 1
            if self._hits and (self._misses >= 2 or seen.time_s - self._hits[0].time_s > SUSPECT_S):
                self._forget()
            return None
        self._misses = 0
        self._hits = [hit for hit in self._hits if seen.time_s - hit.time_s <= SUSPECT_S] + [seen]
        self.phase = Phase.SUSPECT
        if len(self._hits) < self.confirm_frames or not seen.followed:
            return None
        self._onset, self._last = self._hits[0], seen
        self._peak = max(hit.score for hit in self._hits)
        self._hits = []
        self.phase = Phase.MOVING
        return Started(self._onset.time_s, self._onset.wall_ms, seen)

    def _while_moving(self, seen: Observation) -> Ended | None:
        assert self._last is not None
        if seen.hit and seen.followed:
            self.phase, self._last = Phase.MOVING, seen
            self._peak = max(self._peak, seen.score)
            return None
        self.phase = Phase.QUIET
        if seen.time_s - self._last.time_s < self.quiet_s:
            return None
        ended = self._ended()
        self._forget()
        return ended

    def _ended(self) -> Ended:
        assert self._onset is not None
        assert self._last is not None
        return Ended(self._onset.wall_ms, self._last.time_s, self._last.wall_ms, min(1.0, self._peak))

    def _forget(self) -> None:
        self.phase = Phase.IDLE
        self._hits, self._misses = [], 0
        self._onset = self._last = None
        self._peak = 0.0
