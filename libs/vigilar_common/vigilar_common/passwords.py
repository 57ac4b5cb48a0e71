"""Hashes of passwords, PINs and passphrases, in the formats that the configuration file holds.

Web password: ``salt_hex:key_hex``, scrypt. PIN and recovery passphrase: ``pbkdf2_sha256$salt$dk`` in hex.
Hashing takes 50 to 300 ms of one core on purpose: check the limiter first, and hash one at a time.
"""

from __future__ import annotations

import hashlib
import hmac
import os

SCRYPT_N = 16384
SCRYPT_R = 8
SCRYPT_P = 1
SCRYPT_MAX_MEMORY_BYTES = 64 * 1024 * 1024
PBKDF2_NAME = "pbkdf2_sha256"
PBKDF2_ITERATIONS = 600_000
SALT_BYTES = 16
KEY_BYTES = 32
MAX_SALT_BYTES = 64
MAX_INPUT_BYTES = 1024
"""A longer password is refused before any hashing."""

MIN_PASSWORD_LENGTH = 8
MIN_PIN_DIGITS = 4
MAX_PIN_DIGITS = 16


def hash_password(password: str) -> str:
    """``salt_hex:key_hex`` for `[web] password_hash`. Raises ValueError when empty or too long."""
    salt = os.urandom(SALT_BYTES)
    return f"{salt.hex()}:{_scrypt(_input_bytes(password), salt).hex()}"


def verify_password(password: str, stored: str) -> bool:
    """Whether ``password`` made ``stored``; False for a malformed hash or an oversized password."""
    if why_not_password_hash(stored) or not _acceptable(password):
        return False
    salt_hex, key_hex = stored.split(":")
    key = _scrypt(password.encode(), bytes.fromhex(salt_hex))
    return hmac.compare_digest(key, bytes.fromhex(key_hex))


def why_not_password_hash(stored: str) -> str | None:
    """What is wrong with a web password hash, to follow the name of its key; None when sound."""
    parts = stored.split(":")
    if len(parts) != 2:
        return "is not of the form salt_hex:key_hex"
    salt, key = _from_hex(parts[0]), _from_hex(parts[1])
    if salt is None or key is None:
        return "must be hexadecimal on both sides of the colon"
    if len(salt) != SALT_BYTES or len(key) != KEY_BYTES:
        return (
            f"must have a salt of {SALT_BYTES} and a key of {KEY_BYTES} bytes, "
            f"not of {len(salt)} and {len(key)}"
        )
    return None


def hash_pin(pin: str) -> str:
    """``pbkdf2_sha256$salt$dk`` for `[security]`. Raises ValueError when empty or too long."""
    salt = os.urandom(SALT_BYTES)
    return f"{PBKDF2_NAME}${salt.hex()}${_pbkdf2(_input_bytes(pin), salt).hex()}"


def verify_pin(pin: str, stored: str) -> bool:
    """Whether ``pin`` made ``stored``; False for a malformed hash or an oversized PIN."""
    if why_not_pin_hash(stored) or not _acceptable(pin):
        return False
    _, salt_hex, key_hex = stored.split("$")
    return hmac.compare_digest(_pbkdf2(pin.encode(), bytes.fromhex(salt_hex)), bytes.fromhex(key_hex))


def why_not_pin_hash(stored: str) -> str | None:
    """What is wrong with a PIN or passphrase hash, to follow the name of its key; None when sound."""
    parts = stored.split("$")
    if len(parts) != 3 or parts[0] != PBKDF2_NAME:
        return f"is not of the form {PBKDF2_NAME}$salt$dk"
    salt, key = _from_hex(parts[1]), _from_hex(parts[2])
    if salt is None or key is None:
        return "must have a hexadecimal salt and key"
    if not 8 <= len(salt) <= MAX_SALT_BYTES or len(key) != KEY_BYTES:
        return (
            f"must have a salt of 8 to {MAX_SALT_BYTES} and a key of {KEY_BYTES} bytes, "
            f"not of {len(salt)} and {len(key)}"
        )
    return None


def why_not_pin(pin: str) -> str | None:
    """Why a new PIN is not acceptable; None when it is. Only digits, so that every keypad can enter it."""
    if not (pin.isascii() and pin.isdigit() and MIN_PIN_DIGITS <= len(pin) <= MAX_PIN_DIGITS):
        return f"a PIN has {MIN_PIN_DIGITS} to {MAX_PIN_DIGITS} digits"
    return None


def why_not_password(password: str) -> str | None:
    """Why a new password or passphrase is not acceptable; None when it is."""
    if len(password) < MIN_PASSWORD_LENGTH:
        return f"at least {MIN_PASSWORD_LENGTH} characters are needed"
    if not _acceptable(password):
        return f"at most {MAX_INPUT_BYTES} bytes are possible"
    return None


def _input_bytes(text: str) -> bytes:
    if not text:
        raise ValueError("nothing to hash: the password or PIN is empty")
    if not _acceptable(text):
        raise ValueError(f"a password or PIN has at most {MAX_INPUT_BYTES} bytes")
    return text.encode()


def _acceptable(text: str) -> bool:
    try:
        return 0 < len(text.encode()) <= MAX_INPUT_BYTES
    except UnicodeEncodeError:  # lone surrogates, as a broken terminal may deliver
        return False


def _from_hex(text: str) -> bytes | None:
    # bytes.fromhex would let blanks through.
    if not text or not set(text) <= set("0123456789abcdefABCDEF") or len(text) % 2:
        return None
    return bytes.fromhex(text)


def _scrypt(password: bytes, salt: bytes) -> bytes:
    return hashlib.scrypt(
        password,
        salt=salt,
        n=SCRYPT_N,
        r=SCRYPT_R,
        p=SCRYPT_P,
        maxmem=SCRYPT_MAX_MEMORY_BYTES,
        dklen=KEY_BYTES,
    )


def _pbkdf2(password: bytes, salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", password, salt, PBKDF2_ITERATIONS, dklen=KEY_BYTES)
