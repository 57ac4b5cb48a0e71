"""How many wrong PINs are evaluated: a four-digit PIN must outlive every guesser.

Two pools, so that a guesser on MQTT cannot lock out the person who is logged in: one for web sessions,
one for everybody else. Together they evaluate at most 20 wrong PINs in an hour and 100 in a day.
A third counts tries of the recovery passphrase, which is no PIN: the way that is left when PINs are used up.
Within its pool each source waits longer and longer after five wrong ones.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

HOUR_S = 3600.0
DAY_S = 86_400.0
POOLS = ("session", "outside", "recovery")
MAX_PER_HOUR = 10
"""Wrong PINs evaluated per pool within any hour."""
MAX_PER_DAY = 50
FREE_TRIES = 5
FIRST_WAIT_S = 60.0
MAX_WAIT_S = 3600.0
MAX_SOURCE_LENGTH = 100


@dataclass(frozen=True)
class Guess:
    """One PIN that was evaluated and not (yet) found right, at `at_s` of the limiter's own time."""

    at_s: float
    pool: str
    source: str


class Limiter:
    """Counts evaluated guesses. Its time is the time that the service has been running.

    That time grows with the monotonic clock only and is kept over restarts, so neither a jump of the
    wall clock nor a restart ever gives a guess back; time while the service was down does not count.
    """

    def __init__(self, monotonic_s: float, raw: dict[str, Any] | None = None) -> None:
        self._last_s = monotonic_s
        self._time_s = 0.0
        self._guesses: list[Guess] = []
        if raw is not None:
            self._time_s, self._guesses = _restored(raw)

    @classmethod
    def exhausted(cls, monotonic_s: float) -> Limiter:
        """For a damaged file: this hour's guesses count as spent."""
        limiter = cls(monotonic_s)
        limiter._guesses = [Guess(0.0, pool, "") for pool in POOLS for _ in range(MAX_PER_HOUR)]
        return limiter

    def kept(self) -> dict[str, Any]:
        """What goes into the file; at most 2 × MAX_PER_DAY guesses."""
        return {"time_s": self._time_s, "guesses": [[g.at_s, g.pool, g.source] for g in self._guesses]}

    @property
    def counting(self) -> bool:
        """Whether any guess is remembered, so that passing time is worth keeping."""
        return bool(self._guesses)

    def advance(self, monotonic_s: float) -> None:
        self._time_s += max(0.0, monotonic_s - self._last_s)
        self._last_s = monotonic_s
        if self._guesses and self._time_s - self._guesses[0].at_s >= DAY_S:
            self._guesses = [g for g in self._guesses if self._time_s - g.at_s < DAY_S]

    def wait_s(self, pool: str, source: str, monotonic_s: float) -> float:
        """0 when a guess of `source` may be evaluated now, else the seconds until it may."""
        self.advance(monotonic_s)
        pooled = [g.at_s for g in self._guesses if g.pool == pool]
        source = source[:MAX_SOURCE_LENGTH]
        mine = [g.at_s for g in self._guesses if g.source == source and g.pool == pool]
        free_at_s = 0.0
        if len(pooled) >= MAX_PER_HOUR:
            free_at_s = max(free_at_s, pooled[-MAX_PER_HOUR] + HOUR_S)
        if len(pooled) >= MAX_PER_DAY:
            free_at_s = max(free_at_s, pooled[-MAX_PER_DAY] + DAY_S)
        if len(mine) >= FREE_TRIES:
            pause_s = min(FIRST_WAIT_S * 2.0 ** (len(mine) - FREE_TRIES), MAX_WAIT_S)
            free_at_s = max(free_at_s, mine[-1] + pause_s)
        return max(0.0, free_at_s - self._time_s)

    def begin(self, pool: str, source: str, monotonic_s: float) -> None:
        """A guess is about to be evaluated: it counts from now on, whatever becomes of the process."""
        self.advance(monotonic_s)
        self._guesses.append(Guess(self._time_s, pool, source[:MAX_SOURCE_LENGTH]))

    def right(self, pool: str, source: str) -> None:
        """The guess begun last was right: it is taken back, and its source starts afresh within the pool."""
        source = source[:MAX_SOURCE_LENGTH]
        if self._guesses and (self._guesses[-1].pool, self._guesses[-1].source) == (pool, source):
            self._guesses.pop()
        self._guesses = [
            replace(g, source="") if (g.pool, g.source) == (pool, source) else g for g in self._guesses
        ]


def _restored(raw: dict[str, Any]) -> tuple[float, list[Guess]]:
    """Raises ValueError when the content makes no sense."""
    try:
        time_s = float(raw["time_s"])
        guesses = [Guess(float(at_s), str(pool), str(source)) for at_s, pool, source in raw["guesses"]]
    except (KeyError, TypeError) as error:
        raise ValueError("the limiter's file lacks its fields") from error
    if len(guesses) > len(POOLS) * MAX_PER_DAY or any(
        g.pool not in POOLS or not 0 <= g.at_s <= time_s for g in guesses
    ):
        raise ValueError("the limiter's file holds impossible guesses")
    return time_s, sorted(guesses, key=lambda g: g.at_s)
