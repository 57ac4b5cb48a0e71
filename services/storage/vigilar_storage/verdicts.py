"""Marks and suppressed objects: from facts to rows, and how often each camera was wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from vigilar_common.messages.objects import ObjectMarked, ObjectSuppressed, Verdict, object_event_id

from vigilar_storage.schema import events, object_verdicts
from vigilar_storage.schema.house import IS_OBJECT

DAY_MS = 86_400_000
DAYS = (7, 30)
NEWEST = 50

TYPES = frozenset((ObjectMarked.TYPE, ObjectSuppressed.TYPE))

_ROW = object_verdicts.c


def suppressed(connection: sa.Connection, fact: ObjectSuppressed, _received_ms: int) -> None:
    said = {
        "suppressed": True,
        "mask": fact.mask,
        "marked_track_id": fact.marked_track_id,
        "likeness": fact.likeness if fact.marked_track_id else None,
        "confidence": fact.confidence,
        "seen_ms": fact.started_ms,
    }
    statement = insert(object_verdicts).values(
        id=fact.track_id,
        camera_id=fact.camera_id,
        event_id=object_event_id(fact.track_id),
        object_class=fact.object_class,
        verdict=Verdict.NONE,
        learnt=False,
        **said,
    )
    own = _ROW.camera_id == fact.camera_id
    connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=said, where=own))


def marked(connection: sa.Connection, fact: ObjectMarked, _received_ms: int) -> None:
    """The newest mark counts; of an event that is not known the time of the mark stands for its own."""
    event_id = object_event_id(fact.track_id)
    seen_ms = connection.scalar(sa.select(events.c.started_ms).where(events.c.id == event_id))
    said = {
        "verdict": fact.verdict,
        "learnt": fact.learnt,
        "marked_by": fact.by,
        "marked_ms": fact.ts_ms,
    }
    statement = insert(object_verdicts).values(
        id=fact.track_id,
        camera_id=fact.camera_id,
        event_id=event_id,
        object_class=fact.object_class,
        suppressed=False,
        seen_ms=seen_ms or fact.ts_ms,
        **said,
    )
    newer = sa.and_(
        _ROW.camera_id == fact.camera_id, sa.or_(_ROW.marked_ms.is_(None), _ROW.marked_ms <= fact.ts_ms)
    )
    connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=said, where=newer))


def add(connection: sa.Connection, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`verdict` of each event that is an object; empty where nobody said anything."""
    ids = [event["id"] for event in found if event["type"] == "object"]
    query = sa.select(_ROW.event_id, _ROW.verdict).where(_ROW.event_id.in_(ids), _ROW.verdict != Verdict.NONE)
    said = {row.event_id: row.verdict for row in connection.execute(query)} if ids else {}
    for event in found:
        event["verdict"] = said.get(event["id"], "")
    return found


def false_alarms(connection: sa.Connection, camera_id: str, now_ms: int) -> dict[str, Any]:
    """`{camera_id, spans: [{days, told, wrong, suppressed}], newest: [rows]}`, newest first."""
    return {
        "camera_id": camera_id,
        "spans": [_span(connection, camera_id, days, now_ms) for days in DAYS],
        "newest": _newest(connection, camera_id),
    }


def _span(connection: sa.Connection, camera_id: str, days: int, now_ms: int) -> dict[str, int]:
    since_ms = now_ms - days * DAY_MS
    told = sa.select(sa.func.count()).where(
        events.c.camera_id == camera_id, sa.text(IS_OBJECT), events.c.started_ms >= since_ms
    )
    own = sa.and_(_ROW.camera_id == camera_id, _ROW.seen_ms >= since_ms)
    rows = connection.execute(
        sa.select(_ROW.verdict, _ROW.suppressed, sa.func.count())
        .where(own)
        .group_by(_ROW.verdict, _ROW.suppressed)
    ).all()
    return {
        "days": days,
        "told": connection.scalar(told) or 0,
        "wrong": sum(n for verdict, held, n in rows if verdict == Verdict.WRONG and not held),
        "suppressed": sum(n for _, held, n in rows if held),
    }


def _newest(connection: sa.Connection, camera_id: str) -> Sequence[dict[str, Any]]:
    """Suppressed ones, and marks that hold."""
    query = (
        sa.select(object_verdicts)
        .where(_ROW.camera_id == camera_id, sa.or_(_ROW.suppressed.is_(True), _ROW.verdict != Verdict.NONE))
        .order_by(_ROW.seen_ms.desc(), _ROW.id.desc())
        .limit(NEWEST)
    )
    return [dict(row) for row in connection.execute(query).mappings()]
