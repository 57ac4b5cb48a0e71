"""The one judge of all chaos tests: confirmed ⊆ database ⊆ intended, each once and in order; every recording plays.

A producer writes down what it intends before it says it, and what storage confirmed after its answer. The database and
the files are read directly, while no service runs.
"""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from camera_rig import frame_times_s

FRAME_SLACK_MS = 350
"""Two recordings of a camera of ten frames a second may lie so far apart without anything missing between them."""


@dataclass(frozen=True)
class Journal:
    """What one producer said, in the order in which it said it. `kept`: its outbox had it on the disk."""

    source: str
    intended: list[str]
    kept: set[str]
    confirmed: set[str]

    @classmethod
    def read(cls, source: str, path: Path) -> Journal:
        """Lines `i id`, `k id`, `c id …`; the last one may be cut off by a kill."""
        said: dict[str, list[str]] = {"i": [], "k": [], "c": []}
        for line in path.read_text().splitlines(keepends=True):
            if line.endswith("\n"):
                what, *ids = line.split()
                said[what] += ids
        return cls(source, said["i"], set(said["k"]), set(said["c"]))


@dataclass
class Verdict:
    """Counts that must be zero, and how much was looked at."""

    intended: int = 0
    confirmed: int = 0
    in_database: int = 0
    lost: int = 0
    duplicated: int = 0
    out_of_order: int = 0
    strangers: int = 0
    integrity: str = ""
    examples: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        faults = self.lost + self.duplicated + self.out_of_order + self.strangers
        return self.confirmed > 0 and faults == 0 and self.integrity == "ok"


def judge(database: Path, journals: Sequence[Journal], *, kept_counts: bool = False) -> Verdict:
    """`kept_counts`: the outboxes are drained, so what they had kept must be in the database too."""
    verdict = Verdict()
    connection = sqlite3.connect(database)
    try:
        verdict.integrity = str(connection.execute("PRAGMA integrity_check").fetchone()[0])
        for journal in journals:
            query = "SELECT id, seq FROM facts WHERE source = ? ORDER BY n"
            rows = connection.execute(query, (journal.source,)).fetchall()
            _judge_one(verdict, journal, rows, kept_counts=kept_counts)
        events = connection.execute("SELECT count(*), count(DISTINCT id) FROM facts").fetchone()
        verdict.duplicated += events[0] - events[1]
    finally:
        connection.close()
    return verdict


def _judge_one(verdict: Verdict, journal: Journal, rows: list[tuple[str, int]], *, kept_counts: bool) -> None:
    place = {fact_id: number for number, fact_id in enumerate(journal.intended)}
    ids = [row[0] for row in rows]
    found = set(ids)
    due = journal.confirmed | journal.kept if kept_counts else journal.confirmed
    missing, strange = due - found, found - place.keys()
    order = [place[fact_id] for fact_id in ids if fact_id in place]
    seqs = [row[1] for row in rows]
    verdict.intended += len(place)
    verdict.confirmed += len(journal.confirmed)
    verdict.in_database += len(found)
    verdict.lost += len(missing)
    verdict.duplicated += len(ids) - len(found)
    verdict.strangers += len(strange)
    verdict.out_of_order += descents(order) + descents(seqs)
    verdict.examples += [f"{journal.source} lost {fact_id}" for fact_id in sorted(missing)[:3]]
    verdict.examples += [f"{journal.source} never said {fact_id}" for fact_id in sorted(strange)[:3]]


def descents(numbers: Sequence[int]) -> int:
    """How often a number is not larger than the one before it."""
    return sum(later <= earlier for earlier, later in itertools.pairwise(numbers))


def look(database: Path, source: str) -> tuple[set[str], str]:
    """Ids of a source's facts, and what `integrity_check` says."""
    connection = sqlite3.connect(database)
    try:
        rows = connection.execute("SELECT id FROM facts WHERE source = ?", (source,)).fetchall()
        return {row[0] for row in rows}, str(connection.execute("PRAGMA integrity_check").fetchone()[0])
    finally:
        connection.close()


@dataclass(frozen=True)
class Film:
    """A row of `recordings`, UTC ms."""

    id: str
    camera_id: str
    state: str
    started_ms: int
    ended_ms: int
    damage: str
    path: str | None


def films(database: Path, camera_id: str) -> list[Film]:
    connection = sqlite3.connect(database)
    try:
        rows = connection.execute(
            "SELECT id, camera_id, state, started_ms, coalesce(ended_ms, started_ms), coalesce(damage, ''), path "
            "FROM recordings WHERE camera_id = ? ORDER BY started_ms, id",
            (camera_id,),
        ).fetchall()
    finally:
        connection.close()
    return [Film(*row) for row in rows]


def unexplained_ms(database: Path, camera_id: str, from_ms: int = 0) -> list[tuple[int, int]]:
    """Spans between the first recording since then and the last one that neither a recording nor a gap row covers."""
    connection = sqlite3.connect(database)
    try:
        query = "SELECT from_ms, to_ms FROM recording_gaps WHERE camera_id = ?"
        gaps = connection.execute(query, (camera_id,)).fetchall()
    finally:
        connection.close()
    spans = [(film.started_ms, film.ended_ms) for film in films(database, camera_id)]
    return holes(sorted(span for span in spans + gaps if span[0] >= from_ms))


def holes(spans: Sequence[tuple[int, int]], slack_ms: int = FRAME_SLACK_MS) -> list[tuple[int, int]]:
    """Between spans in order of their starts."""
    found: list[tuple[int, int]] = []
    until_ms = spans[0][1] if spans else 0
    for from_ms, to_ms in spans:
        if from_ms - until_ms > slack_ms:
            found.append((until_ms, from_ms))
        until_ms = max(until_ms, to_ms)
    return found


def unplayable(film: Film, content: bytes) -> str:
    """Why not every second of it plays, or "". What a killed writer left may end within a frame: up to there it plays.

    Raises av.error.FFmpegError when it does not play at all.
    """
    if not content and film.ended_ms == film.started_ms:
        return ""  # killed before its first fragment: nothing is said to be in it
    times_s = frame_times_s(content, torn=film.state == "recovered")
    if not times_s:
        return "" if film.ended_ms == film.started_ms else "no frame"
    played_ms = (times_s[-1] - times_s[0]) * 1000
    missing_ms = film.ended_ms - film.started_ms - played_ms
    return "" if missing_ms < FRAME_SLACK_MS else f"the last {missing_ms:.0f} ms do not play"


def gap_reasons(database: Path, camera_id: str) -> list[tuple[int, int, str]]:
    """(from_ms, to_ms, reason) in order of time."""
    connection = sqlite3.connect(database)
    try:
        query = "SELECT from_ms, to_ms, reason FROM recording_gaps WHERE camera_id = ? ORDER BY from_ms"
        return connection.execute(query, (camera_id,)).fetchall()
    finally:
        connection.close()


def percentile(values: Iterable[float], share: float) -> float:
    """Nearest rank; 0 for none."""
    ordered = sorted(values)
    return ordered[max(0, round(len(ordered) * share) - 1)] if ordered else 0.0


def as_text(verdict: Verdict) -> str:
    return json.dumps(
        {name: value for name, value in vars(verdict).items() if name != "examples"} | {"e": verdict.examples}
    )
