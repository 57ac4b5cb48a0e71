"""From facts to rows: one function per fact type, run in the transaction that takes the fact into the log.

Facts of different sources arrive in any order and parts of one story out of order (an end before its
beginning), so every function is an upsert that only adds what its fact knows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from vigilar_common.errors import VigilarError
from vigilar_common.messages import Fact
from vigilar_common.messages.alarm import ArmRefused, ArmStateChanged, EventEnded, EventOpened
from vigilar_common.messages.alerts import AlertDelivery, PushRemoved, PushSubscribed
from vigilar_common.messages.camera import PictureTaken, RecordingFinished, RecordingGap, RecordingOpened
from vigilar_common.messages.system import SystemEvent

from vigilar_storage.schema import (
    FileFormat,
    PictureState,
    RecordingState,
    alert_log,
    arm_state_log,
    events,
    pictures,
    push_subscriptions,
    recording_gaps,
    recordings,
    system_events,
)

SETTLED = (RecordingState.COMPLETE, RecordingState.RECOVERED, RecordingState.DAMAGED)
GONE = (RecordingState.DELETING, RecordingState.DELETED)


class ProjectionError(VigilarError):
    """A fact that contradicts what is known; it is kept among the refused ones."""


def _add(connection: sa.Connection, table: sa.Table, **values: Any) -> None:
    """A row whose key is the fact's own id: a repeat changes nothing."""
    connection.execute(insert(table).values(**values).on_conflict_do_nothing())


def _system_event(connection: sa.Connection, fact: SystemEvent, _received_ms: int) -> None:
    values = fact.model_dump(include={"id", "ts_ms", "source", "component", "level", "code", "message"})
    _add(connection, system_events, **values)


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


def _recording_gap(connection: sa.Connection, fact: RecordingGap, received_ms: int) -> None:
    if fact.to_ms < fact.from_ms:
        raise ProjectionError(f"recording.gap: it ends ({fact.to_ms}) before it begins ({fact.from_ms})")
    values = fact.model_dump(include={"id", "camera_id", "from_ms", "to_ms", "reason", "recording_id"})
    _add(connection, recording_gaps, received_ms=received_ms, **values)


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


def _event_opened(connection: sa.Connection, fact: EventOpened, received_ms: int) -> None:
    known = fact.model_dump(
        mode="json",
        include={"type", "severity", "title", "camera_id", "cause_id", "picture_id", "recording_id",
                 "zones", "score", "arm_state", "detail"},
    )  # fmt: skip
    known["started_ms"] = fact.ts_ms
    statement = insert(events).values(id=fact.event_id, received_ms=received_ms, **known)
    # An end that came first must not lie before the beginning that comes now.
    later = {"ended_ms": sa.case((events.c.ended_ms < fact.ts_ms, fact.ts_ms), else_=events.c.ended_ms)}
    connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_={**known, **later}))
    if fact.recording_id or fact.cause_id:
        belongs = sa.or_(
            recordings.c.id == fact.recording_id if fact.recording_id else sa.false(),
            recordings.c.cause_id == fact.cause_id if fact.cause_id else sa.false(),
        )
        connection.execute(
            sa.update(recordings)
            .where(belongs, recordings.c.event_id.is_(None))
            .values(event_id=fact.event_id)
        )


def _event_ended(connection: sa.Connection, fact: EventEnded, received_ms: int) -> None:
    started_ms = connection.scalar(sa.select(events.c.started_ms).where(events.c.id == fact.event_id))
    known = {"ended_ms": max(fact.ended_ms, started_ms or 0), "end_detail": fact.detail}
    statement = insert(events).values(id=fact.event_id, received_ms=received_ms, **known)
    connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=known))


def _alarm_changed(connection: sa.Connection, fact: ArmStateChanged, _received_ms: int) -> None:
    values = fact.model_dump(
        include={"id", "ts_ms", "from_state", "to_state", "changed_by", "method", "reason"}
    )
    _add(connection, arm_state_log, outcome="changed", **values)


def _alarm_refused(connection: sa.Connection, fact: ArmRefused, _received_ms: int) -> None:
    values = fact.model_dump(include={"id", "ts_ms", "action", "method", "code"})
    _add(connection, arm_state_log, outcome="refused", changed_by=fact.requested_by, **values)


def _alert_delivery(connection: sa.Connection, fact: AlertDelivery, _received_ms: int) -> None:
    _add(connection, alert_log, **fact.model_dump(exclude={"source", "seq", "v"}))


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


PROJECTIONS: dict[str, Callable[[sa.Connection, Any, int], None]] = {
    SystemEvent.TYPE: _system_event,
    RecordingOpened.TYPE: _recording_opened,
    RecordingFinished.TYPE: _recording_finished,
    RecordingGap.TYPE: _recording_gap,
    PictureTaken.TYPE: _picture_taken,
    EventOpened.TYPE: _event_opened,
    EventEnded.TYPE: _event_ended,
    ArmStateChanged.TYPE: _alarm_changed,
    ArmRefused.TYPE: _alarm_refused,
    AlertDelivery.TYPE: _alert_delivery,
    PushSubscribed.TYPE: _push_subscribed,
    PushRemoved.TYPE: _push_removed,
}
"""Types that are not here (motion, camera online and offline, outbox gaps) live in the log alone."""


def project(connection: sa.Connection, fact: Fact, received_ms: int) -> None:
    """Write the fact's row. Raises ProjectionError, and sqlalchemy's errors for values no table takes."""
    projection = PROJECTIONS.get(fact.TYPE)
    if projection is not None:
        projection(connection, fact, received_ms)
