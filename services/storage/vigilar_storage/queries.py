"""What the API reads: events with their film and picture, recordings, logs, registries."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from vigilar_storage import pages, reviews, verdicts
from vigilar_storage.projections import GONE
from vigilar_storage.schema import (
    cameras,
    event_reviews,
    events,
    pet_sightings,
    pictures,
    push_subscriptions,
    recordings,
    sensors,
    visits,
)
from vigilar_storage.schema.house import IN_ZONES, IS_OBJECT, OBJECT_CLASS, SEEN_ZONES
from vigilar_storage.schema.media import THERE

Rows = tuple[list[dict[str, Any]], str | None]
OVERLAPS_TRIED = 3
"""How many recordings before an event are looked at: continuous and motion recordings may overlap."""


@dataclass(frozen=True)
class Span:
    """Half-open in UTC ms; None: open."""

    from_ms: int | None = None
    to_ms: int | None = None

    def limit(self, query: sa.Select[Any], column: sa.Column[Any]) -> sa.Select[Any]:
        if self.from_ms is not None:
            query = query.where(column >= self.from_ms)
        if self.to_ms is not None:
            query = query.where(column < self.to_ms)
        return query


def _equal(query: sa.Select[Any], pairs: Mapping[sa.Column[Any], Any]) -> sa.Select[Any]:
    for column, value in pairs.items():
        if value is not None:
            query = query.where(column == value)
    return query


# -- events ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wanted:
    """Which events: each may be left open; several words of a kind mean any of them."""

    cameras: Sequence[str] = ()
    kinds: Sequence[str] = ()
    """Types: motion, object, alarm_triggered …"""
    severities: Sequence[str] = ()
    classes: Sequence[str] = ()
    sensor: str | None = None
    zone: str | None = None
    speed: str | None = None
    loitered: bool | None = None
    min_dwell_s: float | None = None
    """So long in one zone at least; in `zone` where that is asked for."""
    words: Sequence[str] = ()
    """Each stands somewhere in the title."""
    pet: str | None = None
    person: str | None = None
    """Id of a face profile."""
    reviewed: bool | None = None
    within: frozenset[str] | None = None
    """Of these cameras, or of none at all: what whoever asks may see."""

    @property
    def needs_rows(self) -> bool:
        """Whether counts by camera, kind and severity cannot tell."""
        others = (
            self.sensor,
            self.zone,
            self.speed,
            self.loitered,
            self.min_dwell_s,
            self.pet,
            self.person,
            self.reviewed,
        )
        both = bool(self.classes and self.kinds)
        return (
            any(value is not None for value in others) or bool(self.words) or both or "object" in self.kinds
        )


def events_query(
    camera: str | None = None,
    kind: str | None = None,
    severity: str | None = None,
    span: Span = Span(),
    sensor: str | None = None,
    object_class: str | None = None,
    zone: str | None = None,
) -> sa.Select[Any]:
    cameras_, kinds, severities, classes = (
        () if value is None else (value,) for value in (camera, kind, severity, object_class)
    )
    return wanted_events(Wanted(cameras_, kinds, severities, classes, sensor, zone), span)


def wanted_events(wanted: Wanted, span: Span = Span()) -> sa.Select[Any]:
    """Conditions on class and zone stand as their indexes say them."""
    columns = events.c
    query = sa.select(events).where(columns.started_ms.is_not(None))
    for column, values in (
        (columns.camera_id, wanted.cameras),
        (columns.type, wanted.kinds),
        (columns.severity, wanted.severities),
    ):
        if values:
            query = query.where(column == values[0] if len(values) == 1 else column.in_(values))
    query = _equal(query, {columns.sensor_id: wanted.sensor})
    if wanted.classes:
        names = {f"class_{at}": value for at, value in enumerate(wanted.classes)}
        listed = ", ".join(f":{name}" for name in names)
        same = sa.text(f"{OBJECT_CLASS} = {listed}" if len(names) == 1 else f"{OBJECT_CLASS} IN ({listed})")
        query = query.where(sa.text(IS_OBJECT), same.bindparams(**names))
    if wanted.zone is not None:
        within = sa.text(f"EXISTS (SELECT 1 FROM json_each({SEEN_ZONES}) WHERE value = :zone)")  # noqa: S608 a constant
        query = query.where(sa.text(IN_ZONES), within.bindparams(zone=wanted.zone))
    query = _how_it_went(query, wanted)
    if wanted.within is not None:
        query = query.where(sa.or_(columns.camera_id.is_(None), columns.camera_id.in_(sorted(wanted.within))))
    for word in wanted.words:
        query = query.where(columns.title.icontains(word, autoescape=True))
    for table, column, one in (
        (pet_sightings, pet_sightings.c.pet_id, wanted.pet),
        (visits, visits.c.profile_id, wanted.person),
    ):
        if one is not None:
            query = query.where(columns.id.in_(sa.select(table.c.event_id).where(column == one)))
    if wanted.reviewed is not None:
        query = _reviewed(query, wanted, span)
    return span.limit(query, events.c.started_ms)


def _how_it_went(query: sa.Select[Any], wanted: Wanted) -> sa.Select[Any]:
    """What only the end of an object says; these walk the objects of the span, newest first."""
    if wanted.speed is not None:
        query = query.where(
            sa.text(IS_OBJECT), sa.text("end_detail ->> 'speed' = :speed").bindparams(speed=wanted.speed)
        )
    if wanted.loitered is not None:
        said = sa.text("coalesce(end_detail ->> 'loitered', 0) = :loitered").bindparams(
            loitered=int(wanted.loitered)
        )
        query = query.where(sa.text(IS_OBJECT), said)
    if wanted.min_dwell_s is not None:
        long = sa.text(
            "EXISTS (SELECT 1 FROM json_each(end_detail -> 'dwell_s') WHERE value >= :dwell_s"
            " AND (:dwell_zone IS NULL OR key = :dwell_zone))"
        ).bindparams(dwell_s=wanted.min_dwell_s, dwell_zone=wanted.zone)
        query = query.where(sa.text(IS_OBJECT), long)
    return query


def _reviewed(query: sa.Select[Any], wanted: Wanted, span: Span) -> sa.Select[Any]:
    """What waits is read from its own index, however much lies before it; the rest is what does not wait."""
    waits = sa.text("event_reviews.reviewed_ms IS NULL")
    if wanted.reviewed:
        some = sa.select(sa.literal(1)).where(event_reviews.c.event_id == events.c.id, waits)
        return query.where(~some.exists())
    query = query.join(event_reviews, event_reviews.c.event_id == events.c.id).where(waits)
    if len(wanted.cameras) == 1:
        query = query.where(event_reviews.c.camera_id == wanted.cameras[0])
    return span.limit(query.add_columns(event_reviews.c.event_id), event_reviews.c.started_ms)


def list_events(
    connection: sa.Connection,
    query: sa.Select[Any],
    limit: int,
    cursor: str | None,
    now_ms: int,
    *,
    waiting: bool = False,
) -> Rows:
    """`waiting`: the query is of events that nobody has looked at."""
    table, key = (event_reviews, event_reviews.c.event_id) if waiting else (events, events.c.id)
    rows, following = pages.page(connection, query, (table.c.started_ms, key), limit, cursor)
    return _with_words(connection, _with_media(connection, rows, now_ms)), following


def get_event(connection: sa.Connection, event_id: str, now_ms: int) -> dict[str, Any] | None:
    row = connection.execute(events_query().where(events.c.id == event_id)).mappings().first()
    return _with_words(connection, _with_media(connection, [dict(row)], now_ms))[0] if row else None


def _with_words(connection: sa.Connection, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What people said of them: who has looked, and whether an object is what it was taken for."""
    return verdicts.add(connection, reviews.add(connection, found))


