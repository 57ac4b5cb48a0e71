"""What has to go and when: pure rules on a clock that a test sets."""

from __future__ import annotations

import pytest
from vigilar_common.config.health import Health
from vigilar_common.messages.system import DiskUsage
from vigilar_common.testing import FakeClock
from vigilar_storage import forecast, limits, pruning
from vigilar_storage.clock_trust import FIRST_STABLE_S, STABLE_S, ClockTrust
from vigilar_storage.forecast import CameraForecast
from vigilar_storage.pruning import GB, Limits

HOUR_S, DAY_S = 3_600.0, 86_400.0
START_MS = 1_780_000_000_000


def disk(used_pct: float, total: int = 1000 * GB) -> DiskUsage:
    used = round(total * used_pct / 100)
    return DiskUsage(
        path="/r", total_bytes=total, used_bytes=used, free_bytes=total - used, used_pct=used_pct
    )


class Watched:
    """A clock looked at every half minute, as the housekeeper does."""

    def __init__(self, witness_ms: int = START_MS, now_ms: int = START_MS + 60_000) -> None:
        self.clock = FakeClock(now_ms)
        self.trust = ClockTrust(witness_ms, now_ms, self.clock.monotonic_s())
        self.newest_ms = 0
        self.confirmed_ms = 0

    def look(self) -> str:
        return self.trust.look(
            self.clock.now_ms(), self.clock.monotonic_s(), self.newest_ms, self.confirmed_ms
        )

    def after(self, seconds: float) -> str:
        doubt = self.look()
        for _ in range(round(seconds / 30)):
            self.clock.advance(30)
            doubt = self.look()
        return doubt


# -- the clock ------------------------------------------------------------------------------------------------


def test_a_restart_after_a_minute_is_believed_at_once() -> None:
    assert Watched().look() == ""


def test_a_clock_that_was_never_set_is_not_believed_however_long_it_runs() -> None:
    house = Watched(witness_ms=0, now_ms=60_000)
    assert "never set" in house.after(3 * HOUR_S)


def test_the_clock_of_1970_set_right_by_the_network_is_believed_after_ten_minutes() -> None:
    house = Watched(now_ms=60_000)
    house.after(300)
    house.clock.jump_wall((START_MS + 5 * HOUR_S * 1000) / 1000 - 360)
    assert house.look() != ""
    assert house.after(FIRST_STABLE_S + 60) == ""


def test_a_jump_of_ten_years_is_never_believed_by_waiting() -> None:
    house = Watched()
    house.after(HOUR_S)
    house.clock.jump_wall(10 * 365 * DAY_S)
    assert "ahead" in house.after(2 * DAY_S)


def test_a_start_with_a_clock_ten_years_ahead_is_not_believed() -> None:
    assert "ahead" in Watched(now_ms=START_MS + 10 * 365 * 86_400_000).after(DAY_S)


def test_once_a_wrong_clock_is_right_again_it_is_believed_at_once() -> None:
    house = Watched()
    house.after(HOUR_S)
    house.clock.jump_wall(10 * 365 * DAY_S)
    house.after(HOUR_S)
    house.clock.jump_wall(-10 * 365 * DAY_S)
    assert house.look() == ""


def test_the_operator_can_say_that_the_time_is_right() -> None:
    house = Watched(now_ms=START_MS + 90 * 86_400_000)
    assert house.look() != ""
    house.confirmed_ms = house.clock.now_ms()
    assert house.look() == ""
    house.confirmed_ms = 0
    assert house.after(600) == ""


def test_a_confirmation_of_another_time_confirms_nothing() -> None:
    house = Watched(now_ms=START_MS + 90 * 86_400_000)
    house.confirmed_ms = START_MS
    assert house.look() != ""


def test_a_jump_of_two_hours_is_believed_after_an_hour_of_steady_time() -> None:
    house = Watched()
    house.after(HOUR_S)
    house.clock.jump_wall(2 * HOUR_S)
    assert house.after(STABLE_S - 120) != ""
    assert house.after(300) == ""


def test_another_jump_starts_the_wait_again() -> None:
    house = Watched()
    house.clock.advance(30)
    house.look()
    house.clock.jump_wall(2 * HOUR_S)
    house.after(STABLE_S - 120)
    house.clock.jump_wall(2 * HOUR_S)
    assert house.after(STABLE_S - 120) != ""


def test_a_clock_set_back_a_day_is_not_believed_while_recordings_are_newer_than_now() -> None:
    house = Watched()
    house.newest_ms = house.clock.now_ms()
    house.look()
    house.clock.jump_wall(-DAY_S)
    assert "newer than now" in house.after(3 * HOUR_S)
    assert house.after(22 * HOUR_S) == ""


def test_many_small_steps_do_not_carry_the_clock_away() -> None:
    house = Watched()
    doubts = []
    for _ in range(40):
        house.clock.advance(30)
        house.clock.jump_wall(600)
        doubts.append(house.look())
    assert doubts[0] == ""
    assert all(doubts[10:])


def test_corrections_of_seconds_disturb_nothing() -> None:
    house = Watched()
    for step in (2, -3, 30, -20):
        house.clock.jump_wall(step)
        assert house.after(600) == ""


def test_a_house_that_was_off_for_a_weekend_goes_on_after_ten_minutes() -> None:
    house = Watched(now_ms=START_MS + 3 * 86_400_000)
    assert house.look() != ""
    assert house.after(FIRST_STABLE_S + 30) == ""


