"""Open media files: decrypting readers, their fragment index, and a bounded cache of both."""

from __future__ import annotations

import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol
from uuid import UUID

from vigilar_common.crypto.keys import KeyRing, KeyState, RevokedKeyError
from vigilar_common.crypto.vge import V1Reader, VgeReader
from vigilar_common.errors import StorageUnavailableError, WrongKeyError
from vigilar_common.fmp4 import Fragment, FragmentIndex

from vigilar_storage.schema import FileFormat

log = logging.getLogger(__name__)

CACHED_FILES = 32
OPEN_FILES = 128
PIECE_BYTES = 1024 * 1024


class Reader(Protocol):
    """What VgeReader, V1Reader and PlainReader have in common."""

    name: str

    @property
    def plaintext_length(self) -> int: ...
    def read(self, a: int, b: int) -> bytes: ...
    def iter_read(self, a: int, b: int) -> Iterator[bytes]: ...
    def close(self) -> None: ...


class PlainReader:
    """A file that was written without encryption."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)

    @property
    def plaintext_length(self) -> int:
        return os.fstat(self._fd).st_size

    def read(self, a: int, b: int) -> bytes:
        return os.pread(self._fd, b - a, a)

    def iter_read(self, a: int, b: int) -> Iterator[bytes]:
        while a < b:
            piece = self.read(a, min(b, a + PIECE_BYTES))
            if not piece:
                return
            yield piece
            a += len(piece)

    def fileno(self) -> int:
        return self._fd

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


class MediaFile:
    """One open file and what is known of its inside. Thread-safe."""

    def __init__(self, file_id: str, reader: Reader, *, settled: bool) -> None:
        self.file_id = file_id
        self.reader = reader
        self.users = 0
        self.settled = settled
        """Whether the database says that the file is whole (only plain files cannot say so themselves)."""
        self.sidx: tuple[int, bytes] | None = None
        """Where the segment index of the download belongs, and the index, once the file is whole (see `delivery`)."""
        self._lock = threading.Lock()
        self._mime = ""
        self._index: FragmentIndex | None = None
        self._indexed_bytes = 0

    @property
    def length(self) -> int:
        """Bytes of content that may be read now. Raises FileDamagedError."""
        return self.reader.plaintext_length

    def layout(self) -> tuple[int, Sequence[Fragment], bool]:
        """(bytes of the init segment, fragments, whether that is all). Raises FileDamagedError, Fmp4Error.

        The footer tells; without one the content is parsed, each byte once.
        """
        with self._lock:
            finished = self.settled
            if isinstance(self.reader, VgeReader):
                footer = self.reader.footer
                finished = footer is not None
                if footer is not None and footer.fragments:
                    self._index = None
                    return footer.fragments[0].offset, footer.fragments, True
            index = self._index = self._index or FragmentIndex()
            for piece in self.reader.iter_read(self._indexed_bytes, self.reader.plaintext_length):
                index.feed(piece)
                self._indexed_bytes += len(piece)
            return index.init_length, tuple(index.fragments), finished

    def mime(self) -> str:
        """What a player must be able to play, for example `video/mp4; codecs="avc1.64001f"`. Raises as `layout`."""
        if not self._mime:
            init = FragmentIndex()
            init.feed(self.reader.read(0, self.layout()[0]))
            self._mime = f'video/mp4; codecs="{", ".join(init.codecs)}"'
        return self._mime


class OpenFiles:
    """Opens files by id and keeps the most recent ones open; never more than OPEN_FILES."""

    def __init__(self, ring: KeyRing) -> None:
        self.ring = ring
        self._lock = threading.Lock()
        self._files: OrderedDict[str, MediaFile] = OrderedDict()
        self._leaving: set[MediaFile] = set()

    @contextmanager
    def use(self, file_id: str, path: Path, file_format: str, *, settled: bool) -> Iterator[MediaFile]:
        """The open file. Raises OSError, FileDamagedError, WrongKeyError, StorageUnavailableError."""
        file = self.take(file_id, path, file_format, settled=settled)
        try:
            yield file
        finally:
            self.give_back(file)

    def take(self, file_id: str, path: Path, file_format: str, *, settled: bool) -> MediaFile:
        """As `use`; every file taken must be given back."""
        with self._lock:
            file = self._files.get(file_id)
            if file is not None:
                self._files.move_to_end(file_id)
                file.users += 1
                file.settled = file.settled or settled
                return file
            if len(self._files) + len(self._leaving) >= OPEN_FILES:
                raise StorageUnavailableError(f"{OPEN_FILES} media files are being read already")
        file = MediaFile(file_id, self._open(file_id, path, file_format), settled=settled)
        with self._lock:
            other = self._files.get(file_id)
            if other is not None:  # another thread was quicker
                file.reader.close()
                file = other
            self._files[file_id] = file
            file.users += 1
            self._trim()
            return file

    def give_back(self, file: MediaFile) -> None:
        with self._lock:
            file.users -= 1
            if file.users == 0 and file in self._leaving:
                self._leaving.remove(file)
                file.reader.close()
            self._trim()

    def forget(self, file_id: str) -> None:
        """The file changed hands or is deleted: who reads it may end, nobody gets it anew."""
        with self._lock:
            file = self._files.pop(file_id, None)
            if file is not None:
                self._drop(file)

    def close(self) -> None:
        with self._lock:
            while self._files:
                self._drop(self._files.popitem()[1])

    def forget_all(self) -> None:
        """As `forget`, of every file: what may be read has changed."""
        self.close()

    @property
    def open_count(self) -> int:
        with self._lock:
            return len(self._files) + len(self._leaving)

    def _trim(self) -> None:
        for file_id in [key for key, file in self._files.items() if file.users == 0]:
            if len(self._files) <= CACHED_FILES:
                return
            self._drop(self._files.pop(file_id))

    def _drop(self, file: MediaFile) -> None:
        if file.users:
            self._leaving.add(file)
        else:
            file.reader.close()

    def _open(self, file_id: str, path: Path, file_format: str) -> Reader:
        if file_format == FileFormat.VGE2:
            return VgeReader(path, self.ring, expect_file_uuid=UUID(file_id))
        if file_format == FileFormat.VGE1:
            oldest = self.ring.oldest_master()
            if oldest is None or oldest.master is None:
                raise WrongKeyError(f"{path}: a version 1 file needs [storage] key_file, which is not there")
            if oldest.state is KeyState.REVOKED:
                raise RevokedKeyError(f"{path}: key {oldest.key_id.hex()} ([storage] key_file) is revoked")
            return V1Reader(path, oldest.master)
        return PlainReader(path)
