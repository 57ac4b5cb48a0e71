"""One browser that watches one stream. A slow one skips to the next keyframe instead of falling behind."""

from __future__ import annotations

import asyncio
import json
from collections import deque

from vigilar_common.clock import Clock

from vigilar_web.live.relay import Key

MAX_BEHIND_S = 2.0
MAX_QUEUED_BYTES = 12 * 1024 * 1024
SKIP = json.dumps({"skip": True})


def codec_text(codec: str, stream: str) -> str:
    """The first text frame; a worker may name the codecs alone or the whole MIME type."""
    mime = codec if codec.startswith("video/") else f'video/mp4; codecs="{codec}"'
    return json.dumps({"codec": mime, "stream": stream})


class Viewer:
    """Queue between the relay and one WebSocket; a `Sink`."""

    def __init__(self, clock: Clock, key: Key, wanted: str = "") -> None:
        self.key = key
        self.wanted = wanted or key[1]
        """The stream it asked for; it may get another while that one sends nothing."""
        self.waiting = True
        self.closed = False
        self.skips = 0
        self._clock = clock
        self._queue: deque[tuple[float, str | bytes]] = deque()
        self._queued_bytes = 0
        self._state = ""
        self._codec_sent = ""
        self._codec_queued = ""
        self._begun = False
        self._wake = asyncio.Event()

    def begin(self, codec: str, init: bytes, generation: int) -> None:  # noqa: ARG002 an init always comes fresh
        if self._begun:
            self.skips += 1
            self._put(SKIP)
        text = codec_text(codec, self.key[1])
        if text != self._codec_queued:
            self._put(text)
            self._codec_queued = text
        self._begun = True
        self._put(init)

    def push(self, part: bytes, key: bool) -> None:  # noqa: ARG002 a queue needs no keyframes
        behind_s = self._clock.monotonic_s() - self._queue[0][0] if self._queue else 0.0
        if behind_s > MAX_BEHIND_S or self._queued_bytes + len(part) > MAX_QUEUED_BYTES:
            self._queue.clear()
            self._queued_bytes = 0
            self._codec_queued = self._codec_sent
            self.waiting = True
            return
        self._put(part)

    def state(self, text: str) -> None:
        self._state = text
        self._wake.set()

    def close(self) -> None:
        self.closed = True
        self._wake.set()

    async def next(self, timeout_s: float) -> str | bytes | None:
        """What to send now; None after `timeout_s` without anything, or when closed."""
        if not self._ready():
            try:
                async with asyncio.timeout(timeout_s):
                    await self._wake.wait()
            except TimeoutError:
                return None
        item = self._take()
        if not self._ready():
            self._wake.clear()
        return item

    def _take(self) -> str | bytes | None:
        if self.closed:
            return None
        if self._state:
            text, self._state = self._state, ""
            return text
        if not self._queue:
            return None
        _, item = self._queue.popleft()
        self._queued_bytes -= len(item)
        if not self._queue:
            self._codec_sent = self._codec_queued
        return item

    def _ready(self) -> bool:
        return bool(self._queue or self._state or self.closed)

    def _put(self, item: str | bytes) -> None:
        self._queue.append((self._clock.monotonic_s(), item))
        self._queued_bytes += len(item)
        self._wake.set()
