"""Taking over the database of the described system, which has no table of versions.

Its tables are known by name, their columns only in part. So every row is kept word for word as JSON in the table
`legacy`, and what is understood is also entered into our tables (see `legacy_map`). The new database is made beside the
old one and takes its name in one rename: killed at any moment, the next start finds the old database whole and begins
again. A copy of the old one stays as `vigilar.db.before-migration-<utc>`.
"""

from __future__ import annotations

import json
import logging
import math
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from vigilar_common.clock import Clock
from vigilar_common.config.files import sync_dir
from vigilar_common.errors import StartupError

from vigilar_storage import kept_copy, paths
from vigilar_storage.backup import sync_file
from vigilar_storage.legacy_map import RECEIVED, TABLES, Known, integer, mapped, named_id, new_id, scaled

log = logging.getLogger(__name__)

SIGNS = frozenset({"cameras", "events", "recordings", "system_events", "arm_state_log"})
"""Tables that together tell the described system's database from a stranger's."""
MODE = 0o640
HOME_OF_RECORDINGS = "recordings"
REASON = "recorded by version 1: readable, not tamper-evident"
MADE = """
CREATE TABLE legacy (
    table_name TEXT NOT NULL,
    row_id INTEGER NOT NULL,
    new_id TEXT,
    problem TEXT NOT NULL DEFAULT '',
    json TEXT NOT NULL CHECK (json_valid(json)),
    PRIMARY KEY (table_name, row_id)
) STRICT, WITHOUT ROWID
"""


def is_legacy(path: Path) -> bool:
    """Raises sqlite3.Error when the file is no database."""
    connection = sqlite3.connect(path)
    try:
        names = {
            str(row[0]) for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
    finally:
        connection.close()
    return names >= SIGNS and "alembic_version" not in names


def take_over(path: Path, clock: Clock, recordings: Path | None, upgrade: Callable[[Path], None]) -> None:
    """Replace the old database by one of ours with all its rows. Raises StartupError, OSError, sqlite3.Error."""
    fresh = path.with_name(f"{path.name}.migrating")
    for suffix in ("", "-wal", "-shm", "-journal"):
        fresh.with_name(fresh.name + suffix).unlink(missing_ok=True)
    _settle(path)
    copy = kept_copy.keep(path, clock.now_ms())
    log.info("database %s is of the system before: taken over, a copy stays as %s", path, copy.name)
    upgrade(fresh)
    fresh.chmod(MODE)
    old, new = (
        sqlite3.connect(f"{copy.as_uri()}?mode=ro", uri=True),
        sqlite3.connect(fresh, isolation_level=None),
    )
    try:
        old.row_factory = sqlite3.Row
        old.text_factory = lambda data: data.decode("utf-8", "replace")
        new.execute("PRAGMA foreign_keys=ON")
        new.execute("BEGIN IMMEDIATE")
        new.execute(MADE)
        _rows(old, new, recordings)
        _all_there(old, new)
        new.execute("COMMIT")
        new.execute("PRAGMA journal_mode=DELETE")
    finally:
        old.close()
        new.close()
    sync_file(fresh)
    fresh.replace(path)
    sync_dir(path.parent)


def _settle(path: Path) -> None:
    """Bring the old database into its one file. Raises StartupError when somebody uses it."""
    connection = sqlite3.connect(path, timeout=1, isolation_level=None)
    try:
        mode = connection.execute("PRAGMA journal_mode=DELETE").fetchone()[0]
    except sqlite3.OperationalError as error:
        raise StartupError(f"database {path} is in use: stop the old system first ({error})") from error
    finally:
        connection.close()
    if mode != "delete":
        raise StartupError(f"database {path} is in use: stop the old system first")


def _tables(old: sqlite3.Connection) -> list[str]:
    """Those that others refer to first."""
    query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
    names = [str(row[0]) for row in old.execute(query)]
    order = list(TABLES)
    return sorted(names, key=lambda name: order.index(name) if name in order else len(order))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _read(old: sqlite3.Connection, table: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rows with their number: SQLite's own, or counted where a table has none."""
    columns = [str(row[1]) for row in old.execute(f"PRAGMA table_xinfo({_quoted(table)})")]
    listed = ", ".join(map(_quoted, columns))
    try:
        found = old.execute(f"SELECT rowid, {listed} FROM {_quoted(table)} ORDER BY rowid")  # noqa: S608 names of its own schema
    except sqlite3.OperationalError:
        found = old.execute(f"SELECT row_number() OVER (), {listed} FROM {_quoted(table)}")  # noqa: S608
    for row in found:
        values = tuple(row)
        yield int(values[0]), dict(zip(columns, values[1:], strict=True))


def _rows(old: sqlite3.Connection, new: sqlite3.Connection, recordings: Path | None) -> None:
    known = Known()
    for table in _tables(old):
        taken = kept = 0
        for row_id, row in _read(old, table):
            found, problem = None, "no table of ours takes these rows"
            if table in TABLES:
                found, problem = _enter(new, table, row_id, row, known, recordings)
            taken += not problem
            kept += bool(problem)
            new.execute(
                "INSERT INTO legacy (table_name, row_id, new_id, problem, json) VALUES (?, ?, ?, ?, ?)",
                (table, row_id, found, problem, _json(row)),
            )
        level = logging.WARNING if kept and table in TABLES else logging.INFO
        log.log(level, "table %s: %d rows taken over, %d only kept as they were", table, taken, kept)


def _enter(
    new: sqlite3.Connection,
    table: str,
    row_id: int,
    row: dict[str, Any],
    known: Known,
    recordings: Path | None,
) -> tuple[str | None, str]:
    """(new id, why the row could not be entered)."""
    values = mapped(table, row, known)
    identity: str | None = None
    if table in ("cameras", "sensors"):
        identity = named_id(row, table)
        if identity is None:
            return None, "it has no id that the configuration could name"
        ids = known.camera_ids if table == "cameras" else known.sensor_ids
        ids |= {key: identity for key in (row.get("id"), row.get("name")) if key is not None}
        values["display_name"] = values["display_name"] or identity
    elif table != "sensor_states":
        identity = new_id(table, row.get("id", row_id))
    if identity is not None:
        values["id"] = identity
    if table == "recordings":
        _file(values, row, recordings)
    if table == "alert_log":
        values["alert_id"] = values["event_id"] or identity
    if table in RECEIVED:
        values["received_ms"] = values.get("ts_ms") or values.get("started_ms")
    names = ", ".join(values)
    marks = ", ".join("?" * len(values))
    try:
        new.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))  # noqa: S608 our own names
    except sqlite3.IntegrityError as error:
        return None, str(error)[:300]
    return identity, ""


