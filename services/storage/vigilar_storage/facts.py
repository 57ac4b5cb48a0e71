"""Taking facts into the log: validated, authorised, each once, and written to its table in the same transaction."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.dialects.sqlite import insert
from vigilar_common.clock import Clock
from vigilar_common.errors import VigilarError
from vigilar_common.messages import Fact
from vigilar_common.topics import ALL_SERVICES, FACT_MODELS, FACT_TOPICS

from vigilar_storage import bulk, forget
from vigilar_storage.db import Database, storage_failure
from vigilar_storage.feed import SECRET_TYPES
from vigilar_storage.ledger.chain import Ledger
from vigilar_storage.ledger.told import note_facts
from vigilar_storage.projecting import ProjectionError
from vigilar_storage.projections import project
from vigilar_storage.schema import rejected_facts

log = logging.getLogger(__name__)

BATCH_FACTS = 200
SEQ_MAX = (1 << 63) - 1
KEPT_BODY_CHARS = 16_384
UNKEPT_BODIES = frozenset({*SECRET_TYPES, "face.profile.saved"})
"""Refused ones are kept without what they say: secrets, vectors, and names that may have been forgotten."""
CAMERA_PREFIX = "camera-worker-"
_LOG_COLUMNS = ("source", "seq", "id", "type", "ts_ms", "received_ms", "body")
_ENVELOPE = frozenset({"id", "seq", "source"})
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Accepted:
    """A fact that may go into the log; `body` is the JSON text as it is stored."""

    fact: Fact
    body: str


@dataclass(frozen=True)
class Rejection:
    id: str
    type: str
    seq: int | None
    body: str = field(repr=False)
    reason: str


@dataclass
class Outcome:
    """What became of one batch. `taken` are the facts that were new."""

    epoch: str
    n: int = 0
    repeated: int = 0
    taken: list[Fact] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)

    def answer(self) -> dict[str, Any]:
        rejected = [{"id": item.id, "reason": item.reason} for item in self.rejections]
        return {
            "epoch": self.epoch,
            "n": self.n,
            "accepted": len(self.taken),
            "repeated": self.repeated,
            "rejected": rejected,
        }


class RejectedError(VigilarError):
    """Why one fact is not taken."""


class FactStore:
    """`taken` is called after COMMIT with the new facts, `rejected` with what was set aside."""

    def __init__(self, database: Database, clock: Clock, epoch: Callable[[], str]) -> None:
        self._database = database
        self._clock = clock
        self._ledger = Ledger(clock)
        self._epoch = epoch
        self.on_taken: Callable[[Sequence[Fact]], None] = lambda _: None
        self.on_rejected: Callable[[str, Sequence[Rejection]], None] = lambda *_: None
        self.last_n = 0
        """Commit number of the newest fact taken since the start."""
        self.counters = {"accepted": 0, "repeated": 0, "rejected": 0, "batches": 0}

    def ingest(self, source: str, items: Sequence[Any]) -> Outcome:
        """Take one batch of `source`. Returns after COMMIT.

        Raises StorageUnavailableError (nothing was taken, send it again). A bad fact never fails its batch.
        """
        checked = [check(source, item) for item in items]
        received_ms = self._clock.now_ms()
        outcome: Outcome = self._database.write(
            lambda connection: self._store(connection, source, checked, received_ms)
        )
        self.counters["batches"] += 1
        self.counters["accepted"] += len(outcome.taken)
        self.counters["repeated"] += outcome.repeated
        self.counters["rejected"] += len(outcome.rejections)
        self.last_n = max(self.last_n, outcome.n)
        if outcome.taken:
            self.on_taken(outcome.taken)
        if outcome.rejections:
            self.on_rejected(source, outcome.rejections)
        return outcome

    def _store(
        self, connection: sa.Connection, source: str, checked: list[Accepted | Rejection], received_ms: int
    ) -> Outcome:
        outcome = Outcome(self._epoch())
        good = [item for item in checked if isinstance(item, Accepted)]
        outcome.rejections = [item for item in checked if isinstance(item, Rejection)]
        try:
            with connection.begin_nested():
                self._take(connection, good, received_ms, outcome)
        except Exception as error:
            if storage_failure(error) is not None:
                raise
            self._take_one_by_one(connection, good, received_ms, outcome)
        for rejection in outcome.rejections:
            _keep_rejected(connection, source, rejection, received_ms)
        outcome.n = bulk.newest_n(connection)
        return outcome

    def _take(
        self, connection: sa.Connection, items: Sequence[Accepted], received_ms: int, outcome: Outcome
    ) -> None:
        """Into the log and the tables, all or (when it raises) none. `outcome` changes only when all went in."""
        known = bulk.known_ids(connection, (item.fact.id for item in items)) if items else set()
        new: list[Accepted] = []
        for item in items:
            if item.fact.id not in known:
                known.add(item.fact.id)
                new.append(item)
        rows = [
            (f.source, f.seq, f.id, f.TYPE, f.ts_ms, received_ms, item.body)
            for item in new
            for f in (item.fact,)
        ]
        bulk.insert_rows(connection, "facts", _LOG_COLUMNS, rows, "ON CONFLICT (id) DO NOTHING")
        taken = [item.fact for item in new]
        project(connection, taken, received_ms)
        forget.carry_out(self._ledger, connection, taken, received_ms)
        note_facts(self._ledger, connection, taken)
        outcome.taken += taken
        outcome.repeated += len(items) - len(new)

    def _take_one_by_one(
        self, connection: sa.Connection, items: Sequence[Accepted], received_ms: int, outcome: Outcome
    ) -> None:
        """After a batch with a misfit was undone: find it, keep the others."""
        for item in items:
            try:
                with connection.begin_nested():
                    self._take(connection, [item], received_ms, outcome)
            except Exception as error:
                if storage_failure(error) is not None:
                    raise
                outcome.rejections.append(_misfit(item, error))


def _misfit(item: Accepted, error: Exception) -> Rejection:
    if not isinstance(error, ProjectionError):
        log.error("fact %s %s does not fit its table", item.fact.TYPE, item.fact.id, exc_info=error)
    original = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    reason = f"does not fit its table: {original}"[:500]
    return Rejection(item.fact.id, item.fact.TYPE, item.fact.seq, item.body, reason)


def _keep_rejected(connection: sa.Connection, source: str, rejection: Rejection, now_ms: int) -> None:
    body = "" if rejection.type in UNKEPT_BODIES else rejection.body
    again = {
        "last_ms": now_ms,
        "tries": rejected_facts.c.tries + 1,
        "reason": rejection.reason,
        "body": body,
    }
    statement = insert(rejected_facts).values(
        source=source,
        seq=rejection.seq,
        fact_id=rejection.id,
        type=rejection.type,
        reason=rejection.reason,
        first_ms=now_ms,
        last_ms=now_ms,
        tries=1,
        body=body,
    )
    connection.execute(statement.on_conflict_do_update(index_elements=["source", "fact_id"], set_=again))


def check(source: str, item: Any) -> Accepted | Rejection:
    """One `[seq, id, type, body]` as sent by `source`, validated against its declared model."""
    whole = isinstance(item, list) and len(item) == 4
    seq, fact_id, kind, body = item if whole else (None, None, None, item)
    try:
        return _checked(source, seq, fact_id, kind, body)
    except RejectedError as error:
        return Rejection(
            id=_printable(fact_id, 80),
            type=_printable(kind, 64),
            seq=seq if _is_count(seq) else None,
            body=_printable(body, KEPT_BODY_CHARS),
            reason=str(error)[:500] if whole else "is not [seq, id, type, body]",
        )


def _checked(source: str, seq: Any, fact_id: Any, kind: Any, body: Any) -> Accepted:
    if not _is_count(seq):
        raise RejectedError("its sequence number is not a number from 0")
    if not isinstance(fact_id, str) or not _UUID.fullmatch(fact_id):
        raise RejectedError("its id is not a UUID in lower case")
    model = FACT_MODELS.get(kind) if isinstance(kind, str) else None
    if model is None:
        raise RejectedError("its type is not known here")
    if not isinstance(body, dict):
        raise RejectedError("its body is not an object")
    version = body.get("v", 1)
    if version != model.VERSION:
        raise RejectedError(f"version {str(version)[:20]} of {kind} is not known here, only {model.VERSION}")
    try:
        fact = model.model_validate({**body, "id": fact_id, "seq": seq, "source": source})
    except ValidationError as error:
        where = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5])
        raise RejectedError(f"{kind}: {where}") from error
    _may_say(source, fact)
    if not _ENVELOPE.isdisjoint(body):
        body = {key: value for key, value in body.items() if key not in _ENVELOPE}
    try:
        text = bulk.json_of(body)
        size_bytes = len(text.encode())
    except (ValueError, RecursionError) as error:  # ValueError: NaN, infinity or half of a surrogate pair
        raise RejectedError(f"{kind}: its body is no JSON text: {type(error).__name__}") from error
    limit_bytes = FACT_TOPICS[fact.TYPE].max_bytes
    if size_bytes > limit_bytes:
        raise RejectedError(f"{kind}: its body has {size_bytes} bytes, at most {limit_bytes} are allowed")
    return Accepted(fact, text)


def _may_say(source: str, fact: Fact) -> None:
    """Raises RejectedError unless the fact's topic lets this service publish it, and a camera only of itself."""
    publishers = FACT_TOPICS[fact.TYPE].publishers
    role = "camera-worker" if source.startswith(CAMERA_PREFIX) else source
    if publishers != ALL_SERVICES and role not in publishers:
        raise RejectedError(f"{source} may not say {fact.TYPE}; {', '.join(publishers)} may")
    camera_id = getattr(fact, "camera_id", None)
    if role == "camera-worker" and camera_id is not None and camera_id != source.removeprefix(CAMERA_PREFIX):
        raise RejectedError(f"{source} may speak of its own camera only")


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= SEQ_MAX


def _printable(value: Any, limit: int) -> str:
    """What was sent, as text that any column takes."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text[:limit].encode("utf-8", "replace").decode()


class LocalSink:
    """Where storage's own outbox drains to: the same door, without the network."""

    def __init__(self, store: FactStore) -> None:
        self._store = store

    def post_facts(self, source: str, facts: list[tuple[int, str, str, dict[str, Any]]]) -> dict[str, Any]:
        """Returns after COMMIT. Raises StorageUnavailableError."""
        return self._store.ingest(source, [list(item) for item in facts]).answer()
