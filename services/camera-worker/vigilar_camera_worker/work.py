"""What a worker does and what it costs, as rates of the last seconds: for its heartbeat, the page and `/metrics`."""

from __future__ import annotations

import resource
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vigilar_common.clock import Clock

SHORTEST_S: Final = 2.0
"""Rates over less than this say nothing; the last ones stay."""
MEMORY_INTERVAL_S: Final = 60.0
"""Reading the own share of memory walks all page tables."""
LAG_WINDOW_S: Final = 10.0


class Lag:
    """The worst of the last ten to twenty seconds. Written by one thread, read by any."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._from_s = clock.monotonic_s()
        self._before_s = self._worst_s = 0.0

    def note(self, lag_s: float) -> None:
        self._turn()
        self._worst_s = max(self._worst_s, lag_s)

    @property
    def worst_s(self) -> float:
        self._turn()
        return max(self._before_s, self._worst_s)

    def _turn(self) -> None:
        passed_s = self._clock.monotonic_s() - self._from_s
        if passed_s >= LAG_WINDOW_S:
            self._before_s = self._worst_s if passed_s < 2 * LAG_WINDOW_S else 0.0
            self._worst_s = 0.0
            self._from_s += passed_s


@dataclass(frozen=True)
class _Sample:
    at_s: float
    cpu_s: float
    counts: Mapping[str, int]


class Work:
    """``now`` belongs to the thread that sends heartbeats. ``count`` gives sums since the start: ``frames_in``,
    ``frames_decoded``, ``frames_analysed``, ``bytes``, ``gaps``, ``reconnects``."""

    def __init__(
        self,
        clock: Clock,
        count: Callable[[], Mapping[str, int]],
        lag: Lag,
        share: Callable[[], float] = lambda: 1.0,
    ) -> None:
        """``share``: this camera's part of what the process uses."""
        self._clock, self._count, self._lag, self._share = clock, count, lag, share
        self._before = self._sample()
        self._rates: dict[str, float] = {}
        self._memory_bytes, self._memory_due_s = 0, 0.0

    def now(self) -> dict[str, float]:
        """Short names, because this is sent every ten seconds: frames a second that came, were decoded and were looked
        at, kilobits a second, percent of one core, milliseconds that the search is behind, own memory, losses."""
        sample = self._sample()
        passed_s = sample.at_s - self._before.at_s
        if passed_s >= SHORTEST_S:
            old = self._before.counts
            rate = {name: (value - old[name]) / passed_s for name, value in sample.counts.items()}
            self._rates = {
                "in_fps": round(rate["frames_in"], 1),
                "decoded_fps": round(rate["frames_decoded"], 1),
                "analysed_fps": round(rate["frames_analysed"], 1),
                "kbps": round(rate["bytes"] * 8 / 1000),
                "cpu_pct": round((sample.cpu_s - self._before.cpu_s) * self._share() / passed_s * 100, 1),
            }
            self._before = sample
        if sample.at_s >= self._memory_due_s:
            self._memory_due_s = sample.at_s + MEMORY_INTERVAL_S
            self._memory_bytes = round(own_memory_bytes() * self._share())
        return self._rates | {
            "lag_ms": round(self._lag.worst_s * 1000),
            "mem_bytes": self._memory_bytes,
            "gaps": sample.counts["gaps"],
            "reconnects": sample.counts["reconnects"],
        }

    def _sample(self) -> _Sample:
        return _Sample(self._clock.monotonic_s(), cpu_s(), dict(self._count()))


def cpu_s() -> float:
    """CPU seconds of this process since it began, user and system."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def own_memory_bytes() -> int:
    """The proportional share (PSS): what several processes share is divided among them. 0 where Linux does not tell."""
    try:
        for line in Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        return 0
    return 0
