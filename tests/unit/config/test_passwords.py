"""Hash formats and their verification."""

from __future__ import annotations

import hashlib
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vigilar_common import passwords
from vigilar_common.passwords import (
    hash_password,
    hash_pin,
    verify_password,
    verify_pin,
    why_not_password_hash,
    why_not_pin,
    why_not_pin_hash,
)

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cheap hashing, for tests of what is hashed; what it costs is tested with the formats below."""
    monkeypatch.setattr(passwords, "SCRYPT_N", 16)
    monkeypatch.setattr(passwords, "PBKDF2_ITERATIONS", 10)


@pytest.mark.usefixtures("_quick")
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts, texts)
def test_a_password_or_pin_verifies_and_no_other_does(secret: str, other: str) -> None:
    for hashed, verify in ((hash_password, verify_password), (hash_pin, verify_pin)):
        stored = hashed(secret)
        assert verify(secret, stored)
        assert verify(other, stored) is (other == secret)
        assert not verify(secret + "0", stored)


def test_the_password_format_is_scrypt_as_the_guide_says() -> None:
    stored = hash_password("correct horse")
    assert verify_password("correct horse", stored)
    assert re.fullmatch(r"[0-9a-f]{32}:[0-9a-f]{64}", stored)
    salt, key = stored.split(":")
    expected = hashlib.scrypt(b"correct horse", salt=bytes.fromhex(salt), n=16384, r=8, p=1, dklen=32)
    assert key == expected.hex()


def test_the_pin_format_is_pbkdf2_as_the_guide_says() -> None:
    stored = hash_pin("0012")
    assert re.fullmatch(r"pbkdf2_sha256\$[0-9a-f]{32}\$[0-9a-f]{64}", stored)
    _, salt, key = stored.split("$")
    assert key == hashlib.pbkdf2_hmac("sha256", b"0012", bytes.fromhex(salt), 600_000).hex()


@pytest.mark.usefixtures("_quick")
def test_two_hashes_of_one_password_differ() -> None:
    assert hash_password("the same") != hash_password("the same")


@pytest.mark.parametrize(
    ("stored", "why"),
    [
        ("", "is not of the form salt_hex:key_hex"),
        ("a:b:c", "is not of the form salt_hex:key_hex"),
        ("zz:zz", "must be hexadecimal on both sides of the colon"),
        ("00 11:00", "must be hexadecimal on both sides of the colon"),
        ("00:00", "must have a salt of 16 and a key of 32 bytes, not of 1 and 1"),
    ],
)
def test_a_malformed_password_hash_verifies_nothing_and_says_why(stored: str, why: str) -> None:
    assert why_not_password_hash(stored) == why
    assert not verify_password("", stored)
    assert not verify_password("x", stored)


@pytest.mark.parametrize(
    ("stored", "why"),
    [
        ("", "is not of the form pbkdf2_sha256$salt$dk"),
        ("pbkdf2_sha1$00$00", "is not of the form pbkdf2_sha256$salt$dk"),
        ("pbkdf2_sha256$zz$00", "must have a hexadecimal salt and key"),
        ("pbkdf2_sha256$$", "must have a hexadecimal salt and key"),
        ("pbkdf2_sha256$00$00", "must have a salt of 8 to 64 and a key of 32 bytes, not of 1 and 1"),
    ],
)
def test_a_malformed_pin_hash_verifies_nothing_and_says_why(stored: str, why: str) -> None:
    assert why_not_pin_hash(stored) == why
    assert not verify_pin("", stored)
    assert not verify_pin("1234", stored)


def test_empty_oversized_and_broken_input_is_never_hashed() -> None:
    stored = f"{'00' * 16}:{'00' * 32}"
    for bad in ("", "x" * 1025, "\udc80"):
        with pytest.raises(ValueError):
            hash_password(bad)
        with pytest.raises(ValueError):
            hash_pin(bad)
        assert not verify_password(bad, stored)


@pytest.mark.parametrize("pin", ["", "123", "12a4", "１２３４", "1" * 17, "12 34"])
def test_a_pin_is_digits_that_a_keypad_has(pin: str) -> None:
    assert why_not_pin(pin) == "a PIN has 4 to 16 digits"
    assert why_not_pin("0012") is None
