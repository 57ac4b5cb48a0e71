"""From facts to rows: one function per fact type, run in the transaction that takes the facts into the log.

Facts of different sources arrive in any order and parts of one story out of order (an end before its
beginning), so every function is an upsert that only adds what its facts know. That is also why the facts of a
batch may be written type by type. Types whose order matters to one another share a projection.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from vigilar_common.messages import Fact
from vigilar_common.messages.alarm import ArmRefused, ArmStateChanged, EventEnded, EventOpened, EventType
from vigilar_common.messages.alerts import AlertDelivery, PushRemoved, PushSubscribed
from vigilar_common.messages.audit import Audited
from vigilar_common.messages.camera import PictureTaken, RecordingFinished, RecordingGap, RecordingOpened
from vigilar_common.messages.objects import ObjectMarked, ObjectSuppressed
from vigilar_common.messages.system import SystemEvent

from vigilar_storage import projections_house as house
from vigilar_storage import projections_living as living
from vigilar_storage import projections_visitors as visitors
from vigilar_storage import verdicts
from vigilar_storage.bulk import driver, insert_rows, json_of, recordings_without_event
from vigilar_storage.projecting import Projection, ProjectionError, each, own_rows
from vigilar_storage.schema import (
    FileFormat,
    PictureState,
    RecordingState,
    events,
    pictures,
    push_subscriptions,
    recordings,
)

SETTLED = (RecordingState.COMPLETE, RecordingState.RECOVERED, RecordingState.DAMAGED)
GONE = (RecordingState.DELETING, RecordingState.DELETED)
AUDIT_COLUMNS = (
    *("account_id", "actor", "method", "action", "subject", "outcome", "address", "device", "detail"),
)


def _system_events(connection: sa.Connection, facts: Sequence[SystemEvent], _received_ms: int) -> None:
    columns = ("id", "ts_ms", "source", "component", "level", "code", "message")
    rows = [(f.id, f.ts_ms, f.source, f.component, f.level.value, f.code, f.message) for f in facts]
    own_rows(connection, "system_events", columns, rows)


def _audited(connection: sa.Connection, facts: Sequence[Audited], _received_ms: int) -> None:
    columns = ("id", "ts_ms", *AUDIT_COLUMNS)
    rows = [(f.id, f.ts_ms, *(str(getattr(f, name)) for name in AUDIT_COLUMNS)) for f in facts]
    own_rows(connection, "audit_log", columns, rows)


def _recording_opened(connection: sa.Connection, fact: RecordingOpened, received_ms: int) -> None:
    known = {
        "stream_id": fact.stream_id,
        "trigger": fact.trigger,
        "cause_id": fact.cause_id,
        "codec": fact.codec,
        "audio_codec": fact.audio_codec,
        "width_px": fact.width_px,
        "height_px": fact.height_px,
    }
    row = _known(connection, recordings, fact.recording_id, fact.camera_id)
    if row is None:
        connection.execute(
            insert(recordings).values(
                id=fact.recording_id,
                camera_id=fact.camera_id,
                format=FileFormat.VGE2 if fact.encrypted else FileFormat.MP4,
                state=RecordingState.GROWING,
                started_ms=fact.ts_ms,
                received_ms=received_ms,
                event_id=_event_of(connection, fact.cause_id),
                **known,
            )
        )
    elif row.state not in GONE:
        connection.execute(sa.update(recordings).where(recordings.c.id == fact.recording_id).values(**known))


def _recording_finished(connection: sa.Connection, fact: RecordingFinished, received_ms: int) -> None:
    row = _known(connection, recordings, fact.recording_id, fact.camera_id)
    # The frames of one recording are in order, its clocks may not be: an end before the start is no length.
    ended_ms = max(fact.started_ms, fact.ended_ms)
    told = {"reason": fact.reason, "finished_ms": fact.ts_ms}
    film = {
        "started_ms": fact.started_ms,
        "ended_ms": ended_ms,
        "duration_ms": ended_ms - fact.started_ms,
        "size_bytes": fact.size_bytes,
    }
    if row is None:
        connection.execute(
            insert(recordings).values(
                id=fact.recording_id,
                camera_id=fact.camera_id,
                format=FileFormat.VGE2,
                state=RecordingState.GROWING,
                received_ms=received_ms,
                **told,
                **film,
            )
        )
        return
    if row.state in GONE:
        return
    if row.state in SETTLED:  # the file was verified first: what it says of itself stays
        film = {}
    connection.execute(
        sa.update(recordings).where(recordings.c.id == fact.recording_id).values(**told, **film)
    )


def _recording_gaps(connection: sa.Connection, facts: Sequence[RecordingGap], received_ms: int) -> None:
    for fact in facts:
        if fact.to_ms < fact.from_ms:
            raise ProjectionError(f"recording.gap: it ends ({fact.to_ms}) before it begins ({fact.from_ms})")
    columns = ("id", "camera_id", "from_ms", "to_ms", "reason", "recording_id", "received_ms")
    rows = [(f.id, f.camera_id, f.from_ms, f.to_ms, f.reason, f.recording_id, received_ms) for f in facts]
    own_rows(connection, "recording_gaps", columns, rows)


def _picture_taken(connection: sa.Connection, fact: PictureTaken, received_ms: int) -> None:
    known = {
        "kind": fact.kind,
        "cause_id": fact.cause_id,
        "width_px": fact.width_px,
        "height_px": fact.height_px,
        "ts_ms": fact.ts_ms,
    }
    row = _known(connection, pictures, fact.picture_id, fact.camera_id)
    if row is None:
        connection.execute(
            insert(pictures).values(
                id=fact.picture_id,
                camera_id=fact.camera_id,
                format=FileFormat.VGE2,
                state=PictureState.INCOMING,
                size_bytes=fact.size_bytes,
                received_ms=received_ms,
                **known,
            )
        )
    elif row.state not in (PictureState.DELETING, PictureState.DELETED):
        connection.execute(sa.update(pictures).where(pictures.c.id == fact.picture_id).values(**known))


_EVENT_COLUMNS = (
    "id", "type", "severity", "title", "camera_id", "sensor_id", "cause_id", "picture_id", "recording_id", "zones", "score",
    "arm_state", "detail", "started_ms", "received_ms",
)  # fmt: skip
_REVIEW_COLUMNS = ("event_id", "camera_id", "started_ms")
_EVENT_KNOWN = ", ".join(f"{name} = excluded.{name}" for name in _EVENT_COLUMNS[1:-1])
# An end that came first must not lie before the beginning that comes now.
_EVENT_AGAIN = f"ON CONFLICT (id) DO UPDATE SET {_EVENT_KNOWN}, ended_ms = max(ended_ms, excluded.started_ms)"
_EVENT_ENDS = (
    "ON CONFLICT (id) DO UPDATE SET end_detail = excluded.end_detail, "
    "ended_ms = max(excluded.ended_ms, coalesce(started_ms, 0))"
)


def _events_opened(connection: sa.Connection, facts: Sequence[EventOpened], received_ms: int) -> None:
    rows = [
        (
            f.event_id, f.type.value, f.severity.value, f.title, f.camera_id, f.sensor_id, f.cause_id, f.picture_id,
            f.recording_id, json_of(f.zones), f.score, f.arm_state.value, json_of(f.detail), f.ts_ms, received_ms,
        )
        for f in facts
    ]  # fmt: skip
    insert_rows(connection, "events", _EVENT_COLUMNS, rows, _EVENT_AGAIN)
    # Nobody is asked to look at duress: whoever forces somebody to disarm may be looking at the page.
    open_reviews = [(f.event_id, f.camera_id or "", f.ts_ms) for f in facts if f.type is not EventType.DURESS]
    insert_rows(
        connection, "event_reviews", _REVIEW_COLUMNS, open_reviews, "ON CONFLICT (event_id) DO NOTHING"
    )
    event_of: dict[str, str] = {}
    for fact in facts:
        for named in (fact.recording_id, fact.cause_id):
            if named:
                event_of.setdefault(named, fact.event_id)
    if event_of:
        links = recordings_without_event(connection, list(event_of))
        driver(connection).executemany(
            "UPDATE recordings SET event_id = ? WHERE id = ? AND event_id IS NULL",
            [(event_of[named], recording_id) for recording_id, named in links],
        )


def _events_ended(connection: sa.Connection, facts: Sequence[EventEnded], received_ms: int) -> None:
    columns = ("id", "received_ms", "ended_ms", "end_detail")
    rows = [(f.event_id, received_ms, f.ended_ms, json_of(f.detail)) for f in facts]
    insert_rows(connection, "events", columns, rows, _EVENT_ENDS)


def _alarm_changed(connection: sa.Connection, facts: Sequence[ArmStateChanged], _received_ms: int) -> None:
    columns = ("id", "ts_ms", "from_state", "to_state", "changed_by", "method", "reason", "outcome")
    rows = [
        (f.id, f.ts_ms, f.from_state.value, f.to_state.value, f.changed_by, f.method, f.reason, "changed")
        for f in facts
    ]
    own_rows(connection, "arm_state_log", columns, rows)


def _alarm_refused(connection: sa.Connection, facts: Sequence[ArmRefused], _received_ms: int) -> None:
    columns = ("id", "ts_ms", "action", "method", "code", "changed_by", "outcome")
    rows = [(f.id, f.ts_ms, f.action.value, f.method, f.code, f.requested_by, "refused") for f in facts]
    own_rows(connection, "arm_state_log", columns, rows)


_DELIVERY_COLUMNS = (
    "id", "ts_ms", "alert_id", "event_id", "channel", "target", "attempt", "outcome", "severity", "title",
    "latency_ms", "sent_after_ms", "error",
)  # fmt: skip


def _alert_deliveries(connection: sa.Connection, facts: Sequence[AlertDelivery], _received_ms: int) -> None:
    rows = [tuple(getattr(fact, name) for name in _DELIVERY_COLUMNS) for fact in facts]
    own_rows(connection, "alert_log", _DELIVERY_COLUMNS, rows)


def _push_subscribed(connection: sa.Connection, fact: PushSubscribed, _received_ms: int) -> None:
    known = fact.model_dump(include={"endpoint", "p256dh", "auth", "user", "device"})
    row = connection.execute(
        sa.select(push_subscriptions).where(push_subscriptions.c.id == fact.subscription_id)
    ).first()
    if row is None:
        connection.execute(
            insert(push_subscriptions).values(id=fact.subscription_id, created_ms=fact.ts_ms, **known)
        )
    elif row.removed_ms is None or row.removed_ms < fact.ts_ms:
        connection.execute(
            sa.update(push_subscriptions)
            .where(push_subscriptions.c.id == fact.subscription_id)
            .values(created_ms=fact.ts_ms, removed_ms=None, removed_reason=None, **known)
        )


def _push_removed(connection: sa.Connection, fact: PushRemoved, _received_ms: int) -> None:
    gone = {
        "removed_ms": fact.ts_ms,
        "removed_reason": fact.reason,
        "endpoint": None,
        "p256dh": None,
        "auth": None,
    }
    statement = insert(push_subscriptions).values(id=fact.subscription_id, **gone)
    newer = sa.or_(push_subscriptions.c.created_ms.is_(None), push_subscriptions.c.created_ms <= fact.ts_ms)
    connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=gone, where=newer))


def _known(connection: sa.Connection, table: sa.Table, row_id: str, camera_id: str) -> Any:
    """The row there is. Raises ProjectionError when it belongs to another camera: ids are not to be taken over."""
    row = connection.execute(sa.select(table.c.camera_id, table.c.state).where(table.c.id == row_id)).first()
    if row is not None and row.camera_id != camera_id:
        raise ProjectionError(f"{table.name} {row_id} belongs to another camera than {camera_id}")
    return row


def _event_of(connection: sa.Connection, cause_id: str | None) -> str | None:
    if cause_id is None:
        return None
    return connection.scalar(sa.select(events.c.id).where(events.c.cause_id == cause_id).limit(1))


PROJECTIONS: dict[str, Projection] = {
    SystemEvent.TYPE: _system_events,
    Audited.TYPE: _audited,
    RecordingOpened.TYPE: each(_recording_opened),
    RecordingFinished.TYPE: each(_recording_finished),
    RecordingGap.TYPE: _recording_gaps,
    PictureTaken.TYPE: each(_picture_taken),
    EventOpened.TYPE: _events_opened,
    EventEnded.TYPE: _events_ended,
    ArmStateChanged.TYPE: _alarm_changed,
    ArmRefused.TYPE: _alarm_refused,
    AlertDelivery.TYPE: _alert_deliveries,
    PushSubscribed.TYPE: each(_push_subscribed),
    PushRemoved.TYPE: each(_push_removed),
    ObjectMarked.TYPE: each(verdicts.marked),
    ObjectSuppressed.TYPE: each(verdicts.suppressed),
    **dict.fromkeys(house.SENSORS, house.sensors),
    **dict.fromkeys(house.PACKAGES, each(house.package)),
    **dict.fromkeys(living.TYPES, each(living.write)),
    **dict.fromkeys(visitors.TYPES, each(visitors.write)),
}
"""Types that are not here (motion, camera online and offline, outbox gaps) live in the log alone."""


def project(connection: sa.Connection, facts: Sequence[Fact], received_ms: int) -> None:
    """Write the facts' rows, those of one projection in the order given.

    Raises ProjectionError, and errors of sqlalchemy and sqlite3 for values no table takes; then what was written
    of this call must be undone by the caller.
    """
    alike: dict[Projection, list[Fact]] = {}
    for fact in facts:
        projection = PROJECTIONS.get(fact.TYPE)
        if projection is not None:
            alike.setdefault(projection, []).append(fact)
    for projection, some in alike.items():
        projection(connection, some, received_ms)
