"""Events on an axis of time: each one while they are few, counted by slots of time when they are many.

However many events there are, an answer costs what its slots cost: longer slots are read from `event_counts`, shorter ones
are counted from the events of a span that is short too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from vigilar_storage.queries import Span, Wanted, wanted_events
from vigilar_storage.schema import event_counts, events
from vigilar_storage.schema.review import KIND, LEVELS_MS

MAX_MARKS = 600
MAX_SLOTS = 2_000
"""Of one answer, per camera: more than a screen has columns."""
MAX_CURVE_POINTS = 120
"""Of one motion's history; what lasts longer is told by every n-th point."""

_KIND: sa.ColumnElement[str] = sa.literal_column(KIND.format(row=""))


@dataclass(frozen=True)
class Axis:
    """What is looked at; `to_ms - from_ms` is at most MAX_SLOTS slots."""

    from_ms: int
    to_ms: int
    slot_ms: int

    @property
    def span(self) -> Span:
        return Span(self.from_ms, self.to_ms)


def look(connection: sa.Connection, axis: Axis, wanted: Wanted, *, curves: bool = False) -> dict[str, Any]:
    """`{from_ms, to_ms, slot_ms, marks, counts}`: one of the last two is null.

    marks: events by their beginning; counts: `[slot, camera_id, kind, severity, n]`, slot counted from `from_ms` down to a
    whole slot. `curves` adds how strongly it moved.
    """
    answer: dict[str, Any] = {"from_ms": axis.from_ms, "to_ms": axis.to_ms, "slot_ms": axis.slot_ms}
    marks = _marks(connection, axis, wanted, curves=curves)
    if marks is not None:
        return answer | {"marks": marks, "counts": None}
    return answer | {"marks": None, "counts": _counts(connection, axis, wanted)}


def _marks(
    connection: sa.Connection, axis: Axis, wanted: Wanted, *, curves: bool
) -> list[dict[str, Any]] | None:
    """None when they are too many. What began before the span and lasts into it is not there: it began elsewhere."""
    columns = events.c
    query = wanted_events(wanted, axis.span).with_only_columns(
        columns.id, columns.type, columns.severity, columns.title, columns.camera_id, columns.started_ms,
        columns.ended_ms, columns.score, _KIND.label("kind"),
        *([columns.end_detail] if curves else []),
    )  # fmt: skip
    rows = connection.execute(query.order_by(columns.started_ms).limit(MAX_MARKS + 1)).mappings().all()
    if len(rows) > MAX_MARKS:
        return None
    return [_mark(dict(row)) for row in rows]


def _mark(row: dict[str, Any]) -> dict[str, Any]:
    end = row.pop("end_detail", None)
    curve = end.get("curve") if isinstance(end, dict) else None
    if curve:
        every = -(-len(curve) // MAX_CURVE_POINTS)
        row["curve"] = curve[::every]
        row["curve_step_s"] = (end or {}).get("curve_step_s", 1) * every
    return row


def _counts(connection: sa.Connection, axis: Axis, wanted: Wanted) -> list[list[Any]]:
    first = axis.from_ms - axis.from_ms % axis.slot_ms
    level = max((level for level in LEVELS_MS if axis.slot_ms % level == 0), default=None)
    if level is not None and not wanted.needs_rows:
        query = _counted(axis, wanted, level)
    else:
        query = (
            wanted_events(wanted, axis.span)
            .with_only_columns(
                _slot(events.c.started_ms, first, axis.slot_ms),
                sa.func.coalesce(events.c.camera_id, ""),
                _KIND,
                events.c.severity,
                sa.func.count(),
            )
            .group_by(sa.text("1, 2, 3, 4"))
        )
    return [list(row) for row in connection.execute(query)]


def _counted(axis: Axis, wanted: Wanted, level: int) -> sa.Select[Any]:
    counts = event_counts.c
    first = axis.from_ms - axis.from_ms % axis.slot_ms
    query = sa.select(
        _slot(counts.slot_ms, first, axis.slot_ms),
        counts.camera_id,
        counts.kind,
        counts.severity,
        sa.func.sum(counts.n),
    ).where(counts.level_ms == level, counts.slot_ms >= first, counts.slot_ms < axis.to_ms, counts.n > 0)
    for column, words in (
        (counts.camera_id, wanted.cameras),
        (counts.severity, wanted.severities),
        (counts.kind, (*wanted.classes, *wanted.kinds)),
    ):
        if words:
            query = query.where(column.in_(words))
    if wanted.within is not None:
        query = query.where(counts.camera_id.in_(["", *sorted(wanted.within)]))
    return query.group_by(sa.text("1, 2, 3, 4"))


def _slot(column: sa.ColumnElement[int], first: int, slot_ms: int) -> sa.ColumnElement[int]:
    return ((column - first) / sa.literal_column(str(slot_ms))).cast(sa.Integer)


def words(text: str | None) -> Sequence[str]:
    """A parameter that names several, with commas between."""
    return tuple(word for word in (text or "").split(",") if word)
