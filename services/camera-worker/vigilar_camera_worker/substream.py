"""The camera's sub stream on a thread of its own: opened while the main stream sends, never at its expense."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final, Protocol

from vigilar_common.clock import Clock, uuid7
from vigilar_common.config import Camera
from vigilar_common.threads import Thread

from vigilar_camera_worker.adapters.fmp4 import StreamFormat, read_format
from vigilar_camera_worker.adapters.lull import Newest
from vigilar_camera_worker.adapters.stream import CameraStream, open_stream
from vigilar_camera_worker.attempts import Attempts
from vigilar_camera_worker.domain.arrivals import arrivals
from vigilar_camera_worker.domain.backoff import BackOff
from vigilar_camera_worker.domain.nal import ParameterSets
from vigilar_camera_worker.domain.packets import TICKS_PER_S, Packet, RawPacket
from vigilar_camera_worker.domain.timeline import Timeline
from vigilar_camera_worker.errors import (
    CameraError,
    StalledError,
    StreamLostError,
    UnusableStreamError,
    address,
)
from vigilar_camera_worker.live_source import PacketListener

log = logging.getLogger(__name__)

STALL_S: Final = 8.0
FIRST_PICTURE_S: Final = 15.0
RIVAL_S: Final = 15.0
"""The main stream lost so soon after the sub stream came: the camera may have room for one of them only."""
MAX_RIVALRIES: Final = 2
ONE_CLIENT_PAUSE_S: Final = 3600.0
TICK_S: Final = 1.0
Opener = Callable[[str, Clock], CameraStream]


class SubListener(Protocol):
    """Called on the sub stream's thread."""

    def sub_started(self, wanted: StreamFormat) -> None: ...
    def sub_packet(self, packet: Packet) -> None: ...
    def sub_lost(self, reason: str) -> None: ...
    def sub_needless_s(self, time_s: float) -> float:
        """How long nothing is looked at after the packet at this media time."""
        ...


