"""Photos and vectors of the household's animals on disk, sealed with a key that only this service has (AES-256-GCM)."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from numpy.typing import NDArray
from vigilar_common.errors import FileDamagedError

Floats = NDArray[np.float32]

KEY_FILE: Final = "vectors.key"
KEY_BYTES, NONCE_BYTES = 32, 12
MAX_SIGHTINGS: Final = 400
"""Pictures of sightings that are kept; the oldest go first."""
MAX_FILE_BYTES: Final = 300_000
_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Vault:
    """``photos/`` holds what is learnt from until it is rejected, ``sightings/`` the newest passages."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._cipher: AESGCM | None = None

    def open(self) -> None:
        """Makes the key if there is none. Raises OSError, FileDamagedError."""
        path = self._folder / KEY_FILE
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _write(path, AESGCM.generate_key(KEY_BYTES * 8))
        key = path.read_bytes()
        if len(key) != KEY_BYTES:
            raise FileDamagedError(f"{path} is damaged: it has {len(key)} bytes, not {KEY_BYTES}")
        self._cipher = AESGCM(key)
        for name in ("photos", "sightings"):
            (self._folder / name).mkdir(mode=0o700, exist_ok=True)

    def seal(self, data: bytes, about: str) -> bytes:
        assert self._cipher is not None
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, data, about.encode())

    def unseal(self, data: bytes, about: str) -> bytes:
        """Raises FileDamagedError."""
        assert self._cipher is not None
        try:
            return self._cipher.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], about.encode())
        except (InvalidTag, ValueError) as error:
            raise FileDamagedError(f"{about} cannot be opened with this key, or was changed") from error

    def keep_photo(self, photo_id: str, jpeg: bytes) -> None:
        _write(self._path("photos", photo_id, ".jpg"), self.seal(jpeg, f"photo {photo_id}"))

    def keep_sighting(self, track_id: str, jpeg: bytes) -> None:
        _write(self._path("sightings", track_id, ".jpg"), self.seal(jpeg, f"sighting {track_id}"))
        kept = sorted((self._folder / "sightings").iterdir(), key=lambda path: path.stat().st_mtime_ns)
        for path in kept[:-MAX_SIGHTINGS]:
            path.unlink(missing_ok=True)

    def picture(self, photo_id: str) -> bytes | None:
        """A photo, else the picture of a sighting; None when there is none. Raises OSError, FileDamagedError."""
        for place, word in (("photos", "photo"), ("sightings", "sighting")):
            path = self._path(place, photo_id, ".jpg")
            if path.exists():
                return self.unseal(_read(path), f"{word} {photo_id}")
        return None

    def keep_vector(self, photo_id: str, sealed: bytes) -> None:
        _write(self._path("photos", photo_id, ".vector"), sealed)

    def vector(self, photo_id: str, model: str) -> Floats | None:
        """None when there is none of this model: it is made anew, never mixed. Raises OSError, FileDamagedError."""
        path = self._path("photos", photo_id, ".vector")
        if not path.exists():
            return None
        try:
            plain = self.unseal(_read(path), f"vector {photo_id} {model}")
        except FileDamagedError:
            return None  # of another model, or damaged: the photo is looked at again
        return np.frombuffer(plain, np.float16).astype(np.float32)

    def seal_vector(self, photo_id: str, model: str, vector: Floats) -> bytes:
        return self.seal(vector.astype(np.float16).tobytes(), f"vector {photo_id} {model}")

    def drop_photo(self, photo_id: str) -> None:
        for suffix in (".jpg", ".vector"):
            self._path("photos", photo_id, suffix).unlink(missing_ok=True)

    def keep_only(self, photo_ids: set[str]) -> None:
        """Photos that no list names: what was left when something was interrupted."""
        for path in (self._folder / "photos").iterdir():
            if path.stem not in photo_ids:
                path.unlink(missing_ok=True)

    def _path(self, place: str, name: str, suffix: str) -> Path:
        assert _ID.fullmatch(name), "an id is checked where it comes in"
        return self._folder / place / f"{name}{suffix}"


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_FILE_BYTES + NONCE_BYTES + 17)


def _write(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.new")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
