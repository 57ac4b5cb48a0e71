"""Which facts and files become entries, and what the entries say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from vigilar_common.messages import Fact
from vigilar_common.messages.alarm import ArmRefused, ArmState, ArmStateChanged
from vigilar_common.messages.audit import Audited
from vigilar_common.messages.camera import RecordingGap, RecordingOpened

from vigilar_storage.ledger.chain import EntryType, Ledger

if TYPE_CHECKING:
    from vigilar_storage.inspect_file import Found

ARMS = (
    ArmState.ARMING, ArmState.ARMED_HOME, ArmState.ARMED_AWAY, ArmState.ARMED_NIGHT, ArmState.ARMED_VACATION,
    ArmState.PENDING, ArmState.TRIGGERED,
)  # fmt: skip
"""States that guard; what the alarm does by itself is told as well, with the sensor as who."""
DISARMS = (ArmState.DISARMING, ArmState.DISARMED)


@dataclass(frozen=True)
class Older:
    """A file of version 1 as it was found: what was done to it before, nobody can tell."""

    file_id: str
    camera_id: str
    format: str
    sha256: str
    """Hex, of the whole file."""
    size_bytes: int
    plain_bytes: int
    started_ms: int
    ended_ms: int
    key_id: str
    kind: str = "recording"


def note_facts(ledger: Ledger, connection: sa.Connection, facts: Sequence[Fact]) -> None:
    """Entries of facts that the log takes now. Raises ValueError, sqlite3.Error."""
    for fact in facts:
        if isinstance(fact, RecordingOpened):
            _opened(ledger, connection, fact)
        elif isinstance(fact, RecordingGap):
            told = (fact.id, fact.camera_id, fact.from_ms, fact.to_ms, fact.reason, fact.recording_id)
            note_gap(ledger, connection, *told)
        elif isinstance(fact, ArmStateChanged):
            _changed(ledger, connection, fact)
        elif isinstance(fact, ArmRefused):
            body = {
                "action": fact.action.value,
                "code": fact.code,
                "by": fact.requested_by,
                "method": fact.method,
                "at_ms": fact.ts_ms,
            }
            ledger.append(connection, EntryType.ARM_REFUSED, fact.id, body)
        elif isinstance(fact, Audited):
            ledger.append_once(connection, EntryType.AUDIT, fact.id, _audited(fact))


def _audited(fact: Audited) -> dict[str, Any]:
    """Whoever gets the ledger learns that something was done, and by whom; not from where."""
    return {
        "by": fact.actor,
        "account_id": fact.account_id,
        "method": fact.method,
        "action": fact.action,
        "subject": fact.subject,
        "outcome": fact.outcome.value,
        "at_ms": fact.ts_ms,
    }


def note_gap(
    ledger: Ledger, connection: sa.Connection, gap_id: str, camera_id: str, from_ms: int, to_ms: int,
    reason: str, recording_id: str | None,
) -> None:  # fmt: skip
    """The subject is the id of the row in `recording_gaps`."""
    body = {
        "camera_id": camera_id,
        "from_ms": from_ms,
        "to_ms": to_ms,
        "reason": reason,
        "recording_id": recording_id,
    }
    ledger.append(connection, EntryType.GAP, gap_id, body)


def note_file(
    ledger: Ledger, connection: sa.Connection, file_id: str, camera_id: str, found: Found,
    started_ms: int, ended_ms: int, *, picture: bool,
) -> None:  # fmt: skip
    """A file in its place. `covers_bytes`: the first so many bytes of the file are what `sha256` is of."""
    kind = EntryType.DAMAGED if found.condition == "damaged" else EntryType.FINALISED
    if found.condition == "recovered":
        kind = EntryType.RECOVERED
    if picture and kind is not EntryType.DAMAGED:
        kind = EntryType.PICTURE
    body: dict[str, Any] = {
        "recording_id": None if picture else file_id,
        "camera_id": camera_id,
        "kind": found.kind,
        "format": str(found.format.value),
        "sha256": found.sha256,
        "covers_bytes": found.covers_bytes,
        "footer_sha256": found.footer_sha256,
        "size_bytes": found.size_bytes,
        "plain_bytes": found.plain_bytes,
        "chunks": found.chunks,
        "started_ms": started_ms,
        "ended_ms": ended_ms,
        "key_id": found.key_id,
    }
    if found.damage:
        body["damage"] = found.damage
    ledger.append_once(connection, kind, file_id, body)


def note_older(ledger: Ledger, connection: sa.Connection, older: Older) -> None:
    """From here on a change of this file is seen."""
    body = {
        "recording_id": older.file_id if older.kind == "recording" else None,
        "camera_id": older.camera_id,
        "kind": older.kind,
        "format": older.format,
        "sha256": older.sha256,
        "covers_bytes": older.size_bytes,
        "footer_sha256": "",
        "size_bytes": older.size_bytes,
        "plain_bytes": older.plain_bytes,
        "chunks": 0,
        "started_ms": older.started_ms,
        "ended_ms": older.ended_ms,
        "key_id": older.key_id,
    }
    ledger.append_once(connection, EntryType.REGISTERED_V1, older.file_id, body)


def note_export(ledger: Ledger, connection: sa.Connection, export_id: str, body: dict[str, Any]) -> None:
    """Custody: who took what out of the house, when, and what it was. A retry writes no second entry."""
    ledger.append_once(connection, EntryType.EXPORT, export_id, body)


def note_deleted(
    ledger: Ledger, connection: sa.Connection, file_id: str, camera_id: str, actor: str, policy: str,
    reason: str,
) -> None:  # fmt: skip
    """Whoever marks a recording or picture as deleted writes this in the same transaction."""
    body = {"camera_id": camera_id, "actor": actor, "policy": policy, "reason": reason}
    ledger.append_once(connection, EntryType.DELETED, file_id, body)


def _opened(ledger: Ledger, connection: sa.Connection, fact: RecordingOpened) -> None:
    body = {
        "recording_id": fact.recording_id,
        "camera_id": fact.camera_id,
        "stream_id": fact.stream_id,
        "trigger": fact.trigger,
        "started_ms": fact.ts_ms,
        "encrypted": fact.encrypted,
    }
    ledger.append_once(connection, EntryType.OPENED, fact.recording_id, body)


def _changed(ledger: Ledger, connection: sa.Connection, fact: ArmStateChanged) -> None:
    kind = EntryType.ARM if fact.to_state in ARMS else EntryType.DISARM
    body = {
        "from": fact.from_state.value,
        "to": fact.to_state.value,
        "by": fact.changed_by,
        "method": fact.method,
        "reason": fact.reason,
        "at_ms": fact.ts_ms,
    }
    ledger.append(connection, kind, fact.id, body)
