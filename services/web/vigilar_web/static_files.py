"""The built frontend. Only files found when the folder was read are served: no request touches a path."""

from __future__ import annotations

import logging
import mimetypes
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)

MAX_FILES = 2_000
TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".png": "image/png",
    ".ico": "image/x-icon",
}
ENCODINGS = (("br", ".br"), ("gzip", ".gz"))


@dataclass(frozen=True)
class StaticFile:
    path: Path
    media_type: str
    compressed: dict[str, Path]


class StaticFiles:
    """Read again when index.html changes (a new build), so that a developer need not restart."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stamp = 0
        self._files: dict[str, StaticFile] = {}

    def get(self, name: str) -> StaticFile | None:
        """By its path relative to the folder, with `/`."""
        self._refresh()
        return self._files.get(name)

    @property
    def built(self) -> bool:
        return self.get("index.html") is not None

    def _refresh(self) -> None:
        try:
            stamp = (self._folder / "index.html").stat().st_mtime_ns
        except OSError:
            self._files, self._stamp = {}, 0
            return
        if stamp != self._stamp:
            self._files, self._stamp = self._read(), stamp

    def _read(self) -> dict[str, StaticFile]:
        found = {
            path.relative_to(self._folder).as_posix(): path
            for path in sorted(self._folder.rglob("*"))[:MAX_FILES]
            if path.is_file() and not path.is_symlink()
        }
        files = {}
        for name, path in found.items():
            if path.suffix in (".br", ".gz"):
                continue
            kind = TYPES.get(path.suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
            compressed = {code: found[name + end] for code, end in ENCODINGS if name + end in found}
            files[name] = StaticFile(path, kind, compressed)
        log.info("the frontend has %d files", len(files))
        return files
