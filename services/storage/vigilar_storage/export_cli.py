"""`vigilar export`: recordings with proof, in one zip that anybody can check."""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from vigilar_common.clock import SystemClock, uuid7
from vigilar_common.config.slices import SliceReader
from vigilar_common.secrets import Secrets
from vigilar_common.service import Environment

from vigilar_storage import export_ledger, keys, queries
from vigilar_storage.app import DATABASE_FILE
from vigilar_storage.db import Database
from vigilar_storage.export import MAX_RECORDINGS, Exporter, ExportError, Order, Progress, Result
from vigilar_storage.files import OpenFiles
from vigilar_storage.ledger import Ledger
from vigilar_storage.ledger.signing import PRIVATE_KEY, load_signer, origin_of
from vigilar_storage.ledger.told import note_export
from vigilar_storage.schema import meta, recording_gaps
from vigilar_storage.storage_cli import actor

MAX_REASON_CHARS = 500
MAX_GAPS = 10_000
BUSY_TIMEOUT_S = 5.0
INCOMPLETE = 3
NICE = 10
"""For the web page: cameras, playback and alarms go first."""
NAMED_RECORDINGS = 500
"""By id in the ledger's entry; of more it says how many, and the signed manifest names them."""


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("export", help="hand out recordings with proof that nothing was changed")
    parser.add_argument("-c", "--config", help="vigilar.toml")
    parser.add_argument("--camera", metavar="ID", help="of this camera")
    parser.add_argument(
        "--from", dest="from_time", metavar="TIME", help="ISO 8601, house time without an offset"
    )
    parser.add_argument("--to", dest="to_time", metavar="TIME", help="the same; not included")
    parser.add_argument("--recording", metavar="ID", action="append", default=[], help="this one; repeatable")
    parser.add_argument("--reason", default="", help="why, for the custody log")
    parser.add_argument("--out", metavar="FILE.zip", required=True, type=Path, help="must not exist yet")
    parser.add_argument(
        "--for-user",
        metavar="NAME",
        help="asked for by this user of the web page (default: who runs the command)",
    )
    parser.add_argument("--max-bytes", type=int, metavar="N", help="make no larger one")
    parser.add_argument("--progress", action="store_true", help="say in lines of JSON how far it is")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """0: done, 3: done but recordings were left out. Raises VigilarError, OSError."""
    environment, clock = Environment.read(), SystemClock()
    found = SliceReader(environment.config_run, "storage", clock).load()
    secrets = Secrets(environment.secrets_dir)
    secrets.path(PRIVATE_KEY)  # names the cure when it is missing
    signer = load_signer(environment.secrets_dir)
    if args.progress:
        os.nice(NICE)
    root = Path(found.config.system.recordings_dir)
    database = Path(found.config.system.data_dir) / DATABASE_FILE
    ring, _ = keys.load_ring(secrets, found.config.storage)
    files = OpenFiles(ring)
    try:
        with reading(database) as connection:
            order = order_of(args, connection, found.timezone)
            uuid = str(connection.scalar(sa.select(meta.c.value).where(meta.c.name == "database_uuid")))
            subjects = [row["id"] for row in (*order.recordings, *order.gaps)]
            ledger = export_ledger.read(connection, signer, origin_of(uuid), subjects)
        exporter = Exporter(root, files, signer, uuid, Progress(ProgressLines()) if args.progress else None)
        export_id = uuid7(clock)

        def note(made: Result) -> None:
            _note(database, export_id, _custody(order, made, "web" if args.for_user else "command line"))

        result = exporter.write(order, ledger, args.out.resolve(), clock.now_ms(), note, args.max_bytes)
    finally:
        files.close()
    return _tell(args, result, len(order.gaps))


class ProgressLines:
    """Progress as lines of JSON, at most one for each percent."""

    def __init__(self) -> None:
        self._told_pct = -1

    def __call__(self, done_bytes: int, total_bytes: int) -> None:
        pct = done_bytes * 100 // total_bytes if total_bytes else 100
        if pct != self._told_pct:
            self._told_pct = pct
            json_line({"done_bytes": done_bytes, "total_bytes": total_bytes})


