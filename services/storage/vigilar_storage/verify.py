"""Files × rows × ledger: a verdict for every recording and picture, each from all three."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from vigilar_common.crypto.keys import KeyRing

from vigilar_storage import paths
from vigilar_storage.ledger.chain import EntryType, told_types
from vigilar_storage.verify_file import Seen, check_file

PAGE_ROWS = 500
NOT_ENCRYPTED = ("mp4", "jpeg")
_TOLD = ", ".join(f"'{kind}'" for kind in told_types())
_GONE = ("deleting", "deleted")
_COLUMNS = {
    "recordings": "state, path, camera_id, format, sha256, size_bytes, started_ms, ended_ms, damage, received_ms, deleted_ms",
    "pictures": "state, path, camera_id, format, NULL, size_bytes, ts_ms, ts_ms, damage, received_ms, deleted_ms",
}


class State(StrEnum):
    INTACT = "intact"
    WITH_GAPS = "intact-with-gaps"
    ALTERED = "altered"
    INCOMPLETE = "incomplete"
    UNKNOWN_KEY = "unknown-key"
    MISSING = "missing"
    UNREGISTERED = "unregistered"


BAD = (State.ALTERED, State.MISSING, State.UNREGISTERED)


@dataclass(frozen=True)
class Verdict:
    """Times are UTC ms of what is affected (all of it where no part can be told); `chunk` counts from 0."""

    id: str
    what: str
    camera_id: str
    path: str
    state: State
    detail: str = ""
    chunk: int | None = None
    byte_offset: int | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    encrypted: bool = True
    sealed_ms: int | None = None
    """Of version 1: not tamper-evident before this time."""

    def plain(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Row:
    state: str
    path: str | None
    camera_id: str
    format: str
    sha256: str | None
    size_bytes: int | None
    started_ms: int
    ended_ms: int | None
    damage: str
    received_ms: int
    deleted_ms: int | None


@dataclass(frozen=True)
class Told:
    """What the ledger says of one file: the newest entry that describes it, and who deleted it."""

    kind: str = ""
    body: dict[str, Any] | None = None
    deleted: dict[str, Any] | None = None
    ts_ms: int = 0
    """When that entry was written."""


@dataclass(frozen=True)
class Wanted:
    """Which recordings and pictures; `quick` reads every byte but decrypts none."""

    camera: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    quick: bool = False


class Checker:
    """`connection` is in autocommit mode: each look at a row is a new one, as storage may be running.

    `ring` None: only with public knowledge, so nothing is decrypted. `progress` gets bytes gone through.
    """

    def __init__(
        self, connection: sqlite3.Connection, root: Path, ring: KeyRing | None, wanted: Wanted, begun_ms: int,
        progress: Callable[[int], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self._connection = connection
        self._root = root
        self._ring = ring
        self._wanted = wanted
        self._begun_ms = begun_ms
        self._progress = progress
        self.deleted = 0
        """Recordings and pictures whose deletion the ledger explains."""

    def total_bytes(self) -> int:
        """About what will be read."""
        total = 0
        for table, time in (("recordings", "started_ms"), ("pictures", "ts_ms")):
            where, values = self._where(time)
            query = f"SELECT coalesce(sum(size_bytes), 0) FROM {table} WHERE path IS NOT NULL{where}"  # noqa: S608
            total += self._connection.execute(query, values).fetchone()[0]
        return total

    def run(self) -> Iterator[Verdict]:
        """Raises sqlite3.Error, and OSError when the recordings' folder cannot be read."""
        for table, what, time in (
            ("recordings", "recording", "started_ms"),
            ("pictures", "picture", "ts_ms"),
        ):
            for file_id in self._ids(table, time):
                verdict = self._judge(table, what, file_id)
                if verdict is not None:
                    yield verdict
        yield from self._without_row()
        yield from self._strays()

    # -- rows -----------------------------------------------------------------------------------------------

    def _where(self, time: str) -> tuple[str, list[Any]]:
        conditions = (
            ("camera_id = ?", self._wanted.camera),
            (f"{time} >= ?", self._wanted.from_ms),
            (f"{time} < ?", self._wanted.to_ms),
        )
        used = [(text, value) for text, value in conditions if value is not None]
        return "".join(f" AND {text}" for text, _ in used), [value for _, value in used]

    def _ids(self, table: str, time: str) -> Iterator[str]:
        where, values = self._where(time)
        query = f"SELECT id FROM {table} WHERE id > ?{where} ORDER BY id LIMIT ?"  # noqa: S608 own names
        last = ""
        while rows := self._connection.execute(query, (last, *values, PAGE_ROWS)).fetchall():
            for (file_id,) in rows:
                last = file_id
                yield file_id

    def _row(self, table: str, file_id: str) -> Row | None:
        query = f"SELECT {_COLUMNS[table]} FROM {table} WHERE id = ?"  # noqa: S608 own names
        found = self._connection.execute(query, (file_id,)).fetchone()
        return Row(*found) if found else None

    def _told(self, file_id: str) -> Told:
        query = f"SELECT type, body, ts_ms FROM ledger WHERE subject = ? AND type IN ({_TOLD}, 'deleted') ORDER BY seq"  # noqa: S608
        kind, body, deleted, said_ms = "", None, None, 0
        for entry, text, ts_ms in self._connection.execute(query, (file_id,)):
            try:
                value = json.loads(text)
            except ValueError:
                continue  # the walk over the chain reports it
            if not isinstance(value, dict):
                continue
            if entry == "deleted":
                deleted = value
            else:
                kind, body, said_ms = entry, value, ts_ms
        return Told(kind, body, deleted, said_ms)

    def _judge(self, table: str, what: str, file_id: str) -> Verdict | None:
        row = self._row(table, file_id)
        if row is None:
            return None
        told = self._told(file_id)
        verdict = self._judge_row(what, file_id, row, told)
        if verdict is not None and verdict.state in BAD:
            now = self._row(table, file_id)
            if now != row:  # deleted (or settled) while we looked
                return self._judge_row(what, file_id, now, self._told(file_id)) if now else None
        return verdict

    def _judge_row(self, what: str, file_id: str, row: Row, told: Told) -> Verdict | None:
        def verdict(state: State, detail: str = "", seen: Seen | None = None) -> Verdict:
            from_ms, to_ms = row.started_ms, row.ended_ms
            if seen is not None and seen.from_ms is not None:
                from_ms, to_ms = seen.from_ms, seen.to_ms
            place = (seen.chunk, seen.byte_offset) if seen else (None, None)
            sealed_ms = told.ts_ms if told.kind == EntryType.REGISTERED_V1 else None
            return Verdict(
                file_id, what, row.camera_id, row.path or "", state, detail, *place, from_ms, to_ms,
                not row.path or row.format not in NOT_ENCRYPTED, sealed_ms,
            )  # fmt: skip

        if row.state in _GONE:
            # What went before the ledger began has no entry at all: one that has says so of its deletion too.
            before = (row.deleted_ms or 0) < self._begun_ms and not self._is_known(file_id)
            if told.deleted is not None or before:
                self.deleted += 1
                return None
            return verdict(State.MISSING, "its row says that it was deleted, the ledger knows of no deletion")
        said = _from_rows(row, told, self._begun_ms)
        if said is not None:
            return verdict(*said)
        assert told.body is not None, "without one something was said"
        path = self._root / row.path if row.path else None
        if path is None or not path.is_file():
            return verdict(State.MISSING, "its file is not there, and the ledger knows of no deletion")
        seen = check_file(
            path, file_id, row.format, told.kind, told.body, self._ring, self._wanted.quick, self._progress
        )
        if told.kind == EntryType.REGISTERED_V1:
            seen = replace(seen, detail=f"{seen.detail}{'; ' if seen.detail else ''}{_older(told.ts_ms)}")
        state = State(seen.state)
        if state is State.INTACT and what == "recording" and self._has_gaps(file_id):
            state = State.WITH_GAPS
        return verdict(state, seen.detail, seen)

    def _is_known(self, file_id: str) -> bool:
        query = "SELECT 1 FROM ledger WHERE subject = ? LIMIT 1"
        return self._connection.execute(query, (file_id,)).fetchone() is not None

    def _has_gaps(self, recording_id: str) -> bool:
        query = (
            "SELECT 1 FROM recording_gaps g JOIN recordings r ON r.id = ?1 WHERE g.camera_id = r.camera_id "
            "AND g.recording_id = ?1 LIMIT 1"
        )
        return self._connection.execute(query, (recording_id,)).fetchone() is not None

    # -- what has no row --------------------------------------------------------------------------------------

    def _without_row(self) -> Iterator[Verdict]:
        """Entries whose row is gone; those of deleted files may be."""
        query = (
            f"SELECT DISTINCT l.subject FROM ledger l WHERE l.type IN ({_TOLD}, 'opened') "  # noqa: S608 own names
            "AND NOT EXISTS (SELECT 1 FROM recordings r WHERE r.id = l.subject) "
            "AND NOT EXISTS (SELECT 1 FROM pictures p WHERE p.id = l.subject)"
        )
        for (file_id,) in self._connection.execute(query).fetchall():
            told = self._told(file_id)
            body = told.body or {}
            if told.deleted is not None or not self._is_wanted(body.get("camera_id"), body.get("started_ms")):
                continue
            camera_id, started_ms = str(body.get("camera_id", "")), body.get("started_ms")
            yield Verdict(
                file_id, "recording" if body.get("recording_id") else "picture", camera_id, "", State.MISSING,
                "the ledger knows it, its row is gone from the database", None, None, started_ms, body.get("ended_ms"),
            )  # fmt: skip

    def _is_wanted(self, camera_id: Any, started_ms: Any) -> bool:
        wanted = self._wanted
        if wanted.camera is not None and camera_id is not None and camera_id != wanted.camera:
            return False
        if not isinstance(started_ms, int):
            return True
        return (wanted.from_ms is None or started_ms >= wanted.from_ms) and (
            wanted.to_ms is None or started_ms < wanted.to_ms
        )

    def _strays(self) -> Iterator[Verdict]:
        """Files in the place of recordings that no row names."""
        odd = {
            row[0]
            for table in ("recordings", "pictures")
            for row in self._connection.execute(
                f"SELECT path FROM {table} WHERE format IN ('vge1', 'mp4') AND path IS NOT NULL"  # noqa: S608
            )
            if paths.parse_stored(row[0]) is None
        }
        for folder, names, files in os.walk(self._root):
            if Path(folder) == self._root:
                names[:] = sorted(name for name in names if name != paths.INCOMING)
                continue
            for name in sorted(files):
                relative = (Path(folder) / name).relative_to(self._root).as_posix()
                if Path(name).suffix not in paths.SUFFIXES or relative in odd:
                    continue
                camera_id = relative.split("/", 1)[0]
                if self._wanted.camera is not None and camera_id != self._wanted.camera:
                    continue
                detail = self._stray(relative)
                if detail:
                    file_id = Path(name).stem
                    yield Verdict(file_id, "file", camera_id, relative, State.UNREGISTERED, detail)

    def _stray(self, relative: str) -> str:
        """Why the file does not belong here; "" when it does (or is just being deleted)."""
        parsed = paths.parse_stored(relative)
        if parsed is None:
            return "it has not the name of a recording"
        row = self._row("recordings", parsed.file_id) or self._row("pictures", parsed.file_id)
        if row is not None and (row.path == relative or row.state == "deleting"):
            return ""
        deleted = self._told(parsed.file_id).deleted
        if deleted is not None:
            if not (self._root / relative).exists():
                return ""
            return f"it was deleted by {deleted.get('actor')}, and is there again"
        return "no row names it" if row is None else f"its row names another place: {row.path}"


