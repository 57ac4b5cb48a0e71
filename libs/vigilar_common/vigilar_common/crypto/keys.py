"""Keys of `.vge` files: key files, key ids, sealing to public keys, and the key ring of a reader.

A *master key* (suite 1) is 32 random bytes. A *private key* (suite 2) is an X25519 key; its public half
seals the random key of each file, so that a writer cannot read what it wrote once the file is closed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from vigilar_common.errors import VigilarError, WrongKeyError

KEY_BYTES: Final = 32
KEY_ID_BYTES: Final = 8
SLOT_BYTES: Final = 80  # 32 encapsulation + 32 sealed key + 16 tag
_MAX_KEY_FILE_BYTES: Final = 4096
_SLOT_PURPOSE: Final = b"vigilar/vge/v2/slot\0"
_HPKE = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


class KeyFileError(VigilarError):
    """A key file that is missing, unreadable or not a key; names the file and the cure."""


class UnknownKeyError(WrongKeyError):
    """The key ring holds no key with the id that the file names."""


class RevokedKeyError(WrongKeyError):
    """The key that the file names is in the ring but revoked."""


class KeyState(StrEnum):
    ACTIVE = "active"
    DECRYPT_ONLY = "decrypt-only"
    REVOKED = "revoked"


def public_key_id(public_key: X25519PublicKey) -> bytes:
    """First 8 bytes of SHA-256 over the raw public key: names a suite 2 key."""
    return hashlib.sha256(public_key.public_bytes_raw()).digest()[:KEY_ID_BYTES]


def master_key_id(master: bytes) -> bytes:
    """First 8 bytes of SHA-256 over the master key: names a suite 1 key and reveals nothing usable."""
    return hashlib.sha256(master).digest()[:KEY_ID_BYTES]


def seal_file_key(public_key: X25519PublicKey, file_key: bytes, file_uuid: UUID) -> bytes:
    """One 80-byte header slot: HPKE (base mode) of ``file_key``, bound to this use and this file."""
    return _HPKE.encrypt(file_key, public_key, info=_SLOT_PURPOSE + file_uuid.bytes)


def open_file_key(private_key: X25519PrivateKey, slot: bytes, file_uuid: UUID) -> bytes | None:
    """The file key in ``slot``, or None when it is not sealed to this key (or was changed)."""
    try:
        return _HPKE.decrypt(slot, private_key, info=_SLOT_PURPOSE + file_uuid.bytes)
    except (InvalidTag, ValueError):  # ValueError: the encapsulation is no usable curve point
        return None


def load_master_key(path: Path) -> bytes:
    """The 32 raw bytes of the guide's ``storage.key``. Raises KeyFileError."""
    data = _read_key_file(path, "storage key")
    if len(data) == KEY_BYTES:
        return data
    hint = ""
    if len(data) == KEY_BYTES + 1 and data.endswith(b"\n"):
        hint = " (a line end was added to the key: cut it off)"
    elif len(data.strip()) == 2 * KEY_BYTES:
        hint = " (it looks like hexadecimal text: the file must hold the raw bytes)"
    raise KeyFileError(f"storage key {path}: holds {len(data)} bytes, must be exactly {KEY_BYTES} raw{hint}")


def load_private_key(path: Path) -> X25519PrivateKey:
    """An X25519 private key from PEM (PKCS 8) or 64 hexadecimal digits. Raises KeyFileError."""
    data = _read_key_file(path, "private key")
    try:
        if data.lstrip().startswith(b"-----BEGIN"):
            key = load_pem_private_key(data, password=None)
        else:
            key = X25519PrivateKey.from_private_bytes(bytes.fromhex(data.decode("ascii")))
    except (ValueError, TypeError):
        # The cause is left out on purpose: its text could quote key material.
        raise KeyFileError(f"private key {path}: neither PEM nor 64 hexadecimal digits") from None
    if not isinstance(key, X25519PrivateKey):
        raise KeyFileError(f"private key {path}: is of another type, must be X25519")
    return key


def parse_public_key(text: str, name: str = "public key") -> X25519PublicKey:
    """An X25519 public key from PEM or 64 hexadecimal digits. Raises KeyFileError naming ``name``."""
    try:
        if text.lstrip().startswith("-----BEGIN"):
            key = load_pem_public_key(text.encode())
        else:
            key = X25519PublicKey.from_public_bytes(bytes.fromhex(text))
    except (ValueError, TypeError) as error:
        raise KeyFileError(f"{name}: neither PEM nor 64 hexadecimal digits") from error
    if not isinstance(key, X25519PublicKey):
        raise KeyFileError(f"{name}: is of another type, must be X25519")
    return key


