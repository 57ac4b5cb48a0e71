"""The built frontend. Only files found when the folder was read are served: no request touches a path."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import mimetypes
import re
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
FRAME = "index.html"
PRELOAD = "preload.json"
INLINE = re.compile(rb"<(style|script)>(.*?)</\1>", re.DOTALL)
"""What stands in the frame itself: allowed by its hash, word for word, and nothing else is."""


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
        self.allowed: dict[str, str] = {}
        """The sources of `style` and `script` that stand in the frame, for its Content-Security-Policy."""
        self._preload: dict[str, str] = {}

    def get(self, name: str) -> StaticFile | None:
        """By its path relative to the folder, with `/`."""
        self._refresh()
        return self._files.get(name)

    @property
    def built(self) -> bool:
        return self.get(FRAME) is not None

    def preload(self, path: str) -> str:
        """The Link header that fetches the code of the page at `path` beside that of the frame; "" for none."""
        first, _, rest = path.strip("/").partition("/")
        return self._preload.get(f"{first}/*" if rest else first, "")

    def _refresh(self) -> None:
        try:
            stamp = (self._folder / FRAME).stat().st_mtime_ns
        except OSError:
            self._files, self._stamp = {}, 0
            return
        if stamp != self._stamp:
            self._files, self._stamp = self._read(), stamp
            self.allowed = _inline((self._folder / FRAME).read_bytes())
            self._preload = self._read_preload()

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

    def _read_preload(self) -> dict[str, str]:
        try:
            pages: dict[str, list[str]] = json.loads((self._folder / PRELOAD).read_bytes())
        except FileNotFoundError:
            return {}
        return {
            page: ", ".join(
                f'<{name}>; rel="modulepreload"; crossorigin; fetchpriority="low"' for name in names
            )
            for page, names in pages.items()
        }


def _inline(frame: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    for kind, text in INLINE.findall(frame):
        digest = base64.b64encode(hashlib.sha256(text).digest()).decode()
        name = kind.decode()
        found[name] = f"{found.get(name, '')} 'sha256-{digest}'"
    return found
