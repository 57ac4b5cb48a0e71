"""A guesser with a thousand names, bursts, restarts and clocks that jump, against the whole of arming but the hash itself."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from alarm_house import House, hash_of

HOUR_S, DAY_S = 3600.0, 86_400.0
YEARS_S = 10 * 365 * DAY_S
RECOVERY = "correct horse battery"
PIN = "5730"
OUTSIDE = ("home_automation",)


class Guesser:
    """`evaluated`: when a PIN was hashed, in seconds of the clock that never jumps."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.rng = random.Random(seed)
        security = {"recovery_passphrase_hash": hash_of(RECOVERY)}
        self.house = House(folder, PIN, {"security": security})
        self.start_s = self.house.clock.monotonic_s()
        self.evaluated: list[float] = []

    def guesses(self, attempts: int, sources: int, hours: float, senders: tuple[str, ...]) -> None:
        """Wrong PINs of many sources, half of them at once; every so often a restart or a jump of the wall clock."""
        rng, house = self.rng, self.house
        pause_s = hours * HOUR_S / attempts
        for number in range(attempts):
            before = house.hashed
            pin = f"{rng.randrange(10_000):04}"
            wrong = pin if pin != PIN else "0000"
            reply = house.ask("DISARM", wrong, rng.choice(senders), f"user-{rng.randrange(sources)}")
            assert reply.code in ("wrong_pin", "too_many_tries")
            if house.hashed > before:
                assert house.hashed == before + 1
                self.evaluated.append(house.clock.monotonic_s() - self.start_s)
            if number % 1_009 == 0:
                house.restart()
            if number % 997 == 0:
                house.clock.jump_wall(rng.choice((-DAY_S, HOUR_S, YEARS_S, -YEARS_S / 20)))
            if rng.random() < 0.5:
                house.clock.advance(pause_s * 2)

    def judge(self) -> None:
        for start_s in self.evaluated:
            assert sum(start_s <= at_s < start_s + HOUR_S for at_s in self.evaluated) <= 20
            assert sum(start_s <= at_s < start_s + DAY_S for at_s in self.evaluated) <= 100
        first = sum(at_s < HOUR_S for at_s in self.evaluated)
        print(f"\n{len(self.evaluated)} evaluated, {first} in the first hour")


@pytest.fixture
def guesser(tmp_path: Path) -> Guesser:
    return Guesser(tmp_path, seed=11)


def test_over_a_thousand_attempts_in_a_day_get_20_guesses_an_hour_and_100_a_day(guesser: Guesser) -> None:
    guesser.guesses(1_500, 1_000, 24, ("web", *OUTSIDE))
    guesser.judge()
    assert len(guesser.evaluated) > 50, "the limiter lets guesses pass at all"


@pytest.mark.slow
def test_100000_attempts_of_1000_sources_get_20_guesses_an_hour_and_100_a_day(guesser: Guesser) -> None:
    guesser.guesses(100_000, 1_000, 24, ("web", *OUTSIDE))
    guesser.judge()
    assert len(guesser.evaluated) > 50, "time passes for who waits, kills or not"


def test_a_guesser_outside_never_locks_out_the_owner_who_is_logged_in(guesser: Guesser) -> None:
    guesser.guesses(1_000, 1_000, 1, OUTSIDE)
    assert guesser.house.ask("ARM_AWAY", PIN, "home_automation").code == "too_many_tries"
    for action in ("ARM_AWAY", "DISARM", "ARM_HOME", "DISARM"):
        assert guesser.house.ask(action, PIN, "web", "admin").ok


def test_a_guesser_in_a_session_leaves_the_owner_the_recovery_passphrase(guesser: Guesser) -> None:
    guesser.guesses(1_000, 1_000, 1, ("web",))
    assert guesser.house.ask("DISARM", PIN, "web", "admin").code == "too_many_tries"
    # The house's own devices have a pool of their own, and so has the passphrase.
    assert guesser.house.ask("ARM_HOME", PIN, "home_automation").ok
    assert guesser.house.ask("DISARM", PIN, "home_automation").ok
    assert guesser.house.reset(RECOVERY, "4711").ok


def test_passphrases_are_guessed_no_faster_than_pins(guesser: Guesser) -> None:
    house = guesser.house
    codes = []
    for number in range(500):
        codes.append(house.reset(f"wrong {number}", "4711").code)
        house.clock.advance(7)
        if number % 101 == 0:
            house.restart()
            house.clock.jump_wall(YEARS_S)
    assert 5 <= codes.count("wrong_passphrase") <= 10
    assert set(codes) == {"wrong_passphrase", "too_many_tries"}
