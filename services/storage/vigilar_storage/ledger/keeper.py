"""Keeps the ledger's promises over time: signed checkpoints, clock jumps, and what a start has to add."""

from __future__ import annotations

import base64
import json
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa
from vigilar_common.bus import Bus
from vigilar_common.clock import Clock
from vigilar_common.crypto.vge.header import CHUNK_BYTES, HEADER_BYTES, TAG_BYTES
from vigilar_common.errors import StorageUnavailableError
from vigilar_common.merkle import CompactRange
from vigilar_common.messages import Fact
from vigilar_common.messages.alarm import ArmStateChanged
from vigilar_common.messages.system import StorageCheckpoint
from vigilar_common.signed_note import Checkpoint
from vigilar_common.topics import STORAGE_CHECKPOINT

from vigilar_storage.bulk import driver
from vigilar_storage.db import Database
from vigilar_storage.ledger.chain import EntryType, Ledger

if TYPE_CHECKING:
    from vigilar_storage.ledger.signing import Signer

log = logging.getLogger(__name__)

HOURLY_S = 3_600.0
LOOK_S = 10.0
"""How often the clocks are compared, keys and configuration looked at, and a checkpoint is thought of."""
JUMP_MS = 5_000
AT_ONCE_ROWS = 2_000
WAITING = 16
STOP_S = 5.0


class KeyStatus(NamedTuple):
    """A key as the ledger may know it: no part of the key itself."""

    what: str
    """sealing, storage.key or ledger."""
    key_id: str
    state: str