class SubStream:
    """``main_is`` tells it whether the main stream sends: without it the sub stream is not opened."""

    def __init__(
        self,
        camera: Camera,
        clock: Clock,
        listener: SubListener,
        live: PacketListener,
        *,
        opener: Opener | None = None,
        back_off: BackOff | None = None,
    ) -> None:
        self._url, self._clock, self._listener, self._live = camera.detect_url, clock, listener, live
        self._open = opener or partial(open_stream, transport=camera.rtsp_transport)
        self.attempts = Attempts(back_off or BackOff())
        self._stream: CameraStream | None = None
        self._stopping = threading.Event()
        self._main = threading.Event()
        self._wanted: StreamFormat | None = None
        self._opened_s = -RIVAL_S
        self._newest = Newest()
        self._rivalries = 0
        self._making_way = False
        self._thread = Thread(target=self._run, name="sub")
        self.counters = {"sub_packets": 0, "sub_bytes": 0, "sub_connects": 0, "sub_losses": 0}

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        self._stopping.set()
        self._main.set()
        self._abort()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    def main_is(self, online: bool) -> None:
        """From the main stream's thread."""
        if online:
            self._main.set()
            return
        self._main.clear()
        if self._stream is not None and self._clock.monotonic_s() - self._opened_s < RIVAL_S:
            self._rivalries += 1
            self._making_way = True
            self._abort()

    def _abort(self) -> None:
        stream = self._stream
        if stream is not None:
            stream.abort()

    # -- on the sub stream's thread -----------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping.is_set():
            if not self._main.is_set():
                self._clock.wait(self._main, TICK_S)
                continue
            began_s = self._clock.monotonic_s()
            try:
                self._once()
                return
            except CameraError as error:
                wait_s = self._lost(error, str(error), began_s)
            except Exception as error:
                # A bug here must cost the sub stream, not the camera: the main stream serves instead.
                log.exception("reading the sub stream %s failed", address(self._url))
                wait_s = self._lost(error, f"internal error: {type(error).__name__}", began_s)
            self._clock.wait(self._stopping, wait_s)

    def _once(self) -> None:
        """One connection, until it is lost (CameraError) or this worker stops."""
        stream = self._open(self._url, self._clock)
        self._stream, self._opened_s, self._making_way = stream, self._clock.monotonic_s(), False
        self._newest.step_s = 0.0
        stream.needless(self._needless_s, self._newest)
        self.counters["sub_connects"] += 1
        self.attempts.connected()
        try:
            self._read(stream)
        finally:
            self._stream = None
            stream.close()

    def _read(self, stream: CameraStream) -> None:
        timeline, sets = Timeline(), ParameterSets(stream.codec, stream.described)
        began_s = video_s = self._clock.monotonic_s()
        for raw, now_s, now_ms in arrivals(stream.packets(), self._clock):
            if self._stopping.is_set():
                return
            if self._making_way:
                raise StreamLostError("the main stream was lost when the sub stream came")
            if raw.video:
                video_s = now_s
                if raw.key:
                    raw = self._keyframe(raw, stream, sets)
                self._pass_on(timeline.place(raw, now_s, now_ms), now_s, now_ms)
            if now_s - video_s > STALL_S:
                raise StalledError(f"{address(self._url)} has sent no picture for {STALL_S:g} s")
            if self._wanted is None and now_s - began_s > FIRST_PICTURE_S:
                raise UnusableStreamError(
                    f"{address(self._url)} has sent no usable keyframe within {FIRST_PICTURE_S:g} s"
                )
            if self._rivalries and now_s - self._opened_s > RIVAL_S:
                self._rivalries = 0  # both run side by side

    def _needless_s(self) -> float:
        if self._wanted is None or self._live.watching:
            return 0.0
        return self._listener.sub_needless_s(self._newest.time_s)

    def hurry(self) -> None:
        """From any thread: what has gathered is needed now."""
        stream = self._stream
        if stream is not None:
            stream.hurry()

    def _pass_on(self, packet: Packet, now_s: float, now_ms: int) -> None:
        if self._wanted is None:
            return
        newest = self._newest
        newest.time_s, newest.step_s = packet.time_s, packet.duration / TICKS_PER_S
        newest.came_s = now_s - (now_ms - packet.wall_ms) / 1000
        self.counters["sub_packets"] += 1
        self.counters["sub_bytes"] += len(packet.data)
        self._live.feed(packet)
        self._listener.sub_packet(packet)

    def _keyframe(self, raw: RawPacket, stream: CameraStream, sets: ParameterSets) -> RawPacket:
        try:
            data, changed = sets.take(raw.data)
        except ValueError as error:
            log.warning("sub stream: %s", error)
            return raw
        if self._wanted is None or changed:
            if self._wanted is not None:
                self._live.interrupted()
            self._wanted = read_format(uuid7(self._clock), stream.codec, data, sets.current, None)
            self._live.stream_started(self._wanted)
            self._listener.sub_started(self._wanted)
            log.info("sub stream: %s %d×%d", stream.codec, self._wanted.width_px, self._wanted.height_px)
        return replace(raw, data=data)

    def _lost(self, error: Exception, reason: str, began_s: float) -> float:
        """Seconds until the next try."""
        self.counters["sub_losses"] += 1
        lasted_s = self._clock.monotonic_s() - began_s
        had_pictures, self._wanted = self._wanted is not None, None
        wait_s = self.attempts.lost(error, had_pictures=had_pictures, lasted_s=lasted_s)
        if had_pictures:
            self._live.interrupted()
        if self._stopping.is_set():
            return 0.0
        if self._rivalries >= MAX_RIVALRIES:
            self._rivalries, wait_s = 0, ONE_CLIENT_PAUSE_S
            reason = (
                "the camera drops its main stream when the sub stream is opened: it seems to allow one viewer only; "
                "tried again in an hour"
            )
        self._listener.sub_lost(reason)
        return wait_s
