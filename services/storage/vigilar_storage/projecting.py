"""What all projections share: rows that are their fact, and rows of which the newest fact says all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from vigilar_common.errors import VigilarError

from vigilar_storage.bulk import insert_rows

Projection = Callable[[sa.Connection, Sequence[Any], int], None]


class ProjectionError(VigilarError):
    """A fact that contradicts what is known; it is kept among the refused ones."""


def each(one: Callable[[sa.Connection, Any, int], None]) -> Projection:
    """For types that look at what is known before they write."""

    def all_of_them(connection: sa.Connection, facts: Sequence[Any], received_ms: int) -> None:
        for fact in facts:
            one(connection, fact, received_ms)

    return all_of_them


def own_rows(
    connection: sa.Connection, table: str, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Rows whose key is the fact's own id: a repeat changes nothing."""
    insert_rows(connection, table, columns, rows, "ON CONFLICT DO NOTHING")


def save(
    connection: sa.Connection, table: sa.Table, row_id: str, ts_ms: int, values: Mapping[str, Any]
) -> None:
    """The row as a fact of `ts_ms` says it, unless a newer fact was here or it was removed since.

    The table has `created_ms`, `updated_ms` and `removed_ms`.
    """
    has = table.c
    newer = sa.and_(has.updated_ms <= ts_ms, sa.or_(has.removed_ms.is_(None), has.removed_ms < ts_ms))
    statement = insert(table).values(id=row_id, created_ms=ts_ms, updated_ms=ts_ms, **values)
    again = {**values, "updated_ms": ts_ms, "removed_ms": None}
    connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=again, where=newer))
    earlier = sa.update(table).where(has.id == row_id, has.created_ms > ts_ms)
    connection.execute(earlier.values(created_ms=ts_ms))


def remove(
    connection: sa.Connection,
    table: sa.Table,
    row_id: str,
    ts_ms: int,
    values: Mapping[str, Any] | None = None,
) -> bool:
    """A tombstone; False when the row was saved again since. Raises ProjectionError when it was never there."""
    must_know(connection, table, row_id)
    gone = sa.update(table).where(table.c.id == row_id, table.c.updated_ms <= ts_ms)
    return connection.execute(gone.values(removed_ms=ts_ms, **(values or {}))).rowcount > 0


def must_know(connection: sa.Connection, table: sa.Table, row_id: str | None) -> None:
    """Raises ProjectionError unless the row is there, removed or not; None is nothing to know."""
    if row_id is None:
        return
    if connection.scalar(sa.select(table.c.id).where(table.c.id == row_id)) is None:
        raise ProjectionError(f"{table.name} has no {row_id}")
