"""Version 1 files: a 16-byte IV and AES-256-CTR. Confidential, but any bit can be flipped unnoticed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from vigilar_common.crypto.keys import KEY_BYTES
from vigilar_common.crypto.vge.header import MAGIC
from vigilar_common.crypto.vge.reader import open_regular
from vigilar_common.errors import FileDamagedError

IV_BYTES: Final = 16
_BLOCK_BYTES: Final = 16
_PIECE_BYTES: Final = 1024 * 1024


class V1Reader:
    """Reads a file that the database lists as version 1: nothing in the file itself can tell.

    ``key`` is the 32-byte ``storage.key``. A wrong key or an altered byte gives other bytes, never an error.
    Raises FileDamagedError for a file that is too short or of version 2, and OSError.
    """

    authenticated: Final = False

    def __init__(self, source: Path | int, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"the storage key has {KEY_BYTES} bytes, not {len(key)}")
        self.name = str(source) if isinstance(source, Path) else f"descriptor {source}"
        self._algorithm = AES(key)
        self._fd = open_regular(source)
        iv = os.pread(self._fd, IV_BYTES, 0)
        problem = ""
        if len(iv) < IV_BYTES:
            problem = f"holds {len(iv)} bytes, less than the {IV_BYTES} of a version 1 header"
        elif iv.startswith(MAGIC):
            problem = "is a version 2 file: reading it as version 1 would skip every check"
        if problem:
            self.close()
            raise FileDamagedError(f"{self.name}: {problem}")
        self._iv = int.from_bytes(iv, "big")

    @property
    def plaintext_length(self) -> int:
        return os.fstat(self._fd).st_size - IV_BYTES

    def read(self, a: int, b: int) -> bytes:
        """Plaintext bytes ``[a, b)``, not authenticated. Raises ValueError out of range, OSError."""
        length = self.plaintext_length
        if not 0 <= a <= b <= length:
            raise ValueError(f"{self.name}: bytes {a} to {b} are not within the {length} of the content")
        if a == b:
            return b""
        block = a // _BLOCK_BYTES
        start = block * _BLOCK_BYTES
        counter = (self._iv + block) % (1 << 128)
        sealed = os.pread(self._fd, b - start, IV_BYTES + start)
        plain = Cipher(self._algorithm, CTR(counter.to_bytes(16, "big"))).decryptor().update(sealed)
        return plain[a - start :]

    def iter_read(self, a: int, b: int) -> Iterator[bytes]:
        """As ``read``, in pieces of at most 1 MiB."""
        while a < b:
            end = min(b, a + _PIECE_BYTES)
            yield self.read(a, end)
            a = end

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
