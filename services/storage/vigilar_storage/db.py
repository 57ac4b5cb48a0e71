"""The database: one writer thread with group commit, and read-only connections for everybody else.

Nothing else in Vigilar opens this file. SQLite runs in WAL mode with synchronous=FULL, so what a caller of
`write` was told is committed survives a power cut.
"""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.pool import QueuePool
from vigilar_common.errors import StorageUnavailableError

log = logging.getLogger(__name__)

T = TypeVar("T")
Job = Callable[[sa.Connection], T]

QUEUE_JOBS = 256
BATCH_JOBS = 64
WRITE_TIMEOUT_S = 12.0
"""Less than the 15 s a client waits, so that it hears the reason."""
READERS = 6
READER_WAIT_S = 10.0
BUSY_TIMEOUT_MS = 5_000
CACHE_KIB = 8_192
READER_CACHE_KIB = 2_048
MMAP_BYTES = 0
"""Every connection would map the file for itself, and each map counts as memory of this process."""
WAL_CHECKPOINT_PAGES = 2_000
ERROR_CHAIN = 10
WAL_KEPT_BYTES = 16 * 1024 * 1024

_FULL = {sqlite3.SQLITE_FULL}
_BROKEN = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_READONLY,
           sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_PROTOCOL}  # fmt: skip


class DiskFullError(StorageUnavailableError):
    """The disk of the database takes no more bytes; reading still works."""


class DatabaseBusyError(StorageUnavailableError):
    """More writes wait than the queue holds, or a commit took too long."""


class DatabaseBrokenError(StorageUnavailableError):
    """SQLite could not read or write its file; the text carries its reason."""


@dataclass
class _Waiting:
    job: Job[Any]
    future: Future[Any]


