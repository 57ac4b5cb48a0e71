"""Reading the log in the order of commit."""

from __future__ import annotations

import heapq
import json
from collections.abc import Sequence, Set
from itertools import islice
from typing import Any

import sqlalchemy as sa

from vigilar_storage.db import Database
from vigilar_storage.schema import facts, meta

PAGE_FACTS = 500
SECRET_TYPES = {
    "push.subscribed": "push:read",
    "face.embedding.saved": "face-vectors:read",
    "pet.training.saved": "pet-vectors:read",
}
"""Carry addresses and keys of browsers, or vectors: only readers with this scope see them."""


def read_epoch(connection: sa.Connection) -> str:
    return read_meta(connection, "epoch")


def read_meta(connection: sa.Connection, name: str) -> str:
    """What the database is: `epoch`, `database_uuid`, `created_ms`."""
    return str(connection.execute(sa.select(meta.c.value).where(meta.c.name == name)).scalar_one())


def newest(connection: sa.Connection) -> int:
    """The highest commit number, 0 of an empty log."""
    return connection.scalar(sa.select(sa.func.max(facts.c.n))) or 0


def read_page(
    database: Database, epoch: str, after: int, types: Sequence[str], limit: int, scopes: Set[str]
) -> str:
    """The JSON text of one page: `{epoch, last_n, reset, facts: [[n, source, seq, id, type, body], …]}`.

    `last_n` is where to read on: the last fact of a full page, else the newest commit number there is. A
    foreign `epoch` (a restore, another database) starts from the beginning with `reset` true. `scopes` are the reader's.
    """
    with database.read() as connection:
        current = read_epoch(connection)
        reset = epoch != current
        after = 0 if reset else after
        highest = newest(connection)
        hidden = {kind for kind, scope in SECRET_TYPES.items() if scope not in scopes}
        numbers = _numbers(connection, after, types, limit, hidden)
        rows = connection.execute(
            sa.select(facts.c.n, facts.c.source, facts.c.seq, facts.c.id, facts.c.type, facts.c.body)
            .where(facts.c.n.in_(numbers))
            .order_by(facts.c.n)
        ).all()
    last_n = numbers[-1] if len(numbers) == limit else max(highest, after)
    # The bodies are JSON already: taking them apart only to put them together again would cost most of the time.
    listed = ",".join(
        f"[{row.n},{json.dumps(row.source)},{row.seq},{json.dumps(row.id)},{json.dumps(row.type)},{row.body}]"
        for row in rows
    )
    return (
        f'{{"epoch":{json.dumps(current)},"last_n":{last_n},"reset":{json.dumps(reset)},"facts":[{listed}]}}'
    )


def numbers_of_type(kind: str, after: int, limit: int) -> sa.Select[Any]:
    """Commit numbers of one type, from the index alone."""
    return (
        sa.select(facts.c.n).where(facts.c.type == kind, facts.c.n > after).order_by(facts.c.n).limit(limit)
    )


def _numbers(
    connection: sa.Connection, after: int, types: Sequence[str], limit: int, hidden: Set[str]
) -> list[int]:
    """The next `limit` commit numbers.

    One index range per type, merged: bounded work however rare the types are in a long log, which a scan with
    `type IN (…)` is not.
    """
    if not types:
        query = sa.select(facts.c.n).where(facts.c.n > after).order_by(facts.c.n).limit(limit)
        if hidden:
            query = query.where(facts.c.type.not_in(sorted(hidden)))
        return list(connection.scalars(query))
    wanted = sorted(set(types) - hidden)
    ranges: list[list[int]] = [
        list(connection.scalars(numbers_of_type(kind, after, limit))) for kind in wanted
    ]
    return list(islice(heapq.merge(*ranges), limit))