# -- space ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("used_pct", "stored_gb", "health", "force", "policy"),
    [
        (94.9, 900, {}, Limits(), None),
        (95, 900, {}, Limits(), "disk_critical"),
        (99, 900, {"auto_prune": False}, Limits(), None),
        (50, 300, {}, Limits(), None),
        (50, 300, {}, Limits(max_bytes=200 * GB), "max_disk_usage"),
        (50, 200, {}, Limits(max_bytes=200 * GB), None),
        (50, 300, {"auto_prune": False}, Limits(max_bytes=200 * GB), "max_disk_usage"),
        (94, 300, {}, Limits(floor_bytes=100 * GB), "free_space_floor"),
        (90, 300, {}, Limits(floor_bytes=100 * GB), None),
    ],
)
def test_pruning_begins_only_for_a_reason(
    used_pct: float, stored_gb: int, health: dict[str, bool], force: Limits, policy: str | None
) -> None:
    need = pruning.begins(disk(used_pct), stored_gb * GB, Health(**health), force)
    assert (need.policy if need else None) == policy


def test_pruning_for_percentages_goes_on_to_the_target() -> None:
    need = pruning.begins(disk(96), 0, Health(), Limits())
    assert need
    assert pruning.goes_on(need, disk(80), 0, Health(), Limits())
    assert not pruning.goes_on(need, disk(79.9), 0, Health(), Limits())


def test_pruning_for_a_limit_ends_at_the_limit() -> None:
    force = Limits(max_bytes=200 * GB)
    need = pruning.begins(disk(50), 300 * GB, Health(), force)
    assert need
    assert pruning.goes_on(need, disk(50), 201 * GB, Health(), force)
    assert not pruning.goes_on(need, disk(50), 200 * GB, Health(), force)


def test_deleting_frees_also_while_cameras_write() -> None:
    assert pruning.frees(100, free_before=10, free_after=60, written_bytes=0)
    assert not pruning.frees(100, free_before=10, free_after=59, written_bytes=0)
    assert pruning.frees(100, free_before=10, free_after=40, written_bytes=80)
    assert not pruning.frees(100, free_before=10, free_after=10, written_bytes=800)


def test_a_disk_that_fills_quickly_is_looked_at_sooner() -> None:
    growth = pruning.Growth()
    for second in range(0, 60, 10):
        growth.note(float(second), second * GB)
    assert growth.bytes_per_s == GB
    assert pruning.next_check_s(disk(50), Health(), 0) == pruning.CHECK_S
    assert pruning.next_check_s(disk(93), Health(), growth.bytes_per_s) == 10
    assert pruning.next_check_s(disk(94.99), Health(), growth.bytes_per_s) == pruning.SOON_S


# -- limits ---------------------------------------------------------------------------------------------------


def test_limits_hold_only_with_the_values_that_were_confirmed() -> None:
    wanted = {"max_disk_usage_gb": 50.0, "free_space_floor_gb": 5.0}
    assert limits.in_force(wanted, {}) == Limits()
    assert limits.in_force(wanted, wanted) == Limits(50 * GB, 5 * GB)
    assert limits.in_force(wanted, {**wanted, "max_disk_usage_gb": 60.0}) == Limits(0, 5 * GB)
    assert limits.in_force({}, wanted) == Limits()


def test_a_limit_that_is_not_confirmed_is_told_and_the_shipped_values_are_not() -> None:
    found = limits.finding({"max_disk_usage_gb": 50.0, "free_space_floor_gb": 10.0}, {})
    assert found
    assert "max_disk_usage_gb = 50" in found.title
    assert "floor" not in found.title
    assert limits.finding({"max_disk_usage_gb": 200.0}, {}) is None
    assert limits.finding({"max_disk_usage_gb": 50.0}, {"max_disk_usage_gb": 50.0}) is None


# -- forecast -------------------------------------------------------------------------------------------------


def test_one_unusual_day_does_not_move_the_daily_rate() -> None:
    usual = dict.fromkeys(range(7), 10 * GB)
    assert forecast.daily_bytes(usual, 30) == (10 * GB, 7.0)
    assert forecast.daily_bytes({**usual, 3: 500 * GB}, 30)[0] == 10 * GB


def test_a_camera_of_half_a_day_is_scaled_and_one_of_an_hour_is_not_judged() -> None:
    assert forecast.daily_bytes({0: 5 * GB}, 0.5)[0] == 10 * GB
    assert forecast.daily_bytes({0: 5 * GB}, 0.04)[0] == 0


def test_days_until_full_are_room_by_rate() -> None:
    assert forecast.days_until(25 * GB, [CameraForecast("a", 10 * GB, 7, 30)]) == 2.5


def test_where_retention_keeps_pace_the_disk_never_fills() -> None:
    kept = dict.fromkeys(range(30), 10 * GB)
    assert forecast.days_until(5 * GB, [CameraForecast("a", 10 * GB, 7, 30, kept)]) is None


def test_a_full_disk_is_full_now_and_no_camera_never_fills_one() -> None:
    assert forecast.days_until(0, []) == 0
    assert forecast.days_until(GB, []) is None


def test_how_many_days_fit_follows_from_the_room_and_what_each_camera_writes_and_keeps() -> None:
    def camera(name: str, rate: int, days: int) -> CameraForecast:
        return CameraForecast(name, rate * GB, 7, days)

    one = [camera("front", 10, 30)]
    assert forecast.days_kept(100 * GB, one) == 10
    assert forecast.days_kept(300 * GB, one) is None, "its setting ends it first"
    # Both for five days take 100 GB, then front alone.
    two = [camera("front", 10, 30), camera("yard", 10, 5)]
    assert forecast.days_kept(150 * GB, two) == 10
    assert forecast.days_kept(80 * GB, two) == 4
    assert forecast.days_kept(-5, two) == 0
    assert forecast.days_kept(10 * GB, [camera("idle", 0, 30)]) is None
