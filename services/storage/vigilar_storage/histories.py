"""What was measured and who came home, read from the log itself: these facts have no table of their own."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from vigilar_storage import pages
from vigilar_storage.queries import Rows, Span
from vigilar_storage.schema import facts
from vigilar_storage.schema.log import HOUSE_FACTS, SENSOR_FACTS, SENSOR_OF_FACT, HouseType

ORDER = (facts.c.ts_ms, facts.c.n)
_SHOWN = (facts.c.n, facts.c.ts_ms, facts.c.source, facts.c.type)
_of_sensor, _of_key = (sa.literal_column(words, sa.Text) for words in SENSOR_OF_FACT)
_BODY = sa.type_coerce(facts.c.body, sa.JSON)


def sensor_query(sensor_id: str, key: str, span: Span) -> sa.Select[Any]:
    """What one key of a sensor was. The words are those of the partial index, or SQLite does not see that it fits."""
    query = sa.select(*_SHOWN, _BODY.label("body")).where(
        sa.text(SENSOR_FACTS), _of_sensor == sensor_id, _of_key == key
    )
    return span.limit(query, facts.c.ts_ms)


def house_query(kind: HouseType, span: Span) -> sa.Select[Any]:
    """Facts of one type by time."""
    query = sa.select(*_SHOWN, _BODY.label("body")).where(sa.text(HOUSE_FACTS), facts.c.type == kind.value)
    return span.limit(query, facts.c.ts_ms)


def sensor_page(connection: sa.Connection, query: sa.Select[Any], limit: int, cursor: str | None) -> Rows:
    """`{ts_ms, value, unit}`, newest first."""
    rows, following = pages.page(connection, query, ORDER, limit, cursor)
    return [
        {"ts_ms": row["ts_ms"], "value": row["body"].get("value"), "unit": row["body"].get("unit", "")}
        for row in rows
    ], following


def house_page(connection: sa.Connection, query: sa.Select[Any], limit: int, cursor: str | None) -> Rows:
    """`{ts_ms, source, type, …}` with the fields of the fact, newest first."""
    rows, following = pages.page(connection, query, ORDER, limit, cursor)
    return [
        {**row["body"], "ts_ms": row["ts_ms"], "source": row["source"], "type": row["type"]} for row in rows
    ], following
