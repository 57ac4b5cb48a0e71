"""Pictures of faces, one sealed file per embedding: shown on the page, and looked at again when the model changes."""

from __future__ import annotations

import logging
import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from vigilar_common.config.files import sync_dir

from vigilar_visitors.adapters.sealing import Sealer, SealError
from vigilar_visitors.domain.faces import POINTS, Points

log = logging.getLogger(__name__)

SUFFIX: Final = ".face"
MAX_BYTES: Final = 64 * 1024
"""Of one file; ours have about 10 kB."""
_HEAD: Final = struct.Struct(f"<{2 * POINTS}f")
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Crop:
    """A JPEG of a face with some room around it, and where its points are, in pixels of it."""

    jpeg: bytes = field(repr=False)
    points: Points

    def pack(self) -> bytes:
        return _HEAD.pack(*(value for point in self.points for value in point)) + self.jpeg

    @classmethod
    def unpack(cls, data: bytes) -> Crop:
        """Raises SealError for what is too short."""
        if len(data) <= _HEAD.size:
            raise SealError("a picture of a face is cut off")
        values = _HEAD.unpack(data[: _HEAD.size])
        points = tuple((values[2 * n], values[2 * n + 1]) for n in range(POINTS))
        return cls(data[_HEAD.size :], points)


class Crops:
    """Every method raises OSError when the folder cannot be used."""

    def __init__(self, folder: Path, sealer: Sealer) -> None:
        self._folder, self._sealer = folder, sealer

    def put(self, embedding_id: str, packed: bytes) -> None:
        """On disk when this returns, sealed before it is written."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(embedding_id)
        fresh = path.with_suffix(".new")
        fresh.write_bytes(self._sealer.seal(packed, _bound(embedding_id)))
        fresh.chmod(0o600)
        fresh.replace(path)
        sync_dir(self._folder)

    def get(self, embedding_id: str) -> Crop | None:
        """None: there is none (any more). Raises SealError."""
        try:
            with self._path(embedding_id).open("rb") as file:
                sealed = file.read(MAX_BYTES + 1)
        except FileNotFoundError:
            return None
        if len(sealed) > MAX_BYTES:
            raise SealError(f"picture {embedding_id} is larger than {MAX_BYTES} bytes")
        return Crop.unpack(self._sealer.open(sealed, _bound(embedding_id)))

    def remove(self, embedding_ids: Iterable[str]) -> None:
        for embedding_id in embedding_ids:
            self._path(embedding_id).unlink(missing_ok=True)
        if self._folder.is_dir():
            sync_dir(self._folder)

    def keep_only(self, embedding_ids: set[str]) -> int:
        """Removes what no vector belongs to: what a crash left between two steps. Returns how many files went."""
        left = [
            path for path in self._folder.glob("*") if path.suffix != SUFFIX or path.stem not in embedding_ids
        ]
        for path in left:
            path.unlink()
        if left:
            sync_dir(self._folder)
            log.info("%d pictures of faces that belong to no vector are removed", len(left))
        return len(left)

    def count(self) -> int:
        return sum(1 for _ in self._folder.glob(f"*{SUFFIX}"))

    def _path(self, embedding_id: str) -> Path:
        if not _UUID.fullmatch(embedding_id):
            raise SealError("that is no id of a picture")
        return self._folder / f"{embedding_id}{SUFFIX}"


def _bound(embedding_id: str) -> str:
    return f"picture {embedding_id}"