class Database:
    """`open()` before use; thread-safe."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._jobs: queue.Queue[_Waiting | None] = queue.Queue(QUEUE_JOBS)
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()
        self._after_commit: list[Callable[[], None]] = []
        self.on_disk_full: Callable[[], None] | None = None
        """Called on the writer's thread when the disk takes no more; must be quick and not raise."""
        self.counters = {"commits": 0, "jobs": 0, "failed_jobs": 0, "failed_commits": 0}
        self.problem = ""
        """Why the last batch could not be written; empty while writing works."""

    def open(self) -> None:
        """Open both engines and start the writer. The schema must be there (see `migrate`)."""
        self._writer = _engine(self.path, read_only=False)
        self._readers = _engine(self.path, read_only=True)
        self._thread = threading.Thread(target=self._loop, name="db-writer", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Finish what is queued, then close."""
        if self._closed.is_set():
            return
        self._closed.set()
        if self._thread:
            self._jobs.put(None)
            self._thread.join(10)
            self._readers.dispose()
            self._writer.dispose()

    def thread_problem(self) -> str:
        dead = self._thread is not None and not self._thread.is_alive() and not self._closed.is_set()
        return "the database writer's thread died" if dead else ""

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Called on the writer's thread after every commit; must be quick and not raise."""
        self._after_commit.append(callback)

    def write(self, job: Job[T], timeout_s: float = WRITE_TIMEOUT_S) -> T:
        """Run `job` in a transaction and return its result after COMMIT.

        Raises what the job raised (then nothing of it is kept), DiskFullError, DatabaseBusyError or
        DatabaseBrokenError. After a time-out the write may still be committed.
        """
        if self._closed.is_set():
            raise DatabaseBusyError("the database is closing")
        waiting = _Waiting(job, Future())
        try:
            self._jobs.put(waiting, timeout=timeout_s)
        except queue.Full:
            raise DatabaseBusyError(f"{QUEUE_JOBS} writes already wait for the database") from None
        try:
            result: T = waiting.future.result(timeout_s)
        except FutureTimeoutError:
            if waiting.future.done():
                raise  # a TimeoutError of the job's own
            raise DatabaseBusyError(f"the database did not commit within {timeout_s:g} s") from None
        return result

    def empty_wal(self) -> bool:
        """Bring everything into the database's own file and cut its log to nothing; False while readers need it.

        Raises sqlite3.Error.
        """
        connection = sqlite3.connect(self.path, timeout=BUSY_TIMEOUT_MS / 1000)
        try:
            busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            connection.close()
        return not busy

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A read-only connection with one consistent snapshot."""
        try:
            connection = self._readers.connect()
        except sa.exc.TimeoutError:
            raise DatabaseBusyError(f"all {READERS} readers of the database are in use") from None
        with connection:
            yield connection

    # -- the writer's thread --------------------------------------------------------------------------

    def _loop(self) -> None:
        while True:
            first = self._jobs.get()
            batch = [] if first is None else [first]
            stop = first is None
            while len(batch) < BATCH_JOBS and not stop:
                try:
                    more = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    stop = True
                else:
                    batch.append(more)
            if batch:
                self._commit(batch)
            if stop:
                return

    def _commit(self, batch: list[_Waiting]) -> None:
        """One transaction for all; a job that fails is undone alone, a disk that fails undoes all."""
        done: list[tuple[_Waiting, Any]] = []
        failed: list[tuple[_Waiting, Exception]] = []
        try:
            with self._writer.connect() as connection, connection.begin():
                for waiting in batch:
                    try:
                        with connection.begin_nested():
                            done.append((waiting, waiting.job(connection)))
                    except Exception as error:
                        if storage_failure(error) is not None:
                            raise
                        failed.append((waiting, error))
        except Exception as error:
            self._fail(batch, error)
            return
        if self.problem:
            log.warning("the database takes writes again")
            self.problem = ""
        self.counters["commits"] += 1
        self.counters["jobs"] += len(done)
        self.counters["failed_jobs"] += len(failed)
        for waiting, result in done:
            waiting.future.set_result(result)
        for waiting, job_error in failed:
            waiting.future.set_exception(job_error)
        for callback in self._after_commit:
            try:
                callback()
            except Exception:
                log.exception("a callback after a commit failed")

    def _fail(self, batch: list[_Waiting], error: Exception) -> None:
        self.counters["failed_commits"] += 1
        told = storage_failure(error) or DatabaseBrokenError(f"the database could not be written: {error}")
        if str(told) != self.problem:
            log.critical("%s", told)
        self.problem = str(told)
        if self.on_disk_full is not None and isinstance(told, DiskFullError):
            self.on_disk_full()
        for waiting in batch:
            waiting.future.set_exception(told)


def storage_failure(error: BaseException) -> StorageUnavailableError | None:
    """What a failure of SQLite means to a caller, or None when it is the statement's own fault."""
    original = _sqlite_error(error)
    if original is None:
        return None
    code = getattr(original, "sqlite_errorcode", 0) & 0xFF
    if code in _FULL:
        return DiskFullError("disk_full: the disk of the database is full; free space on the data partition")
    if code in _BROKEN:
        name = getattr(original, "sqlite_errorname", "SQLITE_ERROR")
        return DatabaseBrokenError(f"the database could not be read or written: {original} ({name})")
    return None


def _sqlite_error(error: BaseException | None) -> sqlite3.Error | None:
    """The first failure of a chain: when the disk is full SQLite ends the whole transaction by itself, and the
    attempt to undo a savepoint then fails with an error that says nothing of the disk.
    """
    found: sqlite3.Error | None = None
    for _ in range(ERROR_CHAIN):
        if error is None:
            break
        original = error.orig if isinstance(error, sa.exc.DBAPIError) else error
        if isinstance(original, sqlite3.Error):
            found = original
        error = error.__context__
    return found


def _engine(path: Path, *, read_only: bool) -> sa.Engine:
    def connect() -> sqlite3.Connection:
        mode = "ro" if read_only else "rwc"
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode={mode}",
            uri=True,
            timeout=BUSY_TIMEOUT_MS / 1000,
            isolation_level=None,
            check_same_thread=False,
        )
        pragmas = [
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "foreign_keys=ON",
            "temp_store=MEMORY",
            f"mmap_size={MMAP_BYTES}",
        ]
        if read_only:
            pragmas += ["query_only=ON", f"cache_size=-{READER_CACHE_KIB}"]
        else:
            pragmas += ["journal_mode=WAL", "synchronous=FULL", f"cache_size=-{CACHE_KIB}"]
            pragmas.append("secure_delete=ON")  # who is forgotten is not to be found in freed pages
            pragmas += [f"wal_autocheckpoint={WAL_CHECKPOINT_PAGES}", f"journal_size_limit={WAL_KEPT_BYTES}"]
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")
        return connection

    engine = sa.create_engine(
        "sqlite://",
        creator=connect,
        poolclass=QueuePool,
        pool_size=READERS if read_only else 1,
        max_overflow=0,
        pool_timeout=READER_WAIT_S,
    )
    # The driver must not open transactions by its own rules: savepoints and snapshots need ours.
    begin = "BEGIN" if read_only else "BEGIN IMMEDIATE"
    sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine
