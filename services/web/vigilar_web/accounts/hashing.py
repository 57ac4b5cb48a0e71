"""Passwords of accounts as Argon2id (RFC 9106) in the usual text form. That of `[web]` keeps the form of the guide."""

from __future__ import annotations

import hashlib
import hmac
import os
from functools import cache

MEMORY_KIB = 19_456
ITERATIONS = 2
LANES = 1
"""19 MiB and two rounds: some 30 ms of one core. One hash at a time, so a small machine bears it."""
SALT_BYTES = 16
KEY_BYTES = 32
MAX_INPUT_BYTES = 1024


def hash_secret(secret: str) -> str:
    """`$argon2id$v=19$…`. Raises ValueError when empty or too long."""
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    data = secret.encode()
    if not 0 < len(data) <= MAX_INPUT_BYTES:
        raise ValueError(f"a password has 1 to {MAX_INPUT_BYTES} bytes")
    salt = os.urandom(SALT_BYTES)
    kdf = Argon2id(salt=salt, length=KEY_BYTES, iterations=ITERATIONS, lanes=LANES, memory_cost=MEMORY_KIB)
    return kdf.derive_phc_encoded(data)


def verify_secret(secret: str, stored: str) -> bool:
    """Whether `secret` made `stored`. An empty or malformed hash takes the same time and is never right."""
    from cryptography.exceptions import InvalidKey
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    data = secret.encode("utf-8", "replace")[: MAX_INPUT_BYTES + 1]
    right = stored.startswith("$argon2id$") and len(data) <= MAX_INPUT_BYTES
    try:
        Argon2id.verify_phc_encoded(data, stored if right else nobody())
    except (InvalidKey, ValueError):
        return False
    return right


@cache
def nobody() -> str:
    """The hash of something that nobody knows: an unknown name costs the same time as a wrong password."""
    return hash_secret(os.urandom(32).hex())


def keyed(key: bytes, purpose: str, value: str) -> str:
    """Keyed hash in hex, for secrets of 128 bits and more that a machine made: these need no slow hash."""
    return hmac.new(key, f"{purpose}:{value}".encode(), hashlib.sha256).hexdigest()
