"""When each packet came. A connection's first ones were sent while it was still being opened and wait in a buffer:
read at once they would all seem to come at that moment, and what is recorded would start too late on our clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from vigilar_common.clock import Clock

from vigilar_camera_worker.domain.packets import TICKS_PER_S, RawPacket

HOLD_S: Final = 1.0
HOLD_PACKETS: Final = 400
"""Longer than this no packet waits for the reader to catch up."""
WAITS: Final = 2
"""So many pictures must take half of their own time to come: one alone may be the scheduler's doing."""
LONG_WAIT_S: Final = 0.2
"""A read that took so long waited for the camera."""
MAX_AGE_S: Final = 10.0
"""Nothing is dated back by more: some servers send what they kept since the last keyframe."""
Arrived = tuple[RawPacket, float, int]
"""The packet, its arrival by the monotonic clock (s), the same moment in UTC (ms)."""


def arrivals(raws: Iterable[RawPacket], clock: Clock) -> Iterator[Arrived]:
    """Every packet with its arrival; the first ones are held until the reader has caught up with the camera."""
    source = iter(raws)
    held: list[Arrived] = []
    try:
        _hold(source, held, clock)
    finally:
        yield from _dated_back(held)
    for raw in source:
        yield raw, clock.monotonic_s(), clock.now_ms()


def _hold(source: Iterator[RawPacket], held: list[Arrived], clock: Clock) -> None:
    waits, before_s = 0, clock.monotonic_s()
    # RTSP leaves out the time of its first packet, which is 0.
    until_s, before_ticks = before_s + HOLD_S, 0
    for raw in source:
        now_s = clock.monotonic_s()
        first = not held
        held.append((raw, now_s, clock.now_ms()))
        took_s, before_s = now_s - before_s, now_s
        if took_s >= LONG_WAIT_S and not first:
            return
        if raw.video and not first:
            if raw.dts is None:
                return  # without timestamps nothing tells how old a picture is
            waits += 2 * took_s * TICKS_PER_S >= raw.dts - before_ticks
        before_ticks = (raw.dts or 0) if raw.video else before_ticks
        if waits >= WAITS or now_s >= until_s or len(held) >= HOLD_PACKETS:
            return


def _dated_back(held: list[Arrived]) -> Iterator[Arrived]:
    """By the quickest of each track: it waited least, and media time says how much earlier the others were sent."""
    quickest_s: dict[bool, float] = {}
    for raw, at_s, _ in held:
        if raw.dts is not None:
            lag_s = at_s - raw.dts / TICKS_PER_S
            quickest_s[raw.video] = min(lag_s, quickest_s.get(raw.video, lag_s))
    for raw, at_s, at_ms in held:
        sent_s = quickest_s.get(raw.video, at_s) + (raw.dts or 0) / TICKS_PER_S
        age_s = at_s - sent_s
        if not 0 < age_s <= MAX_AGE_S:
            yield raw, at_s, at_ms
        else:
            yield raw, sent_s, at_ms - round(age_s * 1000)
