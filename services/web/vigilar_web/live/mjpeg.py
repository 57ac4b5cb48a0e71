"""Single pictures, one after the other, for browsers that can play nothing else."""

from __future__ import annotations

import asyncio

from vigilar_web.errors import ApiError
from vigilar_web.live.hub import LiveHub
from vigilar_web.live.relay import Sink

MAX_VIEWERS = 16
BOUNDARY = "vigilar-picture"
MEDIA_TYPE = f"multipart/x-mixed-replace; boundary={BOUNDARY}"


class LatestPicture(Sink):
    """Keeps the newest picture alone: a slow viewer sees fewer of them, never old ones."""

    def __init__(self) -> None:
        self.waiting = True
        self._jpeg: bytes | None = None
        self._news = asyncio.Event()

    def begin(self, codec: str, init: bytes, generation: int) -> None: ...

    def push(self, part: bytes, key: bool) -> None:  # noqa: ARG002 every picture stands for itself
        self._jpeg = part
        self._news.set()

    def state(self, text: str) -> None: ...

    async def next(self, timeout_s: float) -> bytes | None:
        """The newest picture that was not taken yet; None when none comes in time."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._news.wait()
        except TimeoutError:
            return None
        self._news.clear()
        return self._jpeg


def framed(jpeg: bytes) -> bytes:
    """One part of the multipart body; browsers show a part when the boundary after it is there."""
    head = f"Content-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n".encode()
    return head + jpeg + f"\r\n--{BOUNDARY}\r\n".encode()


START = f"--{BOUNDARY}\r\n".encode()


class MjpegViewers:
    """Counts them. `join` and `leave` on the event loop."""

    def __init__(self, hub: LiveHub) -> None:
        self._hub = hub
        self._viewers: dict[LatestPicture, tuple[str, str]] = {}
        self.pictures = 0

    def __len__(self) -> int:
        return len(self._viewers)

    def join(self, camera_id: str) -> LatestPicture:
        """Raises ApiError 503 when too many watch in this way."""
        if len(self._viewers) >= MAX_VIEWERS:
            raise ApiError(
                503, "too_many_viewers", f"{MAX_VIEWERS} pictures are shown as stills already; close one."
            )
        key = (camera_id, "jpeg")
        self._hub.check_transcodes(*key)
        viewer = LatestPicture()
        self._viewers[viewer] = key
        self._hub.add(key, viewer)
        return viewer

    def leave(self, viewer: LatestPicture) -> None:
        """Doing so twice does no harm."""
        key = self._viewers.pop(viewer, None)
        if key is not None:
            self._hub.remove(key, viewer)
