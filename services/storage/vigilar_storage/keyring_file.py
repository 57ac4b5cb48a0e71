"""`storage.ring`, beside the oldest key (`[storage] key_file`) and wrapped by it: retired keys, and states of keys.

Each entry is one AES-256-GCM box under HKDF-SHA256(key_file, "vigilar/key-ring/v1"): 12 bytes nonce, then the
sealed secret (none where only a state is kept). Id, kind, state and time are its associated data, so that a state
cannot be changed without the key.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vigilar_common.config.files import write_atomic
from vigilar_common.crypto.keys import KEY_BYTES, KeyFileError, KeyState

RING_FILE = "storage.ring"
FORMAT = "vigilar-key-ring/1"
MAX_RING_BYTES = 1024 * 1024
MAX_KEYS = 1_000
NONCE_BYTES = 12
_PURPOSE = b"vigilar/key-ring/v1"
SEALING, STORAGE_KEY = "sealing", "storage.key"
KINDS = (SEALING, STORAGE_KEY)


@dataclass(frozen=True)
class RingEntry:
    """`key_id` in hex; `secret` is the raw private key of a retired pair, empty where only the state is kept."""

    key_id: str
    kind: str
    state: KeyState
    since_ms: int
    secret: bytes = field(default=b"", repr=False)

    @property
    def told(self) -> dict[str, Any]:
        return {"id": self.key_id, "kind": self.kind, "state": self.state.value, "since_ms": self.since_ms}


def ring_path(key_file: Path) -> Path:
    return key_file.with_name(RING_FILE)


def load(path: Path, master: bytes) -> list[RingEntry]:
    """Empty where there is no such file. Raises KeyFileError: unreadable, altered, or wrapped by another key."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_RING_BYTES + 1)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise KeyFileError(f"key ring {path}: cannot be read: {error.strerror}") from error
    if len(data) > MAX_RING_BYTES:
        raise KeyFileError(f"key ring {path}: holds more than {MAX_RING_BYTES} bytes")
    try:
        document = json.loads(data)
        if document["format"] != FORMAT:
            raise KeyFileError(f"key ring {path}: is of a format that this version does not know")
        items = document["keys"]
        if len(items) > MAX_KEYS:
            raise KeyFileError(f"key ring {path}: holds more than {MAX_KEYS} keys")
        return [_open(path, item, master) for item in items]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise KeyFileError(f"key ring {path}: is damaged: put it back from a backup") from error


def save(path: Path, entries: Iterable[RingEntry], master: bytes) -> None:
    """Replace the file as a whole (0600, durable). Raises OSError."""
    keys = [entry.told | {"wrapped": base64.b64encode(_seal(entry, master)).decode()} for entry in entries]
    write_atomic(path, json.dumps({"format": FORMAT, "keys": keys}, indent=1) + "\n", 0o600)


def with_entry(entries: Iterable[RingEntry], new: RingEntry) -> list[RingEntry]:
    """The entries with `new` in the place of the one of its id, or at the end."""
    found = list(entries)
    for place, entry in enumerate(found):
        if entry.key_id == new.key_id:
            found[place] = new
            return found
    return [*found, new]


def _seal(entry: RingEntry, master: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(_wrapping_key(master)).encrypt(nonce, entry.secret, _bound(entry))


def _open(path: Path, item: dict[str, Any], master: bytes) -> RingEntry:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    entry = RingEntry(str(item["id"]), str(item["kind"]), KeyState(item["state"]), int(item["since_ms"]))
    raw = base64.b64decode(item["wrapped"], validate=True)
    try:
        secret = AESGCM(_wrapping_key(master)).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], _bound(entry))
    except InvalidTag:
        raise KeyFileError(
            f"key ring {path}: key {entry.key_id[:16]} does not open: the ring was altered, or [storage] key_file is not "
            "the key that it was wrapped with"
        ) from None
    if entry.kind not in KINDS or len(secret) not in (0, KEY_BYTES):
        raise ValueError("an entry of another kind")
    return RingEntry(entry.key_id, entry.kind, entry.state, entry.since_ms, secret)


def _bound(entry: RingEntry) -> bytes:
    return json.dumps(entry.told, sort_keys=True, separators=(",", ":")).encode()


def _wrapping_key(master: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), KEY_BYTES, None, _PURPOSE).derive(master)
