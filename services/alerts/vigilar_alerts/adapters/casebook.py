"""Incidents with their events, receipts and explanations, in the file of the deliveries: one transaction for both."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vigilar_alerts.adapters.store import Store, Write
from vigilar_alerts.domain.explain import Explanation
from vigilar_alerts.domain.happening import Happening
from vigilar_alerts.domain.incidents import Incident

log = logging.getLogger("vigilar.alerts.casebook")

MAX_INCIDENTS = 5_000
MAX_EVENTS = 50_000
"""Older ones leave the casebook; the log of facts in storage keeps them."""
MAX_RECEIPTS = 20_000
BUSY_TIMEOUT_S = 5.0

_TABLES = (
    "CREATE TABLE IF NOT EXISTS incidents ("
    " incident_id TEXT PRIMARY KEY, opened_ms INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS ix_incidents_time ON incidents(opened_ms, incident_id)",
    "CREATE TABLE IF NOT EXISTS happenings ("
    " n INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, incident_id TEXT, event_id TEXT,"
    " cause_id TEXT, ts_ms INTEGER NOT NULL, body TEXT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS ix_happenings_incident ON happenings(incident_id, ts_ms, n)",
    "CREATE INDEX IF NOT EXISTS ix_happenings_event ON happenings(event_id, n)",
    "CREATE INDEX IF NOT EXISTS ix_happenings_cause ON happenings(cause_id, n)",
    "CREATE TABLE IF NOT EXISTS receipts ("
    " n INTEGER PRIMARY KEY AUTOINCREMENT, incident_id TEXT NOT NULL, kind TEXT NOT NULL, who TEXT NOT NULL,"
    " method TEXT NOT NULL, ts_ms INTEGER NOT NULL)",
    "CREATE INDEX IF NOT EXISTS ix_receipts_incident ON receipts(incident_id, n)",
    "CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, body TEXT NOT NULL)",
)


class Casebook:
    """Thread-safe as the store is. Methods named `put_…` make a part of a transaction, the others read.

    Reading raises sqlite3.Error.
    """

    def __init__(self, store: Store | ReadOnlyStore) -> None:
        self._store = store

    def open(self) -> None:
        """Raises sqlite3.Error when the file cannot be used."""

        def make(db: sqlite3.Connection) -> None:
            for statement in _TABLES:
                db.execute(statement)

        self._writable.write(make)

    @property
    def _writable(self) -> Store:
        assert isinstance(self._store, Store), "a casebook beside the running service only reads"
        return self._store

    def write(self, *works: Write) -> None:
        """Logged and not raised when the disk refuses: what is in memory goes on."""
        try:
            self._writable.write(*works)
        except sqlite3.Error as error:
            log.critical("the state of alerts cannot be kept: %s; a restart would forget it", error)

    # -- writing ------------------------------------------------------------------------------------

    def put_incident(self, incident: Incident) -> Write:
        values = (incident.incident_id, incident.opened_ms, _json(incident.kept()))

        def put(db: sqlite3.Connection) -> None:
            db.execute(
                "INSERT INTO incidents VALUES (?,?,?)"
                " ON CONFLICT(incident_id) DO UPDATE SET opened_ms=excluded.opened_ms, body=excluded.body",
                values,
            )

        return put

    def put_happening(
        self, happening: Happening, incident: Incident | None, explanation: Explanation
    ) -> Write:
        """The first word counts: a repeat changes nothing."""
        body = {
            "type": happening.kind.value,
            "severity": happening.severity.value,
            "title": happening.title,
            "camera_id": happening.camera_id,
            "sensor_id": happening.sensor_id,
            "arm_state": happening.arm_state.value,
            "zones": list(happening.zones),
            "object_class": happening.object_class,
            "explanation": explanation.as_json(),
        }
        values = (
            happening.key,
            incident.incident_id if incident else None,
            happening.event_id,
            happening.cause_id,
            happening.ts_ms,
            _json(body),
        )

        def put(db: sqlite3.Connection) -> None:
            cursor = db.execute(
                "INSERT INTO happenings(key, incident_id, event_id, cause_id, ts_ms, body) VALUES (?,?,?,?,?,?)"
                " ON CONFLICT(key) DO NOTHING",
                values,
            )
            if cursor.rowcount and cursor.lastrowid and cursor.lastrowid % 64 == 0:
                _tidy(db)

        return put

    def put_receipt(self, incident_id: str, kind: str, who: str, method: str, ts_ms: int) -> Write:
        def put(db: sqlite3.Connection) -> None:
            db.execute(
                "INSERT INTO receipts(incident_id, kind, who, method, ts_ms) VALUES (?,?,?,?,?)",
                (incident_id, kind, who, method, ts_ms),
            )

        return put

    def put_kept(self, name: str, value: Mapping[str, Any]) -> Write:
        body = _json(value)

        def put(db: sqlite3.Connection) -> None:
            db.execute(
                "INSERT INTO kept VALUES (?,?) ON CONFLICT(name) DO UPDATE SET body=excluded.body",
                (name, body),
            )

        return put

    # -- reading ------------------------------------------------------------------------------------

    def kept(self, name: str) -> dict[str, Any] | None:
        rows = self._store.read("SELECT body FROM kept WHERE name=?", (name,))
        return dict(json.loads(rows[0][0])) if rows else None

    def newest(self, limit: int, before: str = "") -> tuple[list[Incident], str]:
        """A page, newest first, and where to go on; empty at the end. An unreadable cursor is the beginning."""
        ms, _, incident_id = before.partition(".")
        place = (int(ms), incident_id) if ms.isdecimal() and len(ms) < 16 else (1 << 62, "")
        rows = self._store.read(
            "SELECT body, opened_ms, incident_id FROM incidents WHERE (opened_ms, incident_id) < (?,?)"
            " ORDER BY opened_ms DESC, incident_id DESC LIMIT ?",
            (*place, limit + 1),
        )
        following = f"{rows[limit - 1][1]}.{rows[limit - 1][2]}" if len(rows) > limit else ""
        return [found for row in rows[:limit] if (found := _incident(row[0]))], following

    def incident(self, incident_id: str) -> Incident | None:
        rows = self._store.read("SELECT body FROM incidents WHERE incident_id=?", (incident_id,))
        return _incident(rows[0][0]) if rows else None

    def events_of(self, incident_id: str, limit: int, after: int = 0) -> list[dict[str, Any]]:
        """In the order in which they happened."""
        rows = self._store.read(
            "SELECT event_id, ts_ms, body FROM happenings WHERE incident_id=? ORDER BY ts_ms, n LIMIT ? OFFSET ?",
            (incident_id, limit, after),
        )
        return [_happening(row) for row in rows]

    def explained(self, event_id: str) -> list[dict[str, Any]]:
        """What was decided about an event: itself first, then what was recognised in it."""
        rows = self._store.read(
            "SELECT event_id, ts_ms, body, incident_id FROM happenings WHERE event_id=?"
            " OR cause_id=(SELECT cause_id FROM happenings WHERE key=?) ORDER BY n LIMIT 20",
            (event_id, event_id),
        )
        return [_happening(row[:3]) | {"alert_id": row[3]} for row in rows]

    def knows(self, key: str) -> bool:
        return bool(self._store.read("SELECT 1 FROM happenings WHERE key=?", (key,)))

    def receipts(self, incident_id: str) -> list[dict[str, Any]]:
        rows = self._store.read(
            "SELECT kind, who, method, ts_ms FROM receipts WHERE incident_id=? ORDER BY n DESC LIMIT 50",
            (incident_id,),
        )
        return [{"kind": row[0], "by": row[1], "method": row[2], "ts_ms": row[3]} for row in reversed(rows)]


class ReadOnlyStore:
    """The same file for a command beside the running service. Raises sqlite3.Error when there is none."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_S)

    def read(self, query: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        return self._db.execute(query, values).fetchall()

    def close(self) -> None:
        self._db.close()


def _tidy(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM happenings WHERE n <= (SELECT max(n) FROM happenings) - ?", (MAX_EVENTS,))
    db.execute("DELETE FROM receipts WHERE n <= (SELECT max(n) FROM receipts) - ?", (MAX_RECEIPTS,))
    db.execute(
        "DELETE FROM incidents WHERE opened_ms < "
        "(SELECT opened_ms FROM incidents ORDER BY opened_ms DESC LIMIT 1 OFFSET ?)",
        (MAX_INCIDENTS,),
    )


def _incident(body: str) -> Incident | None:
    try:
        return Incident.restored(json.loads(body))
    except (ValueError, TypeError, KeyError):
        log.exception("an incident in the casebook cannot be read and is left out")
        return None


def _happening(row: tuple[Any, ...]) -> dict[str, Any]:
    return {"event_id": row[0], "ts_ms": row[1], **json.loads(row[2])}


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
