"""The newest pictures of events, for channels that carry the picture itself. In memory only."""

from __future__ import annotations

import threading
from collections import OrderedDict

MAX_PICTURES = 64
MAX_TOTAL_BYTES = 8 * 1024 * 1024
JPEG_START = b"\xff\xd8\xff"


class Pictures:
    """Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[str, bytes] = OrderedDict()
        self._total_bytes = 0

    def put(self, picture_id: str, jpeg: bytes) -> None:
        """What is no JPEG is not kept: it would only be an attachment that cannot be opened."""
        if not jpeg.startswith(JPEG_START):
            return
        with self._lock:
            self._total_bytes += len(jpeg) - len(self._known.pop(picture_id, b""))
            self._known[picture_id] = jpeg
            while self._known and (len(self._known) > MAX_PICTURES or self._total_bytes > MAX_TOTAL_BYTES):
                _, oldest = self._known.popitem(last=False)
                self._total_bytes -= len(oldest)

    def get(self, picture_id: str | None) -> bytes | None:
        with self._lock:
            return self._known.get(picture_id) if picture_id else None
