"""Timestamps as cameras send them, and what is made of them."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import pytest
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


def test_pictures_out_of_order_are_shown_when_they_were_taken_although_the_first_come_without_order() -> None:
    """As FFmpeg tells two B-frames over RTSP: it learns their order from the first few."""
    sent = [(None, None), (3, 3), (1, None), (2, 1), (6, 2), (4, 4), (5, 5), (9, 6), (7, 7), (8, 8), (12, 9)]
    timeline = Timeline()
    got = [
        timeline.place(
            RawPacket(
                True, False, None if p is None else p * STEP, None if d is None else d * STEP, STEP, b"x"
            ),
            index / 10,
            0,
        )
        for index, (p, d) in enumerate(sent)
    ]
    assert [p.pts // STEP for p in got[4:]] == [6, 4, 5, 9, 7, 8, 12]
    assert all(later.dts > earlier.dts for earlier, later in pairwise(got))
    assert timeline.jumps == 0


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


@pytest.mark.parametrize("bits", [32, 33])
def test_a_wrapped_counter_is_no_jump_and_costs_no_tick(bits: int) -> None:
    timeline = Timeline()
    first = (1 << bits) - 3 * STEP - 7
    stamps = [(first + index * STEP) % (1 << bits) for index in range(8)]
    assert [p.dts for p in placed(list(stamps), timeline)] == [index * STEP for index in range(8)]
    assert (timeline.jumps, timeline.wraps) == (0, 1)


def test_a_jump_of_the_cameras_clock_moves_sound_and_pictures_by_the_same_amount() -> None:
    timeline = Timeline()
    jump = -3600 * TICKS_PER_S
    got: dict[bool, list[int]] = {True: [], False: []}
    for index in range(40):
        moved = jump if index >= 20 else 0
        now_s = index / 10
        video = timeline.place(raw(index * STEP + moved), now_s, 0)
        # Sound is 30 ms ahead of the picture that comes with it, and sent after it.
        sound = timeline.place(raw(index * STEP + moved + 2700, video=False), now_s, 0)
        got[True].append(video.dts)
        got[False].append(sound.dts)
    apart = {sound - video for video, sound in zip(got[True], got[False], strict=True)}
    assert apart == {got[False][0] - got[True][0]}
    assert timeline.jumps == 2


def test_the_first_timestamp_after_none_at_all_is_where_time_stands() -> None:
    timeline = Timeline()
    assert [p.dts for p in placed([None, None, 10**12, 10**12 + STEP], timeline)] == [
        0,
        STEP * 10 // 15,
        STEP * 20 // 15,
        STEP * 20 // 15 + STEP,
    ]
    assert timeline.jumps == 0


@pytest.mark.parametrize("ppm", [-400.0, 0.0, 150.0])
def test_drift_is_measured_through_jitter_and_wall_times_follow_our_clock(ppm: float) -> None:
    timeline, chance = Timeline(), random.Random(3)
    packet = None
    for index in range(4000):  # 400 s
        taken_s = index / 10
        stamp = round(taken_s * (1 + ppm / 1e6) * TICKS_PER_S)
        late_s = chance.expovariate(1 / 0.02)
        now_s = taken_s + late_s
        packet = timeline.place(raw(stamp), now_s, round(now_s * 1000))
        if index > 100:
            assert abs(packet.wall_ms - taken_s * 1000) < 150 + late_s * 1000
    measured = timeline.clocks.drift_ppm
    assert measured is not None
    assert abs(measured - ppm) < 20


def test_both_clocks_are_kept() -> None:
    timeline = Timeline()
    assert timeline.place(raw(0), 0, 1_000_000).wall_ms == 1_000_000
    assert timeline.clocks.offset_ms is None
    timeline.place(replace(raw(STEP), camera_ms=1_003_100), 0.1, 1_000_100)
    clocks = timeline.clocks
    assert (clocks.arrival_ms, clocks.camera_ms, clocks.offset_ms) == (1_000_100, 1_003_100, 3_000)
    assert clocks.drift_ppm is None, "a tenth of a second measures nothing"
    assert clocks.metadata() == {
        "arrival_ms": 1_000_100,
        "camera_ms": 1_003_100,
        "offset_ms": 3_000,
        "drift_ppm": None,
        "jumps": 0,
    }
