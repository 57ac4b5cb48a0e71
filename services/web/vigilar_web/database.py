"""The web service's own small SQLite file: sessions, login tries and a copy of the accounts, kept over a restart.

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
  digest TEXT PRIMARY KEY, account_id TEXT NOT NULL, tag TEXT NOT NULL, created_ms INTEGER NOT NULL,
  seen_ms INTEGER NOT NULL, confirmed_ms INTEGER NOT NULL, address TEXT NOT NULL, device TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS used (
  credential_id TEXT PRIMARY KEY, used_ms INTEGER NOT NULL, counter INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS login_tries (
  client TEXT PRIMARY KEY, tokens REAL NOT NULL, updated_ms INTEGER NOT NULL, trusted_ms INTEGER NOT NULL);
"""


VERSION = 2
"""Of these tables. Sessions of another version end: they say less than is asked of one."""


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
            if connection.execute("PRAGMA user_version").fetchone()[0] != VERSION:
                connection.execute("DROP TABLE IF EXISTS sessions")
            connection.executescript(TABLES)
            connection.execute(f"PRAGMA user_version = {VERSION}")
        except sqlite3.DatabaseError:
            connection.close()
            raise
        return connection

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._connection.execute(query).fetchall()

    def kept(self, name: str) -> str:
        """A text kept by `keep`; empty when there is none."""
        with self._lock:
            row = self._connection.execute("SELECT value FROM kept WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else ""

    def keep(self, name: str, value: str) -> None:
        """As `write`."""
        statement = "INSERT INTO kept (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        self.write(statement, name, value)

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
