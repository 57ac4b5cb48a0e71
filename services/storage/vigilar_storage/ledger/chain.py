"""Entries: how one is written down, hashed, and appended in the transaction of the row that it describes.

Nothing of the chain is kept in memory: its end is read from the database in each transaction, so that a
savepoint or a batch that was undone takes its entries along and leaves nothing to repair.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from vigilar_common.clock import Clock
from vigilar_common.merkle import leaf_hash

from vigilar_storage.bulk import driver

log = logging.getLogger(__name__)

GENESIS = "0" * 64
COLUMNS = ("seq", "ts_ms", "mono_ms", "boot_id", "type", "subject", "body", "prev_hash", "hash")
MAX_SUBJECT_CHARS = 80
_BOOT_ID_FILE = Path("/proc/sys/kernel/random/boot_id")
_INSERT = f"INSERT INTO ledger ({', '.join(COLUMNS)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 own names


class EntryType(StrEnum):
    OPENED = "opened"
    FINALISED = "finalised"
    RECOVERED = "recovered"
    DAMAGED = "damaged"
    GAP = "gap"
    DELETED = "deleted"
    PICTURE = "picture"
    REGISTERED_V1 = "registered-v1"
    KEY_ROTATE = "key-rotate"
    CONFIG = "config"
    ARM = "arm"
    DISARM = "disarm"
    ARM_REFUSED = "arm-refused"
    BACKUP = "backup"
    RESTORE = "restore"
    CLOCK_JUMP = "clock-jump"
    TIME_CONFIRMED = "time-confirmed"
    LIMITS_CONFIRMED = "limits-confirmed"
    EXPORT = "export"
    EPOCH = "epoch"
    AUDIT = "audit"


def told_types() -> tuple[str, ...]:
    """Types whose entries say what a file is: its SHA-256 and lengths."""
    return (
        EntryType.FINALISED,
        EntryType.RECOVERED,
        EntryType.DAMAGED,
        EntryType.PICTURE,
        EntryType.REGISTERED_V1,
    )


def canonical(value: Any) -> str:
    """The one JSON text of a value: keys sorted, no white space. Raises ValueError for floats."""
    _check(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def entry_hash(
    seq: int, ts_ms: int, mono_ms: int, boot_id: str, kind: str, subject: str, body: Any, prev_hash: str
) -> bytes:
    """SHA-256(0x00 ‖ entry): leaf of the tree and link of the chain. Raises ValueError."""
    entry = {
        "body": body,
        "boot": boot_id,
        "mono_ms": mono_ms,
        "prev": prev_hash,
        "seq": seq,
        "subject": subject,
        "ts_ms": ts_ms,
        "type": kind,
    }
    return leaf_hash(canonical(entry).encode())


class Ledger:
    """Appends. Has no state of its own; any number may be made."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def append(
        self, connection: sa.Connection, kind: EntryType, subject: str, body: Mapping[str, Any]
    ) -> int:
        """Add an entry within the transaction of `connection`, the writer's; returns its seq.

        Raises ValueError for a body that is not integers, texts, lists and objects, and sqlite3.Error.
        """
        if len(subject) > MAX_SUBJECT_CHARS:
            raise ValueError(f"{kind}: a subject has at most {MAX_SUBJECT_CHARS} characters")
        raw = driver(connection)
        row = raw.execute("SELECT seq, hash FROM ledger ORDER BY seq DESC LIMIT 1").fetchone()
        seq, prev_hash = (row[0] + 1, row[1]) if row else (1, GENESIS)
        ts_ms, mono_ms = self._clock.now_ms(), int(self._clock.monotonic_s() * 1000)
        found = entry_hash(seq, ts_ms, mono_ms, boot_id(), kind.value, subject, dict(body), prev_hash)
        values = (seq, ts_ms, mono_ms, boot_id(), kind.value, subject, canonical(dict(body)), prev_hash)
        raw.execute(_INSERT, (*values, found.hex()))
        return int(seq)

    def append_once(
        self, connection: sa.Connection, kind: EntryType, subject: str, body: Mapping[str, Any]
    ) -> bool:
        """As `append`, unless an entry of this type, subject and body is there already; True: added."""
        known = "SELECT 1 FROM ledger WHERE subject = ? AND type = ? AND body = ? LIMIT 1"
        text = canonical(dict(body))
        if driver(connection).execute(known, (subject, kind.value, text)).fetchone() is not None:
            return False
        self.append(connection, kind, subject, body)
        return True


@cache
def boot_id() -> str:
    """Of this run of the kernel; empty where the kernel does not tell."""
    try:
        return _BOOT_ID_FILE.read_text("ascii").strip()[:36]
    except (OSError, ValueError) as error:
        log.warning("%s: boot id not known: %s", _BOOT_ID_FILE, error)
        return ""


def _check(value: Any) -> None:
    """Only what every JSON writer spells alike: floats are not, nor are keys that are no texts."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise ValueError(f"a ledger entry has the key {key!r}, which is no text")  # noqa: TRY004
            _check(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _check(inner)
    elif value is not None and not isinstance(value, str | int):
        raise ValueError(f"a ledger entry holds a {type(value).__name__}")
