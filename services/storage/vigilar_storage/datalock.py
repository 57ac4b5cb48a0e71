"""Who works on a data folder: storage itself, or a command that puts a backup in its place. Never both."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO

from vigilar_common.clock import Clock
from vigilar_common.errors import StartupError

LOCK_FILE = "storage.lock"
WAIT_S = 5.0
"""A predecessor may still be closing."""
AGAIN_S = 0.1


class DataLock:
    """Held until `release`, or until the process ends however it ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: IO[bytes] | None = None

    def take(self, clock: Clock, wait_s: float = WAIT_S) -> None:
        """Raises StartupError when another process holds it for longer than `wait_s`, or the folder is unusable."""
        try:
            self._folder.mkdir(mode=0o750, parents=True, exist_ok=True)
            fd = os.open(
                self._folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o660
            )
        except OSError as error:
            raise StartupError(f"{self._folder} cannot be used: {error}") from error
        file = os.fdopen(fd, "rb+")
        until_s = clock.monotonic_s() + wait_s
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if clock.monotonic_s() >= until_s:
                    file.close()
                    raise StartupError(
                        f"storage, or a restore, is running on {self._folder}: stop it first"
                    ) from None
                clock.sleep(AGAIN_S)
        self._file = file

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
