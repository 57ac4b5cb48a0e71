"""What the ledger says of some recordings: their entries, each with its proof, under one signed checkpoint."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from vigilar_common.errors import VigilarError
from vigilar_common.merkle import Tree
from vigilar_common.signed_note import Checkpoint, NoteError, parse_checkpoint, verify_note

if TYPE_CHECKING:
    from vigilar_storage.ledger.signing import Signer

MAX_ENTRIES_PER_SUBJECT = 100
TOLD = ("finalised", "recovered", "registered-v1")
"""Types whose entries say what a file is."""
_ENTRIES = sa.text(
    "SELECT seq, ts_ms, mono_ms, boot_id, type, subject, body, prev_hash, hash FROM ledger"
    " WHERE subject = :subject ORDER BY seq LIMIT :most"
)


class LedgerBrokenError(VigilarError):
    """The ledger contradicts itself or its own checkpoint: nothing can be proved by it."""


@dataclass(frozen=True)
class LedgerSlice:
    """Entries with inclusion proofs to `checkpoint`, which `note` signs; `published` is the newest one kept before."""

    entries: Sequence[dict[str, Any]]
    checkpoint: Checkpoint
    note: str
    published: str | None
    consistency: Sequence[bytes]

    def told(self, recording_id: str) -> dict[str, Any] | None:
        """The body of the newest entry that says what this recording's file is."""
        found = None
        for item in self.entries:
            entry = item["entry"]
            if entry["subject"] == recording_id and entry["type"] in TOLD:
                found = entry["body"]
        return found

    def sealed_ms(self, recording_id: str) -> int | None:
        """Of version 1: when its hash came into the ledger; before, nothing would have shown a change."""
        for item in self.entries:
            entry = item["entry"]
            if entry["subject"] == recording_id and entry["type"] == "registered-v1":
                return int(entry["ts_ms"])
        return None

    def checkpoint_summary(self) -> dict[str, Any]:
        return {"size": self.checkpoint.size, "root": self.checkpoint.root.hex()}

    def document(self) -> dict[str, Any]:
        return {
            "entries": list(self.entries),
            "checkpoint": self.note,
            "published": self.published,
            "consistency": [step.hex() for step in self.consistency],
        }


def read(connection: sa.Connection, signer: Signer, origin: str, subjects: Iterable[str]) -> LedgerSlice:
    """The slice about `subjects` (ids of recordings and gaps), of one snapshot of the database.

    The checkpoint is made for it and covers the whole ledger; the newest stored one must be its beginning.
    Raises LedgerBrokenError, NoteError.
    """
    tree = Tree(_leaves(connection))
    checkpoint = Checkpoint(origin, tree.size, tree.root())
    published, consistency = _published(connection, signer, tree)
    entries: list[dict[str, Any]] = []
    for subject in subjects:
        rows = connection.execute(_ENTRIES, {"subject": subject, "most": MAX_ENTRIES_PER_SUBJECT})
        entries += [{"entry": _entry(row), "proof": _proof(tree, row.seq)} for row in rows]
    note = signer.sign(checkpoint)
    return LedgerSlice(entries, checkpoint, note, published, consistency)


def _leaves(connection: sa.Connection) -> Iterable[bytes]:
    for number, row in enumerate(connection.execute(sa.text("SELECT seq, hash FROM ledger ORDER BY seq")), 1):
        if row.seq != number:
            raise LedgerBrokenError(f"the ledger has no entry {number}; see `vigilar verify`")
        yield bytes.fromhex(row.hash)


def _published(connection: sa.Connection, signer: Signer, tree: Tree) -> tuple[str | None, list[bytes]]:
    newest = sa.text("SELECT size, note FROM ledger_checkpoints ORDER BY size DESC LIMIT 1")
    row = connection.execute(newest).first()
    if row is None or row.size == 0:
        return None, []
    try:
        said = parse_checkpoint(verify_note(row.note, signer.verifier))
    except NoteError as error:
        raise LedgerBrokenError(
            f"the newest checkpoint cannot be used ({error}); see `vigilar verify`"
        ) from error
    if said.size > tree.size or tree.root(said.size) != said.root:
        raise LedgerBrokenError("the ledger does not fit its newest checkpoint; see `vigilar verify`")
    return str(row.note), tree.consistency_proof(said.size)


def _proof(tree: Tree, seq: int) -> list[str]:
    return [step.hex() for step in tree.inclusion_proof(seq - 1)]


def _entry(row: Any) -> dict[str, Any]:
    """As docs/design/ledger.md writes it down. Raises LedgerBrokenError when it does not fit its hash."""
    from vigilar_storage.ledger.chain import entry_hash

    body = json.loads(row.body)
    found = entry_hash(
        row.seq, row.ts_ms, row.mono_ms, row.boot_id, row.type, row.subject, body, row.prev_hash
    )
    if found.hex() != row.hash:
        raise LedgerBrokenError(f"ledger entry {row.seq} was changed; see `vigilar verify`")
    return {
        "body": body,
        "boot": row.boot_id,
        "mono_ms": row.mono_ms,
        "prev": row.prev_hash,
        "seq": row.seq,
        "subject": row.subject,
        "ts_ms": row.ts_ms,
        "type": row.type,
    }
