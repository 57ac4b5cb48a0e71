"""Plain HLS for players without Media Source Extensions: written only while somebody asks for it."""

from __future__ import annotations

import asyncio
import logging
import math
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from vigilar_common.clock import Clock
from vigilar_common.fmp4 import Fmp4Error, FragmentIndex
from vigilar_common.messages.camera import LiveStream

from vigilar_web.errors import ApiError, not_found
from vigilar_web.live.hub import MAIN, LiveHub
from vigilar_web.live.relay import Key

log = logging.getLogger(__name__)

IDLE_S = 30.0
FIRST_SEGMENT_S = 10.0
"""How long a request for the playlist waits for the first segment: one GOP and a little."""
MIN_SEGMENT_MS = 1_000
MAX_SEGMENT_BYTES = 24 * 1024 * 1024
KEPT_SEGMENTS = 6
KEPT_FILES = KEPT_SEGMENTS + 3
"""A player may still fetch a segment that has just left the playlist."""
PLAYLIST = "index.m3u8"
REMOTE_PREFIX = "remote-"
OURS = re.compile(r"(remote-)?(init-\d{1,12}\.mp4|seg-\d{1,12}\.m4s)(\.tmp)?")


@dataclass(frozen=True)
class Segment:
    number: int
    name: str
    init: str
    duration_ms: int
    discontinuity: bool


class HlsWriter:
    """A `Sink` that writes one camera's segments. Files are written on `thread`, everything else on the loop."""

    def __init__(
        self, folder: Path, first_number: int, thread: ThreadPoolExecutor, clock: Clock, prefix: str = ""
    ) -> None:
        self._prefix = prefix
        self.waiting = True
        self.asked_s = clock.monotonic_s()
        self.problem = ""
        self._folder = folder
        self._thread = thread
        self._clock = clock
        self._first = self._number = first_number
        self._segments: list[Segment] = []
        self._files: list[str] = []
        self._removed_discontinuities = 0
        self._target_s = 1
        self._init = b""
        self._init_name = ""
        self._parts: list[bytes] = []
        self._bytes = 0
        self._index: FragmentIndex | None = None
        self._broken = False
        self._changed = asyncio.Event()

    # -- sink ---------------------------------------------------------------------------------------

    def begin(self, codec: str, init: bytes, generation: int) -> None:  # noqa: ARG002 the codec is inside init
        self._restart()
        self._broken = self._number > self._first
        if init != self._init:
            self._init = init
            self._init_name = f"{self._prefix}init-{self._number}.mp4"
            self._write(self._init_name, init)

    def push(self, part: bytes, key: bool) -> None:
        try:
            if key and self._parts and self._duration_ms() >= MIN_SEGMENT_MS:
                self._close_segment()
            if self._index is None:
                self._index = FragmentIndex()
                self._index.feed(self._init)
            self._index.feed(part)
        except Fmp4Error as error:
            self._give_up(f"a live part is no usable MP4: {error}")
            return
        self._parts.append(part)
        self._bytes += len(part)
        if self._bytes > MAX_SEGMENT_BYTES:
            self._give_up(f"a segment of more than {MAX_SEGMENT_BYTES} bytes")

    def state(self, text: str) -> None: ...

    # -- reading ------------------------------------------------------------------------------------

    @property
    def has_segments(self) -> bool:
        return bool(self._segments)

    async def first_segment(self, timeout_s: float) -> None:
        """Waits; TimeoutError when none comes."""
        async with asyncio.timeout(timeout_s):
            while not self._segments and not self.problem:
                self._changed.clear()
                await self._changed.wait()

    def playlist(self) -> str:
        shown = self._segments[-KEPT_SEGMENTS:]
        gone = self._segments[: -len(shown)] if shown else []
        passed = self._removed_discontinuities + sum(segment.discontinuity for segment in gone)
        lines = [
            "#EXTM3U",
            "#EXT-X-VERSION:7",
            f"#EXT-X-TARGETDURATION:{self._target_s}",
            f"#EXT-X-MEDIA-SEQUENCE:{shown[0].number if shown else self._number}",
            f"#EXT-X-DISCONTINUITY-SEQUENCE:{passed}",
            "#EXT-X-INDEPENDENT-SEGMENTS",
        ]
        init = ""
        for segment in shown:
            if segment.discontinuity:
                lines.append("#EXT-X-DISCONTINUITY")
            if segment.init != init:
                init = segment.init
                lines.append(f'#EXT-X-MAP:URI="{init}"')
            lines += [f"#EXTINF:{segment.duration_ms / 1000:.3f},", segment.name]
        return "\n".join(lines) + "\n"

    def path(self, name: str) -> Path | None:
        """The file of that name, if it is one of ours and still kept."""
        return self._folder / name if name in self._files else None

    # -- writing ------------------------------------------------------------------------------------

    def _duration_ms(self) -> int:
        fragments = self._index.fragments if self._index else []
        if not fragments:
            return 0
        return fragments[-1].time_ms + fragments[-1].duration_ms - fragments[0].time_ms

    def _close_segment(self) -> None:
        name = f"{self._prefix}seg-{self._number}.m4s"
        duration_ms = self._duration_ms()
        segment = Segment(self._number, name, self._init_name, duration_ms, self._broken)
        data = b"".join(self._parts)
        self._number += 1
        self._broken = False
        self._restart()
        self._write(name, data, segment)

    def _restart(self) -> None:
        self._parts = []
        self._bytes = 0
        self._index = None

    def _give_up(self, reason: str) -> None:
        log.warning("HLS of %s starts anew at the next keyframe: %s", self._folder.name, reason)
        self._restart()
        self.waiting = True

    def _write(self, name: str, data: bytes, segment: Segment | None = None) -> None:
        loop = asyncio.get_running_loop()

        def done(error: OSError | None) -> None:
            if error:
                if not self.problem:
                    log.error("cannot write %s: %s", self._folder / name, error.strerror)
                self.problem = f"cannot write to hls_dir: {error.strerror}"
                self.waiting = True
            else:
                self.problem = ""
                self._files.append(name)
                if segment:
                    self._segments.append(segment)
                    self._target_s = max(self._target_s, math.ceil(segment.duration_ms / 1000))
                    self._trim()
            self._changed.set()

        def work() -> None:
            error = None
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                temporary = self._folder / f"{name}.tmp"
                temporary.write_bytes(data)
                temporary.replace(self._folder / name)
            except OSError as failure:
                error = failure
            try:
                loop.call_soon_threadsafe(done, error)
            except RuntimeError:  # the loop is gone: the service is stopping, nobody waits for this file
                log.debug("%s was written while stopping", name)

        self._thread.submit(work)

    def _trim(self) -> None:
        while len(self._segments) > KEPT_FILES:
            old = self._segments.pop(0)
            self._removed_discontinuities += old.discontinuity
            self._forget(old.name)
            if all(segment.init != old.init for segment in self._segments) and old.init != self._init_name:
                self._forget(old.init)

    def _forget(self, name: str) -> None:
        if name in self._files:
            self._files.remove(name)
            self._thread.submit(_unlink, self._folder / name)


