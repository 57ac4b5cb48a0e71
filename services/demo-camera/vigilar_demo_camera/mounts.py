"""The cameras of the RTSP server, and the thread that feeds them in real time.

Runs under Debian's own interpreter (see ``rtsp_server``), so it keeps to the standard library and reads the
clocks itself; GStreamer is handed in.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from pathlib import Path
from typing import Any

from vigilar_demo_camera.playback import Fault, Film, Playhead, spoil

MAX_QUEUED_FRAMES = 100
"""Per mount, on the way to GStreamer; above it (nobody takes the video) frames are skipped to a keyframe."""
MAX_LATE_S = 1.0
NOISE_BYTES = 4096

_CAPS = {"h264": "video/x-h264", "hevc": "video/x-h265"}
_PAYLOADER = {"h264": "rtph264pay", "hevc": "rtph265pay"}
_MILLISECOND_NS = 1_000_000

log = logging.getLogger("demo-camera")


class Truth:
    """Appends what was shown when to a JSON Lines file, so that a test can compare what was noticed when."""

    def __init__(self, path: Path | None) -> None:
        self._file = path.open("a", encoding="utf-8", buffering=1) if path else None

    def write(self, mount: str, event: str, loop: int, watched: bool, frame: int) -> None:
        """``watched``: whether the frame went to a viewer. ``frame``: its number, counted through all loops."""
        if self._file is not None:
            wall_ms = time.time_ns() // _MILLISECOND_NS
            row = {"mount": mount, "event": event, "wall_ms": wall_ms, "loop": loop, "watched": watched}
            self._file.write(json.dumps({**row, "frame": frame}) + "\n")


class Mount:
    """One camera: a film, its position, and the GStreamer source that carries it.

    The film starts with the first viewer and from then on runs whether watched or not. Only the feeder thread
    calls ``tick``; GStreamer's threads call ``attach`` and ``detach``.
    """

    def __init__(self, gst: Any, name: str, film: Film, faults: list[Fault], truth: Truth) -> None:
        self.name = name
        self.film = film
        self.faults = faults
        self.on_close_fault: Any = None
        self.viewers: set[Any] = set()
        """The clients connected to it; the server keeps this up to date."""
        self._gst = gst
        self._truth = truth
        self._lock = threading.Lock()
        # A mapping of the file, and slices of it: frames are never copied into Python.
        whole = gst.GLib.MappedFile.new(str(film.stream), False).get_bytes()
        self._units = [gst.GLib.Bytes.new_from_bytes(whole, offset, size) for offset, size, _ in film.frames]
        self._duration_ns = gst.Gst.SECOND // film.fps
        self._playhead: Playhead | None = None
        self._first_viewer_ns = 0
        self._source: Any = None
        self._fresh = False
        self._pts_base_ns = 0
        self._needs_key = False
        self._skipped = 0
        self._closed = False

    def launch(self) -> str:
        """The pipeline in gst-launch syntax; parameter sets are repeated with every keyframe."""
        film = self.film
        return (
            f"( appsrc name=source is-live=true format=time stream-type=stream block=false max-bytes=0 "
            f"caps={_CAPS[film.codec]},stream-format=byte-stream,alignment=au,width={film.width},"
            f"height={film.height},framerate={film.fps}/1 ! {_PAYLOADER[film.codec]} name=pay0 pt=96 "
            "config-interval=-1 )"
        )

    def attach(self, source: Any) -> None:
        with self._lock:
            self._source, self._fresh = source, True
        log.info("%s: on air", self.name)

    def detach(self, source: Any) -> None:
        with self._lock:
            if self._source is not source:
                return
            self._source = None
        log.warning("%s: off air", self.name)

    def tick(self, now_ns: int) -> int | None:
        """Send what is due; when the next frame is due (monotonic ns), None before there was any viewer."""
        with self._lock:
            if self._fresh:
                self._begin(now_ns)
            head = self._playhead
            if head is None:
                return None
            late_ns = now_ns - head.due_ns()
            if late_ns > MAX_LATE_S * 1e9:
                log.warning("%s: %.1f s late, skipping to the next keyframe", self.name, late_ns / 1e9)
            while head.due_ns() <= now_ns:
                if now_ns - head.due_ns() > MAX_LATE_S * 1e9:
                    self._needs_key = True
                self._show(head, (now_ns - self._first_viewer_ns) / 1e9)
                head.number += 1
            return head.due_ns()

    def _begin(self, now_ns: int) -> None:
        """A new source runs: start with a keyframe, its timestamp being the source's time now."""
        self._fresh = False
        if self._playhead is None:
            self._playhead = Playhead(self.film, now_ns)
            self._first_viewer_ns = now_ns
        else:
            self._playhead.rewind_to_keyframe(now_ns)
        running_ns = self._source.get_clock().get_time() - self._source.get_base_time()
        self._pts_base_ns = running_ns - self._playhead.offset_ns(self._playhead.number)
        self._needs_key = False
        # From here on each frame is shown at its distance from this one.
        self._truth.write(self.name, "begin", self._playhead.loop, bool(self.viewers), self._playhead.number)

    def _show(self, head: Playhead, elapsed_s: float) -> None:
        active = {fault.kind for fault in self.faults if fault.active(elapsed_s)}
        if "close" in active and not self._closed:
            self._closed = True
            log.warning("%s: fault: closing connections", self.name)
            self.on_close_fault(self, next(fault for fault in self.faults if fault.kind == "close"))
        sent = "stall" not in active and self._send(head, garbage="garbage" in active)
        for event in self.film.events_at(head.number):
            self._truth.write(self.name, event, head.loop, sent and bool(self.viewers), head.number)

    def _send(self, head: Playhead, garbage: bool) -> bool:
        if self._source is None:
            return False
        key = self.film.frames[head.index][2]
        if self._source.get_property("current-level-buffers") > MAX_QUEUED_FRAMES:
            self._needs_key = True
            self._skipped += 1
            if self._skipped % MAX_QUEUED_FRAMES == 1:
                log.warning("%s: viewers do not take the video, %d frames skipped", self.name, self._skipped)
            return False
        if self._needs_key and not key:
            return False
        self._needs_key = False
        unit = self._units[head.index]
        if garbage:
            unit = self._gst.GLib.Bytes.new(spoil(unit.get_data(), os.urandom(NOISE_BYTES)))
        buffer = self._gst.Gst.Buffer.new_wrapped_bytes(unit)
        buffer.pts = buffer.dts = self._pts_base_ns + head.offset_ns(head.number)
        buffer.duration = self._duration_ns
        if not key:
            buffer.set_flags(self._gst.Gst.BufferFlags.DELTA_UNIT)
        return bool(self._source.emit("push-buffer", buffer) == self._gst.Gst.FlowReturn.OK)


class Feeder(threading.Thread):
    """Sends every mount's frames at their time.

    A thread of its own: GStreamer's server blocks its caller until a new source has delivered a first frame.
    """

    def __init__(self, mounts: list[Mount]) -> None:
        super().__init__(name="feeder", daemon=True)
        self._mounts = mounts
        self._wake = threading.Condition()
        self._changed = False
        self._stopped = False
        self.failure: Exception | None = None
        self.on_failure: Any = None

    def wake(self) -> None:
        with self._wake:
            self._changed = True
            self._wake.notify()

    def stop(self) -> None:
        with self._wake:
            self._stopped = True
            self._wake.notify()

    def run(self) -> None:
        try:
            while not self._stopped:
                dues = [due for mount in self._mounts if (due := mount.tick(time.monotonic_ns())) is not None]
                with self._wake:
                    if not self._changed and not self._stopped:
                        wait_s = max(0.0, (min(dues) - time.monotonic_ns()) / 1e9) if dues else None
                        self._wake.wait(wait_s)
                    self._changed = False
        except Exception as error:  # without its feeder the server shows nothing: the process must end
            self.failure = error
            log.exception("the feeder failed")
            self.on_failure()
