"""The web service's own small SQLite file: sessions and login tries, kept over a restart.

What is in memory is the truth; the file is for the next start. A disk that is full or a file that is damaged
therefore costs a new login at worst, and is logged.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

TABLES = """
CREATE TABLE IF NOT EXISTS sessions (
  digest TEXT PRIMARY KEY, user TEXT NOT NULL, tag TEXT NOT NULL,
  created_ms INTEGER NOT NULL, seen_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS login_tries (
  client TEXT PRIMARY KEY, tokens REAL NOT NULL, updated_ms INTEGER NOT NULL, trusted_ms INTEGER NOT NULL);
"""


class Database:
    """One connection behind a lock. Writes take well under a millisecond (WAL, no fsync per write)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self.write_errors = 0
        try:
            self._connection = self._open()
        except sqlite3.DatabaseError:
            aside = path.with_suffix(".damaged")
            log.exception("%s is damaged: set aside as %s, everybody has to log in again", path, aside.name)
            path.replace(aside)
            for extra in (f"{path}-wal", f"{path}-shm"):
                Path(extra).unlink(missing_ok=True)
            self._connection = self._open()

    def _open(self) -> sqlite3.Connection:
        os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
        connection = sqlite3.connect(self._path, timeout=2, check_same_thread=False, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.executescript(TABLES)
        except sqlite3.DatabaseError:
            connection.close()
            raise
        return connection

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._connection.execute(query).fetchall()

    def write(self, statement: str, *values: Any) -> None:
        """Errors are logged and counted, not raised: a full disk must not lock the owner out."""
        try:
            with self._lock:
                self._connection.execute(statement, values)
        except sqlite3.Error as error:
            self.write_errors += 1
            log.error("cannot write %s: %s; it will not survive a restart", self._path, error)  # noqa: TRY400

    def close(self) -> None:
        with self._lock:
            self._connection.close()
