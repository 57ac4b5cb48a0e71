"""Writing a `.vge` file: append only, encrypted before it reaches the kernel, locked while it grows."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from vigilar_common.clock import Clock
from vigilar_common.crypto.keys import (
    KEY_BYTES,
    SLOT_BYTES,
    master_key_id,
    public_key_id,
    seal_file_key,
    sync_folder,
)
from vigilar_common.crypto.vge.footer import Footer, FooterState, seal_footer
from vigilar_common.crypto.vge.header import (
    CHUNK_BYTES,
    DATA,
    FINAL,
    HEADER_BYTES,
    SEALED_CHUNK_BYTES,
    SLOTS,
    FileKeys,
    FileKind,
    Header,
    Suite,
    commit,
)
from vigilar_common.fmp4 import BoxScanner, Fmp4Error, Fragment, free_box

CHUNK_MAX_AGE_S: Final = 0.8  # the oldest byte of an open chunk is never much older
FILE_MODE: Final = 0o640
_BATCH_CHUNKS: Final = 32
"""Sealed at once before they are appended: a fragment of 8 Mbit/s in one system call, and still in the processor's cache."""
_MIN_FREE_BYTES: Final = 8
_BOOT_ID_FILE: Final = Path("/proc/sys/kernel/random/boot_id")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FinishedFile:
    """What a complete file is: goes into the fact that registers it. ``sha256`` (hex) covers the first
    ``chunks_end`` bytes, so anyone can check it without a key.
    """

    path: Path
    plaintext_length: int
    chunk_count: int
    sha256: str
    chunks_end: int
    file_bytes: int


