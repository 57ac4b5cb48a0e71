"""A profile of the camera that is made only while somebody watches it: one thread, shared by all its viewers."""

from __future__ import annotations

import logging
import resource
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from vigilar_common.clock import Clock
from vigilar_common.threads import Thread

from vigilar_camera_worker.adapters.fmp4 import StreamFormat
from vigilar_camera_worker.adapters.transcode import Profile, TranscodeError, Transcoder
from vigilar_camera_worker.domain.packets import Packet
from vigilar_camera_worker.errors import CameraError
from vigilar_camera_worker.live_outputs import Output
from vigilar_camera_worker.live_source import LiveSource

log = logging.getLogger(__name__)

MAX_BEHIND_S: Final = 2.0
"""A transcode that is slower than the camera skips to the next keyframe instead of falling behind further."""
MAX_WAITING_BYTES: Final = 12 * 1024 * 1024
MAX_WAITING_SHOWN: Final = 3
"""While more packets than this wait, pictures are decoded but not encoded: the viewer wants the newest."""
POLL_S: Final = 0.25
RETRY_S: Final = 5.0
WORDS: Final = ("starts", "frames", "skips", "errors", "cpu_ms")


class Inbox:
    """A PacketListener that keeps what comes until the transcode takes it. Bounded: see MAX_BEHIND_S."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._news = threading.Condition()
        self._items: deque[tuple[float, Packet | StreamFormat]] = deque()
        self._bytes = 0
        self._last = -1
        self._hole = False
        self._over = False
        self.skips = 0

    def stream_started(self, wanted: StreamFormat) -> None:
        with self._news:
            self._items.clear()
            self._bytes, self._last, self._hole = 0, -1, False
            self._items.append((self._clock.monotonic_s(), wanted))
            self._news.notify()

    def feed(self, packet: Packet) -> None:
        now_s = self._clock.monotonic_s()
        with self._news:
            if packet.number <= self._last:
                return
            self._last = packet.number
            late = self._bytes and now_s - self._items[0][0] > MAX_BEHIND_S
            if late or self._bytes + len(packet.data) > MAX_WAITING_BYTES:
                self._items = deque(
                    (now_s, item) for _, item in self._items if isinstance(item, StreamFormat)
                )
                self._bytes, self._hole = 0, True
                self.skips += 1
            if self._hole and not (packet.video and packet.key):
                return
            self._hole = False
            self._items.append((now_s, packet))
            self._bytes += len(packet.data)
            self._news.notify()

    def interrupted(self) -> None:
        with self._news:
            self._over = True
            self._news.notify()

    def take(self, timeout_s: float) -> Packet | StreamFormat | None:
        """None when nothing came. Raises EOFError when nothing will come any more."""
        with self._news:
            if not self._items and not self._over:
                self._news.wait(timeout_s)
            if self._items:
                item = self._items.popleft()[1]
                self._bytes -= len(item.data) if isinstance(item, Packet) else 0
                return item
            if self._over:
                raise EOFError
            return None

    @property
    def waiting(self) -> int:
        return len(self._items)

    @property
    def watching(self) -> bool:
        return not self._over


class LiveTranscode:
    """Runs while leased. ``problem`` hears why it cannot, and "" when it can again."""

    def __init__(
        self,
        name: str,
        profile: Profile,
        sources: Sequence[LiveSource],
        output: Output,
        clock: Clock,
        problem: Callable[[str], None],
    ) -> None:
        self._name, self._profile, self._sources, self._output = name, profile, sources, output
        self._clock, self._problem = clock, problem
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._until_s = -1.0
        self._thread: threading.Thread | None = None
        self._prefix = f"transcode_{name}"
        self.counters = dict.fromkeys((f"{self._prefix}_{word}" for word in WORDS), 0)

    @property
    def running(self) -> bool:
        thread = self._thread
        return thread is not None and thread.is_alive()

    def lease(self, lease_s: float, fresh: bool) -> None:
        with self._lock:
            if self._stopping.is_set():
                return
            self._until_s = self._clock.monotonic_s() + lease_s
            self._output.lease(lease_s, fresh)
            if self._thread is None:
                self._thread = Thread(target=self._run, name=f"live-{self._name}")
                self._thread.start()

    def stop(self, timeout_s: float) -> None:
        self._stopping.set()
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join(timeout_s)

    # -- on the transcode's thread ------------------------------------------------------------------

    def _run(self) -> None:
        self._count("starts")
        log.info("%s: somebody watches, transcoding starts", self._name)
        while self._wanted():
            try:
                source = self._pick()
                if source is None:
                    self._clock.wait(self._stopping, POLL_S)
                    continue
                self._follow(source)
            except (TranscodeError, CameraError) as error:
                self._failed(str(error))
            except Exception as error:
                log.exception("%s: transcoding failed", self._name)
                self._failed(f"internal error: {type(error).__name__}")
        log.info("%s: nobody watches any more, transcoding ends", self._name)

    def _wanted(self) -> bool:
        """False once: then the thread is over, and the next lease starts another."""
        with self._lock:
            if not self._stopping.is_set() and self._clock.monotonic_s() < self._until_s:
                return True
            self._output.end()
            self._thread = None
            return False

    def _pick(self) -> LiveSource | None:
        """The smallest stream that is large enough, else the largest; None while the camera sends nothing."""
        known = [(source.wanted, source) for source in self._sources]
        sizes = {source: wanted.height_px for wanted, source in known if wanted is not None}
        if not sizes:
            return None
        enough = [source for source, height in sizes.items() if height >= self._profile.height_px]
        return min(enough, key=sizes.__getitem__) if enough else max(sizes, key=sizes.__getitem__)

    def _follow(self, source: LiveSource) -> None:
        """Until the lease or the stream ends."""
        inbox = Inbox(self._clock)
        transcoder: Transcoder | None = None
        source.join(inbox)
        try:
            while not self._stopping.is_set() and self._clock.monotonic_s() < self._until_s:
                item = inbox.take(POLL_S)
                if isinstance(item, StreamFormat):
                    transcoder = Transcoder(item, self._profile)
                    self._output.begin(item)
                elif item is not None and transcoder is not None:
                    self._one(transcoder, item, inbox.waiting)
        except EOFError:
            log.debug("%s: the stream ended", self._name)
        finally:
            source.leave(inbox)
            self._count("skips", inbox.skips)

    def _one(self, transcoder: Transcoder, packet: Packet, waiting: int) -> None:
        if not packet.video:
            self._output.sound(packet)
            return
        before_ms, errors = _cpu_ms(), transcoder.errors
        made = transcoder.feed(packet, show=waiting < MAX_WAITING_SHOWN)
        for picture in made:
            self._output.put(picture, packet.wall_ms)
            self._problem("")
        self._count("frames", len(made))
        self._count("errors", transcoder.errors - errors)
        self._count("cpu_ms", _cpu_ms() - before_ms)

    def _failed(self, reason: str) -> None:
        self._count("errors")
        self._problem(reason)
        self._clock.wait(self._stopping, RETRY_S)

    def _count(self, word: str, number: int = 1) -> None:
        self.counters[f"{self._prefix}_{word}"] += number


def _cpu_ms() -> int:
    """Of this thread, user and system."""
    used = resource.getrusage(resource.RUSAGE_THREAD)
    return round((used.ru_utime + used.ru_stime) * 1000)
