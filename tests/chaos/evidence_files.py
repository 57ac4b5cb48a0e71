"""`.vge` files for the tests of evidence: small ones of both suites, whose content every player could read.

The content is a row of MP4 `free` boxes, one per "fragment" of 100 ms, so the footer has an index and damage has a time.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from vigilar_common.crypto.keys import KeyRing
from vigilar_common.crypto.vge import FileKind, FinishedFile, VgeWriter
from vigilar_common.fmp4 import free_box
from vigilar_common.testing import FakeClock

CREATED_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
FRAGMENT_MS = 100
HEADER, CHUNK, SEALED_CHUNK = 512, 16_384, 16_400
"""As the format is published; on purpose not imported from the code under test."""


@dataclass
class Keys:
    """Of one house."""

    private: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)
    recovery: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)
    master: bytes = field(default_factory=lambda: os.urandom(32))
    ring: KeyRing = field(default_factory=KeyRing)

    def __post_init__(self) -> None:
        self.ring.add_private(self.private)
        self.ring.add_master(self.master)


@dataclass(frozen=True)
class Film:
    """A finished file with what went into it."""

    done: FinishedFile
    raw: bytes
    content: bytes
    starts: tuple[int, ...]

    @property
    def path(self) -> Path:
        return self.done.path

    @property
    def chunks_end(self) -> int:
        return self.done.chunks_end

    def chunk_of(self, offset: int) -> int | None:
        """The chunk that byte `offset` of the file belongs to, None for header and footer."""
        if not HEADER <= offset < self.chunks_end:
            return None
        return (offset - HEADER) // SEALED_CHUNK

    def times_of(self, chunk: int) -> tuple[int, int]:
        """Media time in ms that a chunk touches, reckoned from the content alone."""
        ends = (*self.starts[1:], len(self.content))
        touched = [
            place
            for place, (start, end) in enumerate(zip(self.starts, ends, strict=True))
            if start < (chunk + 1) * CHUNK and end > chunk * CHUNK
        ]
        return touched[0] * FRAGMENT_MS, (touched[-1] + 1) * FRAGMENT_MS

    def parts(self) -> tuple[bytes, list[bytes], bytes]:
        """Header, sealed chunks, footer."""
        body = self.raw[HEADER : self.chunks_end]
        chunks = [body[at : at + SEALED_CHUNK] for at in range(0, len(body), SEALED_CHUNK)]
        return self.raw[:HEADER], chunks, self.raw[self.chunks_end :]


def make_film(path: Path, keys: Keys, suite: int, size: int, box: int = 4_000, uuid: int = 1) -> Film:
    """`size` bytes of content in boxes of `box` bytes; the last one takes what is left."""
    dice = random.Random(size)
    content, starts = bytearray(), []
    while len(content) < size:
        left = size - len(content)
        length = left if left < box + 8 else box
        starts.append(len(content))
        content += free_box(length)[:8] + dice.randbytes(length - 8)
    how: dict[str, Any] = (
        {"master_key": keys.master}
        if suite == 1
        else {"recipients": [keys.private.public_key(), keys.recovery.public_key()]}
    )
    with VgeWriter(
        path, stream_uuid=UUID(int=9), file_uuid=UUID(int=uuid), created_ms=CREATED_MS, kind=FileKind.RECORDING,
        camera_id="front", clock=FakeClock(), **how,
    ) as writer:  # fmt: skip
        writer.write(bytes(content))
        for place, start in enumerate(starts):
            writer.note_fragment(place * FRAGMENT_MS, start, FRAGMENT_MS, keyframe=True)
        done = writer.finish({"trigger": "motion"})
    return Film(done, path.read_bytes(), bytes(content), tuple(starts))


@contextmanager
def patched(path: Path, offset: int, value: int) -> Iterator[None]:
    """One byte of the file is `value` while this lasts."""
    fd = os.open(path, os.O_RDWR)
    try:
        was = os.pread(fd, 1, offset)
        os.pwrite(fd, bytes([value]), offset)
        try:
            yield
        finally:
            os.pwrite(fd, was, offset)
    finally:
        os.close(fd)


@contextmanager
def flipped(path: Path, offset: int, bit: int) -> Iterator[None]:
    """One bit of the file is another while this lasts."""
    with path.open("rb") as file:
        file.seek(offset)
        was = file.read(1)[0]
    with patched(path, offset, was ^ 1 << bit):
        yield
