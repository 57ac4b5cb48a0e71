"""How many frames a second are looked at."""

from __future__ import annotations

from typing import Final

MAX_MOTION_FPS: Final = 5.0
"""More than this finds nothing more (docs: performance) and costs; `motion_fps` bounds it from above."""


MAX_SUSPECT_FPS: Final = 10.0
"""For the second or so in which a suspicion is confirmed or dropped."""


class FpsGovernor:
    """Says for each frame whether it is looked at. ``idle_fps`` and ``motion_fps`` are upper bounds."""

    def __init__(self, idle_fps: float, motion_fps: float) -> None:
        self._idle_s = 1 / idle_fps
        # While something moves one never looks less often than while nothing does.
        self._motion_s = min(self._idle_s, 1 / min(motion_fps, MAX_MOTION_FPS))
        self._suspect_s = min(self._motion_s, 1 / min(motion_fps, MAX_SUSPECT_FPS))
        self._last_s: float | None = None

    def due(self, time_s: float, active: bool, *, suspect: bool = False) -> bool:
        """``time_s`` is media time; True at most as often as the rate allows."""
        interval_s = self._suspect_s if suspect else self._motion_s if active else self._idle_s
        # A millisecond of tolerance: timestamps are rounded, and 15 fps must give 5 fps, not 3.75.
        if self._last_s is not None and 0 <= time_s - self._last_s < interval_s - 0.001:
            return False
        self._last_s = time_s
        return True

    def restart(self) -> None:
        """The next frame is looked at, whatever its time."""
        self._last_s = None

    def next_due_s(self, active: bool) -> float:
        """Media time before which no further frame is looked at."""
        return 0.0 if self._last_s is None else self._last_s + (self._motion_s if active else self._idle_s)

    @property
    def idle_interval_s(self) -> float:
        """How late an onset may be noticed while nothing moves."""
        return self._idle_s


BURST_S: Final = 0.4
"""At five looks a second that is three: the keyframe and two more."""
ENOUGH_HITS: Final = 1
"""Looks of one GOP that show what moved before: it goes on, more of them say the same."""
LONGEST_GOP_S: Final = 2.5
LATE_KEYFRAME_S: Final = 0.25
"""A keyframe that has not come this long after it was expected is not waited for any longer."""


class DecodePlan:
    """Which packets need to be decoded at all.

    While motion is confirmed one only needs to know whether it goes on: the first part of each GOP tells that,
    and the rest of the GOP can be left out safely, because nothing refers back beyond the next keyframe. With long
    GOPs, or where a camera's keyframes turn out not to be clean starts, everything is decoded.
    """

    def __init__(self) -> None:
        self._key_s: float | None = None
        self._gop_s = 0.0
        self._left_out = False
        self._trusted = True

    def wanted(self, time_s: float, key: bool, moving: bool, hits: int = 0) -> bool:
        """For every video packet in order; ``time_s`` is media time. ``hits``: looks since the keyframe that showed
        motion; with enough of them the rest of the GOP is left out."""
        if key:
            if self._key_s is not None:
                self._gop_s = time_s - self._key_s
            self._key_s = time_s
            self._left_out = False
            return True
        if self._left_out:
            return False
        if not (moving and self._trusted and 0 < self._gop_s <= LONGEST_GOP_S and self._key_s is not None):
            return True
        self._left_out = time_s - self._key_s > BURST_S + 0.001 or hits >= ENOUGH_HITS
        return not self._left_out

    @property
    def goes_on_s(self) -> float:
        """Media time of the next packet that is wanted, as far as one can tell; 0: the next one."""
        return self._key_s + self._gop_s if self._left_out and self._key_s is not None else 0.0

    def can_wait(self, time_s: float, next_due_s: float) -> bool:
        """Whether this packet need not be decoded yet: nothing is to be looked at before the next keyframe, which
        makes it superfluous. The caller keeps it, in case the keyframe does not come."""
        if not (self._trusted and self._gop_s > 0 and self._key_s is not None):
            return False
        expected_s = self._key_s + self._gop_s
        return next_due_s >= expected_s and time_s < expected_s + LATE_KEYFRAME_S

    def distrust(self) -> None:
        """A picture came out damaged although everything since its keyframe was decoded."""
        self._trusted = False