class VgeWriter:
    """One file, from its creation to its footer. Used by one thread; only ``sync`` may come from another.

    ``created_ms``: UTC of the content's time zero (for a recording the wall time of media time 0, pre-roll
    included). Give ``recipients`` (suite 2: public keys, storage first, the owner's recovery key second, None for
    a slot to leave empty) or ``master_key`` (suite 1, 32 bytes).

    Raises FileExistsError when the file is there, OSError (with the path) when the disk fails. After any OSError
    the writer is of no further use: close it and start a new file; storage recovers what is on the disk.
    """

    def __init__(
        self,
        path: Path,
        *,
        stream_uuid: UUID,
        file_uuid: UUID,
        created_ms: int,
        kind: FileKind,
        camera_id: str,
        clock: Clock,
        recipients: Sequence[X25519PublicKey | None] | None = None,
        master_key: bytes | None = None,
    ) -> None:
        self.path = path
        self.file_uuid = file_uuid
        self.kind = kind
        self._camera_id = camera_id
        self._clock = clock
        raw, keys = _make_header(recipients, master_key, stream_uuid, file_uuid, created_ms, kind)
        self._keys: FileKeys | None = keys
        self._sha256 = hashlib.sha256(raw)
        self._buffer = bytearray()
        self._batch = memoryview(b"")  # memory for sealed chunks, used again and again; small files need none
        self._oldest_s: float | None = None  # monotonic time of the oldest content byte in the buffer
        self._chunks = 0
        self._fragments: list[Fragment] = []
        self._boxes: BoxScanner | None = BoxScanner() if kind.is_mp4 else None
        self._failed = False
        self._wall_start_ms = clock.now_ms()
        self._monotonic_start_ms = int(clock.monotonic_s() * 1000)
        self._fd: int | None = self._create(raw)

    @property
    def position(self) -> int:
        """Plaintext bytes taken so far, padding included: the offset that the next ``write`` starts at."""
        return self._chunks * CHUNK_BYTES + len(self._buffer)

    @property
    def sealed_position(self) -> int:
        """Plaintext bytes that are in whole chunks, so readable by others."""
        return self._chunks * CHUNK_BYTES

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append plaintext. The last 1–16,384 bytes stay in memory until their chunk closes."""
        self._file()
        if not data:
            return
        if self._boxes is not None:
            self._follow_boxes(data)
        now_s = self._clock.monotonic_s()
        if self._oldest_s is None:
            self._oldest_s = now_s
        with memoryview(data) as view:
            # A full chunk waits for the next byte: the last one of the file must be FINAL, never empty.
            room = CHUNK_BYTES - len(self._buffer)
            if len(view) <= room:
                self._buffer += view
                return
            if self._buffer:
                self._buffer += view[:room]
                self._seal_buffer()
                view = view[room:]
            whole = (len(view) - 1) // CHUNK_BYTES * CHUNK_BYTES
            self._seal(view[:whole])  # straight from the caller's memory
            self._buffer += view[whole:]
        self._oldest_s = now_s

    def note_fragment(self, time_ms: int, plaintext_offset: int, duration_ms: int, keyframe: bool) -> None:
        """Remember a fragment for the footer's index: media time from 0, and where its ``moof`` starts."""
        last = self._fragments[-1].offset if self._fragments else -1
        if not last < plaintext_offset < self.position or time_ms < 0 or duration_ms < 0:
            raise ValueError(
                f"{self.path}: fragment at byte {plaintext_offset} ({time_ms} ms, for {duration_ms} ms) "
                f"does not follow byte {last} within {self.position}"
            )
        self._fragments.append(Fragment(time_ms, duration_ms, plaintext_offset, 0, keyframe))

    def flush_due(self) -> bool:
        """Close the open chunk when its oldest byte is 0.8 s old and no box is half written; True: closed."""
        if self._oldest_s is None or self._clock.monotonic_s() - self._oldest_s < CHUNK_MAX_AGE_S:
            return False
        if self._boxes is None or not self._boxes.at_border:
            return False
        return self.close_chunk_with_free_box()

    def close_chunk_with_free_box(self) -> bool:
        """Fill the open chunk with an MP4 ``free`` box, so readers get what is buffered; True: closed.

        Fewer than 8 bytes left take the smallest box, whose rest starts the next chunk. Raises ValueError for
        content that is no MP4 and in the midst of a box, where a free box would break the file.
        """
        self._file()
        if self._oldest_s is None:
            return False
        if self._boxes is None or not self._boxes.at_border:
            raise ValueError(
                f"{self.path}: no border between MP4 boxes at byte {self.position} of the content"
            )
        gap = CHUNK_BYTES - len(self._buffer)
        padding = free_box(max(gap, _MIN_FREE_BYTES)) if gap else b""
        self._follow_boxes(padding)
        self._buffer += padding[:gap]
        self._seal_buffer()
        self._buffer += padding[gap:]
        self._oldest_s = None
        return True

    def sync(self) -> None:
        """Make every whole chunk durable (fdatasync)."""
        fd = self._file()
        try:
            os.fdatasync(fd)
        except OSError as error:
            self._fail(error)

    def finish(self, metadata: dict[str, Any]) -> FinishedFile:
        """Write the FINAL chunk and the footer, make them durable, close. ``metadata`` must fit JSON.

        Raises ValueError (file still open) when metadata or index exceed the footer's limits.
        """
        fd, keys = self._file(), self._file_keys()
        if not self._buffer and self._chunks:
            # The content ended exactly where a chunk was closed early; FINAL needs at least one byte.
            self._buffer += free_box(_MIN_FREE_BYTES)
        length = self.position
        last = keys.seal_chunk(FINAL, self._chunks, bytes(self._buffer)) if self._buffer else b""
        count = self._chunks + bool(last)
        digest = self._sha256.copy()
        digest.update(last)
        footer = Footer(
            plaintext_length=length,
            chunk_count=count,
            sha256=digest.digest(),
            state=FooterState.OK,
            torn=False,
            wall_start_ms=self._wall_start_ms,
            wall_end_ms=self._clock.now_ms(),
            monotonic_start_ms=self._monotonic_start_ms,
            monotonic_end_ms=int(self._clock.monotonic_s() * 1000),
            boot_id=_boot_id(),
            fragments=tuple(self._fragments),
            metadata={**metadata, "camera_id": self._camera_id, "kind": self.kind.name.lower()},
        )
        sealed = seal_footer(footer, keys.aux_key)
        self._append(last + sealed)
        try:
            os.fsync(fd)
        except OSError as error:
            self._fail(error)
        self.close()
        end = footer.chunks_end
        return FinishedFile(self.path, length, count, digest.hexdigest(), end, end + len(sealed))

    def close(self) -> None:
        """Let go of file and lock. Without ``finish`` the file is left to be recovered."""
        self._keys = None  # from here on this process cannot read the file
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _create(self, raw_header: bytes) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        fd = os.open(self.path, flags, FILE_MODE)
        try:
            # The lock tells recovery that a writer lives; the kernel drops it however the process ends.
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.fchmod(fd, FILE_MODE)
            if os.write(fd, raw_header) != HEADER_BYTES:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # noqa: TRY301
            os.fsync(fd)
            sync_folder(self.path.parent)
        except OSError as error:
            os.close(fd)
            self.path.unlink(missing_ok=True)  # nothing is in it yet
            raise OSError(error.errno, f"{error.strerror} (creating the file)", str(self.path)) from error
        return fd

    def _file(self) -> int:
        if self._failed:
            raise OSError(errno.EIO, "an earlier write to this file failed", str(self.path))
        if self._fd is None:
            raise ValueError(f"{self.path}: the writer is closed")
        return self._fd

    def _file_keys(self) -> FileKeys:
        if self._keys is None:
            raise ValueError(f"{self.path}: the writer is closed")
        return self._keys

    def _follow_boxes(self, data: bytes | bytearray | memoryview) -> None:
        if self._boxes is None:
            return
        try:
            self._boxes.feed(data)
        except Fmp4Error as error:
            _log.warning("%s: content is no MP4, slow chunks will not be closed early: %s", self.path, error)
            self._boxes = None

    def _seal_buffer(self) -> None:
        """Encrypt and append the buffer, which holds exactly one chunk."""
        with memoryview(self._buffer) as view:
            self._seal(view)
        self._buffer.clear()

    def _seal(self, plaintext: memoryview) -> None:
        """Encrypt, hash and append whole chunks, a batch at a time."""
        keys = self._file_keys()
        if not self._batch:
            self._batch = memoryview(bytearray(_BATCH_CHUNKS * SEALED_CHUNK_BYTES))
        for start in range(0, len(plaintext), _BATCH_CHUNKS * CHUNK_BYTES):
            end = min(start + _BATCH_CHUNKS * CHUNK_BYTES, len(plaintext))
            filled = 0
            for at in range(start, end, CHUNK_BYTES):
                place = self._batch[filled : filled + SEALED_CHUNK_BYTES]
                keys.seal_chunk_into(DATA, self._chunks, plaintext[at : at + CHUNK_BYTES], place)
                self._chunks += 1
                filled += SEALED_CHUNK_BYTES
            self._sha256.update(self._batch[:filled])
            self._append(self._batch[:filled])

    def _append(self, data: bytes | memoryview) -> None:
        fd = self._file()
        try:
            with memoryview(data) as view:
                at = 0
                while at < len(view):
                    at += os.write(fd, view[at:])
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        # After a failed write or sync nobody knows what is on the disk: going on would hide a hole.
        self._failed = True
        raise OSError(error.errno, error.strerror, str(self.path)) from error


