"""A service's own secrets: files in one read-only folder, never environment variables or arguments."""

from __future__ import annotations

from pathlib import Path

from vigilar_common import logs
from vigilar_common.errors import StartupError


class Secrets:
    """Reads secrets by name from `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def folder(self) -> Path:
        return self._folder

    def path(self, name: str) -> Path:
        """The file. Raises StartupError when it is missing or not readable."""
        path = self._folder / name
        try:
            with path.open("rb"):
                return path
        except OSError as error:
            raise StartupError(
                f"secret {name} cannot be read from {self._folder}: {error.strerror}; run `vigilar init` to make what is missing"
            ) from error

    def has(self, name: str) -> bool:
        return (self._folder / name).is_file()

    def text(self, name: str) -> str:
        """The file's one line; hidden from logs from now on. Raises StartupError when absent or empty."""
        text = self.path(name).read_text("utf-8").strip()
        if not text:
            raise StartupError(f"secret {name} in {self._folder} is empty; remove it and run `vigilar init`")
        logs.hide(text)
        return text
