"""Pictures that came by the broker a moment ago, so that an alert shows one before (or without) storage."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from dataclasses import dataclass

MAX_PICTURES = 200
MAX_TOTAL_BYTES = 16 * 1024 * 1024
JPEG_START = b"\xff\xd8\xff"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Picture:
    id: str
    camera_id: str
    jpeg: bytes
    taken_ms: int = 0
    """UTC; 0: not told."""


class PictureCache:
    """Bounded, newest kept; filled on the bus's thread, read on the loop's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pictures: OrderedDict[str, Picture] = OrderedDict()
        self._newest: dict[str, Picture] = {}
        self._bytes = 0
        self.refused = 0

    def put(
        self, camera_id: str, picture_id: str, jpeg: bytes, taken_ms: int = 0, *, whole: bool = True
    ) -> bool:
        """False (counted) when it is no JPEG or has no usable id. `whole`: it shows all that the camera sees."""
        if not jpeg.startswith(JPEG_START) or not UUID.fullmatch(picture_id):
            self.refused += 1
            return False
        picture = Picture(picture_id, camera_id, jpeg, taken_ms)
        with self._lock:
            self._remove(picture_id)
            self._pictures[picture_id] = picture
            if whole:
                self._newest[camera_id] = picture
            self._bytes += len(jpeg)
            while len(self._pictures) > MAX_PICTURES or self._bytes > MAX_TOTAL_BYTES:
                self._remove(next(iter(self._pictures)))
        return True

    def get(self, picture_id: str) -> bytes | None:
        found = self.find(picture_id)
        return found.jpeg if found else None

    def find(self, picture_id: str) -> Picture | None:
        with self._lock:
            return self._pictures.get(picture_id)

    def newest(self, camera_id: str) -> Picture | None:
        """The last picture of a camera, however long ago (one is kept per camera)."""
        with self._lock:
            return self._newest.get(camera_id)

    def keep_cameras(self, camera_ids: set[str]) -> None:
        """Forget cameras that are no longer configured."""
        with self._lock:
            for camera_id in set(self._newest) - camera_ids:
                del self._newest[camera_id]
            for picture in [p for p in self._pictures.values() if p.camera_id not in camera_ids]:
                self._remove(picture.id)

    def _remove(self, picture_id: str) -> None:
        gone = self._pictures.pop(picture_id, None)
        if gone:
            self._bytes -= len(gone.jpeg)
