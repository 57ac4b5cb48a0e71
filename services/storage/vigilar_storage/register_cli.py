"""`vigilar storage register`: old files that no row names become recordings, and stand in the ledger from then on."""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_OID, uuid5
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from vigilar_common.clock import SystemClock
from vigilar_common.crypto.keys import KeyRing
from vigilar_common.crypto.vge import V1Reader
from vigilar_common.errors import FileDamagedError, VigilarError
from vigilar_common.messages.base import ID_PATTERN

from vigilar_storage import paths
from vigilar_storage.files import PlainReader
from vigilar_storage.film_probe import Probe, probe
from vigilar_storage.ledger.chain import Ledger
from vigilar_storage.ledger.told import Older, note_older
from vigilar_storage.legacy import REASON
from vigilar_storage.schema import FileFormat, PictureState, RecordingState, pictures, recordings
from vigilar_storage.sealer import digest_slowly, seal

if TYPE_CHECKING:
    from vigilar_storage.db import Database

LEFT_OUT_CODE = 3
SUFFIXES = (".vge", ".mp4")
MISSING = "its file is missing"
_TIME_IN_NAME = re.compile(
    r"(?<!\d)(20\d\d)[-_]?([01]\d)[-_]?([0-3]\d)[-_T ]?([0-2]\d)[-_:]?([0-5]\d)[-_:]?([0-5]\d)(?!\d)"
)
_EPOCH_IN_NAME = re.compile(r"(?<!\d)(1\d{9})(\d{3})?(?!\d)")


class RegisterError(VigilarError):
    """Nothing was registered, and why."""


class LeftOutError(VigilarError):
    """This file is not registered, and why."""


@dataclass(frozen=True)
class Task:
    """What is to be registered, and where."""

    database: Database
    root: Path
    ring: KeyRing
    camera_id: str
    timezone: str
    dry_run: bool


def register_files(task: Task, folder: Path) -> int:
    """0: done, 3: done, and files were left out. Raises RegisterError, OSError."""
    root, folder = task.root.resolve(), folder.resolve()
    if not folder.is_dir():
        raise RegisterError(f"{folder}: no such folder")
    if not folder.is_relative_to(root) or folder.is_relative_to(root / paths.INCOMING):
        raise RegisterError(
            f"{folder} is not inside {root}: recordings are played from there, so move or copy the folder into it first"
        )
    if not re.fullmatch(ID_PATTERN, task.camera_id):
        raise RegisterError(f"{task.camera_id!r} is no id of a camera")
    known = _known(task.database, folder.relative_to(root).as_posix())
    done: Counter[str] = Counter()
    for path in _files(folder):
        relative = path.relative_to(root).as_posix()
        try:
            done[_one(task, path, relative, known.get(relative))] += 1
        except (LeftOutError, FileDamagedError) as error:
            done["left out"] += 1
            sys.stderr.write(f"left out {relative}: {str(error).removeprefix(f'{path}: ')}\n")
    told = ", ".join(f"{number} {what}" for what, number in sorted(done.items())) or "no .vge or .mp4 file"
    sys.stdout.write(f"{'would be: ' if task.dry_run else ''}{told}\n")
    return LEFT_OUT_CODE if done["left out"] else 0


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.suffix in SUFFIXES and path.is_file() and not path.is_symlink():
            yield path


def _known(database: Database, prefix: str) -> dict[str, Mapping[str, Any]]:
    """Rows by path, of what lies in the folder."""
    found: dict[str, Mapping[str, Any]] = {}
    start = "" if prefix == "." else f"{prefix}/"
    with database.read() as connection:
        for table in (recordings, pictures):
            query = sa.select(table).where(table.c.path.is_not(None))
            for row in connection.execute(query).mappings():
                if row["path"].startswith(start):
                    found[row["path"]] = dict(row)
    return found


