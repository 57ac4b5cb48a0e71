"""Key files, key ids and the key ring."""

from __future__ import annotations

import hashlib
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from vigilar_common.crypto.keys import (
    KeyFileError,
    KeyRing,
    KeyState,
    load_master_key,
    load_private_key,
    load_public_key,
    master_key_id,
    open_file_key,
    parse_public_key,
    public_key_hex,
    public_key_id,
    seal_file_key,
    write_master_key,
    write_private_key,
    write_public_key,
)
from vigilar_common.errors import WrongKeyError

FILE = UUID(int=3)


@pytest.mark.parametrize("size", [0, 16, 31, 34, 4096])
def test_a_storage_key_of_wrong_size_is_named(size: int, tmp_path: Path) -> None:
    path = tmp_path / "storage.key"
    path.write_bytes(b"k" * size)
    with pytest.raises(KeyFileError, match=rf"storage\.key: holds {size} bytes, must be exactly 32 raw$"):
        load_master_key(path)


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (b"k" * 32 + b"\n", "a line end was added"),
        (b"6b" * 32 + b"\n", "hexadecimal"),
        (b"x" * 9999, "no key"),
    ],
)
def test_common_mistakes_with_the_storage_key_are_explained(
    content: bytes, hint: str, tmp_path: Path
) -> None:
    path = tmp_path / "storage.key"
    path.write_bytes(content)
    with pytest.raises(KeyFileError, match=hint):
        load_master_key(path)


def test_a_missing_or_unreadable_key_says_the_cure(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="no such file; restore it from your backup"):
        load_master_key(tmp_path / "storage.key")
    with pytest.raises(KeyFileError, match="cannot be read: Is a directory"):
        load_master_key(tmp_path)


def test_key_files_round_trip_and_are_never_overwritten(tmp_path: Path) -> None:
    master = write_master_key(tmp_path / "storage.key")
    private = X25519PrivateKey.generate()
    write_private_key(tmp_path / "seal.pem", private)
    write_public_key(tmp_path / "seal.pub", private.public_key())
    assert load_master_key(tmp_path / "storage.key") == master
    assert load_private_key(tmp_path / "seal.pem").private_bytes_raw() == private.private_bytes_raw()
    assert public_key_hex(load_public_key(tmp_path / "seal.pub")) == public_key_hex(private.public_key())
    assert (tmp_path / "storage.key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "seal.pem").stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        write_master_key(tmp_path / "storage.key")
    with pytest.raises(FileExistsError):
        write_private_key(tmp_path / "seal.pem", X25519PrivateKey.generate())
    assert load_master_key(tmp_path / "storage.key") == master


def test_hexadecimal_and_pem_keys_load_alike(tmp_path: Path) -> None:
    private = X25519PrivateKey.generate()
    (tmp_path / "hex").write_text(private.private_bytes_raw().hex() + "\n")
    assert load_private_key(tmp_path / "hex").private_bytes_raw() == private.private_bytes_raw()
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    assert public_key_hex(parse_public_key(pem)) == public_key_hex(private.public_key())


def test_what_is_no_key_is_refused_without_quoting_it(tmp_path: Path) -> None:
    other = Ed25519PrivateKey.generate()
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    secret = "5ecre7" * 4
    cases = [secret.encode(), secret.encode() + b"zz", b"", b"-----BEGIN X-----", pem, b"\xff\xfe"]
    for content in cases:
        (tmp_path / "bad").write_bytes(content)
        with pytest.raises(KeyFileError, match=r"private key .*bad") as caught:
            load_private_key(tmp_path / "bad")
        assert secret not in str(caught.value)
        with pytest.raises(KeyFileError, match=r"public key .*bad"):
            load_public_key(tmp_path / "bad")


def test_a_slot_opens_for_its_key_and_its_file_alone() -> None:
    private, file_key = X25519PrivateKey.generate(), b"f" * 32
    slot = seal_file_key(private.public_key(), file_key, FILE)
    assert len(slot) == 80
    assert open_file_key(private, slot, FILE) == file_key
    assert open_file_key(private, slot, UUID(int=4)) is None
    assert open_file_key(X25519PrivateKey.generate(), slot, FILE) is None
    assert open_file_key(private, bytes(80), FILE) is None
    assert seal_file_key(private.public_key(), file_key, FILE) != slot


def test_key_ids_are_the_start_of_a_hash() -> None:
    private = X25519PrivateKey.generate()
    raw = private.public_key().public_bytes_raw()
    assert public_key_id(private.public_key()) == hashlib.sha256(raw).digest()[:8]
    assert master_key_id(b"m" * 32) == hashlib.sha256(b"m" * 32).digest()[:8]


def test_the_newest_active_master_is_written_with() -> None:
    ring = KeyRing()
    with pytest.raises(WrongKeyError, match="no active master key"):
        ring.active_master()
    old = ring.add_master(b"a" * 32)
    ring.add_private(X25519PrivateKey.generate())
    new = ring.add_master(b"b" * 32)
    assert ring.active_master() == b"b" * 32
    ring.set_state(new, KeyState.REVOKED)
    assert ring.active_master() == b"a" * 32
    ring.set_state(old, KeyState.DECRYPT_ONLY)
    with pytest.raises(WrongKeyError):
        ring.active_master()
    assert len(ring) == 3
    assert sum(1 for _ in ring.usable()) == 2


def test_a_ring_never_shows_its_keys() -> None:
    ring = KeyRing()
    key_id = ring.add_master(b"SECRETSECRETSECRETSECRETSECRET!!")
    assert "SECRET" not in repr(ring) + repr(ring.get(key_id))
    assert key_id.hex() in repr(ring)


def test_bad_masters_and_unknown_ids_are_refused() -> None:
    ring = KeyRing()
    with pytest.raises(ValueError, match="32 bytes, not 31"):
        ring.add_master(b"x" * 31)
    with pytest.raises(WrongKeyError, match="holds no key"):
        ring.set_state(b"12345678", KeyState.REVOKED)
