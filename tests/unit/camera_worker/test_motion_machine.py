"""When motion begins and ends."""

from __future__ import annotations

from vigilar_camera_worker.domain.governor import DecodePlan, FpsGovernor
from vigilar_camera_worker.domain.motion import Ended, MotionMachine, Observation, Phase, Started


def seen(time_s: float, area_px: int = 0, score: float = 0.01, blind: bool = False) -> Observation:
    return Observation(time_s, round(time_s * 1000), score if area_px else 0.0, area_px, blind=blind)


def run(machine: MotionMachine, observations: list[Observation]) -> list[Started | Ended]:
    return [result for item in observations if (result := machine.observe(item)) is not None]


def test_one_frame_is_no_motion() -> None:
    machine = MotionMachine()
    assert run(machine, [seen(0), seen(0.5, 900), seen(1), seen(1.5), seen(2)]) == []
    assert machine.phase is Phase.IDLE


def test_two_frames_confirm_and_the_onset_is_the_first() -> None:
    machine = MotionMachine()
    (started,) = run(machine, [seen(0), seen(0.5, 900), seen(0.7, 1200)])
    assert isinstance(started, Started)
    assert (started.onset_s, started.onset_ms, started.seen.area_px) == (0.5, 500, 1200)


def test_a_frame_missed_in_between_does_not_hide_a_motion() -> None:
    assert len(run(MotionMachine(), [seen(0.5, 900), seen(0.7), seen(0.9, 900)])) == 1


def test_two_specks_far_apart_are_no_motion() -> None:
    assert run(MotionMachine(), [seen(0, 900), seen(3, 900), seen(6, 900)]) == []


def test_it_ends_after_the_quiet_time_at_the_last_frame_that_showed_it() -> None:
    machine = MotionMachine(quiet_s=5)
    frames = [seen(0, 900), seen(0.2, 900, score=0.3), seen(1, 900)] + [
        seen(1 + n * 0.2) for n in range(1, 40)
    ]
    started, ended = run(machine, frames)
    assert isinstance(started, Started)
    assert isinstance(ended, Ended)
    assert (ended.last_s, ended.started_ms, ended.peak_score) == (1, 0, 0.3)
    assert not machine.active


def test_a_pause_shorter_than_the_quiet_time_is_one_motion() -> None:
    machine = MotionMachine(quiet_s=5)
    frames = (
        [seen(0, 900), seen(0.2, 900)]
        + [seen(t / 5) for t in range(2, 20)]
        + [seen(4.2, 900), seen(4.4, 900)]
    )
    assert len(run(machine, frames)) == 1


def test_a_light_change_neither_starts_nor_ends_motion() -> None:
    machine = MotionMachine(quiet_s=2)
    assert run(machine, [seen(0, 900), seen(0.2, blind=True), seen(0.4, 900)]) == []
    assert run(machine, [seen(0.6, 900)]) != []
    assert run(machine, [seen(3, blind=True), seen(6, blind=True)]) == []
    assert machine.moving


def test_a_lost_camera_ends_the_motion() -> None:
    machine = MotionMachine()
    run(machine, [seen(0, 900), seen(0.2, 900)])
    ended = machine.interrupt()
    assert ended is not None
    assert ended.last_s == 0.2
    assert machine.interrupt() is None


def looked_at(governor: FpsGovernor, fps: float, seconds: float, active: bool) -> int:
    return sum(governor.due(index / fps, active) for index in range(round(fps * seconds)))


def test_idle_and_motion_rates_are_upper_bounds() -> None:
    assert 18 <= looked_at(FpsGovernor(2, 30), fps=15, seconds=10, active=False) <= 20
    assert looked_at(FpsGovernor(2, 30), fps=15, seconds=10, active=True) == 50
    assert looked_at(FpsGovernor(2, 3), fps=15, seconds=10, active=True) <= 30
    assert looked_at(FpsGovernor(30, 60), fps=15, seconds=10, active=False) == 150


def test_a_slow_camera_is_looked_at_whenever_it_sends() -> None:
    assert looked_at(FpsGovernor(2, 30), fps=1, seconds=10, active=False) == 10


def decoded(plan: DecodePlan, gop: int, moving: bool, frames: int = 90, start: int = 0) -> list[int]:
    return [n for n in range(start, start + frames) if plan.wanted(n / 15, n % gop == 0, moving)]


def test_while_nothing_moves_everything_is_decoded() -> None:
    assert decoded(DecodePlan(), gop=30, moving=False) == list(range(90))


def test_in_motion_only_the_first_part_of_each_gop_is_decoded_and_never_across_a_hole() -> None:
    plan = DecodePlan()
    decoded(plan, gop=30, moving=False, frames=31)
    got = decoded(plan, gop=30, moving=True, frames=89, start=31)
    assert len(got) < 35
    for number in got:
        assert all(before in got for before in range(max(31, number - number % 30), number))
    assert {60, 90} <= set(got)


def test_while_no_look_shows_what_moves_each_gop_gives_three_within_half_a_second() -> None:
    plan = DecodePlan()
    for key in range(0, 300 * 180_000, 180_000):
        assert plan.wanted(key / 90_000, True, key > 0)
        moving = key > 180_000
        looks = [plan.wanted((key + ticks) / 90_000, False, moving) for ticks in range(6000, 174_001, 6000)]
        assert looks == [True] * 6 + [not moving] * 23


def test_when_motion_ends_inside_a_hole_decoding_goes_on_at_the_next_keyframe() -> None:
    plan = DecodePlan()
    decoded(plan, gop=30, moving=False, frames=31)
    decoded(plan, gop=30, moving=True, frames=19, start=31)
    assert decoded(plan, gop=30, moving=False, frames=40, start=50) == list(range(60, 90))


def test_long_gops_and_distrusted_keyframes_are_decoded_whole() -> None:
    long = DecodePlan()
    decoded(long, gop=60, moving=False, frames=61)
    assert len(decoded(long, gop=60, moving=True, frames=59, start=61)) == 59
    distrusted = DecodePlan()
    decoded(distrusted, gop=30, moving=False, frames=31)
    distrusted.distrust()
    assert len(decoded(distrusted, gop=30, moving=True, frames=29, start=31)) == 29
