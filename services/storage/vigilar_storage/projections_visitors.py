"""From facts to rows: faces, vectors, visits. A fact about a person who was forgotten is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from vigilar_common.messages import Fact
from vigilar_common.messages.visitors import (
    FaceEmbeddingRemoved,
    FaceEmbeddingSaved,
    FaceProfileSaved,
    FaceProfilesMerged,
    FaceProfileSplit,
    VisitBegan,
    VisitEnded,
)

from vigilar_storage.projecting import ProjectionError, must_know, remove, save
from vigilar_storage.projections_living import vector_bytes
from vigilar_storage.schema import face_embeddings, face_profiles, visits


def _profile_saved(connection: sa.Connection, fact: FaceProfileSaved) -> None:
    known = fact.model_dump(include={"name", "household", "ignored", "picture_id", "first_seen_ms"})
    there = connection.scalar(sa.select(face_profiles.c.id).where(face_profiles.c.id == fact.profile_id))
    if there is None:
        first = {**known, "last_seen_ms": fact.first_seen_ms, "updated_ms": fact.ts_ms}
        connection.execute(insert(face_profiles).values(id=fact.profile_id, **first))
        return
    if heir(connection, fact.profile_id) != fact.profile_id:
        raise ProjectionError(f"face profile {fact.profile_id} was merged into another")
    newer = sa.update(face_profiles).where(
        face_profiles.c.id == fact.profile_id, face_profiles.c.updated_ms <= fact.ts_ms
    )
    connection.execute(newer.values(**known, updated_ms=fact.ts_ms))


def heir(connection: sa.Connection, profile_id: str) -> str:
    """The profile that stands for this one: itself, or the one that it was merged into.

    Raises ProjectionError for one that is not known or was forgotten.
    """
    query = sa.select(face_profiles.c.removed_ms, face_profiles.c.merged_into)
    row = connection.execute(query.where(face_profiles.c.id == profile_id)).first()
    if row is None:
        raise ProjectionError(f"face_profiles has no {profile_id}")
    if row.removed_ms is None:
        return profile_id
    if row.merged_into is None:
        raise ProjectionError(f"face profile {profile_id} was forgotten")
    return str(row.merged_into)  # never merged itself: merging moves the older heirs along


def _merged(connection: sa.Connection, fact: FaceProfilesMerged) -> None:
    if fact.profile_id == fact.into_id:
        raise ProjectionError(f"face profile {fact.profile_id} cannot be merged into itself")
    must_know(connection, face_profiles, fact.profile_id)
    into = heir(connection, fact.into_id)
    if into == fact.profile_id:
        raise ProjectionError(f"face profile {fact.profile_id} already stands for {fact.into_id}")
    _move(connection, visits, visits.c.profile_id == fact.profile_id, into)
    _move(connection, face_embeddings, face_embeddings.c.profile_id == fact.profile_id, into)
    mine = sa.or_(face_profiles.c.id == fact.profile_id, face_profiles.c.merged_into == fact.profile_id)
    gone = {"removed_ms": fact.ts_ms, "merged_into": into, "name": "", "visit_count": 0, "picture_id": None}
    connection.execute(sa.update(face_profiles).where(mine).values(**gone))
    _count(connection, (into,))


def _split(connection: sa.Connection, fact: FaceProfileSplit) -> None:
    from_id, into = heir(connection, fact.profile_id), heir(connection, fact.into_id)
    for table, ids in ((visits, fact.visit_ids), (face_embeddings, fact.embedding_ids)):
        mine = sa.and_(table.c.profile_id == from_id, table.c.id.in_(ids))
        _move(connection, table, mine, into)
    _count(connection, (from_id, into))


def _move(connection: sa.Connection, table: sa.Table, which: sa.ColumnElement[bool], into: str) -> None:
    connection.execute(sa.update(table).where(which).values(profile_id=into))


def _count(connection: sa.Connection, profile_ids: Iterable[str]) -> None:
    """Visits and the newest of them, counted anew."""
    of_profile = visits.c.profile_id == face_profiles.c.id
    times = sa.select(sa.func.max(sa.func.coalesce(visits.c.left_ms, visits.c.arrived_ms))).where(of_profile)
    count = sa.select(sa.func.count()).select_from(visits).where(of_profile)
    newest = sa.func.coalesce(times.scalar_subquery(), face_profiles.c.first_seen_ms)
    these = sa.update(face_profiles).where(face_profiles.c.id.in_(list(profile_ids)))
    connection.execute(these.values(visit_count=count.scalar_subquery(), last_seen_ms=newest))


def _embedding_saved(connection: sa.Connection, fact: FaceEmbeddingSaved) -> None:
    known = fact.model_dump(include={"model", "quality", "picture_id"})
    known["profile_id"] = heir(connection, fact.profile_id)
    known["vector"] = vector_bytes(fact, fact.vector)
    save(connection, face_embeddings, fact.embedding_id, fact.ts_ms, known)


def _embedding_removed(connection: sa.Connection, fact: FaceEmbeddingRemoved) -> None:
    remove(connection, face_embeddings, fact.embedding_id, fact.ts_ms, {"vector": None, "picture_id": None})


def _visit_began(connection: sa.Connection, fact: VisitBegan) -> None:
    known = fact.model_dump(include={"camera_id", "confidence", "event_id", "picture_id"})
    _visit(connection, fact.visit_id, heir(connection, fact.profile_id), fact.ts_ms, known, {})


def _visit_ended(connection: sa.Connection, fact: VisitEnded) -> None:
    if fact.left_ms < fact.arrived_ms:
        raise ProjectionError(f"visit {fact.visit_id} ends before it begins")
    known = fact.model_dump(include={"camera_id", "left_ms", "confidence", "event_id", "picture_id"})
    told = {name: value for name, value in known.items() if value is not None}
    _visit(connection, fact.visit_id, heir(connection, fact.profile_id), fact.arrived_ms, known, told)


def _visit(
    connection: sa.Connection, visit_id: str, profile_id: str, arrived_ms: int, known: dict[str, Any], again: dict[str, Any]
) -> None:  # fmt: skip
    """A new visit counts; one that is known takes over what `again` says."""
    statement = insert(visits).values(id=visit_id, profile_id=profile_id, arrived_ms=arrived_ms, **known)
    if connection.execute(statement.on_conflict_do_nothing()).rowcount > 0:
        _seen(connection, profile_id, known.get("left_ms") or arrived_ms, visits_more=1)
    elif again:
        connection.execute(sa.update(visits).where(visits.c.id == visit_id).values(**again))
        _seen(connection, profile_id, again["left_ms"], visits_more=0)


def _seen(connection: sa.Connection, profile_id: str, seen_ms: int, visits_more: int) -> None:
    has = face_profiles.c
    connection.execute(
        sa.update(face_profiles)
        .where(has.id == profile_id)
        .values(
            visit_count=has.visit_count + visits_more, last_seen_ms=sa.func.max(has.last_seen_ms, seen_ms)
        )
    )


_WRITERS: dict[str, Callable[[sa.Connection, Any], None]] = {
    FaceProfileSaved.TYPE: _profile_saved,
    FaceProfilesMerged.TYPE: _merged,
    FaceProfileSplit.TYPE: _split,
    FaceEmbeddingSaved.TYPE: _embedding_saved,
    FaceEmbeddingRemoved.TYPE: _embedding_removed,
    VisitBegan.TYPE: _visit_began,
    VisitEnded.TYPE: _visit_ended,
}
TYPES = tuple(_WRITERS)


def write(connection: sa.Connection, fact: Fact, _received_ms: int) -> None:
    _WRITERS[fact.TYPE](connection, fact)