def _file(values: dict[str, Any], row: dict[str, Any], recordings: Path | None) -> None:
    """Where the film is and what can be said of it. Its bytes are never changed or moved."""
    if values["duration_ms"] is None:
        values["duration_ms"] = (
            scaled(1000)(
                next((row[n] for n in ("duration_s", "duration") if row.get(n) is not None), 0), Known()
            )
            or 0
        )
    if values["started_ms"] is not None:
        values["ended_ms"] = values["started_ms"] + values["duration_ms"]
    told = next((str(row[name]) for name in ("path", "file_path", "filename") if row.get(name)), "")
    place = _relative(told, recordings)
    encrypted = integer(row.get("encrypted"), Known()) or told.endswith(".vge")
    damage = ""
    if place is None:
        damage = f"its path cannot be used: {told[:300]}"
    elif recordings is not None and not (recordings / place).is_file():
        damage = "its file is missing"
    values |= {
        "path": place,
        "format": "vge1" if encrypted else "mp4",
        "state": "damaged" if damage else "complete",
        "damage": damage,
        "reason": REASON,
    }
    if not damage and recordings is not None:
        values["size_bytes"] = (recordings / str(place)).stat().st_size


def _relative(told: str, recordings: Path | None) -> str | None:
    """Below recordings_dir, or None: absolute paths of the old place are cut at its folder."""
    if recordings is not None and told.startswith(f"{recordings}/"):
        told = told[len(str(recordings)) + 1 :]
    elif told.startswith(("/", f"{HOME_OF_RECORDINGS}/")):
        _, found, told = told.partition(f"{HOME_OF_RECORDINGS}/")
        if not found:
            return None
    return told if paths.is_older(told) or paths.parse_stored(told) else None


def _json(row: dict[str, Any]) -> str:
    def plain(value: Any) -> Any:
        if isinstance(value, bytes):
            return {"hex": value.hex()}
        if isinstance(value, float) and not math.isfinite(value):
            return {"float": repr(value)}
        return value

    return json.dumps({name: plain(value) for name, value in row.items()}, ensure_ascii=True)


def _all_there(old: sqlite3.Connection, new: sqlite3.Connection) -> None:
    """Every row of every table, counted on both sides. Raises StartupError."""
    for table in _tables(old):
        was = old.execute(f"SELECT count(*) FROM {_quoted(table)}").fetchone()[0]  # noqa: S608
        has = new.execute("SELECT count(*) FROM legacy WHERE table_name = ?", (table,)).fetchone()[0]
        if was != has:
            raise StartupError(f"table {table} has {was} rows, {has} were taken over: the old database stays")
