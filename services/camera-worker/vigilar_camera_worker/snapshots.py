"""Pictures of now, on demand: decoded from the packets in the ring, at most one a second."""

from __future__ import annotations

import logging
import threading
from typing import Any, Final

from vigilar_common.bus import Bus, Received
from vigilar_common.clock import Clock, uuid7
from vigilar_common.messages.camera import TakeSnapshot
from vigilar_common.threads import Thread
from vigilar_common.topics import PICTURE

from vigilar_camera_worker.adapters.decoder import Decoder, Picture
from vigilar_camera_worker.adapters.pictures import Jpeg, PictureError, thumbnail
from vigilar_camera_worker.live_source import LiveSource

log = logging.getLogger(__name__)

INTERVAL_S: Final = 1.0
"""Who asks sooner gets the same picture again."""
MAX_ASKERS: Final = 16
MAX_PACKETS: Final = 75
"""Of a longer GOP only the keyframe is decoded: an older picture, but never seconds of CPU time."""


class Snapshots:
    """``asked`` comes from the bus's thread; the work is done on a thread that lives as long as it takes."""

    def __init__(self, bus: Bus, camera_id: str, source: LiveSource, clock: Clock, unseen: str = "") -> None:
        self._unseen = unseen
        self._bus, self._camera_id, self._source, self._clock = bus, camera_id, source, clock
        self._lock = threading.Lock()
        self._askers: list[Received] = []
        self._thread: threading.Thread | None = None
        self._last: tuple[float, int, str, int] | None = None
        """When it was made (monotonic s), its largest width, id, time taken (ms)."""
        self.counters = {"snapshots_made": 0, "snapshots_refused": 0}

    def asked(self, received: Received) -> None:
        with self._lock:
            if len(self._askers) >= MAX_ASKERS:
                self.counters["snapshots_refused"] += 1
                received.reply(ok=False, code="busy", message="Too many ask for a picture at once.")
                return
            self._askers.append(received)
            if self._thread is None:
                self._thread = Thread(target=self._run, name="snapshot")
                self._thread.start()

    def _run(self) -> None:
        while True:
            with self._lock:
                askers, self._askers = self._askers, []
                if not askers:
                    self._thread = None
                    return
            answer = self._answer(askers)
            for asker in askers:
                asker.reply(**answer)

    def _answer(self, askers: list[Received]) -> dict[str, Any]:
        widths = [a.message.max_width_px for a in askers if isinstance(a.message, TakeSnapshot)]
        try:
            return {"ok": True, "data": self._snapshot(max(widths))}
        except PictureError as error:
            reason = str(error)
        except Exception as error:
            log.exception("a snapshot of %s failed", self._camera_id)
            reason = f"internal error: {type(error).__name__}"
        self.counters["snapshots_refused"] += 1
        return {"ok": False, "code": "no_picture", "message": reason[:500]}

    def _snapshot(self, max_width_px: int) -> dict[str, Any]:
        """Raises PictureError."""
        now_s = self._clock.monotonic_s()
        last = self._last
        if last is None or now_s - last[0] >= INTERVAL_S or last[1] != max_width_px:
            picture = self._newest()
            jpeg = thumbnail(picture, max_width_px)
            last = (now_s, max_width_px, uuid7(self._clock), picture.wall_ms)
            self._send(jpeg, last)
            self._last = last
            self.counters["snapshots_made"] += 1
        return {"picture_id": last[2], "taken_ms": last[3]}

    def _newest(self) -> Picture:
        wanted = self._source.wanted
        gop = [packet for packet in self._source.ring.current_gop() if packet.video]
        if self._unseen:
            raise PictureError(self._unseen)
        if wanted is None or not gop:
            raise PictureError("the camera sends no picture at the moment")
        decoder = Decoder(wanted)
        found: Picture | None = None
        for packet in gop if len(gop) <= MAX_PACKETS else gop[:1]:
            for picture in decoder.feed(packet):
                found = picture
        if found is None:
            raise PictureError("what the camera sent last cannot be decoded")
        return found

    def _send(self, jpeg: Jpeg, made: tuple[float, int, str, int]) -> None:
        properties = {
            "kind": "snapshot",
            "picture_id": made[2],
            "cause_id": "",
            "ts_ms": str(made[3]),
            "width_px": str(jpeg.width_px),
            "height_px": str(jpeg.height_px),
        }
        if not self._bus.publish_frame(PICTURE, jpeg.data, properties, camera_id=self._camera_id):
            raise PictureError("the broker is away")
