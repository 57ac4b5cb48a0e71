"""The ledger: a hash chain over what happened to evidence, and its signed checkpoints (docs/design/ledger.md)."""

from vigilar_storage.ledger.chain import GENESIS, EntryType, Ledger, canonical, entry_hash, told_types
from vigilar_storage.ledger.keeper import Keeper, KeyStatus

__all__ = ["GENESIS", "EntryType", "Keeper", "KeyStatus", "Ledger", "canonical", "entry_hash", "told_types"]
