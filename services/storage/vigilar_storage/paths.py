"""Where files lie under `recordings_dir`: one home for the rule, both ways."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from vigilar_common.messages.base import ID_PATTERN

INCOMING = "incoming"
SUFFIXES = (".vge", ".mp4", ".jpg")
FOLDER_MODE = 0o2770
"""Group-writable and handing the group on: a worker may run as another user of the same group."""
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_NAME = re.compile(rf"(?P<id>{_UUID})(?P<suffix>\.vge|\.mp4|\.jpg)")
_STORED = re.compile(rf"(?P<camera>[A-Za-z0-9_-]{{1,64}})/(?P<day>\d{{4}}/\d\d/\d\d)/{_NAME.pattern}")

_OLDER = re.compile(
    r"(?!incoming/)(?:[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}/){0,6}[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}\.(?:vge|mp4)"
)


@dataclass(frozen=True)
class StoredName:
    camera_id: str
    day: str
    """UTC, YYYY/MM/DD."""
    file_id: str
    suffix: str


def utc_day(ts_ms: int) -> str:
    return datetime.fromtimestamp(ts_ms / 1000, UTC).strftime("%Y/%m/%d")


def stored(camera_id: str, ts_ms: int, file_id: str, suffix: str) -> str:
    """`<camera>/YYYY/MM/DD/<id>.<suffix>`, relative to recordings_dir. Raises ValueError for unsafe parts."""
    if not re.fullmatch(ID_PATTERN, camera_id) or camera_id == INCOMING:
        raise ValueError(f"camera id {camera_id!r} cannot name a folder of recordings")
    if not re.fullmatch(_UUID, file_id) or suffix not in SUFFIXES:
        raise ValueError(f"{file_id!r}{suffix} cannot name a recording file")
    return f"{camera_id}/{utc_day(ts_ms)}/{file_id}{suffix}"


def parse_stored(path: str) -> StoredName | None:
    """The parts of a path that `stored` made; None for anything else."""
    found = _STORED.fullmatch(path)
    return StoredName(found["camera"], found["day"], found["id"], found["suffix"]) if found else None


def is_older(path: str) -> bool:
    """Whether a recording of the system before may lie here: plain words below recordings_dir, no step upwards."""
    return _OLDER.fullmatch(path) is not None


def parse_name(name: str) -> tuple[str, str] | None:
    """(id, suffix) of a file name in an incoming folder; None for a stranger."""
    found = _NAME.fullmatch(name)
    return (found["id"], found["suffix"]) if found else None


def sync_folder(folder: Path) -> None:
    """Make names that were created, renamed or removed in `folder` durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def make_folders(root: Path, relative: Path) -> Path:
    """`root/relative`, every new level of it durable."""
    folder = root
    for part in relative.parts:
        folder = folder / part
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        folder.chmod(FOLDER_MODE)
        sync_folder(folder.parent)
    return folder


def make_incoming(root: Path, camera_id: str) -> Path:
    """The folder that a camera's worker writes into."""
    return make_folders(root, Path(INCOMING) / camera_id)
