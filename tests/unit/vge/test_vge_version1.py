"""Recordings of the system before stay readable, and are never taken for authentic."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unit.vge.conftest import Keys
from vigilar_common.crypto.vge import FileKind, FinishedFile, V1Reader, VgeReader
from vigilar_common.errors import FileDamagedError

KEY = bytes(range(32))
CONTENT = random.Random(12).randbytes(70_003)


def write_v1(path: Path, iv: bytes) -> Path:
    path.write_bytes(iv + Cipher(AES(KEY), CTR(iv)).encryptor().update(CONTENT))
    return path


# The second IV makes the block counter wrap around 2^128 within the file.
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    iv=st.sampled_from([bytes(range(16)), b"\xff" * 15 + b"\xfe"]),
    ends=st.tuples(*[st.integers(0, 70_003)] * 2),
)
def test_any_range_of_a_version_1_file_reads_as_a_slice(
    iv: bytes, ends: tuple[int, int], tmp_path: Path
) -> None:
    a, b = sorted(ends)
    with V1Reader(write_v1(tmp_path / "old.vge", iv), KEY) as reader:
        assert reader.plaintext_length == len(CONTENT)
        assert reader.read(a, b) == CONTENT[a:b]


def test_a_version_1_file_is_never_called_authenticated(
    tmp_path: Path, make_vge: Callable[..., FinishedFile], keys: Keys
) -> None:
    with V1Reader(write_v1(tmp_path / "old.vge", os.urandom(16)), KEY) as old:
        assert not old.authenticated
        assert b"".join(old.iter_read(3, 70_000)) == CONTENT[3:70_000]
        with pytest.raises(ValueError, match="not within"):
            old.read(0, 70_004)
    with VgeReader(make_vge(b"x", kind=FileKind.OTHER).path, keys.ring) as new:
        assert new.authenticated


def test_the_version_2_reader_never_falls_back(tmp_path: Path, keys: Keys) -> None:
    with pytest.raises(FileDamagedError, match=r"is no `\.vge` version 2 file"):
        VgeReader(write_v1(tmp_path / "old.vge", bytes(16)), keys.ring)


def test_a_version_2_file_is_not_read_as_version_1(make_vge: Callable[..., FinishedFile], keys: Keys) -> None:
    with pytest.raises(FileDamagedError, match="would skip every check"):
        V1Reader(make_vge(b"x", suite=1, kind=FileKind.OTHER).path, keys.master)


def test_a_version_1_file_without_its_iv_is_refused(tmp_path: Path) -> None:
    (tmp_path / "short.vge").write_bytes(b"123")
    with pytest.raises(FileDamagedError, match="holds 3 bytes"):
        V1Reader(tmp_path / "short.vge", KEY)
    with pytest.raises(ValueError, match="32 bytes, not 5"):
        V1Reader(tmp_path / "short.vge", b"short")