def write_whole(path: Path, data: bytes, *, metadata: dict[str, Any], **writer: Any) -> FinishedFile:
    """A picture or other small content in one go; further arguments as for VgeWriter.

    On failure the half-written file is removed.
    """
    with VgeWriter(path, **writer) as file:
        try:
            file.write(data)
            return file.finish(metadata)
        except (OSError, ValueError):
            path.unlink(missing_ok=True)
            raise


def _make_header(
    recipients: Sequence[X25519PublicKey | None] | None,
    master_key: bytes | None,
    stream_uuid: UUID,
    file_uuid: UUID,
    created_ms: int,
    kind: FileKind,
) -> tuple[bytes, FileKeys]:
    """Header bytes and the file's keys. Raises ValueError when not exactly one kind of key is given."""
    empty = bytes(SLOT_BYTES)
    slots = [empty] * SLOTS
    if recipients is not None and master_key is None:
        if not 1 <= len(recipients) <= SLOTS or recipients[0] is None:
            raise ValueError(
                f"a sealed file has 1 to {SLOTS} recipients, storage first, not {len(recipients)}"
            )
        suite, master, key_id = Suite.SEALED, os.urandom(KEY_BYTES), public_key_id(recipients[0])
        for index, public_key in enumerate(recipients):
            if public_key is not None:
                slots[index] = seal_file_key(public_key, master, file_uuid)
    elif master_key is not None and recipients is None:
        if len(master_key) != KEY_BYTES:
            raise ValueError(f"a master key has {KEY_BYTES} bytes, not {len(master_key)}")
        suite, master, key_id = Suite.KEY_RING, master_key, master_key_id(master_key)
    else:
        raise ValueError("give either recipients (suite 2) or a master key (suite 1)")
    header = Header(suite, kind, key_id, file_uuid, created_ms, stream_uuid, os.urandom(32), tuple(slots))
    return commit(header, master)


def _boot_id() -> UUID:
    """Of this run of the kernel; zero where the kernel does not tell."""
    try:
        return UUID(_BOOT_ID_FILE.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        _log.warning("%s: boot id not known: %s", _BOOT_ID_FILE, error)
        return UUID(int=0)