_GONE_SQL = ", ".join(f"'{state}'" for state in GONE)
_MEDIA_OF_EVENTS = f"""
SELECT wanted.key,
  coalesce(
    (SELECT id FROM recordings WHERE id = wanted.value ->> 'recording_id' AND state NOT IN ({_GONE_SQL})),
    (SELECT id FROM recordings WHERE cause_id = wanted.value ->> 'cause_id' AND state NOT IN ({_GONE_SQL}) LIMIT 1),
    (SELECT id FROM (
       SELECT id, started_ms, ended_ms, state FROM recordings
       WHERE camera_id = wanted.value ->> 'camera_id' AND started_ms <= wanted.value ->> 'started_ms'
       ORDER BY started_ms DESC LIMIT {OVERLAPS_TRIED})
     WHERE state NOT IN ({_GONE_SQL}) AND coalesce(ended_ms, :now_ms) >= wanted.value ->> 'started_ms'
     ORDER BY started_ms DESC LIMIT 1)),
  coalesce(
    (SELECT id FROM pictures WHERE id = wanted.value ->> 'best_id' AND state NOT IN ({_GONE_SQL})),
    wanted.value ->> 'picture_id',
    (SELECT id FROM pictures WHERE cause_id = wanted.value ->> 'cause_id' AND state NOT IN ({_GONE_SQL})
     ORDER BY ts_ms LIMIT 1))
FROM json_each(:events) AS wanted
"""  # noqa: S608 only constants of this module are put in
"""A whole page in one statement: fifty questions of their own would take five times as long as the page."""


