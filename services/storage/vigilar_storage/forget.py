"""Forgetting a person: rows, facts of the log, refused facts and pictures go; the fact that says so stays, without a name.

What is erased is overwritten in the database file (`secure_delete`), and the write-ahead log is emptied afterwards. Backups
made before still hold it.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Sequence

import sqlalchemy as sa
from vigilar_common.errors import StorageUnavailableError
from vigilar_common.messages import Fact
from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.visitors import FaceForgotten

from vigilar_storage.bulk import driver, json_of
from vigilar_storage.db import Database
from vigilar_storage.deletion import Deleter, mark_pictures
from vigilar_storage.ledger.chain import Ledger
from vigilar_storage.projections_visitors import TYPES
from vigilar_storage.report import Reporter
from vigilar_storage.schema import face_embeddings, face_profiles, visits

log = logging.getLogger(__name__)

ACTOR = "visitors"
POLICY = "forget"
_TYPES = ", ".join(f"'{kind}'" for kind in TYPES)
# There are few facts of these types, and this is rare: they are read one after the other, by type.
_ERASE_FACTS = f"""
DELETE FROM facts WHERE type IN ({_TYPES}) AND (
  body ->> 'profile_id' IN (SELECT value FROM json_each(?1)) OR body ->> 'into_id' IN (SELECT value FROM json_each(?1))
  OR body ->> 'embedding_id' IN (SELECT value FROM json_each(?2)) OR body ->> 'visit_id' IN (SELECT value FROM json_each(?3))
)"""  # noqa: S608 only types of this package are put in
_ERASE_REJECTED = (
    "DELETE FROM rejected_facts WHERE EXISTS (SELECT 1 FROM json_each(?1) WHERE instr(body, value) > 0)"
)


def carry_out(ledger: Ledger, connection: sa.Connection, facts: Sequence[Fact], now_ms: int) -> None:
    """In the transaction that takes the facts, after all others of the batch are written. Raises sqlite3.Error."""
    for fact in facts:
        if isinstance(fact, FaceForgotten):
            _forget(ledger, connection, fact, now_ms)


def _forget(ledger: Ledger, connection: sa.Connection, fact: FaceForgotten, now_ms: int) -> None:
    merged = sa.select(face_profiles.c.id).where(face_profiles.c.merged_into == fact.profile_id)
    profiles = [fact.profile_id, *connection.scalars(merged)]
    ids: list[list[str]] = [profiles]
    shown = set(_pictures(connection, face_profiles, face_profiles.c.id, profiles))
    for table in (face_embeddings, visits):
        mine = table.c.profile_id.in_(profiles)
        ids.append(list(connection.scalars(sa.select(table.c.id).where(mine))))
        shown |= _pictures(connection, table, table.c.profile_id, profiles)
        connection.execute(sa.delete(table).where(mine))
    gone = {
        "name": "", "picture_id": None, "household": False, "ignored": False, "visit_count": 0, "first_seen_ms": 0,
        "last_seen_ms": 0, "removed_ms": fact.ts_ms, "merged_into": None,
    }  # fmt: skip
    connection.execute(sa.update(face_profiles).where(face_profiles.c.id.in_(profiles)).values(**gone))
    erased = driver(connection).execute(_ERASE_FACTS, [json_of(some) for some in ids]).rowcount
    driver(connection).execute(_ERASE_REJECTED, (json_of(profiles),))
    mark_pictures(ledger, connection, sorted(shown), ACTOR, POLICY, "the person shown is forgotten", now_ms)
    log.info(
        "face profile %s is forgotten: %d vectors, %d visits, %d facts, %d pictures",
        fact.profile_id, len(ids[1]), len(ids[2]), erased, len(shown),
    )  # fmt: skip


def _pictures(
    connection: sa.Connection, table: sa.Table, column: sa.Column[str], profiles: Sequence[str]
) -> set[str]:
    query = sa.select(table.c.picture_id).where(column.in_(profiles), table.c.picture_id.is_not(None))
    return set(connection.scalars(query))


def facts_taken(facts: Sequence[Fact], database: Database, deleter: Deleter, reporter: Reporter) -> None:
    """After the commit: pictures from the disk, what was erased out of the write-ahead log."""
    if not any(isinstance(fact, FaceForgotten) for fact in facts):
        return
    try:
        deleter.finish()
        left = "" if database.empty_wal() else "readers hold on to the write-ahead log"
    except (StorageUnavailableError, OSError, sqlite3.Error) as error:
        left = str(error)
    if left:
        text = f"traces of a forgotten person stay until storage is restarted: {left}"
        reporter.event(Severity.ALERT, "forget_incomplete", text)
