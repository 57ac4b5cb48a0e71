"""How the newest objects of a camera looked, and what its owner marked: one small SQLite file in its private state.

Vectors never leave it. It goes with the camera's state folder when the camera is removed.
"""

from __future__ import annotations

import base64
import json
import logging
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from vigilar_common.messages.objects import Verdict

from vigilar_camera_worker.domain.likeness import Mark, View
from vigilar_camera_worker.domain.looks import Rect

log = logging.getLogger(__name__)

MAX_OBJECTS: Final = 2_000
"""The newest that can still be learnt from when they are marked; about 2 MB."""
MAX_MARKS: Final = 256
"""The newest marks that count."""
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS objects (
  n INTEGER PRIMARY KEY AUTOINCREMENT, track_id TEXT NOT NULL UNIQUE, object_class TEXT NOT NULL, views TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS marks (
  n INTEGER PRIMARY KEY AUTOINCREMENT, track_id TEXT NOT NULL UNIQUE, object_class TEXT NOT NULL, wrong INTEGER NOT NULL,
  views TEXT NOT NULL);
"""


class MarksFile:
    """Thread-safe. All but ``open`` and ``close`` raise sqlite3.Error when the file cannot be used."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.Lock()
        self._db: sqlite3.Connection | None = None

    def open(self) -> None:
        """A file that is damaged is set aside, and said so; raises OSError or sqlite3.Error when no file can be made."""
        try:
            self._db = self._connect()
        except sqlite3.DatabaseError:
            aside = self._path.with_suffix(".damaged")
            log.exception(
                "%s is damaged: set aside as %s, marks are to be made again", self._path, aside.name
            )
            self._path.replace(aside)
            self._db = self._connect()

    def close(self) -> None:
        with self._lock:
            if self._db is not None:
                self._db.close()
                self._db = None

    def keep(self, track_id: str, object_class: str, views: Sequence[View]) -> None:
        """How an object looked, should it be marked later."""
        with self._lock, self._open_db() as db:
            _put(db, "objects", track_id, {"object_class": object_class, "views": _packed(views)})
            db.execute(
                "DELETE FROM objects WHERE n <= (SELECT max(n) FROM objects) - ?",
                (MAX_OBJECTS,),
            )

    def mark(self, track_id: str, object_class: str, verdict: Verdict) -> tuple[bool, int]:
        """Whether it is known how it looked, and how many old marks were forgotten for it."""
        with self._lock, self._open_db() as db:
            db.execute("DELETE FROM marks WHERE track_id=?", (track_id,))
            row = db.execute("SELECT views FROM objects WHERE track_id=?", (track_id,)).fetchone()
            if row is None or row[0] == "[]":
                return False, 0
            if verdict is Verdict.NONE:
                return True, 0
            wrong = int(verdict is Verdict.WRONG)
            _put(db, "marks", track_id, {"object_class": object_class, "wrong": wrong, "views": row[0]})
            gone = db.execute(
                "DELETE FROM marks WHERE n NOT IN (SELECT n FROM marks ORDER BY n DESC LIMIT ?)", (MAX_MARKS,)
            ).rowcount
            return True, gone

    def marks(self) -> list[Mark]:
        with self._lock, self._open_db() as db:
            rows = db.execute("SELECT track_id, object_class, wrong, views FROM marks ORDER BY n").fetchall()
        return [Mark(row[0], row[1], bool(row[2]), _unpacked(row[3])) for row in rows]

    def _connect(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self._path, timeout=2, check_same_thread=False)
        try:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=NORMAL")
            db.executescript(_TABLES)
        except sqlite3.DatabaseError:
            db.close()
            raise
        return db

    def _open_db(self) -> sqlite3.Connection:
        if self._db is None:
            raise sqlite3.OperationalError(f"{self._path} is not open")
        return self._db


def _put(db: sqlite3.Connection, table: str, track_id: str, values: dict[str, Any]) -> None:
    """Replaced, so that what was written last is the newest."""
    names = ("track_id", *values)
    db.execute(
        f"INSERT OR REPLACE INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})",  # noqa: S608 names of ours
        (track_id, *values.values()),
    )


def _packed(views: Sequence[View]) -> str:
    return json.dumps(
        [[*(round(v, 4) for v in view.box), base64.b64encode(view.vector).decode("ascii")] for view in views]
    )


def _unpacked(text: str) -> tuple[View, ...]:
    return tuple(View(Rect(*row[:4]), base64.b64decode(row[4])) for row in json.loads(text))
