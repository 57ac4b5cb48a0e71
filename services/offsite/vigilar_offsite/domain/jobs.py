"""Recordings on their way: references to files, never their content. Bounded, alarm first, fair among equals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from vigilar_offsite.domain.occasions import Priority

MAX_JOBS = 500
MAX_ANCHORS = 500
"""Recordings that are off-site and wait for the ledger to say what they are."""
_KEPT = (
    *("recording_id", "camera_id", "priority", "created_ms", "added_ms"),
    *("sent_bytes", "tail_sha256", "generation", "complete", "waited_s"),
)
MAX_MARKS = 240
"""How finely the age of what is not sent is known; more growth is taken for as old as the last mark."""


@dataclass
class Job:
    """One recording. `sent_bytes` of the file are at the target; `tail_sha256` is of the last of them."""

    recording_id: str
    camera_id: str
    priority: Priority
    created_ms: int
    added_ms: int
    sent_bytes: int = 0
    tail_sha256: str = ""
    generation: int = 1
    """2 and more: the file on disk was changed behind what had been sent (a torn end was cut off), so it is sent anew
    beside it."""
    complete: bool = False
    waited_s: float = 0.0
    """While this service ran: the clock of the wall may jump."""

    served: int = field(default=0, compare=False)
    marks: list[tuple[int, float]] = field(default_factory=list, compare=False)
    """How far the file could be sent, and since when (monotonic)."""
    missing_since_s: float | None = field(default=None, compare=False)
    confirmed: bool = field(default=False, compare=False)
    """The target was asked what it has, on the connection that is open."""

    @property
    def name(self) -> str:
        """Where it lies at the target, below its path."""
        suffix = "" if self.generation == 1 else f".{self.generation}"
        return f"recordings/{self.camera_id}/{self.recording_id}{suffix}.vge"

    def grew_to(self, end_bytes: int, now_s: float) -> None:
        if end_bytes <= max(self.sent_bytes, self.marks[-1][0] if self.marks else 0):
            return
        if len(self.marks) >= MAX_MARKS:
            self.marks[-1] = (end_bytes, self.marks[-1][1])
        else:
            self.marks.append((end_bytes, now_s))

    def sent_to(self, offset: int, tail_sha256: str) -> None:
        self.sent_bytes, self.tail_sha256 = offset, tail_sha256
        self.marks = [mark for mark in self.marks if mark[0] > offset]

    def begin_anew(self) -> None:
        """Beside what is there, under another name."""
        self.generation += 1
        self.sent_bytes, self.tail_sha256, self.confirmed, self.marks = 0, "", False, []

    def unsent_s(self, now_s: float) -> float:
        """How long the oldest byte that can be sent waits; 0 when there is none."""
        return now_s - self.marks[0][1] if self.marks else 0.0

    def kept(self) -> dict[str, Any]:
        plain = asdict(self)
        return {name: plain[name] for name in _KEPT}


class Jobs:
    """By recording id. Not thread-safe."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._turn = 0

    def __len__(self) -> int:
        return len(self._jobs)

    def __iter__(self) -> Iterator[Job]:
        return iter(list(self._jobs.values()))

    def __contains__(self, recording_id: object) -> bool:
        return recording_id in self._jobs

    def get(self, recording_id: str) -> Job | None:
        return self._jobs.get(recording_id)

    def waiting(self) -> list[Job]:
        """Those that are not complete off-site."""
        return [job for job in self._jobs.values() if not job.complete]

    def add(self, job: Job) -> tuple[bool, Job | None]:
        """Whether it is in, and which one had to go for it. A known one only becomes more urgent."""
        known = self._jobs.get(job.recording_id)
        if known is not None:
            known.priority = min(known.priority, job.priority)
            return False, None
        victim = None
        waiting = self.waiting()
        if len(waiting) >= MAX_JOBS:
            worst = max(waiting, key=lambda other: (other.priority, -other.added_ms))
            if worst.priority <= job.priority:
                return False, job
            victim = self._jobs.pop(worst.recording_id)
        self._jobs[job.recording_id] = job
        return True, victim

    def drop(self, job: Job) -> None:
        self._jobs.pop(job.recording_id, None)

    def completed(self, job: Job) -> Job | None:
        """It is whole off-site and waits for the ledger; gives one that has to stop waiting for it."""
        job.complete = True
        done = [other for other in self._jobs.values() if other.complete]
        if len(done) <= MAX_ANCHORS:
            return None
        oldest = min(done, key=lambda other: other.added_ms)
        self.drop(oldest)
        return oldest

    def order(self) -> list[Job]:
        """The next first: by priority, then who was served longest ago."""
        return sorted(self.waiting(), key=lambda job: (job.priority, job.served, job.added_ms))

    def serve(self, job: Job) -> None:
        self._turn += 1
        job.served = self._turn

    def forget_confirmations(self) -> None:
        """The connection is a new one."""
        for job in self._jobs.values():
            job.confirmed = False

    def lag_s(self, now_s: float) -> float:
        """How long the oldest byte that is on disk waits, in seconds; 0 when nothing does."""
        return max((job.unsent_s(now_s) for job in self.waiting()), default=0.0)

    def kept(self) -> list[dict[str, Any]]:
        return [job.kept() for job in self._jobs.values()]

    def restore(self, kept: list[Any], tell: Callable[[str], None]) -> None:
        """What `kept` gave; an entry that makes no sense is told and left out."""
        types = {item.name for item in fields(Job)}
        for entry in kept[: MAX_JOBS + MAX_ANCHORS]:
            try:
                values = {key: value for key, value in dict(entry).items() if key in types & set(_KEPT)}
                job = Job(**{**values, "priority": Priority(values["priority"])})
                numbers = (job.created_ms, job.added_ms, job.sent_bytes, job.generation)
                if not all(isinstance(number, int) and number >= 0 for number in numbers):
                    raise ValueError("a number is none")  # noqa: TRY301
                job.name.encode("ascii")
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                tell(f"{type(error).__name__}: {error}"[:200])
                continue
            self._jobs[job.recording_id] = job
