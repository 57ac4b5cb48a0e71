"""The keys that open recordings: the private key that workers seal to, retired ones, and the guide's storage.key."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from vigilar_common.config.storage import Storage
from vigilar_common.crypto.keys import (
    KeyFileError,
    KeyRing,
    KeyState,
    load_master_key,
    load_private_key,
)
from vigilar_common.errors import StartupError
from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.system import Finding
from vigilar_common.secrets import Secrets

from vigilar_storage import keyring_file
from vigilar_storage.keyring_file import SEALING, STORAGE_KEY
from vigilar_storage.ledger import KeyStatus, signing
from vigilar_storage.ledger.signing import Signer

log = logging.getLogger(__name__)

PRIVATE_KEY = "storage_private.pem"
RETIRED_KEYS = "storage_private_*.pem"
"""Retired keys of an earlier version, not wrapped; the next rotation takes them into the ring."""
MASTER_KEY = "storage.key"
CURE = (
    "Put the file back from a backup: storage reads it within seconds. Recording goes on meanwhile, and what is "
    "recorded can be read once the key is back."
)
FINDINGS = ("private_key", "key_file", "key_ring")


def key_file_of(folder: Path, storage: Storage) -> Path:
    """The oldest key: `[storage] key_file`, or where `vigilar init` makes it when nothing lies at the default path."""
    named, own = Path(storage.key_file), folder / MASTER_KEY
    usual = storage.key_file == type(storage).model_fields["key_file"].default
    # os.access: where root keeps the named one, this user may not even ask whether it is there.
    return own if usual and not os.access(named, os.R_OK) and own.exists() else named


def load_ring(secrets: Secrets, storage: Storage) -> tuple[KeyRing, list[Finding]]:
    """What keys there are. A missing or bad one is a finding, never an end: facts must still be taken."""
    ring = KeyRing()
    findings: list[Finding] = []
    states = _load_oldest(ring, secrets.folder, storage, findings)
    for path in sorted(secrets.folder.glob(RETIRED_KEYS)):
        try:
            key_id = ring.add_private(load_private_key(path), KeyState.DECRYPT_ONLY)
            ring.set_state(key_id, states.get(key_id.hex(), KeyState.DECRYPT_ONLY))
        except KeyFileError as error:
            findings.append(_finding("private_key", "Older recordings cannot be read", error))
    try:
        # Last and always active: a rotation that was cut off may have written it into the ring already.
        ring.add_private(load_private_key(secrets.path(PRIVATE_KEY)))
    except (StartupError, KeyFileError) as error:
        findings.append(_finding("private_key", "Recordings cannot be read", error))
    return ring, findings


def _load_oldest(
    ring: KeyRing, folder: Path, storage: Storage, findings: list[Finding]
) -> dict[str, KeyState]:
    """key_file and what it wraps; returns the states that the ring file keeps, by key id."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    key_file = key_file_of(folder, storage)
    ring_file = keyring_file.ring_path(key_file)
    usual = storage.key_file == type(storage).model_fields["key_file"].default
    # The default path names a file that only houses with recordings of version 1 have.
    if usual and not _is_there(key_file) and not _is_there(ring_file):
        return {}
    try:
        master = load_master_key(key_file)
    except KeyFileError as error:
        findings.append(_finding("key_file", "[storage] key_file cannot be used", error))
        return {}
    key_id = ring.add_master(master)
    try:
        entries = keyring_file.load(ring_file, master)
    except KeyFileError as error:
        findings.append(_finding("key_ring", "Older recordings cannot be read", error))
        return {}
    states = {entry.key_id: entry.state for entry in entries}
    ring.set_state(key_id, states.get(key_id.hex(), KeyState.ACTIVE))
    for entry in entries:
        if entry.kind == SEALING and entry.secret:
            ring.add_private(X25519PrivateKey.from_private_bytes(entry.secret), entry.state)
    return states


def _is_there(path: Path) -> bool:
    """Also where this user may not look: then it is there for all we know, and using it tells why it cannot be."""
    try:
        return path.exists()
    except PermissionError:
        return True


def statuses(ring: KeyRing) -> list[KeyStatus]:
    """What the ledger is told of the ring: no key, and the active one last."""
    found = [
        KeyStatus(STORAGE_KEY if key.private is None else SEALING, key.key_id.hex(), key.state.value)
        for key in ring
    ]
    return sorted(found, key=lambda status: status.state == KeyState.ACTIVE)


class RingWatch:
    """Sees when the files of the ring change: `vigilar keys` writes them while storage runs."""

    def __init__(self, secrets: Secrets, storage: Storage) -> None:
        self._secrets = secrets
        self._storage = storage
        self._stamp = self._look()

    def changed(self) -> bool:
        """Whether something is otherwise than at the last call."""
        before, self._stamp = self._stamp, self._look()
        return before != self._stamp

    def load(self) -> tuple[KeyRing, list[Finding]]:
        return load_ring(self._secrets, self._storage)

    def _look(self) -> tuple[tuple[str, int, int], ...]:
        folder = self._secrets.folder
        key_file = key_file_of(folder, self._storage)
        paths = [
            folder / PRIVATE_KEY,
            *sorted(folder.glob(RETIRED_KEYS)),
            key_file,
            keyring_file.ring_path(key_file),
        ]
        found = []
        for path in paths:
            try:
                stat = path.stat()
            except OSError:
                continue  # not there (any more): that is a change too
            found.append((str(path), stat.st_mtime_ns, stat.st_ino))
        return tuple(found)


def load_signer(secrets: Secrets) -> tuple[Signer | None, Finding | None]:
    """The key that signs the ledger's checkpoints; without it there are none, and a finding says so."""
    try:
        return signing.load_signer(secrets.folder), None
    except KeyFileError as error:
        log.critical("the ledger's checkpoints cannot be signed: %s", error)
        return None, Finding(
            code="ledger_key",
            severity=Severity.ALERT,
            title=f"The ledger cannot be signed: {error}"[:500],
            cure="Run `vigilar init`, or put ledger_private.pem and ledger_public.txt back from a backup; then restart storage.",
            subject="storage",
        )


def _finding(code: str, title: str, error: Exception) -> Finding:
    log.critical("%s: %s", title, error)
    return Finding(
        code=code, severity=Severity.CRITICAL, title=f"{title}: {error}"[:500], cure=CURE, subject="storage"
    )