def _with_media(connection: sa.Connection, found: list[dict[str, Any]], now_ms: int) -> list[dict[str, Any]]:
    """Add where each event is to be seen: `recording_id`, `recording_offset_ms`, `picture_id` (None: nowhere).

    A recording is found by id, by cause, or by time; one that is gone is none.
    """
    names = ("recording_id", "cause_id", "camera_id", "picture_id", "started_ms")
    # An object's best picture is told at its end; one that was deleted since is none.
    wanted = json.dumps(
        [
            {name: event[name] for name in names} | {"best_id": event["end_detail"].get("picture_id")}
            for event in found
        ]
    )
    media = connection.execute(sa.text(_MEDIA_OF_EVENTS), {"events": wanted, "now_ms": now_ms}).all()
    ids = [row[1] for row in media if row[1] is not None]
    starts = connection.execute(
        sa.select(recordings.c.id, recordings.c.started_ms).where(recordings.c.id.in_(set(ids)))
    )
    started_ms = {row.id: row.started_ms for row in starts} if ids else {}
    for index, recording_id, picture_id in media:
        event = found[index]
        event["recording_id"], event["picture_id"] = recording_id, picture_id
        began_ms = started_ms.get(recording_id)
        event["recording_offset_ms"] = None if began_ms is None else max(0, event["started_ms"] - began_ms)
    return found


# -- recordings and pictures ------------------------------------------------------------------------------


def recordings_query(
    camera: str | None = None,
    starred: bool | None = None,
    span: Span = Span(),
    within: frozenset[str] | None = None,
) -> sa.Select[Any]:
    """`within`: of these cameras alone."""
    query = sa.select(recordings).where(sa.text(THERE))  # as the partial indexes say it
    query = _equal(query, {recordings.c.camera_id: camera})
    if within is not None:
        query = query.where(recordings.c.camera_id.in_(sorted(within)))
    if starred is not None:
        # Written as the partial index says it, or SQLite does not see that the index fits.
        query = query.where(sa.text(f"starred = {int(starred)}"))
    return span.limit(query, recordings.c.started_ms)


def list_recordings(connection: sa.Connection, query: sa.Select[Any], limit: int, cursor: str | None) -> Rows:
    order = (recordings.c.started_ms, recordings.c.id)
    rows, following = pages.page(connection, query, order, limit, cursor)
    return [_shown(row) for row in rows], following


def get_recording(connection: sa.Connection, recording_id: str) -> dict[str, Any] | None:
    """The row with its path; None for one that is not there or deleted."""
    query = sa.select(recordings).where(recordings.c.id == recording_id, recordings.c.state.not_in(GONE))
    row = connection.execute(query).mappings().first()
    return dict(row) if row else None


def show_recording(row: Mapping[str, Any]) -> dict[str, Any]:
    return _shown(dict(row))


def get_picture(connection: sa.Connection, picture_id: str) -> dict[str, Any] | None:
    query = sa.select(pictures).where(pictures.c.id == picture_id, pictures.c.state.not_in(GONE))
    row = connection.execute(query).mappings().first()
    return dict(row) if row else None


def recordings_of_span(
    connection: sa.Connection, camera: str, span: Span, limit: int
) -> list[dict[str, Any]]:
    """Oldest first, at most `limit`: those that overlap the span. Both ends of the span must be set."""
    assert span.from_ms is not None, "a playlist has two ends"
    assert span.to_ms is not None, "a playlist has two ends"
    columns = recordings.c
    newest_before = (
        sa.select(columns.started_ms)
        .where(columns.camera_id == camera, columns.started_ms <= span.from_ms)
        .order_by(columns.started_ms.desc())
        .limit(1)
        .offset(OVERLAPS_TRIED - 1)
    )
    earliest_ms = connection.scalar(newest_before) or 0
    query = (
        sa.select(recordings)
        .where(
            columns.camera_id == camera,
            columns.started_ms >= earliest_ms,
            columns.started_ms < span.to_ms,
            sa.or_(columns.ended_ms.is_(None), columns.ended_ms > span.from_ms),
            columns.state.not_in(GONE),
        )
        .order_by(columns.started_ms, columns.id)
        .limit(limit)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """Paths are storage's own business."""
    for name in ("path", "deleted_ms", "deleted_by", "deleted_reason"):
        row.pop(name, None)
    return row


# -- registries and logs ----------------------------------------------------------------------------------


def list_cameras(connection: sa.Connection) -> list[dict[str, Any]]:
    return _registry(connection, cameras)


def list_sensors(connection: sa.Connection) -> list[dict[str, Any]]:
    return _registry(connection, sensors)


def _registry(connection: sa.Connection, table: sa.Table) -> list[dict[str, Any]]:
    """Configured ones in their order, then the removed."""
    query = sa.select(table).order_by(table.c.removed_ms.is_not(None), table.c.position, table.c.id)
    return [dict(row) for row in connection.execute(query).mappings()]


def push_subscriptions_now(connection: sa.Connection) -> list[dict[str, Any]]:
    query = sa.select(push_subscriptions).where(push_subscriptions.c.removed_ms.is_(None))
    return [dict(row) for row in connection.execute(query.order_by(push_subscriptions.c.id)).mappings()]
