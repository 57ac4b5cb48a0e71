"""The keys that open recordings: the private key that workers seal to, and the guide's storage.key."""

from __future__ import annotations

import logging
from pathlib import Path

from vigilar_common.config.storage import Storage
from vigilar_common.crypto.keys import KeyFileError, KeyRing, load_master_key, load_private_key
from vigilar_common.errors import StartupError
from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.system import Finding
from vigilar_common.secrets import Secrets

log = logging.getLogger(__name__)

PRIVATE_KEY = "storage_private.pem"
CURE = (
    "Put the file back from a backup and restart storage. Recording goes on meanwhile, and what is recorded "
    "can be read once the key is back."
)


def load_ring(secrets: Secrets, storage: Storage) -> tuple[KeyRing, list[Finding]]:
    """What keys there are. A missing or bad one is a finding, never an end: facts must still be taken."""
    ring = KeyRing()
    findings: list[Finding] = []
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


def _finding(code: str, title: str, error: Exception) -> Finding:
    log.critical("%s: %s", title, error)
    return Finding(
        code=code, severity=Severity.CRITICAL, title=f"{title}: {error}"[:500], cure=CURE, subject="storage"
    )
