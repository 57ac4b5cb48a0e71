"""`storage.ring`: wrapped, bound to its states, refused when it was altered or another key wrapped it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from vigilar_common.config.storage import Storage
from vigilar_common.crypto.keys import (
    KeyFileError,
    KeyState,
    public_key_id,
    write_master_key,
    write_private_key,
)
from vigilar_common.secrets import Secrets
from vigilar_storage import keyring_file, keys
from vigilar_storage.keyring_file import RingEntry

SECRET = bytes(range(32))


def entry(state: KeyState = KeyState.DECRYPT_ONLY) -> RingEntry:
    return RingEntry("ab" * 8, keyring_file.SEALING, state, 5, SECRET)


def test_what_is_kept_comes_back_and_no_key_is_readable_in_the_file(tmp_path: Path) -> None:
    path, master = tmp_path / "storage.ring", os.urandom(32)
    keyring_file.save(
        path, [entry(), RingEntry("cd" * 8, keyring_file.STORAGE_KEY, KeyState.REVOKED, 6)], master
    )

    first, second = keyring_file.load(path, master)

    assert first == entry()
    assert first.secret == SECRET
    assert (second.state, second.secret) == (KeyState.REVOKED, b"")
    assert SECRET not in path.read_bytes()
    assert "secret" not in repr(first)
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["id", "kind", "state", "since_ms", "wrapped"])
def test_a_changed_field_is_refused(tmp_path: Path, name: str) -> None:
    path, master = tmp_path / "storage.ring", os.urandom(32)
    keyring_file.save(path, [entry()], master)
    document = json.loads(path.read_text())
    other = {"id": "00" * 8, "kind": "storage.key", "state": "active", "since_ms": 9, "wrapped": "AAAA" * 20}
    document["keys"][0][name] = other[name]
    path.write_text(json.dumps(document))

    with pytest.raises(KeyFileError, match="key ring"):
        keyring_file.load(path, master)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '{"format": "vigilar-key-ring/9", "keys": []}',
        "[" * 100_000,
        '{"format": "vigilar-key-ring/1", "keys": [{}]}',
    ],
)
def test_nonsense_is_an_error_that_names_the_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "storage.ring"
    path.write_text(text)
    with pytest.raises(KeyFileError, match=r"storage\.ring"):
        keyring_file.load(path, bytes(32))


def test_another_key_file_is_named_as_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "storage.ring"
    keyring_file.save(path, [entry()], os.urandom(32))
    with pytest.raises(KeyFileError, match="is not the key that it was wrapped with"):
        keyring_file.load(path, os.urandom(32))


def test_the_ring_of_storage_has_the_oldest_key_first_and_the_states_of_the_file(tmp_path: Path) -> None:
    master = write_master_key(tmp_path / "storage.key")
    retired, active = X25519PrivateKey.generate(), X25519PrivateKey.generate()
    retired_id = public_key_id(retired.public_key()).hex()
    kept = RingEntry(retired_id, keyring_file.SEALING, KeyState.REVOKED, 5, retired.private_bytes_raw())
    keyring_file.save(tmp_path / "storage.ring", [kept], master)
    write_private_key(tmp_path / "storage_private.pem", active)

    ring, findings = keys.load_ring(Secrets(tmp_path), Storage())

    assert findings == []
    assert [(key.private is None, key.state) for key in ring] == [
        (True, KeyState.ACTIVE), (False, KeyState.REVOKED), (False, KeyState.ACTIVE),
    ]  # fmt: skip
    oldest = ring.oldest_master()
    assert oldest is not None
    assert oldest.master == master
    assert keys.statuses(ring)[0].key_id == retired_id


def test_a_ring_that_does_not_open_is_a_finding_and_the_active_key_still_opens(tmp_path: Path) -> None:
    write_master_key(tmp_path / "storage.key")
    keyring_file.save(tmp_path / "storage.ring", [entry()], os.urandom(32))
    write_private_key(tmp_path / "storage_private.pem", X25519PrivateKey.generate())

    ring, findings = keys.load_ring(Secrets(tmp_path), Storage())

    assert [finding.code for finding in findings] == ["key_ring"]
    assert len(ring) == 2


def test_a_change_of_the_files_is_seen_once(tmp_path: Path) -> None:
    master = write_master_key(tmp_path / "storage.key")
    watch = keys.RingWatch(Secrets(tmp_path), Storage())
    assert not watch.changed()
    keyring_file.save(tmp_path / "storage.ring", [entry()], master)
    assert watch.changed()
    assert not watch.changed()
