"""Reading `.vge` version 2 files, finished or growing: any byte range, nothing unverified."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self
from uuid import UUID

from cryptography.exceptions import InvalidTag

from vigilar_common.crypto.keys import KeyRing
from vigilar_common.crypto.vge.errors import (
    ChunkDamagedError,
    FooterDamagedError,
    HeaderDamagedError,
    describe_times,
)
from vigilar_common.crypto.vge.footer import (
    MAX_FOOTER_BYTES,
    SALT_BYTES,
    TAIL_BYTES,
    Footer,
    footer_box_bytes,
    open_footer,
)
from vigilar_common.crypto.vge.header import (
    CHUNK_BYTES,
    DATA,
    FINAL,
    HEADER_BYTES,
    SEALED_CHUNK_BYTES,
    TAG_BYTES,
    FileKeys,
    Header,
    unlock,
)
from vigilar_common.errors import FileDamagedError
from vigilar_common.fmp4 import Fragment

if TYPE_CHECKING:
    from vigilar_common.crypto.vge.verify import Verdict

BATCH_CHUNKS: Final = 64  # about 1 MiB: what one system call reads when a file is gone through
_LOOK_BACK_CHUNKS: Final = 1024
Progress = Callable[[int, int], None]  # bytes done, bytes in all


class VgeReader:
    """One open file. Safe to share between threads; a growing file is followed as it grows.

    ``source`` is a path, or a descriptor (which is duplicated). ``expect_file_uuid`` refuses another file under
    the same name. ``name`` is for messages. ``ignore_footer`` reads what chunks there are when the footer is damaged.

    Raises OSError, HeaderDamagedError, UnknownKeyError, RevokedKeyError.
    """

    authenticated: Final = True

    def __init__(
        self,
        source: Path | int,
        key_ring: KeyRing,
        *,
        expect_file_uuid: UUID | None = None,
        ignore_footer: bool = False,
        name: str | None = None,
    ) -> None:
        self.name = name or (str(source) if isinstance(source, Path) else f"descriptor {source}")
        self._fd = open_regular(source)
        try:
            raw = self._pread(0, HEADER_BYTES)
            self.header = Header.unpack(raw, self.name)
            if expect_file_uuid is not None and self.header.file_uuid != expect_file_uuid:
                raise HeaderDamagedError(  # noqa: TRY301
                    f"{self.name}: is file {self.header.file_uuid}, not {expect_file_uuid}: it was replaced"
                )
            self.keys: FileKeys = unlock(self.header, raw, key_ring, self.name)
        except BaseException:
            os.close(self._fd)
            raise
        self.raw_header = raw
        self._lock = threading.Lock()
        self._ignore_footer = ignore_footer
        self._footer: Footer | None = None
        self._footer_error: FooterDamagedError | None = None
        self._footer_start = -1
        self._seen_bytes = -1  # file size at the last look for a footer
        self._known_chunks = 0  # DATA chunks of a growing file known to be there, the last of them verified
        self._scanned_chunks = 0  # DATA chunks verified one by one from the first
        self._cached: tuple[int, bytes] = (-1, b"")

    @property
    def footer(self) -> Footer | None:
        """None while the file grows (or was left unfinished). Raises FooterDamagedError."""
        self._look_for_footer()
        if self._footer_error is not None:
            raise self._footer_error
        return self._footer

    @property
    def finished(self) -> bool:
        """True when an authentic footer is there. Raises FooterDamagedError."""
        return self.footer is not None

    @property
    def fragments(self) -> tuple[Fragment, ...]:
        """The footer's index; empty without a footer. Raises FooterDamagedError."""
        footer = self.footer
        return footer.fragments if footer else ()

    @property
    def plaintext_length(self) -> int:
        """Bytes that ``read`` can give now; of a growing file up to the newest whole, verified chunk.

        Raises FooterDamagedError.
        """
        footer = self.footer
        if footer is not None:
            return footer.plaintext_length
        return self._growing_chunks() * CHUNK_BYTES

    def read(self, a: int, b: int) -> bytes:
        """Plaintext bytes ``[a, b)``, touching only their chunks.

        Raises ValueError outside ``[0, plaintext_length]``, ChunkDamagedError (then nothing is given) and OSError.
        """
        length = self.plaintext_length
        if not 0 <= a <= b <= length:
            raise ValueError(f"{self.name}: bytes {a} to {b} are not within the {length} of the content")
        if a == b:
            return b""
        first, last = a // CHUNK_BYTES, (b - 1) // CHUNK_BYTES
        cached_index, cached = self._cached
        if first == last == cached_index:
            return cached[a - first * CHUNK_BYTES : b - first * CHUNK_BYTES]
        pieces = self.open_chunks(first, last + 1)
        self._cached = (last, pieces[-1])
        pieces[-1] = pieces[-1][: b - last * CHUNK_BYTES]
        pieces[0] = pieces[0][a - first * CHUNK_BYTES :]
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def iter_read(self, a: int, b: int) -> Iterator[bytes]:
        """As ``read``, in pieces of at most 1 MiB; an error comes with its piece."""
        step = BATCH_CHUNKS * CHUNK_BYTES
        while a < b:
            end = min(b, (a // step + 1) * step)
            yield self.read(a, end)
            a = end

    def scan_growing(self, progress: Progress | None = None) -> int:
        """Plaintext length of the verified DATA prefix of a file without footer; goes on where it last ended.

        For a finished file its length (``verify`` is what checks that one). Raises FooterDamagedError.
        """
        footer = self.footer
        if footer is not None:
            return footer.plaintext_length
        whole = self.whole_chunks()
        while self._scanned_chunks < whole:
            end = min(whole, self._scanned_chunks + BATCH_CHUNKS)
            try:
                self.open_chunks(self._scanned_chunks, end)
            except ChunkDamagedError as error:
                self._scanned_chunks = error.chunk
                break
            self._scanned_chunks = end
            if progress:
                progress(end * SEALED_CHUNK_BYTES, whole * SEALED_CHUNK_BYTES)
        self._known_chunks = max(self._known_chunks, self._scanned_chunks)
        return self._scanned_chunks * CHUNK_BYTES

    def verify(self, progress: Progress | None = None) -> Verdict:
        """Go through every byte. Raises OSError."""
        from vigilar_common.crypto.vge.verify import verify  # that module is built on this one

        return verify(self, progress)

    def size_bytes(self) -> int:
        """Size of the file on disk, now."""
        return os.fstat(self._fd).st_size

    def whole_chunks(self) -> int:
        """How many chunks of full size fit between header and end of the file (whatever they are)."""
        return max(0, self.size_bytes() - HEADER_BYTES) // SEALED_CHUNK_BYTES

    def open_chunks(self, first: int, end: int, raw: bytes | memoryview | None = None) -> list[bytes]:
        """Verified plaintext of the chunks ``[first, end)``; ``raw`` is what ``read_sealed`` gave for them.

        Raises ChunkDamagedError for the first bad one.
        """
        raw = self.read_sealed(first, end) if raw is None else raw
        pieces: list[bytes] = []
        with memoryview(raw) as view:
            at = 0
            for index in range(first, end):
                chunk_type, size = self.chunk_shape(index)
                sealed = view[at : at + size]
                at += size
                if len(sealed) < size:
                    raise self.damaged(index, f"cut short, {len(sealed)} of {size} bytes are there")
                try:
                    pieces.append(self.keys.open_chunk(chunk_type, index, sealed))
                except InvalidTag as error:
                    raise self.damaged(
                        index, "does not authenticate (altered, or not of this place)"
                    ) from error
        return pieces

    def read_sealed(self, first: int, end: int) -> bytes:
        """Bytes on disk of the chunks ``[first, end)``, as they are; shorter where the file ends."""
        size = (end - first - 1) * SEALED_CHUNK_BYTES + self.chunk_shape(end - 1)[1]
        return self._pread(chunk_offset(first), size)

    def chunk_shape(self, index: int) -> tuple[int, int]:
        """Type and sealed size in bytes of a chunk, as the footer tells; DATA of full size without footer."""
        footer = self._footer
        if footer is not None and index == footer.chunk_count - 1 and not footer.torn:
            return FINAL, footer.plaintext_length - index * CHUNK_BYTES + TAG_BYTES
        return DATA, SEALED_CHUNK_BYTES

    def damaged(self, index: int, what: str) -> ChunkDamagedError:
        """The error for a bad chunk, with the media time it touches when the index tells."""
        times = self.time_range_ms(index)
        when = describe_times(self.header.created_ms, times)
        return ChunkDamagedError(self.name, index, chunk_offset(index), times, when, what)

    def time_range_ms(self, index: int) -> tuple[int, int] | None:
        """Media time, start and end, of the fragments that chunk ``index`` touches; None when not known."""
        if self._footer is None:
            return None
        start, end = index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES
        touched = [f for f in self._footer.fragments if f.offset < end and f.offset + f.size > start]
        if not touched:
            return None
        return touched[0].time_ms, max(f.time_ms + f.duration_ms for f in touched)

    @property
    def footer_error(self) -> FooterDamagedError | None:
        """Why the footer is not believed, or None."""
        self._look_for_footer()
        return self._footer_error

    def fileno(self) -> int:
        return self._fd

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

    def _look_for_footer(self) -> None:
        if self._footer is not None or self._footer_error is not None or self._ignore_footer:
            return
        with self._lock:
            size = self.size_bytes()
            if size == self._seen_bytes:
                return
            try:
                self._footer = self._load_footer(size)
            except FooterDamagedError as error:
                self._footer_error = error
            self._seen_bytes = size

    def _load_footer(self, size: int) -> Footer | None:
        tail_start = size - TAIL_BYTES
        if tail_start < HEADER_BYTES:
            return None
        box_bytes = footer_box_bytes(self._pread(tail_start, TAIL_BYTES))
        if box_bytes is None:
            return None
        start = tail_start - box_bytes - SALT_BYTES
        if box_bytes > MAX_FOOTER_BYTES or start < HEADER_BYTES:
            raise FooterDamagedError(f"{self.name}: footer before byte {size} was altered: impossible length")
        self._footer_start = start
        return open_footer(self._pread(start, SALT_BYTES + box_bytes), self.keys.aux_key, self.name, start)

    @property
    def footer_start(self) -> int:
        """Where the footer begins on disk: not ``footer.chunks_end`` when bytes were added or removed."""
        return self._footer_start

    def _growing_chunks(self) -> int:
        """Chunks up to the newest that authenticates as DATA: what follows is half written, or the end."""
        whole = self.whole_chunks()
        known = min(self._known_chunks, whole)
        for index in range(whole - 1, max(known, whole - _LOOK_BACK_CHUNKS) - 1, -1):
            try:
                self.open_chunks(index, index + 1)
            except FileDamagedError:
                continue  # not yet whole, or the last one: read() reports a bad chunk in the midst by name
            self._known_chunks = index + 1
            return index + 1
        if whole - known > _LOOK_BACK_CHUNKS:
            return self.scan_growing() // CHUNK_BYTES
        return known

    def _pread(self, offset: int, size: int) -> bytes:
        """``size`` bytes at ``offset``, fewer at the end of the file. Raises OSError with the path."""
        parts: list[bytes] = []
        while size > 0:
            try:
                part = os.pread(self._fd, size, offset)
            except OSError as error:
                raise OSError(error.errno, f"{error.strerror} (at byte {offset})", self.name) from error
            if not part:
                break
            parts.append(part)
            offset += len(part)
            size -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)


def chunk_offset(index: int) -> int:
    """Byte in the file where chunk ``index`` starts."""
    return HEADER_BYTES + index * SEALED_CHUNK_BYTES


def open_regular(source: Path | int, flags: int = os.O_RDONLY) -> int:
    """A new descriptor of a regular file. Raises OSError, and FileDamagedError for anything else."""
    # O_NONBLOCK: a pipe under this name must not block us.
    fd = os.dup(source) if isinstance(source, int) else os.open(source, flags | os.O_CLOEXEC | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise FileDamagedError(f"{source}: is no regular file")
    return fd
