"""A few megabytes put aside, so that a full disk still has room to write down what is deleted."""

from __future__ import annotations

import logging
import os
from pathlib import Path

log = logging.getLogger(__name__)

NAME = "reserve.bin"
SIZE_BYTES = 8 * 1024 * 1024
ROOM_FACTOR = 8
"""It is made only while this many times its size is free."""


class Reserve:
    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / NAME

    def release(self) -> bool:
        """Give its bytes back to the disk; False when there are none. Raises OSError."""
        try:
            self._path.unlink()
        except FileNotFoundError:
            return False
        log.warning("the disk of %s is full: %d bytes put aside are given back", self._path, SIZE_BYTES)
        return True

    def keep(self) -> None:
        """Put the bytes aside when there is plenty of room. What fails is tried again at the next look."""
        try:
            if self._path.exists() and self._path.stat().st_size >= SIZE_BYTES:
                return
            room = os.statvfs(self._path.parent)
            if room.f_bavail * room.f_frsize < ROOM_FACTOR * SIZE_BYTES:
                return
            with self._path.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, SIZE_BYTES)
        except OSError as error:
            log.warning("%s cannot be put aside: %s", self._path, error)
            self._path.unlink(missing_ok=True)