def _older(sealed_ms: int) -> str:
    day = datetime.fromtimestamp(sealed_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"version 1: not tamper-evident before {day}"


def _from_rows(row: Row, told: Told, begun_ms: int) -> tuple[State, str] | None:
    """What row and ledger say without a look at the file; None: the file decides."""
    if told.deleted is not None:
        return State.ALTERED, "the ledger says that it was deleted, its row does not"
    if row.state in ("growing", "incoming"):
        if told.body is not None:
            return State.ALTERED, "the ledger says that it is whole, its row does not"
        return State.INCOMPLETE, "it is being written, or waits to be taken over"
    if told.body is None:
        if row.path is None:
            return State.MISSING, row.damage or "it has no file"
        if row.state == "complete" and row.sha256 is None and row.format in ("vge1", "mp4"):
            return (
                State.INCOMPLETE,
                "version 1: not in the ledger yet; storage adds it, and sees changes from then on",
            )
        if row.received_ms < begun_ms:
            return State.INCOMPLETE, "it is older than the ledger, which says nothing of it"
        return State.ALTERED, "the ledger does not know it"
    wrong = _contradiction(row, told.body)
    return (State.ALTERED, f"its row was altered: {wrong}") if wrong else None


def _contradiction(row: Row, body: dict[str, Any]) -> str:
    pairs = [
        ("camera", row.camera_id, body.get("camera_id")),
        ("start", row.started_ms, body.get("started_ms")),
        ("end", row.ended_ms, body.get("ended_ms")),
        ("size", row.size_bytes, body.get("size_bytes")),
        ("SHA-256", row.sha256, body.get("sha256")),
    ]
    return "; ".join(
        f"{what} {ours}, the ledger says {theirs}"
        for what, ours, theirs in pairs
        if ours is not None and theirs is not None and ours != theirs
    )
