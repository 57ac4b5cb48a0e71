"""All that can be watched of one camera: copies of its streams, and profiles that are made on demand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from vigilar_common.bus import Bus
from vigilar_common.clock import Clock
from vigilar_common.config.web import Remote
from vigilar_common.messages.camera import LiveLease, LiveStream

from vigilar_camera_worker.adapters.transcode import Profile
from vigilar_camera_worker.domain.ring import PacketRing
from vigilar_camera_worker.live import Live
from vigilar_camera_worker.live_outputs import Output, PictureOutput, VideoOutput
from vigilar_camera_worker.live_source import LiveSource
from vigilar_camera_worker.live_transcode import LiveTranscode
from vigilar_camera_worker.report import Report
from vigilar_camera_worker.snapshots import Snapshots

H264: Final = Profile(width_px=1280, height_px=720, fps=15, bitrate_kbps=2_500)
"""What a browser without H.265 gets."""
JPEG: Final = Profile(width_px=640, height_px=480, fps=5)


class LiveStreams:
    """The readers of the camera's streams feed ``main`` and ``sub``; ``lease`` decides what is sent of it.

    ``unseen`` says why nothing may be decoded at the moment: then there are copies only.
    """

    def __init__(
        self,
        bus: Bus,
        camera_id: str,
        ring: PacketRing,
        remote: Remote,
        report: Report,
        clock: Clock,
        *,
        unseen: str = "",
    ) -> None:
        self._unseen = unseen
        self.main = LiveSource(ring)
        self.sub = LiveSource(on_change=lambda online: report.update(sub_online=online))
        copies = {
            LiveStream.MAIN: Live(bus, camera_id, ring, clock),
            LiveStream.SUB: Live(bus, camera_id, self.sub.ring, clock, LiveStream.SUB),
        }
        self.main.join(copies[LiveStream.MAIN])
        self.sub.join(copies[LiveStream.SUB])
        width_px, height_px = remote.remote_hls_resolution
        profiles = {
            LiveStream.H264: H264,
            LiveStream.REMOTE: Profile(
                width_px, height_px, remote.remote_hls_fps, remote.remote_hls_bitrate_kbps
            ),
            LiveStream.JPEG: JPEG,
        }

        def output(stream: LiveStream, profile: Profile) -> Output:
            if profile.jpeg:
                return PictureOutput(bus, camera_id, stream)
            return VideoOutput(bus, camera_id, stream, profile, clock)

        outputs = {stream: output(stream, profile) for stream, profile in profiles.items()}
        self._made = {
            stream: LiveTranscode(
                stream.value,
                profile,
                (self.main,) if stream is LiveStream.H264 else (self.sub, self.main),
                outputs[stream],
                clock,
                lambda text, stream=stream: report.find(  # type: ignore[misc]
                    f"live_{stream.value}",
                    f"the live stream {stream.value} cannot be made: {text}" if text else "",
                ),
            )
            for stream, profile in profiles.items()
        }
        self._leased: Mapping[LiveStream, Live | LiveTranscode] = {**copies, **self._made}
        self.snapshots = Snapshots(bus, camera_id, self.main, clock, unseen)
        self.counters = [
            *(part.counters for part in self._leased.values()),
            *(part.counters for part in outputs.values()),
            self.snapshots.counters,
        ]

    @property
    def transcodes(self) -> int:
        """How many run now."""
        return sum(part.running for part in self._made.values())

    def lease(self, lease: LiveLease) -> None:
        if self._unseen and lease.stream in self._made:
            return  # the finding about the crashes says so
        self._leased[lease.stream].lease(lease.lease_s, lease.fresh)

    def stop(self, timeout_s: float) -> None:
        for part in self._made.values():
            part.stop(timeout_s)
        self.main.interrupted()
        self.sub.interrupted()
