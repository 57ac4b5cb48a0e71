"""Many rows in few steps: what the hot path of the log says to SQLite.

A batch of 200 facts is written by a handful of statements whose text stays the same, so that each is compiled
once, nothing is paid per row but the row, and other threads run while SQLite works.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa

ROWS_AT_ONCE = (128, 32, 8, 1)
"""A few sizes only: the driver keeps each compiled statement, and its 128 places are to suffice for all."""
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def json_of(value: Any) -> str:
    """Compact JSON text. Raises ValueError for NaN and infinity, RecursionError."""
    return _ENCODER.encode(value)


def insert_rows(
    connection: sa.Connection,
    table: str,
    columns: tuple[str, ...],
    rows: Sequence[tuple[Any, ...]],
    on_conflict: str = "",
) -> None:
    """Insert in the order given; values as SQLite keeps them. Raises sqlite3.Error."""
    raw = driver(connection)
    start = 0
    for size in ROWS_AT_ONCE:
        while len(rows) - start >= size:
            values = [value for row in rows[start : start + size] for value in row]
            raw.execute(_insert_text(table, columns, size, on_conflict), values)
            start += size


def known_ids(connection: sa.Connection, ids: Iterable[str]) -> set[str]:
    """Which of these facts the log holds."""
    query = "SELECT json_group_array(id) FROM facts WHERE id IN (SELECT value FROM json_each(?))"
    (found,) = driver(connection).execute(query, (json_of(list(ids)),)).fetchone()
    return set(json.loads(found))


def newest_n(connection: sa.Connection) -> int:
    """The highest commit number, 0 of an empty log."""
    (n,) = driver(connection).execute("SELECT coalesce(max(n), 0) FROM facts").fetchone()
    return int(n)


def recordings_without_event(connection: sa.Connection, ids: list[str]) -> list[tuple[str, str]]:
    """`(recording id, the one of ids)` for recordings of that id or cause that belong to no event yet."""
    query = (
        "SELECT id, id FROM recordings WHERE event_id IS NULL AND id IN (SELECT value FROM json_each(?1)) "
        "UNION ALL SELECT id, cause_id FROM recordings "
        "WHERE event_id IS NULL AND cause_id IN (SELECT value FROM json_each(?1))"
    )
    return driver(connection).execute(query, (json_of(ids),)).fetchall()


def driver(connection: sa.Connection) -> sqlite3.Connection:
    """The driver's own connection, within the transaction that SQLAlchemy has open."""
    found = connection.connection.driver_connection
    assert isinstance(found, sqlite3.Connection), "the database is SQLite"
    return found


@cache
def _insert_text(table: str, columns: tuple[str, ...], rows: int, on_conflict: str) -> str:
    row = f"({', '.join('?' * len(columns))})"
    # Names come from this package alone, values are bound.
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([row] * rows)} {on_conflict}"  # noqa: S608
