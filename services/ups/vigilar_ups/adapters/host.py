"""The one thing that a service without rights can do to stop its host: leave a request that the host watches for."""

from __future__ import annotations

import os
from pathlib import Path

from vigilar_common.config.files import write_atomic

REQUEST = "request"
WATCHED = "watched"
"""The host's installer leaves it: without it the folder is one that nobody looks into."""
FIRST_LINE = "vigilar-shutdown 1"
"""What the host's unit insists on; the rest is for people."""


class Host:
    """The folder that this service and the host share. An empty path: the host is never asked."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder) if folder else None

    def problem(self) -> str:
        """Why a request would go nowhere; empty when the host watches."""
        if self._folder is None:
            return "[ups] shutdown_request_dir is empty"
        if not self._folder.is_dir():
            return f"{self._folder} is not there"
        if not (self._folder / WATCHED).is_file():
            return f"the host does not watch {self._folder}"
        if not os.access(self._folder, os.W_OK | os.X_OK):
            return f"{self._folder} is not writable for this service"
        return ""

    def ask(self, reason: str) -> None:
        """Ask the host to go down. Raises OSError."""
        if self._folder is None:
            raise FileNotFoundError("[ups] shutdown_request_dir is empty")
        write_atomic(self._folder / REQUEST, f"{FIRST_LINE}\n{reason}\n", 0o640)

    def taken(self) -> bool:
        """Whether the host has picked up the request."""
        return self._folder is None or not (self._folder / REQUEST).exists()

    def withdraw(self) -> None:
        """Take back a request that the host has not seen yet. Raises OSError."""
        if self._folder is not None:
            (self._folder / REQUEST).unlink(missing_ok=True)
