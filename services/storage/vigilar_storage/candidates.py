"""Which recordings and pictures may go: never starred ones, never growing ones."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from vigilar_storage.projections import GONE
from vigilar_storage.schema import PictureState, recordings
from vigilar_storage.schema import pictures as picture_rows
from vigilar_storage.schema.media import PRUNABLE, THERE

CLOCK_SET_MS = 978_307_200_000
"""2001-01-01: what is dated earlier was made while the clock was not set, so nothing is known of its age."""
COVER_MS = 3_600_000
"""No recording is longer; further back none needs to be looked for."""
DAY_MS = 86_400_000


@dataclass(frozen=True)
class Candidate:
    id: str
    camera_id: str
    path: str | None
    started_ms: int
    size_bytes: int


_COLUMNS = (
    recordings.c.id,
    recordings.c.camera_id,
    recordings.c.path,
    recordings.c.started_ms,
    sa.func.coalesce(recordings.c.size_bytes, 0),
)
_MAY_GO = sa.text(PRUNABLE)
"""In the words of the partial index, or SQLite does not see that it fits."""


def oldest(connection: sa.Connection, limit: int, after: tuple[int, str] = (0, "")) -> list[Candidate]:
    """The oldest unstarred recordings after `(started_ms, id)`; those of an unset clock come last."""
    known = max(after, (CLOCK_SET_MS, ""))
    found = _page(connection, limit, known, None)
    if not found:
        found = _page(connection, limit, (0, ""), CLOCK_SET_MS)
    return found


def _page(
    connection: sa.Connection, limit: int, after: tuple[int, str], before_ms: int | None
) -> list[Candidate]:
    place = (recordings.c.started_ms, recordings.c.id)
    query = sa.select(*_COLUMNS).where(_MAY_GO, sa.tuple_(*place) > sa.tuple_(*after))
    if before_ms is not None:
        query = query.where(recordings.c.started_ms < before_ms)
    return [Candidate(*row) for row in connection.execute(query.order_by(*place).limit(limit))]


def expired(connection: sa.Connection, camera_id: str, ended_before_ms: int, limit: int) -> list[Candidate]:
    """Unstarred recordings of a camera that ended before then, oldest first."""
    query = sa.select(*_COLUMNS).where(
        _MAY_GO,
        recordings.c.camera_id == camera_id,
        recordings.c.started_ms.between(CLOCK_SET_MS, ended_before_ms),
        recordings.c.ended_ms < ended_before_ms,
    )
    ordered = query.order_by(recordings.c.started_ms, recordings.c.id)
    return [Candidate(*row) for row in connection.execute(ordered.limit(limit))]


def expired_pictures(connection: sa.Connection, camera_id: str, before_ms: int, limit: int) -> list[str]:
    """Pictures older than that which no recording that is still there shows or caused."""
    there = recordings.c.state.not_in(GONE)
    of_cause = sa.exists().where(recordings.c.cause_id == picture_rows.c.cause_id, there)
    at_time = sa.exists().where(
        recordings.c.camera_id == picture_rows.c.camera_id,
        recordings.c.started_ms.between(picture_rows.c.ts_ms - COVER_MS, picture_rows.c.ts_ms),
        recordings.c.ended_ms >= picture_rows.c.ts_ms,
        there,
    )
    query = sa.select(picture_rows.c.id).where(
        picture_rows.c.camera_id == camera_id,
        picture_rows.c.ts_ms.between(CLOCK_SET_MS, before_ms),
        picture_rows.c.state.in_((PictureState.COMPLETE, PictureState.DAMAGED)),
        ~of_cause,
        ~at_time,
    )
    return list(connection.scalars(query.order_by(picture_rows.c.ts_ms).limit(limit)))


def newest_ms(connection: sa.Connection) -> int:
    """Start of the newest recording, 0 when there is none."""
    return connection.scalar(sa.select(sa.func.max(recordings.c.started_ms))) or 0


def stored_bytes(connection: sa.Connection) -> int:
    query = sa.select(sa.func.coalesce(sa.func.sum(recordings.c.size_bytes), 0))
    return int(connection.scalar(query.where(sa.text(THERE))) or 0)


def prunable_bytes(connection: sa.Connection) -> int:
    query = sa.select(sa.func.coalesce(sa.func.sum(recordings.c.size_bytes), 0))
    return int(connection.scalar(query.where(_MAY_GO)) or 0)


def written(connection: sa.Connection, from_ms: int, to_ms: int) -> list[tuple[str, int, int]]:
    """(camera_id, whole days before `to_ms`, bytes recorded), also of recordings that are deleted by now."""
    day = (to_ms - recordings.c.started_ms) // DAY_MS
    query = (
        sa.select(recordings.c.camera_id, day, sa.func.coalesce(sa.func.sum(recordings.c.size_bytes), 0))
        .where(recordings.c.started_ms > from_ms, recordings.c.started_ms <= to_ms)
        .group_by(recordings.c.camera_id, day)
    )
    return [(row[0], row[1], row[2]) for row in connection.execute(query).all()]


def kept_by_day(connection: sa.Connection, now_ms: int) -> list[tuple[str, int, int]]:
    """(camera_id, age in days, bytes of unstarred recordings that are there)."""
    age = (now_ms - recordings.c.ended_ms) // DAY_MS
    query = (
        sa.select(recordings.c.camera_id, age, sa.func.coalesce(sa.func.sum(recordings.c.size_bytes), 0))
        .where(_MAY_GO, recordings.c.ended_ms <= now_ms)
        .group_by(recordings.c.camera_id, age)
    )
    return [(row[0], row[1], row[2]) for row in connection.execute(query).all()]
