"""What only this service can open: vectors and pictures of faces, AES-256-GCM with its own key.

What is sealed is bound to its embedding and, a vector, to the model that made it: neither can be put in another's place.
"""

from __future__ import annotations

import base64
import os
from typing import Final

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from vigilar_common.errors import StartupError, VigilarError

from vigilar_visitors.domain.gallery import Vector

KEY_NAME: Final = "face_key"
KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12


class SealError(VigilarError):
    """What was to be opened was sealed with another key, for something else, or is damaged."""


class Sealer:
    """Thread-safe."""

    def __init__(self, key_hex: str) -> None:
        """Raises StartupError for what is no key; the text does not repeat it."""
        try:
            key = bytes.fromhex(key_hex)
        except ValueError as error:
            raise StartupError(f"secret {KEY_NAME} is not {KEY_BYTES} bytes of hex") from error
        if len(key) != KEY_BYTES:
            raise StartupError(f"secret {KEY_NAME} is not {KEY_BYTES} bytes of hex")
        self._cipher = AESGCM(key)

    def seal(self, data: bytes, bound_to: str) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, data, bound_to.encode())

    def open(self, sealed: bytes, bound_to: str) -> bytes:
        """Raises SealError."""
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to.encode())
        except (InvalidTag, ValueError) as error:
            raise SealError(f"{bound_to} cannot be opened with this service's key") from error

    def seal_vector(self, values: Vector, embedding_id: str, model: str) -> str:
        """Base64, as facts carry it."""
        return base64.b64encode(
            self.seal(values.astype("<f4").tobytes(), _vector_of(embedding_id, model))
        ).decode()

    def open_vector(self, sealed: str, embedding_id: str, model: str) -> Vector:
        """Raises SealError."""
        try:
            raw = base64.b64decode(sealed, validate=True)
        except ValueError as error:
            raise SealError(f"vector {embedding_id} is no base64") from error
        data = self.open(raw, _vector_of(embedding_id, model))
        if not data or len(data) % 4:
            raise SealError(f"vector {embedding_id} holds no whole numbers")
        return np.frombuffer(data, "<f4").astype(np.float32)


def _vector_of(embedding_id: str, model: str) -> str:
    return f"vector {embedding_id} {model}"
