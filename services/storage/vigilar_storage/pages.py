"""Keyset pages: newest first, stable while rows are added, one index range per page however deep it lies."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from vigilar_common.errors import VigilarError

DEFAULT_LIMIT = 50
MAX_LIMIT = 500


class BadCursorError(VigilarError):
    """The cursor is not one that this page gave out."""


def encode(values: Sequence[Any]) -> str:
    raw = json.dumps(list(values), separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(cursor: str, kinds: Sequence[type]) -> list[Any]:
    """Raises BadCursorError unless it holds exactly values of these kinds."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        values = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise BadCursorError("this cursor was not given out by this list") from error
    if not isinstance(values, list) or [type(value) for value in values] != list(kinds):
        raise BadCursorError("this cursor was not given out by this list")
    return values


def page(
    connection: sa.Connection,
    query: sa.Select[Any],
    order: Sequence[sa.Column[Any]],
    limit: int,
    cursor: str | None,
) -> tuple[list[dict[str, Any]], str | None]:
    """Rows of `query` (which must select the `order` columns, none of them empty) in descending order, and the
    cursor of the next page. Raises BadCursorError.
    """
    if cursor:
        values = decode(cursor, [_kind(column) for column in order])
        query = query.where(_before(order, values))
    query = query.order_by(*(column.desc() for column in order)).limit(limit + 1)
    rows = [dict(row) for row in connection.execute(query).mappings()]
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], encode([last[column.name] for column in order])


def _before(order: Sequence[sa.Column[Any]], values: Sequence[Any]) -> sa.ColumnElement[bool]:
    if len(order) == 1:
        return sa.and_(order[0] < values[0])
    bound = (sa.literal(value, column.type) for value, column in zip(values, order, strict=True))
    return sa.tuple_(*order) < sa.tuple_(*bound)


def _kind(column: sa.Column[Any]) -> type:
    return int if isinstance(column.type, sa.Integer) else str