def _one(task: Task, path: Path, relative: str, row: Mapping[str, Any] | None) -> str:
    """What became of the file, in a word. Raises LeftOutError, FileDamagedError, OSError."""
    if row is not None and not (row["state"] == RecordingState.DAMAGED and row["damage"] == MISSING):
        return "known already"
    if not paths.is_older(relative):
        raise LeftOutError(
            "its name has other characters than A-Z a-z 0-9 _ . -, or lies too deep: rename it"
        )
    file_format = FileFormat.VGE1 if path.suffix == ".vge" else FileFormat.MP4
    seen, key_id = _look(task.ring, path, file_format)
    if seen.kind == "unknown":
        raise LeftOutError("it holds neither film nor picture: it belongs to another key, or is damaged")
    if task.dry_run:
        return f"{seen.kind}s registered"
    sha256, size_bytes = digest_slowly(path, lambda _: False)
    started_ms = row["started_ms"] if row is not None else _started_ms(path, seen, task.timezone)
    plain_bytes = size_bytes - 16 if file_format is FileFormat.VGE1 else size_bytes
    older = Older(
        file_id=row["id"]
        if row is not None
        else str(uuid5(NAMESPACE_OID, f"vigilar/version-1/file/{relative}")),
        camera_id=row["camera_id"] if row is not None else task.camera_id,
        format=file_format.value,
        sha256=sha256,
        size_bytes=size_bytes,
        plain_bytes=plain_bytes,
        started_ms=started_ms,
        ended_ms=started_ms + (seen.duration_ms if seen.kind == "film" else 0),
        key_id=key_id,
        kind="recording" if seen.kind == "film" else "picture",
    )
    _enter(task.database, older, relative, row is not None)
    return f"{seen.kind}s registered"


def _look(ring: KeyRing, path: Path, file_format: FileFormat) -> tuple[Probe, str]:
    """What is inside, and the id of the key that says so."""
    if file_format is FileFormat.MP4:
        plain = PlainReader(path)
        try:
            return probe(plain), ""
        finally:
            plain.close()
    oldest = ring.oldest_master()
    if oldest is None or oldest.master is None:
        raise RegisterError("[storage] key_file is not there: files of version 1 cannot be read")
    with V1Reader(path, oldest.master) as reader:
        return probe(reader), oldest.key_id.hex()


def _started_ms(path: Path, seen: Probe, timezone: str) -> int:
    """By the file's name (in the house's time), else by the film's head, else by when it was last written to."""
    if found := _TIME_IN_NAME.search(path.stem):
        try:
            year, month, day, hour, minute, second = (int(part) for part in found.groups())
            moment = datetime(year, month, day, hour, minute, second, tzinfo=ZoneInfo(timezone))
        except ValueError:
            pass  # digits that are no date
        else:
            return int(moment.astimezone(UTC).timestamp() * 1000)
    if found := _EPOCH_IN_NAME.search(path.stem):
        return int(found[1]) * 1000 + int(found[2] or 0)
    return seen.created_ms or max(0, int(path.stat().st_mtime * 1000) - seen.duration_ms)


def _enter(database: Database, older: Older, relative: str, known: bool) -> None:
    """Row and entry in one transaction."""
    clock = SystemClock()
    ledger, now_ms = Ledger(clock), clock.now_ms()
    is_film = older.kind == "recording"

    def job(connection: sa.Connection) -> None:
        if known:
            table = recordings if is_film else pictures
            statement = sa.update(table).where(table.c.id == older.file_id)
            connection.execute(statement.values(state=RecordingState.COMPLETE, damage=""))
        elif is_film:
            connection.execute(
                sa.insert(recordings).values(
                    id=older.file_id, camera_id=older.camera_id, format=older.format, state=RecordingState.COMPLETE,
                    started_ms=older.started_ms, ended_ms=older.ended_ms,
                    duration_ms=older.ended_ms - older.started_ms, path=relative, reason=REASON, received_ms=now_ms,
                )
            )  # fmt: skip
        else:
            connection.execute(
                sa.insert(pictures).values(
                    id=older.file_id, camera_id=older.camera_id, kind="thumbnail", format=older.format,
                    state=PictureState.COMPLETE, size_bytes=older.size_bytes, path=relative, ts_ms=older.started_ms,
                    received_ms=now_ms,
                )
            )  # fmt: skip
        if is_film:
            seal(connection, ledger, older, now_ms)
        else:
            note_older(ledger, connection, older)

    database.write(job)


def add_parser(actions: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(
        "register", help="make recordings of old .vge or .mp4 files that the database does not know"
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="inside recordings_dir")
    parser.add_argument("--camera", required=True, metavar="ID", help="the camera that they show")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    return parser
