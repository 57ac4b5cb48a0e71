"""The camera's thread: connect, read, hand every packet on, and connect again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from vigilar_common.clock import Clock, uuid7
from vigilar_common.config import Camera

from vigilar_camera_worker.adapters.fmp4 import StreamFormat, read_format
from vigilar_camera_worker.adapters.stream import CameraStream, open_stream
from vigilar_camera_worker.analyser import Analyser
from vigilar_camera_worker.domain.backoff import BackOff
from vigilar_camera_worker.domain.nal import ParameterSets
from vigilar_camera_worker.domain.packets import RawPacket
from vigilar_camera_worker.domain.ring import PacketRing
from vigilar_camera_worker.domain.timeline import Timeline
from vigilar_camera_worker.errors import CameraError, StreamLostError, UnusableStreamError, address
from vigilar_camera_worker.live_source import PacketListener
from vigilar_camera_worker.recorder import Recorder
from vigilar_camera_worker.report import Report

log = logging.getLogger(__name__)

STALL_S: Final = 8.0
"""Sound or control data without a picture for this long: the connection is given up."""
FIRST_PICTURE_S: Final = 15.0
"""So long may the first keyframe take."""
UNDECODABLE_S: Final = 10.0
LONG_GOP_S: Final = 5.0
FPS_WINDOW_S: Final = 5.0
TICK_S: Final = 1.0
Opener = Callable[[str, Clock], CameraStream]


class CameraReader:
    """One camera. ``start`` runs it on a thread of its own until ``stop``."""

    def __init__(
        self,
        camera: Camera,
        clock: Clock,
        report: Report,
        ring: PacketRing,
        recorder: Recorder,
        live: PacketListener,
        analyser: Analyser,
        *,
        opener: Opener = open_stream,
        back_off: BackOff | None = None,
    ) -> None:
        self._camera, self._clock, self._report, self._ring = camera, clock, report, ring
        self._recorder, self._live, self._analyser = recorder, live, analyser
        self._open, self._back_off = opener, back_off or BackOff()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._wanted: StreamFormat | None = None
        self._fps_from_s, self._fps_frames = 0.0, 0
        self.counters = {
            "packets": 0,
            "bytes": 0,
            "video_frames": 0,
            "connects": 0,
            "losses": 0,
            "clock_jumps": 0,
        }

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float) -> bool:
        """Ask it to end. False when it still waits for the camera: FFmpeg cannot be interrupted, and nothing
        depends on that read any more, so the process may end over it."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def picture_decoded(self, stream_id: str) -> None:
        """From the analyser: the connection with this id gives clean pictures."""
        wanted = self._wanted
        if wanted is not None and wanted.stream_id == stream_id:
            self._report.online()

    # -- on the camera's thread ---------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping.is_set():
            began_s = self._clock.monotonic_s()
            try:
                self._once()
            except CameraError as error:
                self._lost(str(error), began_s)
            except Exception as error:
                # A bug or an exhausted resource must cost one connection, not the camera.
                log.exception("reading %s failed", address(self._camera.rtsp_url))
                self._lost(f"internal error: {type(error).__name__}", began_s)
            self._wait(self._back_off.next_s())

    def _once(self) -> None:
        """One connection, until it is lost (CameraError) or this worker stops."""
        stream = self._open(self._camera.rtsp_url, self._clock)
        self.counters["connects"] += 1
        try:
            self._tell_findings(stream)
            self._read(stream)
        finally:
            stream.close()

    def _read(self, stream: CameraStream) -> None:
        timeline, sets = Timeline(), ParameterSets(stream.codec, stream.described)
        now_s = self._clock.monotonic_s()
        began_s = video_s = self._fps_from_s = now_s
        self._fps_frames = 0
        for raw in stream.packets():
            if self._stopping.is_set():
                return
            now_s = self._clock.monotonic_s()
            self.counters["packets"] += 1
            self.counters["bytes"] += len(raw.data)
            if raw.video:
                video_s = now_s
                self._count_fps(now_s)
                if raw.key:
                    raw = self._keyframe(raw, stream, sets)
            self._check(now_s, began_s, video_s)
            if self._wanted is None:
                continue
            packet = timeline.place(raw, now_s, self._clock.now_ms())
            self.counters["clock_jumps"] = timeline.jumps
            if not self._ring.push(packet):
                self._tell_overflow()
                continue
            self._recorder.feed(packet)
            self._live.feed(packet)
            if packet.video:
                self._analyser.put(packet)

    def _keyframe(self, raw: RawPacket, stream: CameraStream, sets: ParameterSets) -> RawPacket:
        """With parameter sets in front; begins a new format where they are the first or others than before."""
        try:
            data, changed = sets.take(raw.data)
        except ValueError as error:
            log.warning("%s: %s", self._camera.id, error)
            return raw
        if self._wanted is None or changed:
            if changed and self._wanted is not None:
                log.warning("%s changes its picture format", self._camera.id)
                self._interrupt("the camera changed its picture format", lossless=True)
            stream_id = uuid7(self._clock)
            self._begin(read_format(stream_id, stream.codec, data, sets.current, stream.audio))
        longest_s = self._ring.longest_gop_s
        if longest_s > LONG_GOP_S:
            self._report.find(
                "long_gop",
                f"keyframes come up to {longest_s:.0f} s apart: live pictures start late and clips may start early; "
                "set the camera's keyframe (I-frame) interval to 1–2 s",
            )
        return replace(raw, data=data)

    def _begin(self, wanted: StreamFormat) -> None:
        self._ring.clear()
        self._wanted = wanted
        for part in (self._recorder, self._live, self._analyser):
            part.stream_started(wanted)
        width, height = self._camera.resolution_capture
        self._report.find(
            "resolution",
            ""
            if (wanted.width_px, wanted.height_px) == (width, height)
            else f"the stream is {wanted.width_px}×{wanted.height_px} pixels, resolution_capture says {width}×{height}; "
            "correct the one or the other",
        )
        self._report.update(codec=wanted.codec, width_px=wanted.width_px, height_px=wanted.height_px)
        log.info("%s: %s %d×%d", self._camera.id, wanted.codec, wanted.width_px, wanted.height_px)

    def _check(self, now_s: float, began_s: float, video_s: float) -> None:
        """Raises CameraError when the connection is alive but useless."""
        where = address(self._camera.rtsp_url)
        if now_s - video_s > STALL_S:
            raise StreamLostError(f"{where} has sent no picture for {STALL_S:g} s")
        if self._wanted is None:
            if now_s - began_s > FIRST_PICTURE_S:
                raise UnusableStreamError(f"{where} has sent no usable keyframe within {FIRST_PICTURE_S:g} s")
            return
        limit_s = max(UNDECODABLE_S, 2 * self._ring.longest_gop_s)
        if now_s - max(began_s, self._analyser.good_s) > limit_s:
            raise UnusableStreamError(f"{where} sends data that cannot be decoded as {self._wanted.codec}")

    def _lost(self, reason: str, began_s: float) -> None:
        if self._stopping.is_set():
            return  # the last word on the state is `stop`'s
        self.counters["losses"] += 1
        if self._wanted is not None:
            self._back_off.was_online(self._clock.monotonic_s() - began_s)
        # The ring must not give packets of the old connection to a recording of the next one.
        self._interrupt(reason)
        self._report.lost(reason)

    def _interrupt(self, reason: str, *, lossless: bool = False) -> None:
        self._wanted = None
        self._recorder.interrupted(reason, lossless=lossless)
        self._live.interrupted()
        self._analyser.interrupted()
        self._ring.clear()

    def _wait(self, seconds: float) -> None:
        until_s = self._clock.monotonic_s() + seconds
        while not self._stopping.is_set():
            self._recorder.tick()
            left_s = until_s - self._clock.monotonic_s()
            if left_s <= 0:
                return
            self._clock.wait(self._stopping, min(left_s, TICK_S))

    def _count_fps(self, now_s: float) -> None:
        self._fps_frames += 1
        self.counters["video_frames"] += 1
        passed_s = now_s - self._fps_from_s
        if passed_s >= FPS_WINDOW_S:
            fps = round(self._fps_frames / passed_s, 1)
            self._fps_from_s, self._fps_frames = now_s, 0
            self._report.fps(fps)

    def _tell_findings(self, stream: CameraStream) -> None:
        dropped = "" if stream.audio else stream.unsupported_audio
        self._report.find(
            "audio",
            f"the camera's sound is {dropped}, which is not recorded; set the camera to AAC"
            if dropped
            else "",
        )
        self._report.find(
            "detect_url",
            "detect_url is set but not used yet: motion is searched in the main stream"
            if self._camera.detect_url
            else "",
        )

    def _tell_overflow(self) -> None:
        if self._ring.overflows:
            self._report.find(
                "ring",
                f"one keyframe interval is larger than {self._ring.max_bytes} bytes: clips start without pre-roll; "
                "lower the camera's bit rate or its keyframe interval",
            )
