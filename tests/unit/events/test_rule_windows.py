"""Time windows of rules: over midnight, by the sun, when clocks change, where the sun never sets, when a clock is set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rule_house import Bench, rule
from vigilar_common.almanac import Almanac
from vigilar_common.config.rule_words import window_of
from vigilar_events.domain.rule_tree import DAYLIGHT, NIGHT

VIENNA = Almanac("Europe/Vienna", 48.21, 16.37)
TROMSO = Almanac("Europe/Oslo", 69.65, 18.96)
HOUR_MS = 3_600_000


def at(text: str, zone: str = "Europe/Vienna", fold: int = 0) -> int:
    """A local time as UTC ms."""
    local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return round(local.timestamp() * 1000)


def is_open(almanac: Almanac, window: str, ms: int) -> bool:
    return almanac.span_at(window_of(window), ms) is not None


@pytest.mark.parametrize(
    ("window", "when", "wanted"),
    [
        ("22:00-06:00", "2026-03-10T21:59:59", False),
        ("22:00-06:00", "2026-03-10T22:00", True),
        ("22:00-06:00", "2026-03-11T05:59:59", True),
        ("22:00-06:00", "2026-03-11T06:00", False),
        ("08:00-17:00", "2026-03-11T12:00", True),
        ("mon-fri 22:00-06:00", "2026-03-14T03:00", True),  # Saturday morning: it began on Friday
        ("mon-fri 22:00-06:00", "2026-03-14T23:00", False),
        ("sat,sun 10:00-12:00", "2026-03-15T11:00", True),
        ("fri-mon 10:00-12:00", "2026-03-16T11:00", True),
        ("fri-mon 10:00-12:00", "2026-03-17T11:00", False),
    ],
)
def test_windows_of_the_clock(window: str, when: str, wanted: bool) -> None:
    assert is_open(VIENNA, window, at(when)) is wanted


def test_in_spring_a_time_that_the_clock_skips_counts_as_that_much_later() -> None:
    """2026-03-29: from 2:00 to 3:00."""
    assert not is_open(VIENNA, "02:30-04:00", at("2026-03-29T03:29"))
    assert is_open(VIENNA, "02:30-04:00", at("2026-03-29T03:31"))
    (begin, end) = VIENNA.edges(window_of("01:00-04:00"), at("2026-03-29T00:00"), at("2026-03-29T12:00"))
    assert end - begin == 2 * HOUR_MS


def test_in_autumn_a_window_opens_once_and_lasts_through_both_hours() -> None:
    """2026-10-25: 2:00 to 3:00 is there twice."""
    first, last = at("2026-10-25T00:00"), at("2026-10-25T12:00")
    (begin, end) = VIENNA.edges(window_of("01:00-02:30"), first, last)
    assert (begin, end) == (at("2026-10-25T01:00"), at("2026-10-25T02:30", fold=1))
    (begin, end) = VIENNA.edges(window_of("02:30-04:00"), first, last)
    assert end - begin == 2.5 * HOUR_MS


def test_a_rule_by_the_clock_fires_once_on_the_night_with_two_hours() -> None:
    bench = Bench(
        rule({"type": "time_window", "value": "02:15-06:00"}), now_ms=at("2026-10-25T01:00"),
        system={"timezone": "Europe/Vienna"},
    )  # fmt: skip
    assert len(bench.passes(6 * 3600, step_s=20)) == 1


def test_sunrise_and_sunset_are_those_of_the_place() -> None:
    """Vienna, 2026-06-21: 4:54 and 20:58, as almanacs print."""
    edges = VIENNA.edges(DAYLIGHT, at("2026-06-21T00:00"), at("2026-06-21T23:59"))
    (rise, fall) = edges
    assert abs(rise - at("2026-06-21T04:54")) < 2 * 60_000
    assert abs(fall - at("2026-06-21T20:58")) < 2 * 60_000
    assert is_open(VIENNA, "sunset-30m-sunrise+15m", at("2026-06-21T20:30"))
    assert not is_open(VIENNA, "sunset-30m-sunrise", at("2026-06-21T20:26"))
    assert is_open(VIENNA, "sunset-23:30", at("2026-06-21T23:29"))


@pytest.mark.parametrize(
    ("when", "down"),
    [
        ("2026-06-21T00:46", False),
        ("2026-06-21T12:00", False),
        ("2026-12-21T12:00", True),
        ("2026-12-21T00:00", True),
    ],
)
def test_in_the_polar_summer_it_is_never_night_and_in_the_polar_winter_always(when: str, down: bool) -> None:
    ms = at(when, "Europe/Oslo")
    assert (TROMSO.span_at(NIGHT, ms) is not None) is down
    assert (TROMSO.span_at(DAYLIGHT, ms) is not None) is not down


def test_no_rule_fires_at_midnight_because_the_polar_night_goes_on() -> None:
    place = {"latitude": TROMSO.latitude, "longitude": TROMSO.longitude}
    bench = Bench(
        rule({"type": "sun", "value": "down"}), now_ms=at("2026-12-10T01:00", "Europe/Oslo"), location=place,
        system={"timezone": "Europe/Oslo"},
    )  # fmt: skip
    assert bench.passes(3 * 86_400, step_s=29) == []


@settings(max_examples=60, deadline=None)
@given(
    st.floats(-89.5, 89.5),
    st.floats(-180, 180),
    st.integers(0, 364),
    st.integers(0, 23),
    st.sampled_from(["UTC", "Europe/Vienna", "Pacific/Auckland", "Pacific/Honolulu", "Asia/Kathmandu"]),
)
def test_anywhere_and_ever_it_is_either_day_or_night(
    latitude: float, longitude: float, day: int, hour: int, zone: str
) -> None:
    almanac = Almanac(zone, latitude, longitude)
    moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day, hours=hour)
    ms = round(moment.timestamp() * 1000)
    by_day, by_night = almanac.span_at(DAYLIGHT, ms), almanac.span_at(NIGHT, ms)
    assert (by_day is None) is not (by_night is None)


def test_a_window_that_opens_fires_once_and_its_firing_is_the_same_however_often_it_is_looked_at() -> None:
    bench = Bench(rule({"type": "time_window", "value": "22:00-06:00"}), now_ms=at("2026-03-10T21:00", "UTC"))
    (firing,) = bench.passes(2 * 3600, step_s=7)
    assert firing.cause_id == f"time:{at('2026-03-10T22:00', 'UTC')}"


def test_a_clock_that_is_set_past_the_beginning_fires_nothing_and_one_set_back_nothing_twice() -> None:
    bench = Bench(rule({"type": "time_window", "value": "22:00-06:00"}), now_ms=at("2026-03-10T21:00", "UTC"))
    bench.clock.jump_wall(2 * 3600)
    assert bench.passes(60) == [], "the window opened an hour ago"
    bench.clock.jump_wall(-3700)
    assert len(bench.passes(600)) == 1
    bench.clock.jump_wall(-900)
    assert bench.passes(1800) == [], "it fired for this night"
    assert bench.engine.counters["repeated"] == 1


def test_a_service_that_starts_seconds_after_the_beginning_still_acts() -> None:
    window = rule({"type": "time_window", "value": "22:00-06:00"})
    assert len(Bench(window, now_ms=at("2026-03-10T22:00:20", "UTC")).passes(3)) == 1
    assert Bench(window, now_ms=at("2026-03-10T22:00:40", "UTC")).passes(3) == []


def test_a_window_is_a_condition_for_what_happens_in_it() -> None:
    bench = Bench(
        rule({"type": "time_window", "value": "22:00-06:00"}, {"type": "camera_motion", "camera_id": "yard"}),
        now_ms=at("2026-03-10T21:59:50", "UTC"),
    )
    assert not bench.fires(bench.facts.motion("yard"))
    assert bench.passes(12) == []
    assert bench.fires(bench.facts.motion("yard"))
