"""The keys that open recordings: the private key that workers seal to, and the guide's storage.key."""

from __future__ import annotations

import logging
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

from vigilar_storage.ledger import signing
from vigilar_storage.ledger.signing import Signer

log = logging.getLogger(__name__)

PRIVATE_KEY = "storage_private.pem"
RETIRED_KEYS = "storage_private_*.pem"
"""What `vigilar keys rotate` keeps: they open what was sealed to them, and nothing new is."""
CURE = (
    "Put the file back from a backup and restart storage. Recording goes on meanwhile, and what is recorded "
    "can be read once the key is back."
)


def load_ring(secrets: Secrets, storage: Storage) -> tuple[KeyRing, list[Finding]]:
    """What keys there are. A missing or bad one is a finding, never an end: facts must still be taken."""
    ring = KeyRing()
    findings: list[Finding] = []
    for path in sorted(secrets.folder.glob(RETIRED_KEYS)):
        try:
            ring.add_private(load_private_key(path), KeyState.DECRYPT_ONLY)
        except KeyFileError as error:
            findings.append(_finding("private_key", "Older recordings cannot be read", error))
    try:
        ring.add_private(load_private_key(secrets.path(PRIVATE_KEY)))
    except (StartupError, KeyFileError) as error:
        findings.append(_finding("private_key", "Recordings cannot be read", error))
    key_file = Path(storage.key_file)
    usual = storage.key_file == type(storage).model_fields["key_file"].default
    # The default path names a file that only houses with recordings of version 1 have.
    if not usual or key_file.exists():
        try:
            ring.add_master(load_master_key(key_file))
        except KeyFileError as error:
            findings.append(_finding("key_file", "[storage] key_file cannot be used", error))
    return ring, findings


def active_id(ring: KeyRing) -> str:
    """Id (hex) of the key that workers are to seal to now, "" without one."""
    active = [key for key in ring.usable() if key.private is not None and key.state is KeyState.ACTIVE]
    return active[-1].key_id.hex() if active else ""


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
