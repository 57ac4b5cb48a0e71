"""Who has looked at which events: marked one by one or all at once, and taken back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from vigilar_storage.db import Database
from vigilar_storage.schema import event_reviews

AT_ONCE = 5_000
"""Rows of one transaction: others write between."""
MAX_ROWS = 1_000_000
"""Of one order; more are left for the next one."""

_OPEN = sa.text("reviewed_ms IS NULL")  # as the partial indexes say it
_DONE = sa.text("reviewed_ms IS NOT NULL")


Within = frozenset[str] | None
"""Cameras of what the actor may see, beside what is of no camera; None: all."""


def _seen(within: Within) -> list[sa.ColumnElement[bool]]:
    if within is None:
        return []
    return [event_reviews.c.camera_id.in_(["", *sorted(within)])]


def mark(database: Database, event_ids: Sequence[str], actor: str, now_ms: int, within: Within = None) -> int:
    """How many of these nobody had looked at. Raises StorageUnavailableError."""
    statement = sa.update(event_reviews).where(event_reviews.c.event_id.in_(event_ids), _OPEN, *_seen(within))
    return database.write(
        lambda connection: (
            connection.execute(statement.values(reviewed_ms=now_ms, reviewed_by=actor)).rowcount
        )
    )


def mark_until(
    database: Database, until_ms: int, cameras: Sequence[str], actor: str, now_ms: int, within: Within = None
) -> int:
    """All that began until then, of these cameras or of the whole house."""
    before = event_reviews.c.started_ms <= until_ms
    chosen = sa.select(event_reviews.c.event_id).where(_OPEN, before, *_seen(within))
    if cameras:
        chosen = chosen.where(event_reviews.c.camera_id.in_(cameras))
    values = {"reviewed_ms": now_ms, "reviewed_by": actor}
    return _in_pieces(database, chosen.order_by(event_reviews.c.started_ms), values)


def take_back(database: Database, event_ids: Sequence[str], within: Within = None) -> int:
    """These are to be looked at again, whoever had done so."""
    statement = sa.update(event_reviews).where(event_reviews.c.event_id.in_(event_ids), _DONE, *_seen(within))
    return database.write(
        lambda connection: connection.execute(statement.values(reviewed_ms=None, reviewed_by="")).rowcount
    )


def undo(database: Database, actor: str, marked_ms: int) -> int:
    """What this person marked at that moment."""
    chosen = sa.select(event_reviews.c.event_id).where(
        _DONE, event_reviews.c.reviewed_ms == marked_ms, event_reviews.c.reviewed_by == actor
    )
    return _in_pieces(database, chosen, {"reviewed_ms": None, "reviewed_by": ""})


def waiting(connection: sa.Connection, at_most: int, within: Within = None) -> int:
    """How many wait to be looked at, counted up to `at_most`."""
    waits = sa.select(sa.literal(1)).select_from(event_reviews).where(_OPEN, *_seen(within))
    some = waits.limit(at_most).subquery()
    return connection.scalar(sa.select(sa.func.count()).select_from(some)) or 0


def add(connection: sa.Connection, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """With `reviewed_ms` and `reviewed_by` each, and `to_review`: False where nobody is asked to look."""
    columns = event_reviews.c
    query = sa.select(columns.event_id, columns.reviewed_ms, columns.reviewed_by)
    found = {
        row.event_id: row
        for row in connection.execute(query.where(columns.event_id.in_([row["id"] for row in rows])))
    }
    for row in rows:
        said = found.get(row["id"])
        row["reviewed_ms"] = said.reviewed_ms if said else None
        row["reviewed_by"] = said.reviewed_by if said else ""
        row["to_review"] = said is not None and said.reviewed_ms is None
    return rows


def _in_pieces(database: Database, chosen: sa.Select[Any], values: dict[str, Any]) -> int:
    statement = (
        sa.update(event_reviews).where(event_reviews.c.event_id.in_(chosen.limit(AT_ONCE))).values(**values)
    )
    total = 0
    while total < MAX_ROWS:
        changed = database.write(lambda connection: connection.execute(statement).rowcount)
        total += changed
        if changed < AT_ONCE:
            break
    return total
