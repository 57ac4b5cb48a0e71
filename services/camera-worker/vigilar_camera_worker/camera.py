"""The camera's thread: connect, read, hand every packet on, and connect again."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

from vigilar_common.clock import Clock, uuid7
from vigilar_common.config import Camera
from vigilar_common.messages.camera import Trigger
from vigilar_common.threads import Thread

from vigilar_camera_worker.adapters.decoder import MAX_PICTURE_PX
from vigilar_camera_worker.adapters.fmp4 import StreamFormat, read_format
from vigilar_camera_worker.adapters.lull import Newest
from vigilar_camera_worker.adapters.stream import CameraStream, open_stream
from vigilar_camera_worker.attempts import Attempts
from vigilar_camera_worker.choice import StreamChoice
from vigilar_camera_worker.domain.arrivals import arrivals
from vigilar_camera_worker.domain.backoff import BackOff
from vigilar_camera_worker.domain.clocks import Clocks
from vigilar_camera_worker.domain.nal import ParameterSets
from vigilar_camera_worker.domain.packets import TICKS_PER_S, RawPacket
from vigilar_camera_worker.domain.ring import PacketRing
from vigilar_camera_worker.domain.timeline import Timeline
from vigilar_camera_worker.errors import CameraError, StalledError, UnusableStreamError, address
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
CHECK_S: Final = 0.5
"""How often a connection that sends is looked at, whether it is of use."""
CLOCK_OFFSET_MS: Final = 10_000
"""A camera's clock further off is told; recordings go by ours."""
UNSEEN_S: Final = 60.0
"""What cannot be looked at is ordered to be recorded so long, again with each keyframe."""
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
        analyser: StreamChoice,
        *,
        unseen: str = "",
        opener: Opener | None = None,
        back_off: BackOff | None = None,
    ) -> None:
        self._camera, self._clock, self._report, self._ring = camera, clock, report, ring
        self._recorder, self._live, self._analyser = recorder, live, analyser
        self._open = opener or partial(open_stream, transport=camera.rtsp_transport)
        self.attempts = Attempts(back_off or BackOff())
        self._stream: CameraStream | None = None
        self._stopping = threading.Event()
        self._thread = Thread(target=self._run, name="camera")
        self._wanted: StreamFormat | None = None
        # ``unseen``: why no picture may be looked at.
        self._analysed, self._unseen, self._limit_px = not unseen, unseen, 0 if unseen else MAX_PICTURE_PX
        self._keyframe_problem = ""
        self._fps_from_s, self._fps_frames = 0.0, 0
        self._newest = Newest()
        self._clocks: Clocks | None = None
        self._told_jumps = self._told_wraps = 0
        self.counters = {
            "packets": 0,
            "bytes": 0,
            "video_frames": 0,
            "connects": 0,
            "bad_keyframes": 0,
            "clock_jumps": 0,
            "clock_wraps": 0,
        }

    @property
    def clock_offset_s(self) -> float:
        """How far the camera's clock is ahead of ours; not a number while it is not known."""
        offset_ms = self._clocks.offset_ms if self._clocks else None
        return math.nan if offset_ms is None else offset_ms / 1000

    @property
    def clock_drift_ppm(self) -> float:
        """How much faster than ours the camera's clock runs; not a number while it is not known."""
        drift_ppm = self._clocks.drift_ppm if self._clocks else None
        return math.nan if drift_ppm is None else drift_ppm

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float) -> bool:
        """Ask it to end. False when it still waits for the camera (only where it is not read through a gate):
        nothing depends on that read any more, so the process may end over it."""
        self._stopping.set()
        stream = self._stream
        if stream is not None:
            stream.abort()
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
                wait_s = 0.0
            except CameraError as error:
                wait_s = self._lost(error, str(error), began_s)
            except Exception as error:
                # A bug or an exhausted resource must cost one connection, not the camera.
                log.exception("reading %s failed", address(self._camera.rtsp_url))
                wait_s = self._lost(error, f"internal error: {type(error).__name__}", began_s)
            self._wait(wait_s)

    def _once(self) -> None:
        """One connection, until it is lost (CameraError) or this worker stops."""
        stream = self._open(self._camera.rtsp_url, self._clock)
        self._stream = stream
        stream.needless(self._needless_s, self._newest)
        self.counters["connects"] += 1
        self.attempts.connected()
        try:
            self._tell_findings(stream)
            self._read(stream)
        finally:
            self._stream = None
            stream.close()

    def _needless_s(self) -> float:
        """How long nobody needs what comes next: it may gather in the socket."""
        if self._wanted is None or self._live.watching:
            return 0.0
        time_s = self._newest.time_s
        return min(self._analyser.main_needless_s(time_s), self._recorder.needless_s(time_s))

    def hurry(self) -> None:
        """From any thread: what has gathered is needed now."""
        stream = self._stream
        if stream is not None:
            stream.hurry()

    def _read(self, stream: CameraStream) -> None:
        self._told_jumps = self._told_wraps = 0
        self._keyframe_problem = ""
        timeline, sets = Timeline(), ParameterSets(stream.codec, stream.described)
        now_s = self._clock.monotonic_s()
        began_s = video_s = check_s = self._fps_from_s = now_s
        newest = self._newest
        newest.step_s = 0.0
        self._fps_frames = 0
        for raw, now_s, now_ms in arrivals(stream.packets(), self._clock):
            if self._stopping.is_set():
                return
            self.counters["packets"] += 1
            self.counters["bytes"] += len(raw.data)
            if raw.video:
                video_s = now_s
                self._count_fps(now_s)
                if raw.key:
                    raw = self._keyframe(raw, stream, sets)
            if now_s >= check_s:
                check_s = now_s + CHECK_S
                self._check(now_s, began_s, video_s)
            if self._wanted is None:
                continue
            packet = timeline.place(raw, now_s, now_ms)
            if raw.video:
                newest.time_s, newest.step_s = packet.time_s, packet.duration / TICKS_PER_S
                newest.came_s = now_s - (now_ms - packet.wall_ms) / 1000
            if packet.key:
                self._tell_clocks(timeline)
            if not self._ring.push(packet):
                self._tell_overflow()
                continue
            self._recorder.feed(packet)
            self._live.feed(packet)
            if packet.video and self._analysed:
                self._analyser.put(packet)

    def _keyframe(self, raw: RawPacket, stream: CameraStream, sets: ParameterSets) -> RawPacket:
        """With parameter sets in front; begins a new format where they are the first or others than before."""
        before = sets.current
        try:
            data, changed = sets.take(raw.data)
            wanted = None
            if self._wanted is None or changed:
                wanted = read_format(uuid7(self._clock), stream.codec, data, sets.current, stream.audio)
        except (ValueError, UnusableStreamError) as error:
            # Damaged on the way: the next one tells.
            sets.current = before
            self._bad_keyframe(str(error))
            return raw
        if wanted is not None:
            if changed and self._wanted is not None:
                log.warning("%s changes its picture format", self._camera.id)
                self._interrupt("the camera changed its picture format", lossless=True)
            self._begin(wanted)
        self._record_unseen()
        longest_s = self._ring.longest_gop_s
        if longest_s > LONG_GOP_S:
            self._report.find(
                "long_gop",
                f"keyframes come up to {longest_s:.0f} s apart: live pictures start late and clips may start early; "
                "set the camera's keyframe (I-frame) interval to 1–2 s",
            )
        return replace(raw, data=data)

    def _bad_keyframe(self, reason: str) -> None:
        if self._keyframe_problem != reason:
            log.warning("%s: %s", self._camera.id, reason)
        self._keyframe_problem = reason
        self.counters["bad_keyframes"] += 1

    def _begin(self, wanted: StreamFormat) -> None:
        self._ring.clear()
        self._wanted = wanted
        self._analysed = wanted.width_px * wanted.height_px <= self._limit_px
        searched = self._analysed or bool(self._camera.detect_url)
        for part in (self._recorder, self._live, *((self._analyser,) if searched else ())):
            part.stream_started(wanted)
        self._tell_too_large(wanted)
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
        if now_s - video_s > STALL_S:
            raise StalledError(f"{address(self._camera.rtsp_url)} has sent no picture for {STALL_S:g} s")
        if self._wanted is None:
            if now_s - began_s > FIRST_PICTURE_S:
                reason = f" ({self._keyframe_problem})" if self._keyframe_problem else ""
                raise UnusableStreamError(
                    f"{address(self._camera.rtsp_url)} has sent no usable keyframe within {FIRST_PICTURE_S:g} s{reason}"
                )
            return
        if not self._analysed:
            return
        limit_s = max(UNDECODABLE_S, 2 * self._ring.longest_gop_s)
        if now_s - max(began_s, self._analyser.good_s) > limit_s:
            raise UnusableStreamError(
                f"{address(self._camera.rtsp_url)} sends data that cannot be decoded as {self._wanted.codec}"
            )

    def _lost(self, error: Exception, reason: str, began_s: float) -> float:
        """Seconds until the next try."""
        if self._stopping.is_set():
            return 0.0  # the last word on the state is `stop`'s
        lasted_s = self._clock.monotonic_s() - began_s
        wait_s = self.attempts.lost(error, had_pictures=self._wanted is not None, lasted_s=lasted_s)
        # The ring must not give packets of the old connection to a recording of the next one.
        self._interrupt(reason)
        self._report.lost(reason, self.attempts.last_error)
        return wait_s

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

    def _tell_clocks(self, timeline: Timeline) -> None:
        clocks = self._clocks = timeline.clocks
        jumps, wraps = timeline.jumps - self._told_jumps, timeline.wraps - self._told_wraps
        self._told_jumps, self._told_wraps = timeline.jumps, timeline.wraps
        self.counters["clock_jumps"] += jumps
        self.counters["clock_wraps"] += wraps
        self._recorder.measured(clocks)
        offset_ms = clocks.offset_ms or 0
        self._report.find(
            "clock",
            f"the camera's clock is {abs(offset_ms) / 1000:.0f} s {'ahead of' if offset_ms > 0 else 'behind'} ours: "
            "what it writes into its pictures is wrong; set its time server"
            if abs(offset_ms) > CLOCK_OFFSET_MS
            else "",
        )

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
            f"the camera's sound is {dropped}, which cannot be recorded; set the camera to AAC or G.711"
            if dropped
            else "",
        )

    def _tell_too_large(self, wanted: StreamFormat) -> None:
        """Pictures beyond the bound are never decoded: they are recorded, all of them where motion would decide."""
        why = self._unseen or (
            f"pictures of {wanted.width_px}×{wanted.height_px} pixels are too large to be looked at (limit "
            f"{self._limit_px / 1_000_000:g} million); set detect_url to the camera's smaller stream"
        )
        all_of_it = "; until then all is recorded" if self._camera.record_on_motion else ""
        self._report.find(
            "too_large", "" if self._analysed or self._camera.detect_url else f"{why}{all_of_it}"
        )
        if not self._analysed:
            self._report.online()
            self._record_unseen()

    def _record_unseen(self) -> None:
        seen = self._analysed or self._analyser.sub_analysed
        if self._camera.record_on_motion and not seen:
            self._recorder.order("unseen", Trigger.CONTINUOUS, None, UNSEEN_S)

    def _tell_overflow(self) -> None:
        if self._ring.overflows:
            self._report.find(
                "ring",
                f"one keyframe interval is larger than {self._ring.max_bytes} bytes: clips start without pre-roll; "
                "lower the camera's bit rate or its keyframe interval",
            )
