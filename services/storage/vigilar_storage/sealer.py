"""Files of version 1: each is hashed and entered in the ledger, so that from then on no change stays unseen.

Such a file (16 bytes IV and AES-256-CTR, or plain MP4) carries no proof of its own: nothing can be said of the time
before its entry. Reading a house's old disk takes hours, so it is done aside, slowly, and goes on after a restart.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from vigilar_common.clock import Clock
from vigilar_common.crypto.keys import KeyRing
from vigilar_common.crypto.vge.legacy import IV_BYTES
from vigilar_common.errors import StorageUnavailableError

from vigilar_storage.db import Database
from vigilar_storage.ledger.chain import Ledger
from vigilar_storage.ledger.told import Older, note_older
from vigilar_storage.schema import FileFormat, RecordingState, recordings

log = logging.getLogger(__name__)

PIECE_BYTES = 1024 * 1024
BYTES_PER_S = 64 * 1024 * 1024
"""At most, so that a recording that is being written finds the disk."""
PAGE_ROWS = 200
AGAIN_S = 300.0
"""After a failure, such as a disk that is not there yet."""
OLDER_FORMATS = (FileFormat.VGE1, FileFormat.MP4)


class Sealer:
    """One thread; ends when nothing is left to do."""

    def __init__(self, root: Path, database: Database, ring: KeyRing, clock: Clock) -> None:
        self._root = root
        self._database = database
        self._ring = ring
        self._clock = clock
        self._ledger = Ledger(clock)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.counters = {"sealed": 0, "missing": 0, "failed": 0}

    def start(self) -> None:
        self._thread = threading.Thread(target=self._loop, name="sealer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread:
            self._thread.join(4)

    def _loop(self) -> None:
        while not self._stopping.is_set():
            failed = self.counters["failed"]
            try:
                self.run()
            except StorageUnavailableError as error:
                self.counters["failed"] += 1
                log.warning("older recordings are sealed later: %s", error)
            except Exception:
                self.counters["failed"] += 1
                log.exception("older recordings could not be sealed")
            if self.counters["failed"] == failed or self._clock.wait(self._stopping, AGAIN_S):
                return

    def run(self) -> int:
        """Seal what is not sealed yet; returns how many. Raises StorageUnavailableError."""
        before = self.counters["sealed"]
        for row in self._waiting():
            if self._stopping.is_set():
                break
            try:
                self._seal(row)
            except FileNotFoundError:
                self._missing(row["id"])
            except OSError as error:
                self.counters["failed"] += 1
                log.warning("older recording %s cannot be read: %s", row["id"], error)
        done = self.counters["sealed"] - before
        if done:
            log.info("%d recordings of version 1 are in the ledger now: later changes will be seen", done)
        return done

    def _waiting(self) -> Iterator[Mapping[str, Any]]:
        columns = recordings.c
        last = ""
        while True:
            query = (
                sa.select(recordings)
                .where(
                    columns.id > last,
                    columns.sha256.is_(None),
                    columns.state == RecordingState.COMPLETE,
                    columns.format.in_(OLDER_FORMATS),
                )
                .order_by(columns.id)
                .limit(PAGE_ROWS)
            )
            with self._database.read() as connection:
                rows = [dict(row) for row in connection.execute(query).mappings()]
            yield from rows
            if len(rows) < PAGE_ROWS:
                return
            last = rows[-1]["id"]

    def _seal(self, row: Mapping[str, Any]) -> None:
        path = self._root / row["path"]
        sha256, size_bytes = digest_slowly(path, self._pause)
        if self._stopping.is_set():
            return
        oldest = self._ring.oldest_master()
        encrypted = row["format"] == FileFormat.VGE1
        older = Older(
            file_id=row["id"],
            camera_id=row["camera_id"],
            format=row["format"],
            sha256=sha256,
            size_bytes=size_bytes,
            plain_bytes=max(0, size_bytes - IV_BYTES) if encrypted else size_bytes,
            started_ms=row["started_ms"],
            ended_ms=row["ended_ms"] if row["ended_ms"] is not None else row["started_ms"],
            key_id=oldest.key_id.hex() if encrypted and oldest is not None else "",
        )
        self._database.write(lambda connection: seal(connection, self._ledger, older, self._clock.now_ms()))
        self.counters["sealed"] += 1

    def _pause(self, piece_bytes: int) -> bool:
        return self._clock.wait(self._stopping, piece_bytes / BYTES_PER_S)

    def _missing(self, recording_id: str) -> None:
        self.counters["missing"] += 1
        log.warning("older recording %s: its file is missing", recording_id)
        lost = {"state": RecordingState.DAMAGED, "damage": "its file is missing"}
        statement = sa.update(recordings).where(recordings.c.id == recording_id)
        complete = recordings.c.state == RecordingState.COMPLETE
        self._database.write(
            lambda connection: connection.execute(statement.where(complete).values(**lost)).rowcount
        )


def seal(connection: sa.Connection, ledger: Ledger, older: Older, now_ms: int) -> bool:
    """Row and entry, in the transaction of `connection`; False when the recording was deleted meanwhile."""
    values = {
        "sha256": older.sha256,
        "size_bytes": older.size_bytes,
        "plain_bytes": older.plain_bytes,
        "ended_ms": older.ended_ms,
        "verified_ms": now_ms,
    }
    complete = recordings.c.state == RecordingState.COMPLETE
    statement = sa.update(recordings).where(recordings.c.id == older.file_id, complete).values(**values)
    if not connection.execute(statement).rowcount:
        return False
    note_older(ledger, connection, older)
    return True


def digest_slowly(path: Path, pause: Callable[[int], bool]) -> tuple[str, int]:
    """SHA-256 (hex) and length of a file; `pause` is called after each piece and ends it with True. Raises OSError."""
    found, done = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            found.update(piece)
            done += len(piece)
            if pause(len(piece)):
                break
    return found.hexdigest(), done
