"""What waits for the one thread that looks at faces: bounded, in order, the newest picture of a track wins."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from typing import Final

from vigilar_common.bus import Received
from vigilar_common.clock import Clock

MAX_CROPS: Final = 24
MAX_OTHERS: Final = 256
"""Ends of tracks and commands."""


@dataclass(frozen=True)
class CropJob:
    camera_id: str
    track_id: str
    ts_ms: int
    jpeg: bytes = field(repr=False)


@dataclass(frozen=True)
class LeftJob:
    camera_id: str
    track_id: str
    ts_ms: int


@dataclass(frozen=True)
class CommandJob:
    received: Received


Job = CropJob | LeftJob | CommandJob


class Work:
    """Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._jobs: OrderedDict[object, Job] = OrderedDict()
        self._lock = threading.Lock()
        self.wake = threading.Event()
        self.counters: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._jobs)

    def crop(self, job: CropJob) -> None:
        """Replaces one of the same track that waits; the oldest goes when there are too many."""
        with self._lock:
            key = ("crop", job.camera_id, job.track_id)
            if key in self._jobs:
                self.counters["crops_replaced"] += 1
            self._jobs[key] = job
            crops = [one for one, waiting in self._jobs.items() if isinstance(waiting, CropJob)]
            if len(crops) > MAX_CROPS:
                del self._jobs[crops[0]]
                self.counters["crops_dropped"] += 1
        self.wake.set()

    def other(self, job: LeftJob | CommandJob) -> bool:
        """False: too much waits already."""
        with self._lock:
            if sum(not isinstance(waiting, CropJob) for waiting in self._jobs.values()) >= MAX_OTHERS:
                self.counters["others_refused"] += 1
                return False
            self._jobs[object()] = job
        self.wake.set()
        return True

    def take(self, timeout_s: float) -> Job | None:
        """The next one, waiting for it at most so long."""
        if not self._jobs:
            self._clock.wait(self.wake, timeout_s)
        self.wake.clear()
        with self._lock:
            return self._jobs.popitem(last=False)[1] if self._jobs else None
