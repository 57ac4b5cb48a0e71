"""How many wrong PINs are evaluated, whatever the guesser does."""

from __future__ import annotations

import json
import random

import pytest
from vigilar_common.testing import FakeClock
from vigilar_events.domain.limiter import Limiter


def _restart(limiter: Limiter, clock: FakeClock) -> Limiter:
    return Limiter(clock.monotonic_s(), json.loads(json.dumps(limiter.kept())))


def _campaign(seed: int, attempts: int, sources: int, hours: float, restart_every: int) -> list[float]:
    """When guesses were evaluated, in seconds; bursts, restarts and jumps of the wall clock included."""
    rng, clock = random.Random(seed), FakeClock()
    limiter, start_s, evaluated = Limiter(clock.monotonic_s()), clock.monotonic_s(), []
    pause_s = hours * 3600 / attempts
    for number in range(attempts):
        pool = rng.choice(("session", "outside"))
        source = f"{pool}-{rng.randrange(sources)}"
        if limiter.wait_s(pool, source, clock.monotonic_s()) == 0:
            limiter.begin(pool, source, clock.monotonic_s())
            evaluated.append(clock.monotonic_s() - start_s)
        if number % restart_every == 0:
            limiter = _restart(limiter, clock)
        if number % 997 == 0:
            clock.jump_wall(rng.choice((-86_400.0, 3_600.0, 315_360_000.0)))
        if rng.random() < 0.5:  # bursts: half the attempts come at once
            clock.advance(pause_s * 2)
    return evaluated


def test_100000_attempts_of_1000_sources_stay_within_20_an_hour_and_100_a_day() -> None:
    evaluated = _campaign(seed=1, attempts=100_000, sources=1000, hours=24, restart_every=500)
    assert 10 < sum(at_s < 3600 for at_s in evaluated) <= 20
    assert 60 < sum(at_s < 86_400 for at_s in evaluated) <= 100


def test_no_hour_at_all_sees_more_than_20_and_no_day_more_than_100() -> None:
    evaluated = _campaign(seed=2, attempts=20_000, sources=50, hours=72, restart_every=97)
    for start_s in evaluated:
        assert sum(start_s <= at_s < start_s + 3600 for at_s in evaluated) <= 20
        assert sum(start_s <= at_s < start_s + 86_400 for at_s in evaluated) <= 100


def test_five_wrong_pins_make_a_source_wait_longer_and_longer() -> None:
    clock = FakeClock()
    limiter = Limiter(clock.monotonic_s())
    waits = []
    for _ in range(8):
        clock.advance(limiter.wait_s("session", "anna", clock.monotonic_s()))
        limiter.begin("session", "anna", clock.monotonic_s())
        waits.append(limiter.wait_s("session", "anna", clock.monotonic_s()))
    assert waits == [0, 0, 0, 0, 60, 120, 240, 480]


def test_a_guesser_outside_does_not_lock_out_who_is_logged_in() -> None:
    clock = FakeClock()
    limiter = Limiter(clock.monotonic_s())
    for number in range(10):
        limiter.begin("outside", f"source-{number}", clock.monotonic_s())
    assert limiter.wait_s("outside", "another", clock.monotonic_s()) > 3000
    assert limiter.wait_s("session", "anna", clock.monotonic_s()) == 0


def test_a_right_pin_costs_nothing_but_wrong_ones_before_it_still_count_for_the_pool() -> None:
    clock = FakeClock()
    limiter = Limiter(clock.monotonic_s())
    for _ in range(200):
        limiter.begin("session", "anna", clock.monotonic_s())
        limiter.right("session", "anna")
    assert limiter.wait_s("session", "anna", clock.monotonic_s()) == 0
    for _ in range(4):
        limiter.begin("session", "anna", clock.monotonic_s())
    limiter.begin("session", "anna", clock.monotonic_s())
    limiter.right("session", "anna")
    assert limiter.wait_s("session", "anna", clock.monotonic_s()) == 0, "her own count starts afresh"
    for _ in range(6):
        limiter.begin("session", "other", clock.monotonic_s())
    assert limiter.wait_s("session", "anna", clock.monotonic_s()) > 0, "the pool has seen ten wrong ones"


def test_a_guess_counts_before_its_hash_is_computed() -> None:
    clock = FakeClock()
    limiter = Limiter(clock.monotonic_s())
    for _ in range(5):
        limiter.begin("outside", "ha", clock.monotonic_s())
        limiter = _restart(limiter, clock)  # killed while hashing
    assert limiter.wait_s("outside", "ha", clock.monotonic_s()) > 0


def test_time_while_the_service_is_down_gives_no_guess_back() -> None:
    clock = FakeClock()
    limiter = Limiter(clock.monotonic_s())
    for number in range(10):
        limiter.begin("outside", str(number), clock.monotonic_s())
    kept = limiter.kept()
    clock.advance(86_400 * 2)
    assert Limiter(clock.monotonic_s(), kept).wait_s("outside", "x", clock.monotonic_s()) == 3600


def test_the_file_stays_small_and_impossible_ones_are_refused() -> None:
    clock = FakeClock()
    limiter = Limiter(clock.monotonic_s())
    for number in range(100_000):
        source = "s" * 200 + str(number)
        if limiter.wait_s("outside", source, clock.monotonic_s()) == 0:
            limiter.begin("outside", source, clock.monotonic_s())
        clock.advance(30)
    assert len(json.dumps(limiter.kept())) < 10_000
    for bad in (
        {},
        {"time_s": 1, "guesses": [[2, "outside", ""]]},
        {"time_s": 1, "guesses": [[0, "web", ""]]},
    ):
        with pytest.raises(ValueError):
            Limiter(0.0, bad)


def test_a_damaged_file_counts_as_an_hour_of_guesses() -> None:
    limiter = Limiter.exhausted(0.0)
    assert limiter.wait_s("session", "anna", 0.0) == 3600
    assert limiter.wait_s("session", "anna", 3600.0) == 0