def load_public_key(path: Path) -> X25519PublicKey:
    """As :func:`parse_public_key`, from a file."""
    data = _read_key_file(path, "public key")
    return parse_public_key(data.decode("ascii", "replace"), f"public key {path}")


def public_key_hex(public_key: X25519PublicKey) -> str:
    """64 hexadecimal digits: the form public keys take in files and messages."""
    return public_key.public_bytes_raw().hex()


def write_master_key(path: Path) -> bytes:
    """Make a new master key file (0600, durable). Raises FileExistsError: a key is never overwritten."""
    master = os.urandom(KEY_BYTES)
    _write_new(path, master, 0o600)
    return master


def write_private_key(path: Path, key: X25519PrivateKey) -> None:
    """Write PEM (PKCS 8, 0600, durable). Raises FileExistsError: a key is never overwritten."""
    _write_new(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o600)


def write_public_key(path: Path, key: X25519PublicKey) -> None:
    """Write 64 hexadecimal digits and a line end (0644, durable). Raises FileExistsError."""
    _write_new(path, public_key_hex(key).encode() + b"\n", 0o644)


@dataclass(frozen=True)
class RingKey:
    """One key of a ring. Exactly one of ``master`` (32 bytes) and ``private`` is set."""

    key_id: bytes
    state: KeyState
    master: bytes | None = field(default=None, repr=False)
    private: X25519PrivateKey | None = field(default=None, repr=False)


class KeyRing:
    """The keys a reader holds, by key id. Revoked keys stay listed but open nothing."""

    def __init__(self) -> None:
        self._keys: dict[bytes, RingKey] = {}

    def add_master(self, master: bytes, state: KeyState = KeyState.ACTIVE) -> bytes:
        """Add a suite 1 key; gives its key id."""
        if len(master) != KEY_BYTES:
            raise ValueError(f"a master key has {KEY_BYTES} bytes, not {len(master)}")
        key_id = master_key_id(master)
        self._keys[key_id] = RingKey(key_id, state, master=master)
        return key_id

    def add_private(self, private: X25519PrivateKey, state: KeyState = KeyState.ACTIVE) -> bytes:
        """Add a suite 2 key; gives its key id."""
        key_id = public_key_id(private.public_key())
        self._keys[key_id] = RingKey(key_id, state, private=private)
        return key_id

    def set_state(self, key_id: bytes, state: KeyState) -> None:
        """Raises UnknownKeyError."""
        old = self._keys.get(key_id)
        if old is None:
            raise UnknownKeyError(f"the key ring holds no key {key_id.hex()}")
        self._keys[key_id] = RingKey(key_id, state, old.master, old.private)

    def get(self, key_id: bytes) -> RingKey | None:
        return self._keys.get(key_id)

    def usable(self) -> Iterator[RingKey]:
        """Every key that may decrypt."""
        return (key for key in self._keys.values() if key.state is not KeyState.REVOKED)

    def oldest_master(self) -> RingKey | None:
        """The key of version 1 files, whatever its state: such a file names no key."""
        return next((key for key in self._keys.values() if key.master is not None), None)

    def __iter__(self) -> Iterator[RingKey]:
        """Every key, revoked ones too, oldest first."""
        return iter(tuple(self._keys.values()))

    def replace(self, other: KeyRing) -> None:
        """Hold the keys of `other` from now on; who reads this ring at the time sees the old or the new ones."""
        self._keys = dict(other._keys)

    def active_master(self) -> bytes:
        """The newest active master key, to write suite 1 files with. Raises WrongKeyError: none."""
        for key in reversed(self._keys.values()):
            if key.master is not None and key.state is KeyState.ACTIVE:
                return key.master
        raise WrongKeyError("the key ring holds no active master key to write with")

    def __len__(self) -> int:
        return len(self._keys)

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(f'{k.key_id.hex()} {k.state}' for k in self._keys.values())})"


def _read_key_file(path: Path, what: str) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_KEY_FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise KeyFileError(
            f"{what} {path}: no such file; restore it from your backup, a new one opens no old recording"
        ) from error
    except OSError as error:
        raise KeyFileError(f"{what} {path}: cannot be read: {error.strerror}") from error
    if len(data) > _MAX_KEY_FILE_BYTES:
        raise KeyFileError(f"{what} {path}: holds more than {_MAX_KEY_FILE_BYTES} bytes, is no key")
    return data


def _write_new(path: Path, data: bytes, mode: int) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        os.fchmod(fd, mode)
        with os.fdopen(fd, "wb", closefd=False) as file:
            file.write(data)
        os.fsync(fd)
    except OSError:
        path.unlink()  # an incomplete key file would be taken for a damaged key
        raise
    finally:
        os.close(fd)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a name that was created or removed in ``folder`` durable. Raises OSError with the path."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(folder)) from error
    finally:
        os.close(fd)
