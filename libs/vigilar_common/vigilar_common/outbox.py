"""The durable outbox of a producer of facts: a fact that `put` returned for survives anything.

One SQLite file on the service's private volume, WAL with synchronous=FULL. Callers wait for the commit of
the batch they are in (group commit), one drain sends batches in order until storage has committed them.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from vigilar_common.clock import Clock, uuid7
from vigilar_common.errors import OutboxFullError, StorageRefusedError, StorageUnavailableError
from vigilar_common.messages import Fact
from vigilar_common.messages.base import Keep
from vigilar_common.messages.system import FactsDropped
from vigilar_common.threads import Thread

log = logging.getLogger(__name__)

MAX_BYTES = 256 * 1024 * 1024
HARD_BYTES = 320 * 1024 * 1024
"""Facts that may never be dropped still go in between MAX and HARD; only a broken disk or weeks without storage get here."""
BATCH_FACTS = 200
BATCH_BYTES = 2_000_000
RETRY_MIN_S, RETRY_MAX_S = 0.05, 1.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS outbox (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, type TEXT NOT NULL,
  key TEXT NOT NULL DEFAULT '', body TEXT NOT NULL, size INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS outbox_key ON outbox(key, seq) WHERE key != '';
"""


class FactSink(Protocol):
    """Where facts go: storage's `POST /v1/facts`."""

    def post_facts(self, source: str, facts: list[tuple[int, str, str, dict[str, Any]]]) -> dict[str, Any]:
        """Returns only after storage has committed. Raises StorageUnavailableError, StorageRefusedError."""
        ...


@dataclass
class _Waiting:
    fact: Fact
    stored: Fact | None = None
    error: Exception | None = None


