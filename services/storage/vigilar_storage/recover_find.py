"""What arrived off-site: files of SFTP, parts of S3 and WebDAV, checkpoints, documents of the ledger."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from vigilar_common.errors import VigilarError

NAME = re.compile(r"(?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:\.(?P<generation>[2-9]))?\.vge")
PART = re.compile(r"\d{12}")
MAX_FILES = 1_000_000
MAX_PART_BYTES = 64 * 1024 * 1024
MAX_SMALL_BYTES = 64 * 1024 * 1024
COPY_BYTES = 1024 * 1024


class RecoverError(VigilarError):
    """Nothing can be recovered, and why."""


@dataclass(frozen=True)
class Source:
    """One recording as it arrived: a file, or the parts of one by the byte that each starts at."""

    recording_id: str
    camera_id: str
    """The folder it lies in; nothing proves it but the ledger."""
    generation: int
    path: Path
    parts: tuple[tuple[int, Path], ...] = ()


@dataclass
class Arrived:
    """Everything below one folder."""

    sources: list[Source] = field(default_factory=list)
    notes: list[Path] = field(default_factory=list)
    documents: list[Path] = field(default_factory=list)
    strangers: list[Path] = field(default_factory=list)


@dataclass
class Joined:
    """The bytes of a recording in one file.

    `holes`: from–to bytes that did not arrive; `conflicts`: parts that contradict others.
    """

    file: IO[bytes]
    holes: list[tuple[int, int]] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)


def find(folder: Path) -> Arrived:
    """Raises RecoverError, OSError."""
    if not folder.is_dir():
        raise RecoverError(f"{folder}: no such folder")
    arrived = Arrived()
    count = 0
    for top, folders, names in os.walk(folder):
        folders.sort()
        here = Path(top)
        for name in [item for item in folders if NAME.fullmatch(item)]:
            folders.remove(name)
            arrived.sources.append(_of_parts(here / name, arrived))
        for name in sorted(names):
            count += 1
            if count > MAX_FILES:
                raise RecoverError(f"{folder} holds more than {MAX_FILES} files: name a folder further below")
            path = here / name
            if found := NAME.fullmatch(name):
                arrived.sources.append(Source(found["id"], here.name, int(found["generation"] or 1), path))
            elif here.name == "checkpoints" and path.suffix == ".txt":
                arrived.notes.append(path)
            elif here.name == "ledger" and path.suffix == ".json":
                arrived.documents.append(path)
            elif name != "about.json":
                arrived.strangers.append(path)
    arrived.sources.sort(key=lambda source: (source.recording_id, source.generation))
    return arrived


def _of_parts(folder: Path, arrived: Arrived) -> Source:
    found = NAME.fullmatch(folder.name)
    assert found is not None
    parts = []
    for path in sorted(folder.iterdir()):
        if PART.fullmatch(path.name) and path.is_file():
            parts.append((int(path.name), path))
        else:
            arrived.strangers.append(path)
    return Source(found["id"], folder.parent.name, int(found["generation"] or 1), folder, tuple(parts))


def join(source: Source, scratch: Path) -> Joined:
    """A file as it is, or parts put where they belong in a nameless file below `scratch` (still encrypted). Raises OSError.

    A part may have been sent twice, longer the second time; where parts overlap they must agree.
    """
    if not source.parts:
        return Joined(source.path.open("rb"))
    joined = Joined(tempfile.TemporaryFile(dir=scratch))  # noqa: SIM115 its owner closes it
    file, end = joined.file, 0
    for start, path in source.parts:
        if start > end:
            joined.holes.append((end, start))
        size = path.stat().st_size
        if size > MAX_PART_BYTES:
            joined.conflicts.append(f"part {path.name} has {size} bytes, more than any that is sent")
            continue
        data = path.read_bytes()
        overlap = min(max(0, end - start), len(data))
        if overlap and os.pread(file.fileno(), overlap, start) != data[:overlap]:
            joined.conflicts.append(f"part {path.name} says something else than the part before it")
        _write_all(file.fileno(), data[overlap:], start + overlap)
        end = max(end, start + len(data))
    return joined


def _write_all(fd: int, data: bytes, offset: int) -> None:
    with memoryview(data) as view:
        at = 0
        while at < len(view):
            at += os.pwrite(fd, view[at:], offset + at)


def small_files(paths: list[Path]) -> Iterator[tuple[Path, bytes]]:
    """Their contents; a larger one is cut, and so makes no sense to who reads it. Raises OSError."""
    for path in paths:
        with path.open("rb") as file:
            yield path, file.read(MAX_SMALL_BYTES)
