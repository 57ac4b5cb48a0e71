"""The ledger recomputed: its chain, its signed checkpoints, and whether facts and rows agree with its entries.

Reads with short queries, never within one long snapshot, so that it may run for hours beside storage.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from datetime import UTC, datetime

from vigilar_common.merkle import EMPTY_ROOT, CompactRange
from vigilar_common.signed_note import NoteError, Verifier

from vigilar_storage.ledger.chain import GENESIS, EntryType, canonical, entry_hash
from vigilar_storage.ledger.signing import open_checkpoint, origin_of
from vigilar_storage.ledger.told import ARMS, DISARMS

AT_ONCE_ROWS = 2_000
MAX_PROBLEMS = 1_000
_ENTRIES = (
    "SELECT seq, ts_ms, mono_ms, boot_id, type, subject, body, prev_hash, hash FROM ledger "
    "WHERE seq > ? ORDER BY seq LIMIT ?"
)
_ARMED = ", ".join(f"'{state.value}'" for state in (*ARMS, *DISARMS))
_FACTS = {
    "recording.opened": ("json_extract(f.body, '$.recording_id')", "'opened'", ""),
    "recording.gap": ("f.id", "'gap'", ""),
    "alarm.changed": ("f.id", "'arm', 'disarm'", f"AND json_extract(f.body, '$.to_state') IN ({_ARMED})"),
    "alarm.refused": ("f.id", "'arm-refused'", ""),
}
"""Fact type → what the subject of its entry is, of which types the entry may be, and which facts have one."""


@dataclass
class ChainReport:
    """`problems` are changes found, `from_ms` to `to_ms` (UTC) the time they touch; `unchecked` is what could not be said.

    A time is None when nothing was found, or when nothing tells it: an end may lie after all that is known.
    """

    entries: int = 0
    root: str = EMPTY_ROOT.hex()
    checkpoints: int = 0
    checkpoint_size: int = 0
    begun_ms: int = 0
    """When the ledger began: what is older was never in it."""
    last_ms: int = 0
    """Time of the newest entry."""
    problems: list[str] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    from_ms: int | None = None
    to_ms: int | None = None

    def found(self, problem: str, from_ms: int | None = None, to_ms: int | None = None) -> None:
        """`to_ms` None with a start: until then or later."""
        if from_ms is not None:
            problem += f" ({utc(from_ms)} – {'' if to_ms is None else utc(to_ms)})"
            to_ms = from_ms if to_ms is None else to_ms
            self.from_ms = from_ms if self.from_ms is None else min(self.from_ms, from_ms)
            self.to_ms = to_ms if self.to_ms is None else max(self.to_ms, to_ms)
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(problem)


def utc(ts_ms: int) -> str:
    """`2026-01-31T18:00:00.000Z`; the number where it is no time."""
    try:
        return datetime.fromtimestamp(ts_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    except (ValueError, OverflowError, OSError):
        return f"{ts_ms} ms"


@dataclass(frozen=True)
class _Checkpoint:
    size: int
    root: bytes
    ts_ms: int | None
    """None: kept elsewhere."""


@dataclass(frozen=True)
class _Walked:
    """Root and time of the newest entry at the sizes that were asked for."""

    roots: dict[int, bytes]
    times_ms: dict[int, int]


def check(
    connection: sqlite3.Connection, verifier: Verifier | None, outside: tuple[str, ...] = ()
) -> ChainReport:
    """Everything about the ledger itself; `outside` are notes that were kept elsewhere. Raises sqlite3.Error."""
    report = ChainReport()
    row = connection.execute("SELECT value FROM meta WHERE name = 'database_uuid'").fetchone()
    origin = origin_of(row[0]) if row else ""
    # Before the entries: each of these was made of entries that were there then.
    stored = connection.execute(
        "SELECT size, root, note, ts_ms FROM ledger_checkpoints ORDER BY size"
    ).fetchall()
    notes = sorted(_open_notes(report, verifier, origin, stored, outside), key=lambda note: note.size)
    walked = _walk(connection, report, {note.size for note in notes})
    proven_ms = report.begun_ms
    for note in notes:
        if note.size > report.entries:
            report.found(
                f"the ledger was cut: a checkpoint covers {note.size} entries, {report.entries} are there",
                report.last_ms,
                note.ts_ms,
            )
        elif walked.roots.get(note.size) != note.root:
            report.found(
                f"entries 1–{note.size} are not those that the checkpoint of size {note.size} was made of",
                proven_ms,
                walked.times_ms.get(note.size),
            )
        else:
            report.checkpoint_size = max(report.checkpoint_size, note.size)
            proven_ms = walked.times_ms.get(note.size, proven_ms)
    _compare_facts(connection, report)
    _compare_rows(connection, report)
    return report


def _open_notes(
    report: ChainReport, verifier: Verifier | None, origin: str,
    stored: list[tuple[int, str, str, int]], outside: tuple[str, ...],
) -> list[_Checkpoint]:  # fmt: skip
    """Size and root of every checkpoint, signed or (without a key) as stored."""
    report.checkpoints = len(stored)
    if verifier is None:
        if stored or outside:
            report.unchecked.append("no public key of the ledger: signatures of checkpoints were not checked")
        return [_Checkpoint(size, bytes.fromhex(root), ts_ms) for size, root, _, ts_ms in stored]
    found: list[_Checkpoint] = []
    for size, root, note, ts_ms in stored:
        try:
            told = open_checkpoint(note, verifier)
        except NoteError as error:
            report.found(f"checkpoint of size {size}: {error}", ts_ms)
            continue
        if (told.origin, told.size, told.root.hex()) != (origin, size, root):
            report.found(f"checkpoint of size {size}: its row is not what its note says", ts_ms)
        found.append(_Checkpoint(told.size, told.root, ts_ms))
    for note in outside:
        told = open_checkpoint(note, verifier)
        if told.origin != origin:
            report.found(f"the checkpoint kept elsewhere is of {told.origin}, this database is {origin}")
        found.append(_Checkpoint(told.size, told.root, None))
    return found


def _walk(connection: sqlite3.Connection, report: ChainReport, sizes: set[int]) -> _Walked:
    """What the entries really give."""
    walked = _Walked({0: EMPTY_ROOT}, {})
    tree = CompactRange()
    seq, prev = 0, GENESIS
    wrong: list[tuple[str, int]] = []  # waits for the next entry, which tells until when
    while rows := connection.execute(_ENTRIES, (seq, AT_ONCE_ROWS)).fetchall():
        for row in rows:
            while wrong:
                report.found(*wrong.pop(0), row[1])
            before_ms = report.last_ms or row[1]
            if row[0] != seq + 1:
                report.found(f"ledger entries {seq + 1}–{row[0] - 1} are missing", before_ms, row[1])
            seq = row[0]
            report.begun_ms = report.begun_ms or row[1]
            leaf, problem = _leaf(row, prev)
            if problem:
                wrong.append((problem, before_ms))
            prev = row[8]
            report.last_ms = row[1]
            tree.append(leaf)
            if tree.size in sizes:
                walked.roots[tree.size], walked.times_ms[tree.size] = tree.root(), row[1]
    while wrong:
        report.found(*wrong.pop(0), report.last_ms)
    report.entries, report.root = tree.size, tree.root().hex()
    if not tree.size:
        report.found("the ledger is empty")
    return walked


def _leaf(row: tuple[int, int, int, str, str, str, str, str, str], prev: str) -> tuple[bytes, str]:
    """(leaf of the tree, what is wrong with the entry)."""
    seq, ts_ms, mono_ms, boot_id, kind, subject, text, prev_hash, stored = row
    try:
        body = json.loads(text)
        whole = canonical(body) == text
        leaf = entry_hash(seq, ts_ms, mono_ms, boot_id, kind, subject, body, prev_hash)
    except (ValueError, RecursionError) as error:
        return bytes(32), f"ledger entry {seq} ({kind}) was altered: {error}"
    if not whole or leaf.hex() != stored:
        return leaf, f"ledger entry {seq} ({kind} of {subject}) was altered"
    if prev_hash != prev:
        return leaf, f"ledger entry {seq} ({kind} of {subject}) does not follow the one before it"
    return leaf, ""


def _compare_facts(connection: sqlite3.Connection, report: ChainReport) -> None:
    """Facts that must have an entry and have none: entries at the end of the ledger were removed."""
    first = connection.execute(
        "SELECT json_extract(body, '$.facts_n') FROM ledger WHERE type = 'epoch' ORDER BY seq LIMIT 1"
    ).fetchone()
    before_n = first[0] if first and isinstance(first[0], int) else 0
    for kind, (subject, types, which) in _FACTS.items():
        # Names and expressions are this module's own, values are bound.
        query = (
            f"SELECT f.id, f.ts_ms FROM facts f WHERE f.type = ? AND f.n > ? {which} AND NOT EXISTS "  # noqa: S608
            f"(SELECT 1 FROM ledger l WHERE l.subject = {subject} AND l.type IN ({types})) LIMIT ?"
        )
        for fact_id, ts_ms in connection.execute(query, (kind, before_n, MAX_PROBLEMS)):
            report.found(f"fact {kind} {fact_id} has no entry in the ledger", ts_ms, ts_ms)


def _compare_rows(connection: sqlite3.Connection, report: ChainReport) -> None:
    lost_gaps = (
        "SELECT l.seq, l.ts_ms FROM ledger l LEFT JOIN recording_gaps g ON g.id = l.subject WHERE l.type = 'gap' AND ("
        "g.id IS NULL OR g.camera_id <> json_extract(l.body, '$.camera_id') "
        "OR g.from_ms <> json_extract(l.body, '$.from_ms') OR g.to_ms <> json_extract(l.body, '$.to_ms') "
        "OR g.reason <> json_extract(l.body, '$.reason')) LIMIT ?"
    )
    for seq, ts_ms in connection.execute(lost_gaps, (MAX_PROBLEMS,)):
        report.found(f"the row of the gap in ledger entry {seq} was altered or removed", ts_ms, ts_ms)
    added = {
        "recording_gaps": ("id", "received_ms", EntryType.GAP),
        "settings_history": ("revision", "ts_ms", EntryType.CONFIG),
    }
    for table, (subject, time, kind) in added.items():
        query = (
            f"SELECT t.{subject}, t.{time} FROM {table} t WHERE t.{time} >= ? AND NOT EXISTS "  # noqa: S608 own names
            f"(SELECT 1 FROM ledger l WHERE l.subject = t.{subject} AND l.type = ?) LIMIT ?"
        )
        for found, ts_ms in connection.execute(query, (report.begun_ms, kind.value, MAX_PROBLEMS)):
            report.found(f"{table}: {found} has no entry in the ledger", ts_ms, ts_ms)
    lost_arms = (
        "SELECT l.seq, l.ts_ms FROM ledger l WHERE l.type IN ('arm', 'disarm', 'arm-refused') "
        "AND NOT EXISTS (SELECT 1 FROM arm_state_log a WHERE a.id = l.subject) LIMIT ?"
    )
    for seq, ts_ms in connection.execute(lost_arms, (MAX_PROBLEMS,)):
        report.found(f"the row of ledger entry {seq} was removed from arm_state_log", ts_ms, ts_ms)
