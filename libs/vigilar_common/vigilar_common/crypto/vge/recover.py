"""Giving a file whose writer died an end that readers believe.

Killed at any point it can simply be started again: until the new footer is complete the file still has none.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from vigilar_common.clock import Clock, SystemClock
from vigilar_common.crypto.keys import KeyRing
from vigilar_common.crypto.vge.errors import ChunkDamagedError, WriterAliveError
from vigilar_common.crypto.vge.footer import Footer, FooterState, seal_footer
from vigilar_common.crypto.vge.header import CHUNK_BYTES, SEALED_CHUNK_BYTES, TAG_BYTES, FileKind, Header
from vigilar_common.crypto.vge.reader import BATCH_CHUNKS, VgeReader, open_regular
from vigilar_common.crypto.vge.verify import find_final
from vigilar_common.fmp4 import Fmp4Error, FragmentIndex

MAX_TORN_BYTES: Final = 4 * 1024 * 1024  # what a power cut may scramble: more than 1 s of any camera


@dataclass(frozen=True)
class RecoveredInfo:
    """What is in the file now. ``sha256`` (hex) covers the first ``chunks_end`` bytes.

    ``already_finished``: a footer was there, nothing was changed. ``torn``: it ends with a DATA chunk, so up to
    16,384 bytes that the writer held in memory are missing. ``cut_bytes``: bytes removed from the disk.
    ``media_end_ms``: media time where the last whole fragment ends. ``index_error``: why the fragment index stops
    early, or None.
    """

    path: Path
    header: Header
    footer: Footer
    file_bytes: int
    already_finished: bool
    cut_bytes: int
    index_error: str | None

    @property
    def file_uuid(self) -> UUID:
        return self.header.file_uuid

    @property
    def kind(self) -> FileKind:
        return self.header.kind

    @property
    def plaintext_length(self) -> int:
        return self.footer.plaintext_length

    @property
    def sha256(self) -> str:
        return self.footer.sha256.hex()

    @property
    def torn(self) -> bool:
        return self.footer.torn

    @property
    def media_end_ms(self) -> int:
        return _media_end_ms(self.footer)


@dataclass
class _Found:
    """The part of a file that verifies."""

    chunks: int
    final: bytes | None
    sha256: bytes
    index: FragmentIndex | None
    index_error: str | None


def recover(
    path: Path,
    key_ring: KeyRing,
    *,
    clock: Clock | None = None,
    metadata: Mapping[str, Any] | None = None,
    max_torn_bytes: int = MAX_TORN_BYTES,
) -> RecoveredInfo:
    """Verify what is there, cut the torn tail, write a footer of state ``recovered``, fsync. Idempotent.

    ``metadata`` goes into the new footer. ``max_torn_bytes`` bounds what may be cut while good chunks still
    follow it: past it the damage is no torn end, and ChunkDamagedError is raised with the file left as it is.

    Raises WriterAliveError while a writer holds the file, HeaderDamagedError, UnknownKeyError, RevokedKeyError,
    OSError.
    """
    clock = clock or SystemClock()
    fd = open_regular(path, os.O_RDWR)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise WriterAliveError(f"{path}: its writer is at work, nothing to recover") from error
        with VgeReader(fd, key_ring, name=str(path)) as reader:
            if reader.footer_error is None and reader.footer is not None:
                return RecoveredInfo(path, reader.header, reader.footer, reader.size_bytes(), True, 0, None)
            found = _examine(reader, max_torn_bytes)
            footer = _make_footer(reader, found, clock.now_ms(), dict(metadata or {}))
            return _write_end(fd, path, reader, footer, found.index_error)
    finally:
        os.close(fd)


def _examine(reader: VgeReader, max_torn_bytes: int) -> _Found:
    sha256 = hashlib.sha256(reader.raw_header)
    index = FragmentIndex() if reader.header.kind.is_mp4 else None
    found = _Found(0, None, b"", index, None)
    whole = reader.whole_chunks()
    while found.chunks < whole:
        end = min(whole, found.chunks + BATCH_CHUNKS)
        raw = reader.read_sealed(found.chunks, end)
        try:
            pieces = reader.open_chunks(found.chunks, end, raw)
        except ChunkDamagedError as error:
            whole = end = error.chunk
            raw = raw[: (end - found.chunks) * SEALED_CHUNK_BYTES]
            pieces = reader.open_chunks(found.chunks, end, raw) if raw else []
        sha256.update(raw)
        for piece in pieces:
            _index(found, piece)
        found.chunks = end
    found.final = find_final(reader, found.chunks)
    if found.final is not None:
        sha256.update(reader.read_sealed(found.chunks, found.chunks + 1)[: len(found.final) + TAG_BYTES])
        _index(found, found.final)
    else:
        _refuse_damage_in_the_midst(reader, found.chunks, max_torn_bytes)
    found.sha256 = sha256.digest()
    return found


def _index(found: _Found, plaintext: bytes) -> None:
    if found.index is None or found.index_error is not None:
        return
    try:
        found.index.feed(plaintext)
    except Fmp4Error as error:
        found.index_error = str(error)  # reported to the caller and kept in the footer's metadata


def _refuse_damage_in_the_midst(reader: VgeReader, bad: int, max_torn_bytes: int) -> None:
    """A torn end is short. Good footage beyond it means damage of another sort: never cut that away."""
    for later in range(bad + 1 + max_torn_bytes // SEALED_CHUNK_BYTES, reader.whole_chunks()):
        try:
            reader.open_chunks(later, later + 1)
        except ChunkDamagedError:
            continue
        raise reader.damaged(bad, f"is damaged, but chunk {later} is good: no torn end, nothing was cut")


def _make_footer(reader: VgeReader, found: _Found, now_ms: int, metadata: dict[str, Any]) -> Footer:
    metadata |= {"kind": reader.header.kind.name.lower(), "recovered_ms": now_ms}
    if found.index_error is not None:
        metadata["index_error"] = found.index_error
    fragments = tuple(found.index.fragments) if found.index else ()
    created_ms = reader.header.created_ms
    return Footer(
        plaintext_length=found.chunks * CHUNK_BYTES + len(found.final or b""),
        chunk_count=found.chunks + (found.final is not None),
        sha256=found.sha256,
        state=FooterState.RECOVERED,
        torn=found.final is None and found.chunks > 0,
        wall_start_ms=created_ms,
        wall_end_ms=created_ms + max((f.time_ms + f.duration_ms for f in fragments), default=0),
        monotonic_start_ms=0,
        monotonic_end_ms=0,
        boot_id=UUID(int=0),
        fragments=fragments,
        metadata=metadata,
    )


def _write_end(
    fd: int, path: Path, reader: VgeReader, footer: Footer, index_error: str | None
) -> RecoveredInfo:
    sealed = seal_footer(footer, reader.keys.aux_key)
    end = footer.chunks_end
    size = reader.size_bytes()
    try:
        os.ftruncate(fd, end)
        with memoryview(sealed) as view:
            at = 0
            while at < len(view):
                at += os.pwrite(fd, view[at:], end + at)
        os.fsync(fd)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    return RecoveredInfo(path, reader.header, footer, end + len(sealed), False, size - end, index_error)


def _media_end_ms(footer: Footer) -> int:
    return max((f.time_ms + f.duration_ms for f in footer.fragments), default=0)