def json_line(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def _custody(order: Order, made: Result, via: str) -> dict[str, Any]:
    """Who took what, and the hash that tells whether a zip is this one."""
    left_out = {item["id"] for item in made.left_out}
    ids = [row["id"] for row in order.recordings if row["id"] not in left_out]
    return {
        "actor": order.actor,
        "reason": order.reason,
        "via": via,
        "cameras": list(order.cameras),
        "from_ms": order.from_ms,
        "to_ms": order.to_ms,
        "recordings": len(ids),
        "recording_ids": ids[:NAMED_RECORDINGS],
        "left_out": len(left_out),
        "sha256": made.sha256,
        "size_bytes": made.bytes,
    }


def _note(path: Path, export_id: str, body: dict[str, Any]) -> None:
    """Beside a storage that may be running: SQLite lets one write at a time. Raises StorageUnavailableError."""
    database = Database(path)
    database.open()
    try:
        ledger = Ledger(SystemClock())
        database.write(lambda connection: note_export(ledger, connection, export_id, body))
    finally:
        database.close()


def _tell(args: argparse.Namespace, result: Result, gaps: int) -> int:
    out: Path = args.out
    if args.progress:
        json_line(
            {
                "films": result.films,
                "gaps": gaps,
                "bytes": result.bytes,
                "sha256": result.sha256,
                "left_out": result.left_out,
            }
        )
        return INCOMPLETE if result.left_out else 0
    sys.stdout.write(f"{out}: {result.films} recordings, {gaps} gaps, {result.bytes} bytes\n")
    for item in result.left_out:
        sys.stderr.write(f"left out {item['id']}: {item['reason']}\n")
    return INCOMPLETE if result.left_out else 0


@contextmanager
def reading(path: Path) -> Iterator[sa.Connection]:
    """One snapshot of the database, also while storage writes it. Raises ExportError."""

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(
            f"file:{quote(str(path))}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None
        )

    engine = sa.create_engine("sqlite://", creator=connect, poolclass=sa.pool.NullPool)
    sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    try:
        with engine.connect() as connection:
            yield connection
    except sa.exc.DBAPIError as error:
        raise ExportError(f"the database {path} cannot be read: {error.orig}") from error
    finally:
        engine.dispose()


def order_of(args: argparse.Namespace, connection: sa.Connection, timezone: str) -> Order:
    """What the command line asks for. Raises ExportError."""
    if len(args.reason) > MAX_REASON_CHARS:
        raise ExportError(f"--reason has at most {MAX_REASON_CHARS} characters")
    span = (args.camera, args.from_time, args.to_time)
    if args.recording:
        if any(value is not None for value in span):
            raise ExportError("either --recording, or --camera with --from and --to")
        rows = [_recording(connection, recording_id) for recording_id in dict.fromkeys(args.recording)]
        from_ms = min(row["started_ms"] for row in rows)
        to_ms = max(row["ended_ms"] or row["started_ms"] for row in rows)
    else:
        if any(value is None for value in span):
            raise ExportError("name --camera, --from and --to, or --recording")
        from_ms, to_ms = _time_ms(args.from_time, timezone), _time_ms(args.to_time, timezone)
        if from_ms >= to_ms:
            raise ExportError("--from must be before --to")
        rows = queries.recordings_of_span(
            connection, args.camera, queries.Span(from_ms, to_ms), MAX_RECORDINGS + 1
        )
    cameras = sorted({row["camera_id"] for row in rows} or {args.camera})
    gaps = _gaps(connection, cameras, from_ms, to_ms)
    return Order(from_ms, to_ms, cameras, args.for_user or actor(), args.reason, rows, gaps)


def _recording(connection: sa.Connection, recording_id: str) -> dict[str, Any]:
    row = queries.get_recording(connection, recording_id)
    if row is None:
        raise ExportError(f"there is no recording {recording_id[:80]}")
    return row


def _gaps(
    connection: sa.Connection, cameras: Sequence[str], from_ms: int, to_ms: int
) -> list[dict[str, Any]]:
    columns = recording_gaps.c
    query = (
        sa.select(recording_gaps)
        .where(columns.camera_id.in_(cameras), columns.from_ms < to_ms, columns.to_ms > from_ms)
        .order_by(columns.from_ms, columns.id)
        .limit(MAX_GAPS + 1)
    )
    found = [dict(row) for row in connection.execute(query).mappings()]
    if len(found) > MAX_GAPS:
        raise ExportError(f"more than {MAX_GAPS} gaps: ask for a shorter time")
    return found


def _time_ms(text: str, timezone: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ExportError(f"{text!r} is no time: write it as 2026-03-01T18:30:00") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(timezone))
    return round(moment.timestamp() * 1000)
