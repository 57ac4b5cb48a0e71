"""The recordings on disk, read only: what grows, what ended lately, and the next bytes of one of them.

No lock is taken: a reader's lock, however short, could keep a worker from taking its own.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from vigilar_common.crypto.vge.errors import HeaderDamagedError
from vigilar_common.crypto.vge.footer import TAIL_BYTES, footer_box_bytes
from vigilar_common.crypto.vge.header import HEADER_BYTES, SEALED_CHUNK_BYTES, FileKind, Header, Suite
from vigilar_common.messages.base import ID_PATTERN

INCOMING: Final = "incoming"
LONGEST_MS: Final = 4 * 3_600_000
"""No recording lasts longer: one that began before that cannot have ended lately."""
OWNERS_SLOT: Final = 1
_DAY_MS: Final = 86_400_000
_LAST_MS: Final = 253_402_300_799_000
"""9999-12-31, the last day that a date can name."""
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Found:
    """A file whose name may be that of a recording.

    When it began stands in its header. Its id may lie in the future: ids keep growing when the clock is set back.
    """

    camera_id: str
    recording_id: str
    path: Path
    sealed_name: bool = True
    """False: it is an `.mp4`, so not encrypted."""


@dataclass(frozen=True)
class Seen:
    """What the header says; nothing of it is verified here."""

    is_recording: bool
    created_ms: int
    opens_with: str
    """owner: with the owner's recovery key too; house: only with keys that are in the house."""


@dataclass(frozen=True)
class Piece:
    """Bytes to be sent. `end_bytes`: how far the file can be sent now; `ended`: it grows no more."""

    data: bytes
    end_bytes: int
    ended: bool
    tail_sha256: str
    """Of the sealed chunk that ends where `data` ends."""


class ChangedError(Exception):
    """What is on disk is not what was sent: its end was cut off, or it is another file."""


class Recordings:
    """Below `recordings_dir`. All methods raise OSError when the disk fails, FileNotFoundError when a file is gone."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def growing(self) -> Iterator[Found]:
        """Everything in `incoming`; thumbnails lie there too."""
        for folder in _folders(self._root / INCOMING):
            yield from _files(folder, folder.name)

    def ended(self, from_ms: int, to_ms: int) -> Iterator[Found]:
        """What storage took over, of recordings that ended at or after `from_ms`, in the folders of days up to `to_ms`."""
        first, last = _day(from_ms - LONGEST_MS), _day(to_ms + _DAY_MS)
        for camera in _folders(self._root):
            if camera.name == INCOMING or not re.fullmatch(ID_PATTERN, camera.name):
                continue
            for day in _days(camera):
                if not first <= day.relative_to(camera).as_posix() <= last:
                    continue
                for found in _files(day, camera.name):
                    if _ended_ms(found.path) >= from_ms:
                        yield found

    def look(self, path: Path) -> Seen | None:
        """None: its header is not there yet, or is none. Raises OSError."""
        with _open(path) as fd:
            raw = os.pread(fd, HEADER_BYTES, 0)
        try:
            header = Header.unpack(raw, path.name)
        except HeaderDamagedError:
            return None
        owner = header.suite is Suite.SEALED and any(header.slots[OWNERS_SLOT])
        return Seen(header.kind is FileKind.RECORDING, header.created_ms, "owner" if owner else "house")

    def measure(self, camera_id: str, recording_id: str, created_ms: int) -> tuple[int, bool]:
        """How far it can be sent now, and whether it grows no more. Raises FileNotFoundError, OSError."""
        path, placed = self._find(camera_id, recording_id, created_ms)
        with _open(path) as fd:
            return _end(fd, placed)

    def border(self, camera_id: str, recording_id: str, created_ms: int, offset: int) -> tuple[int, str]:
        """The last border between chunks at or before `offset`, and the `tail_sha256` there. Raises OSError."""
        border = 0
        if offset >= HEADER_BYTES:
            border = HEADER_BYTES + (offset - HEADER_BYTES) // SEALED_CHUNK_BYTES * SEALED_CHUNK_BYTES
        path, _ = self._find(camera_id, recording_id, created_ms)
        with _open(path) as fd:
            return border, _tail_sha256(fd, border) if border else ""

    def read(self, camera_id: str, recording_id: str, created_ms: int, offset: int, limit: int, tail: str) -> Piece:  # fmt: skip
        """From `offset` (a border between chunks), whole chunks up to `limit` bytes; the end of a finished file whole.

        `tail` is the `tail_sha256` of what was sent, "" at the beginning. Raises FileNotFoundError, ChangedError, OSError.
        """
        path, placed = self._find(camera_id, recording_id, created_ms)
        with _open(path) as fd:
            end, ended = _end(fd, placed)
            if offset > end or (tail and _tail_sha256(fd, offset) != tail):
                raise ChangedError(f"{path.name} is not what was sent of it")
            most = _whole_chunks(offset, limit)
            data = os.pread(fd, min(most, max(0, end - offset)), offset)
            reached = offset + len(data)
            return Piece(data, end, ended, _tail_sha256(fd, reached) if data else tail)

    def _find(self, camera_id: str, recording_id: str, created_ms: int) -> tuple[Path, bool]:
        """Where it lies, and whether storage has it. Storage may be moving it, so both places are tried twice."""
        name = f"{recording_id}.vge"
        days = [_day(created_ms + shift * _DAY_MS) for shift in (0, -1, 1)]
        for _ in range(2):
            path = self._root / INCOMING / camera_id / name
            if path.exists():
                return path, False
            for day in days:
                path = self._root / camera_id / day / name
                if path.exists():
                    return path, True
        raise FileNotFoundError(f"{name} of {camera_id} is not on this disk any more")


class _open:  # noqa: N801 used like the function of this name
    """A regular file, never a link or a pipe. Raises OSError."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        if not stat.S_ISREG(os.fstat(self._fd).st_mode):
            os.close(self._fd)
            raise OSError(f"{path}: is no regular file")

    def __enter__(self) -> int:
        return self._fd

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)


