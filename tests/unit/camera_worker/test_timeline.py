"""Timestamps as cameras send them, and what is made of them."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from vigilar_camera_worker.domain.packets import TICKS_PER_S, Packet, RawPacket
from vigilar_camera_worker.domain.timeline import Timeline

STEP = TICKS_PER_S // 10


def raw(dts: int | None, pts: int | None = None, video: bool = True) -> RawPacket:
    return RawPacket(video, False, dts if pts is None else pts, dts, STEP, b"x")


def placed(stamps: list[int | None], timeline: Timeline | None = None) -> list[Packet]:
    timeline = timeline or Timeline()
    return [
        timeline.place(raw(stamp), index / 10, 1_000_000 + index * 100) for index, stamp in enumerate(stamps)
    ]


def test_a_first_packet_without_a_timestamp_is_kept_and_stands_before_the_second() -> None:
    first, second, third = placed([None, STEP, 2 * STEP])
    assert (first.dts, second.dts, third.dts) == (0, STEP, 2 * STEP)


def test_time_begins_at_zero_wherever_the_camera_begins() -> None:
    assert [p.dts for p in placed([10**12, 10**12 + STEP])] == [0, STEP]


def test_a_restarted_camera_clock_is_bridged_without_a_jump() -> None:
    timeline = Timeline()
    got = placed([0, STEP, 2 * STEP, -(10**9), -(10**9) + STEP, 10**10], timeline)
    assert [p.dts for p in got] == [0, STEP, 2 * STEP, 3 * STEP, 4 * STEP, 5 * STEP]
    assert timeline.jumps == 2


def test_silence_that_really_lasted_stays_in_the_timeline() -> None:
    timeline = Timeline()
    timeline.place(raw(0), 0, 0)
    assert timeline.place(raw(30 * TICKS_PER_S), 30, 30_000).dts == 30 * TICKS_PER_S
    assert timeline.jumps == 0


def test_equal_and_falling_timestamps_become_rising_ones() -> None:
    assert [p.dts for p in placed([0, STEP, STEP, STEP - 10])] == [0, STEP, STEP + 1, STEP + 2]


def test_reordered_pictures_keep_their_distance() -> None:
    timeline = Timeline()
    timeline.place(raw(0), 0, 0)
    got = timeline.place(raw(STEP, pts=3 * STEP), 0.1, 0)
    assert got.pts - got.dts == 2 * STEP


def test_a_burst_after_a_network_hiccup_gets_the_wall_times_it_was_taken_at() -> None:
    timeline = Timeline()
    for index in range(50):
        timeline.place(raw(index * STEP), index / 10, index * 100)
    # Half a second of pictures arrives at once, late.
    got = [timeline.place(raw((50 + index) * STEP), 5.5, 5500).wall_ms for index in range(5)]
    assert all(abs(wall - (5000 + index * 100)) < 20 for index, wall in enumerate(got))


@given(st.lists(st.one_of(st.none(), st.integers(-(2**40), 2**40)), min_size=2, max_size=60))
def test_whatever_the_camera_sends_time_rises_and_never_runs_away(stamps: list[int | None]) -> None:
    got = placed(stamps)
    steps = [b.dts - a.dts for a, b in pairwise(got)]
    assert all(0 < step <= 10 * TICKS_PER_S for step in steps)
    assert all(p.pts >= p.dts and p.duration > 0 for p in got)
