"""The ledger as far as it concerns what is off-site: the entries of those recordings, and of all others only hashes.

A document says: the ledger of `from.size` entries (its compact range), then these leaves, has the root that the note
signs. So whoever has the note's public key can check that an entry is in the ledger, and learns nothing of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from vigilar_common.merkle import CompactRange

FORMAT = 1
MAX_LEAVES = 20_000
"""In one document; more entries between two checkpoints go into the range, those of recordings with them."""
ENTRY = {
    **{name: name for name in ("body", "mono_ms", "seq", "subject", "ts_ms", "type")},
    "boot": "boot_id",
    "prev": "prev_hash",
}
"""A key of an entry as docs/design/ledger.md writes it down → the same in storage's answer."""


class BrokenLedgerError(ValueError):
    """Entries do not follow one another, or do not have the root that was signed."""


class Chain:
    """Grows by the entries that storage gives, in order."""

    def __init__(self, size: int = 0, hashes: tuple[bytes, ...] = ()) -> None:
        """Raises ValueError when these cannot be a range."""
        self._base = CompactRange(size, hashes)
        self._leaves: list[tuple[bytes, dict[str, Any] | None]] = []

    @property
    def size(self) -> int:
        return self._base.size + len(self._leaves)

    def take(self, row: Mapping[str, Any], is_ours: Callable[[str], bool]) -> None:
        """One entry. Raises BrokenLedgerError."""
        try:
            seq, leaf, subject = int(row["seq"]), bytes.fromhex(row["hash"]), str(row["subject"])
            entry = {name: row[key] for name, key in ENTRY.items()} if is_ours(subject) else None
        except (KeyError, TypeError, ValueError) as error:
            raise BrokenLedgerError(f"an entry of the ledger cannot be read: {error}") from error
        if seq != self.size + 1 or len(leaf) != 32:
            raise BrokenLedgerError(f"entry {seq} follows entry {self.size}")
        if entry is None and not self._leaves:
            self._base.append(leaf)
            return
        self._leaves.append((leaf, entry))
        if len(self._leaves) > MAX_LEAVES:
            self._fold()

    def close(self, note: str, root: bytes) -> dict[str, Any] | None:
        """The document up to a checkpoint of exactly this size, or None when no entry of ours is in it.

        Raises BrokenLedgerError when the entries do not have the root.
        """
        leaves, base = self._leaves, CompactRange(self._base.size, self._base.hashes)
        self._fold()
        if self._base.root() != root:
            raise BrokenLedgerError(f"its {self._base.size} entries do not have the root that was signed")
        if not leaves:
            return None
        return {
            "format": FORMAT,
            "from": {"size": base.size, "range": [item.hex() for item in base.hashes]},
            "leaves": [leaf.hex() if entry is None else {"entry": entry} for leaf, entry in leaves],
            "checkpoint": note,
        }

    def kept(self) -> dict[str, Any]:
        return {"size": self._base.size, "range": [item.hex() for item in self._base.hashes]}

    def _fold(self) -> None:
        for leaf, _ in self._leaves:
            self._base.append(leaf)
        self._leaves = []