class HlsWriters:
    """All writers. Asking for a playlist starts one; IDLE_S without a request stops it."""

    def __init__(self, hub: LiveHub, folder: Callable[[], Path], clock: Clock) -> None:
        self._hub = hub
        self._folder = folder
        self._clock = clock
        self._writers: dict[Key, HlsWriter] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="hls")

    def _place(self, key: Key) -> Path:
        """The remote profile lies in a folder of its own, so that each writer cleans up after itself alone."""
        camera_id, stream = key
        return self._folder() / camera_id if stream == MAIN else self._folder() / camera_id / stream

    async def playlist(self, camera_id: str, stream: str = MAIN) -> str:
        """Raises ApiError 503 when the camera sends nothing or the folder cannot be written."""
        key = (camera_id, stream)
        writer = self._writers.get(key)
        if writer is None:
            await asyncio.get_running_loop().run_in_executor(self._thread, clean, self._place(key))
            writer = self._writers.get(key)  # another request may have been quicker
        if writer is None:
            number = self._clock.now_ms() // 1000  # never again a number that a player has seen
            prefix = "" if stream == MAIN else f"{stream}-"
            writer = HlsWriter(self._place(key), number, self._thread, self._clock, prefix)
            self._writers[key] = writer
            self._hub.add(key, writer)
            log.info("HLS of %s starts", "/".join(key))
        writer.asked_s = self._clock.monotonic_s()
        try:
            await writer.first_segment(FIRST_SEGMENT_S)
        except TimeoutError:
            raise ApiError(
                503, "camera_silent", "The camera sends no picture at the moment.", retry_after_s=3
            ) from None
        if writer.problem and not writer.has_segments:
            raise ApiError(
                503, "hls_failed", f"Live pictures cannot be written: {writer.problem}.", retry_after_s=5
            )
        return writer.playlist()

    def file(self, camera_id: str, name: str) -> Path:
        """Raises ApiError 404 for anything but a file that the playlist named."""
        stream = LiveStream.REMOTE.value if name.startswith(REMOTE_PREFIX) else MAIN
        writer = self._writers.get((camera_id, stream))
        path = writer.path(name) if writer else None
        if writer is None or path is None:
            raise not_found("This piece of the live picture is no longer kept.")
        writer.asked_s = self._clock.monotonic_s()
        return path

    def stop_idle(self) -> None:
        """Called every few seconds."""
        for key, writer in list(self._writers.items()):
            if self._clock.monotonic_s() - writer.asked_s > IDLE_S:
                self._stop(key, writer)

    def close(self) -> None:
        for key, writer in list(self._writers.items()):
            self._stop(key, writer)
        self._thread.shutdown(wait=True)

    @property
    def running(self) -> list[str]:
        return sorted(camera if stream == MAIN else f"{camera}/{stream}" for camera, stream in self._writers)

    def _stop(self, key: Key, writer: HlsWriter) -> None:
        del self._writers[key]
        self._hub.remove(key, writer)
        self._thread.submit(clean, self._place(key))
        log.info("HLS of %s stops: nobody asks for it", "/".join(key))


def clean(folder: Path) -> None:
    """Remove what an earlier run left of ours in a camera's folder; anything else stays."""
    try:
        names = [path for path in folder.iterdir() if OURS.fullmatch(path.name)]
    except OSError:
        return  # there is no such folder yet
    for path in names:
        _unlink(path)


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("cannot remove %s: %s", path, error.strerror)