class Outbox:
    """Thread-safe. `source` is the name under which storage logs these facts."""

    def __init__(
        self, path: Path, source: str, clock: Clock, max_bytes: int = MAX_BYTES, hard_bytes: int = HARD_BYTES
    ) -> None:
        self._path = path
        self._source = source
        self._clock = clock
        self._max_bytes, self._hard_bytes = max_bytes, hard_bytes
        self._turn = threading.Condition()
        self._waiting: list[_Waiting] = []
        self._writing = False
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._empty = threading.Event()
        self._drain: threading.Thread | None = None
        self._depth = 0
        self._bytes = 0
        self.counters = {"put": 0, "sent": 0, "collapsed": 0, "rejected": 0, "drain_retries": 0}
        self.last_error = ""

    def open(self) -> None:
        """Raises sqlite3.Error when the file cannot be used."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None, timeout=10)
        self._db_lock = threading.Lock()
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("PRAGMA journal_size_limit=4194304")
        self._db.execute(
            "PRAGMA secure_delete=ON"
        )  # what storage has taken is not to be found in freed pages
        self._db.executescript(_SCHEMA)
        self._depth, self._bytes = self._db.execute(
            "SELECT count(*), coalesce(sum(size), 0) FROM outbox"
        ).fetchone()

    @property
    def depth(self) -> int:
        return self._depth

    @property
    def size_bytes(self) -> int:
        return self._bytes

    def scrub(self) -> bool:
        """Empty the write-ahead log of what was sent: who was forgotten is named nowhere then. False: something waits still."""
        if self._depth:
            return False
        with self._db_lock:
            busy, _, _ = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy

    # -- putting ------------------------------------------------------------------------------------

    def put(self, fact: Fact) -> Fact:
        """The fact with its envelope; on disk when this returns. Raises OutboxFullError, sqlite3.Error."""
        ((stored, error),) = self.put_all([fact])
        if error:
            raise error
        assert stored is not None
        return stored

    def put_all(self, facts: Sequence[Fact]) -> list[tuple[Fact | None, Exception | None]]:
        """One commit for all of them; of each its stored form, or why it could not be kept."""
        if not facts:
            return []
        mine = [_Waiting(fact) for fact in facts]
        first = mine[0]  # they went in together, so one batch takes them all
        with self._turn:
            self._waiting += mine
            while self._writing and first.stored is None and first.error is None:
                self._turn.wait()
            if first.stored is None and first.error is None:
                self._writing = True
                batch, self._waiting = self._waiting, []
            else:
                batch = []
        if batch:  # this thread is the batch's writer; the others wait for it
            try:
                self._commit(batch)
            finally:
                with self._turn:
                    self._writing = False
                    self._turn.notify_all()
            self._news.set()
        return [(waiting.stored, waiting.error) for waiting in mine]

    def _commit(self, batch: list[_Waiting]) -> None:
        done: list[tuple[_Waiting, Fact]] = []
        with self._db_lock:
            depth, size = self._depth, self._bytes
            try:
                self._db.execute("BEGIN IMMEDIATE")
                for waiting in batch:
                    try:
                        done.append((waiting, self._insert(waiting.fact)))
                    except OutboxFullError as error:
                        waiting.error = error
                self._db.execute("COMMIT")
            except Exception as error:
                self._depth, self._bytes = depth, size
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                for waiting in batch:
                    waiting.error = error
                return
        for waiting, fact in done:
            waiting.stored = fact
        self.counters["put"] += len(done)

    def _insert(self, fact: Fact) -> Fact:
        fact = fact.model_copy(
            update={
                "id": fact.id or uuid7(self._clock),
                "ts_ms": fact.ts_ms or self._clock.now_ms(),
                "source": self._source,
                "v": fact.VERSION,
            }
        )
        body = json.dumps(fact.body(), separators=(",", ":"))
        telemetry = fact.KEEP is Keep.NEWEST
        key = f"{fact.TYPE}|{fact.telemetry_key()}" if telemetry else ""
        if self._bytes + len(body) > self._max_bytes:
            self._make_room(fact, key, body)
        row = self._db.execute(
            "INSERT INTO outbox(id, type, key, body, size) VALUES (?,?,?,?,?) ON CONFLICT(id) DO NOTHING",
            (fact.id, fact.TYPE, key, body, len(body)),
        )
        if row.rowcount:
            self._depth += 1
            self._bytes += len(body)
            return fact.model_copy(update={"seq": row.lastrowid})
        seq = self._db.execute("SELECT seq FROM outbox WHERE id=?", (fact.id,)).fetchone()[0]
        return fact.model_copy(update={"seq": seq})

    def _make_room(self, fact: Fact, key: str, body: str) -> None:
        """Collapse telemetry to its newest value per key; everything else stays."""
        self._collapse("", keep_newest=True)
        if self._bytes + len(body) <= self._max_bytes:
            return
        if key:
            self._collapse(key, keep_newest=False)
            if self._bytes + len(body) <= self._hard_bytes:
                return
        elif self._bytes + len(body) <= self._hard_bytes:
            return
        raise OutboxFullError(
            f"outbox {self._path} holds {self._bytes} bytes, the bound is {self._hard_bytes}: {fact.TYPE} was not kept"
        )

    def _collapse(self, only_key: str, keep_newest: bool) -> None:
        keys = self._db.execute(
            "SELECT key, type, count(*), max(seq), min(seq) FROM outbox WHERE key != '' AND type != ? AND (? = '' OR key = ?) "
            "GROUP BY key HAVING count(*) > ?",
            (FactsDropped.TYPE, only_key, only_key, 1 if keep_newest else 0),
        ).fetchall()
        for key, kind, _, newest, oldest in keys:
            upto = newest - 1 if keep_newest else newest
            gone = self._db.execute(
                "SELECT count(*), sum(size) FROM outbox WHERE key=? AND seq<=?", (key, upto)
            ).fetchone()
            times = [
                json.loads(self._db.execute("SELECT body FROM outbox WHERE seq=?", (seq,)).fetchone()[0])[
                    "ts_ms"
                ]
                for seq in (oldest, newest)
            ]
            self._db.execute("DELETE FROM outbox WHERE key=? AND seq<=?", (key, upto))
            self._depth -= gone[0]
            self._bytes -= gone[1]
            self.counters["collapsed"] += gone[0]
            log.warning("outbox full: %d values of %s replaced by the newest", gone[0], key)
            gap = FactsDropped(
                fact_type=kind, key=key[:200], dropped=gone[0], from_ms=times[0], to_ms=times[1]
            )
            self._insert_gap(gap)

    def _insert_gap(self, gap: FactsDropped) -> None:
        gap = gap.model_copy(
            update={"id": uuid7(self._clock), "ts_ms": self._clock.now_ms(), "source": self._source}
        )
        body = json.dumps(gap.body(), separators=(",", ":"))
        self._db.execute(
            "INSERT INTO outbox(id, type, key, body, size) VALUES (?,?,'',?,?)",
            (gap.id, gap.TYPE, body, len(body)),
        )
        self._depth += 1
        self._bytes += len(body)

    # -- draining -----------------------------------------------------------------------------------

    def start_drain(self, sink: FactSink) -> None:
        self._drain = Thread(target=self._drain_loop, args=(sink,), name="outbox-drain")
        self._news.set()
        self._drain.start()

    def close(self, flush_s: float = 2.0) -> None:
        """Give the drain `flush_s` to empty the box, then stop; what is left goes out after the next start."""
        if self._drain and self._drain.is_alive():
            if self._depth:
                self._empty.clear()
                self._news.set()
                self._empty.wait(flush_s)
            self._stopping.set()
            self._news.set()
            self._drain.join(5)
        with self._db_lock:
            self._db.close()

    def problem(self) -> str:
        if self._drain and not self._drain.is_alive() and not self._stopping.is_set():
            return "the outbox drain died"
        return ""

    def _drain_loop(self, sink: FactSink) -> None:
        delay_s = RETRY_MIN_S
        while not self._stopping.is_set():
            rows = self._next_batch()
            if not rows:
                self._empty.set()
                self._news.wait()
                self._news.clear()
                continue
            self._news.clear()
            try:
                answer = sink.post_facts(
                    self._source, [(seq, fid, kind, json.loads(body)) for seq, fid, kind, body in rows]
                )
            except (StorageUnavailableError, StorageRefusedError) as error:
                self._note_failure(error)
                self._clock.wait(self._stopping, delay_s)
                delay_s = min(delay_s * 2, RETRY_MAX_S)
                continue
            delay_s = RETRY_MIN_S
            if self.last_error:
                log.info("storage takes facts again; %d wait", self._depth)
                self.last_error = ""
            for rejected in answer.get("rejected", []):
                self.counters["rejected"] += 1
                log.error("storage set fact %s aside: %s", rejected.get("id"), rejected.get("reason"))
            self._delete([row[0] for row in rows])

    def _note_failure(self, error: Exception) -> None:
        self.counters["drain_retries"] += 1
        if str(error) != self.last_error:
            log.warning("facts wait in the outbox (%d): %s", self._depth, error)
            self.last_error = str(error)

    def _next_batch(self) -> list[tuple[int, str, str, str]]:
        with self._db_lock:
            rows = self._db.execute(
                "SELECT seq, id, type, body FROM outbox ORDER BY seq LIMIT ?", (BATCH_FACTS,)
            ).fetchall()
        size = 0
        for count, row in enumerate(rows):
            size += len(row[3])
            if size > BATCH_BYTES and count:
                return rows[:count]
        return rows

    def _delete(self, seqs: list[int]) -> None:
        with self._db_lock:
            self._db.execute("BEGIN IMMEDIATE")
            which = json.dumps(seqs)
            gone = self._db.execute(
                "SELECT coalesce(sum(size), 0) FROM outbox WHERE seq IN (SELECT value FROM json_each(?))",
                (which,),
            ).fetchone()[0]
            removed = self._db.execute(
                "DELETE FROM outbox WHERE seq IN (SELECT value FROM json_each(?))", (which,)
            ).rowcount
            self._db.execute("COMMIT")
            self._depth -= removed
            self._bytes -= gone
        self.counters["sent"] += removed


class FactLog:
    """How a service states a fact: into the outbox, then live on the broker."""

    def __init__(self, outbox: Outbox, publish_live: Callable[[Fact, dict[str, str]], None]) -> None:
        self._outbox = outbox
        self._publish_live = publish_live

    def emit(self, fact: Fact, **ids: str) -> Fact:
        """Durable when this returns; then published. Raises OutboxFullError, sqlite3.Error after publishing all the same."""
        try:
            fact = self._outbox.put(fact)
        except (OutboxFullError, sqlite3.Error) as error:
            log.critical("fact %s could not be kept (%s); it is only told live", fact.TYPE, error)
            self._publish_live(fact, ids)
            raise
        self._publish_live(fact, ids)
        return fact

    def emit_all(self, facts: Sequence[Fact]) -> list[Exception]:
        """Many at once: durable together, then published one by one. Returns why some could not be kept."""
        problems = []
        for fact, (stored, error) in zip(facts, self._outbox.put_all(facts), strict=True):
            if error is not None:
                problems.append(error)
            self._publish_live(stored or fact, {})
        if problems:
            log.critical(
                "%d of %d facts could not be kept (%s); they are only told live",
                len(problems), len(facts), problems[0],
            )  # fmt: skip
        return problems

    def emit_first(self, fact: Fact, **ids: str) -> Fact:
        """Published first, written after: the alarm's effects do not wait for a disk. The fact needs its id and time set."""
        if not fact.id or not fact.ts_ms:
            raise ValueError(f"{fact.TYPE} needs an id and a time of its own to be told before it is written")
        self._publish_live(fact, ids)
        return self._outbox.put(fact)