class Keeper:
    """One thread. Without a signer (its key is missing) there are entries but no checkpoints."""

    def __init__(
        self, database: Database, clock: Clock, bus: Bus, origin: str, signer: Signer | None
    ) -> None:
        self._database = database
        self._clock = clock
        self._bus = bus
        self._origin = origin
        self._signer = signer
        self._ledger = Ledger(clock)
        self._range = CompactRange()
        """Of committed entries only; the making of a checkpoint carries it on."""
        self._lock = threading.Lock()
        self._reasons: queue.Queue[str] = queue.Queue(WAITING)
        self._stopping = False
        self._thread: threading.Thread | None = None
        self.looks: list[Callable[[], None]] = []
        """Called each LOOK_S on the keeper's thread: what else the ledger has to be told of."""
        self.counters = {"checkpoints": 0, "failed": 0, "clock_jumps": 0}

    # -- from other threads -------------------------------------------------------------------------------

    def begin(self, epoch: str, keys: Sequence[KeyStatus]) -> None:
        """What this start changes, before facts are taken. Raises StorageUnavailableError."""

        def job(connection: sa.Connection) -> None:
            self._begin_epoch(connection, epoch)
            self._note_keys(connection, keys)

        self._database.write(job)

    def note_keys(self, keys: Sequence[KeyStatus]) -> None:
        """The keys as they are now; what is new or changed becomes an entry. Raises StorageUnavailableError."""
        self._database.write(lambda connection: self._note_keys(connection, keys))

    def start(self) -> None:
        self._thread = threading.Thread(target=self._loop, name="ledger", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Make a last checkpoint. Before the database closes."""
        self._stopping = True
        self._wake("stop")
        if self._thread:
            self._thread.join(STOP_S)

    def before_shutdown(self) -> None:
        """The host goes down soon: what was seen until now is sealed while there is time."""
        self._wake("shutdown")

    def facts_taken(self, facts: Sequence[Fact]) -> None:
        """The alarm changed: what was seen until now is sealed at once, and the seal leaves the box."""
        if any(isinstance(fact, ArmStateChanged) for fact in facts):
            self._wake("alarm")

    def thread_problem(self) -> str:
        dead = self._thread is not None and not self._thread.is_alive() and not self._stopping
        return "the ledger's thread died" if dead else ""

    def checkpoint(self, reason: str) -> Checkpoint | None:
        """Sign the ledger as it is, when it grew; publish and log the note. Raises StorageUnavailableError.

        None: it did not grow, or there is no key.
        """
        signer = self._signer
        if signer is None:
            return None
        with self._lock:
            with self._database.read() as connection:
                self._range = _carry_on(connection, self._range)
            known = self._range

            def job(connection: sa.Connection) -> tuple[CompactRange, Checkpoint, str] | None:
                raw = driver(connection)
                grown = _carry_on(connection, known)
                (last,) = raw.execute("SELECT coalesce(max(size), 0) FROM ledger_checkpoints").fetchone()
                if grown.size <= last:
                    return None
                made = Checkpoint(self._origin, grown.size, grown.root())
                note = signer.sign(made)
                row = (made.size, made.root.hex(), note, self._clock.now_ms(), reason)
                raw.execute("INSERT INTO ledger_checkpoints VALUES (?, ?, ?, ?, ?)", row)
                return grown, made, note

            done = self._database.write(job)
            if done is None:
                return None
            self._range, made, note = done
        self.counters["checkpoints"] += 1
        self._tell(made, note, reason)
        return made

    # -- the thread ---------------------------------------------------------------------------------------

    def _loop(self) -> None:
        self._look_around()
        self._tell_newest()
        next_hourly_s = self._clock.monotonic_s() + HOURLY_S
        offset_ms = self._offset_ms()
        reason = "start"
        while True:
            if reason:
                self._try(reason)
            if self._stopping:
                return
            try:
                reason = self._reasons.get(timeout=LOOK_S)
            except queue.Empty:
                reason = ""
            offset_ms = self._look_at_clocks(offset_ms)
            self._look_around()
            if not reason and self._clock.monotonic_s() >= next_hourly_s:
                reason = "hourly"
            if reason:
                next_hourly_s = self._clock.monotonic_s() + HOURLY_S

    def _wake(self, reason: str) -> None:
        try:
            self._reasons.put_nowait(reason)
        except queue.Full:
            log.debug("a checkpoint is due already: nothing is lost")

    def _try(self, reason: str) -> None:
        try:
            self.checkpoint(reason)
        except StorageUnavailableError as error:
            self.counters["failed"] += 1
            log.warning("no checkpoint of the ledger (%s): %s", reason, error)
        except Exception:
            self.counters["failed"] += 1
            log.exception("no checkpoint of the ledger (%s)", reason)

    def _look_around(self) -> None:
        for look in self.looks:
            try:
                look()
            except StorageUnavailableError as error:
                log.warning("the ledger is told later: %s", error)
            except Exception:
                log.exception("the ledger could not be told of a change")

    def _offset_ms(self) -> int:
        return self._clock.now_ms() - int(self._clock.monotonic_s() * 1000)

    def _look_at_clocks(self, before_ms: int) -> int:
        now_ms = self._offset_ms()
        jump_ms = now_ms - before_ms
        if abs(jump_ms) < JUMP_MS:
            return before_ms
        log.warning("the clock of this host jumped by %d ms", jump_ms)
        self.counters["clock_jumps"] += 1
        try:
            self._database.write(
                lambda connection: self._ledger.append(
                    connection, EntryType.CLOCK_JUMP, "clock", {"jump_ms": jump_ms}
                )
            )
        except StorageUnavailableError as error:
            log.warning("the clock's jump is not in the ledger yet: %s", error)
            return before_ms
        return now_ms

    def _tell_newest(self) -> None:
        """Retained messages may have been lost with the broker: the newest checkpoint is said again."""
        try:
            with self._database.read() as connection:
                row = (
                    driver(connection)
                    .execute("SELECT size, root, note FROM ledger_checkpoints ORDER BY size DESC LIMIT 1")
                    .fetchone()
                )
        except StorageUnavailableError as error:
            log.warning("the newest checkpoint cannot be read: %s", error)
            return
        if row is not None:
            self._tell(Checkpoint(self._origin, row[0], bytes.fromhex(row[1])), row[2], "again")

    def _tell(self, made: Checkpoint, note: str, reason: str) -> None:
        root = base64.b64encode(made.root).decode()
        log.info("ledger checkpoint (%s): %s size %d root %s", reason, made.origin, made.size, root)
        message = StorageCheckpoint(origin=made.origin, size=made.size, root=root, note=note)
        self._bus.set_state(STORAGE_CHECKPOINT, message)

    # -- entries of a start ---------------------------------------------------------------------------------

    def _begin_epoch(self, connection: sa.Connection, epoch: str) -> None:
        raw = driver(connection)
        if raw.execute("SELECT 1 FROM ledger WHERE type = 'epoch' AND subject = ?", (epoch,)).fetchone():
            return
        (facts_n,) = raw.execute("SELECT coalesce(max(n), 0) FROM facts").fetchone()
        first = raw.execute("SELECT 1 FROM ledger LIMIT 1").fetchone() is None
        self._ledger.append(connection, EntryType.EPOCH, epoch, {"origin": self._origin, "facts_n": facts_n})
        if first:
            self._take_over_known(connection)

    def _take_over_known(self, connection: sa.Connection) -> None:
        """Files from before there was a ledger: from here on they cannot be changed unseen either."""
        query = (
            "SELECT id, camera_id, format, state, sha256, size_bytes, plain_bytes, started_ms, ended_ms "
            "FROM recordings WHERE state IN ('complete', 'recovered') AND sha256 IS NOT NULL ORDER BY id"
        )
        for row in driver(connection).execute(query).fetchall():
            kind = EntryType.FINALISED if row[3] == "complete" else EntryType.RECOVERED
            plain_bytes = row[6] or 0
            chunks = -(-plain_bytes // CHUNK_BYTES)
            body = {
                "recording_id": row[0], "camera_id": row[1], "kind": "recording", "format": row[2], "sha256": row[4],
                "covers_bytes": HEADER_BYTES + plain_bytes + chunks * TAG_BYTES, "footer_sha256": "",
                "size_bytes": row[5] or 0, "plain_bytes": plain_bytes, "chunks": chunks,
                "started_ms": row[7], "ended_ms": row[8] or row[7], "key_id": "",
            }  # fmt: skip
            self._ledger.append(connection, kind, row[0], body)

    def _note_keys(self, connection: sa.Connection, keys: Sequence[KeyStatus]) -> None:
        if self._signer is not None:
            keys = [*keys, KeyStatus("ledger", self._signer.verifier.key_hash.hex(), "active")]
        for key in keys:
            self._note_key(connection, key)

    def _note_key(self, connection: sa.Connection, key: KeyStatus) -> None:
        """An entry when the ledger does not know this key in this state. `before` is the active key before it."""
        raw = driver(connection)
        query = "SELECT body FROM ledger WHERE subject = ? AND type = 'key-rotate' ORDER BY seq DESC LIMIT 1"
        row = raw.execute(query, (key.key_id,)).fetchone()
        was = str(json.loads(row[0]).get("state", "active")) if row else ""
        if was == key.state:
            return
        newest = "json_extract(body, '$.what') = ? AND coalesce(json_extract(body, '$.state'), 'active') = 'active'"
        last = raw.execute(
            f"SELECT subject FROM ledger WHERE type = 'key-rotate' AND {newest} ORDER BY seq DESC LIMIT 1",  # noqa: S608
            (key.what,),
        ).fetchone()
        body = {"what": key.what, "state": key.state, "was": was, "before": last[0] if last else ""}
        self._ledger.append(connection, EntryType.KEY_ROTATE, key.key_id, body)


def _carry_on(connection: sa.Connection, known: CompactRange) -> CompactRange:
    """A copy of `known` with every entry after it."""
    grown = CompactRange(known.size, known.hashes)
    raw = driver(connection)
    while True:
        query = "SELECT seq, hash FROM ledger WHERE seq > ? ORDER BY seq LIMIT ?"
        rows = raw.execute(query, (grown.size, AT_ONCE_ROWS)).fetchall()
        for seq, found in rows:
            if seq != grown.size + 1:
                raise ValueError(f"ledger entry {grown.size + 1} is missing: run `vigilar verify`")
            grown.append(bytes.fromhex(found))
        if len(rows) < AT_ONCE_ROWS:
            return grown