def _files(folder: Path, camera_id: str) -> Iterator[Found]:
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return
    for entry in entries:
        stem, dot, suffix = entry.name.partition(".")
        if _ID.fullmatch(stem) and dot and suffix in ("vge", "mp4") and entry.is_file(follow_symlinks=False):
            yield Found(camera_id, stem, Path(entry.path), suffix == "vge")


def _folders(root: Path) -> list[Path]:
    try:
        return sorted(Path(entry.path) for entry in os.scandir(root) if entry.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return []


def _days(camera: Path) -> Iterator[Path]:
    """The folders YYYY/MM/DD that are there: a time that somebody made up may name any number of others."""
    for year in _folders(camera):
        for month in _folders(year):
            yield from _folders(month)


def _ended_ms(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns // 1_000_000
    except FileNotFoundError:
        return 0


def _end(fd: int, placed: bool) -> tuple[int, bool]:
    """How far the file can be sent: of a growing one whole chunks, for its end may yet be cut off by a recovery."""
    size = os.fstat(fd).st_size
    if placed or _has_footer(fd, size):
        return size, True
    whole = (size - HEADER_BYTES) // SEALED_CHUNK_BYTES if size >= HEADER_BYTES else -1
    return (HEADER_BYTES + whole * SEALED_CHUNK_BYTES if whole >= 0 else 0), False


def _has_footer(fd: int, size: int) -> bool:
    if size < HEADER_BYTES + TAIL_BYTES:
        return False
    return footer_box_bytes(os.pread(fd, TAIL_BYTES, size - TAIL_BYTES)) is not None


def _tail_sha256(fd: int, end: int) -> str:
    start = max(0, end - SEALED_CHUNK_BYTES)
    return hashlib.sha256(os.pread(fd, end - start, start)).hexdigest()


def _whole_chunks(offset: int, limit: int) -> int:
    """As many bytes from `offset` as end on a border between chunks; at least one chunk."""
    head = HEADER_BYTES - offset if offset < HEADER_BYTES else 0
    return head + max(1, (limit - head) // SEALED_CHUNK_BYTES) * SEALED_CHUNK_BYTES


def _day(ts_ms: int) -> str:
    return datetime.fromtimestamp(min(max(0, ts_ms), _LAST_MS) / 1000, UTC).strftime("%Y/%m/%d")
