"""Repairs the timestamps of a camera: gaps filled, jumps bridged, order kept, and wall time assigned.

Cameras leave out the first timestamp, wrap, restart their clock when they learn the time, and drift.
What comes out increases strictly per track and never jumps by more than the wall clock did.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vigilar_camera_worker.domain.clocks import Clocks, Drift
from vigilar_camera_worker.domain.packets import TICKS_PER_S, Packet, RawPacket

DEFAULT_FPS: Final = 15
MAX_STEP_S: Final = 10.0
"""A step forward beyond this (and beyond what really passed) is a jump of the camera's clock."""
MAX_BACK_S: Final = 0.5
MAX_LATENCY_S: Final = 5.0
WRAPS: Final = (1 << 32, 1 << 33)
"""Ticks after which RTP (32 bits) and MPEG-TS (33 bits) begin again at 0."""
SAME_ORIGIN_S: Final = 2.0
"""Sound and pictures of one origin arrive within this of one another."""
TOGETHER_S: Final = 5.0
"""Sound and pictures whose clocks jump within this time are moved by the same amount: they stay in step."""
_DRIFT_SHARE: Final = 0.002
"""How much of each packet's extra delay is taken for drift of the camera's clock."""


@dataclass
class _Track:
    shift: int = 0
    dts: int | None = None
    step: int = TICKS_PER_S // DEFAULT_FPS
    arrived_s: float = 0.0
    stamped: bool = False
    """Whether the camera ever gave a timestamp."""


class Timeline:
    """Of one connection. Not thread-safe: belongs to the thread that reads the camera."""

    def __init__(self) -> None:
        self._video, self._audio = _Track(), _Track(step=TICKS_PER_S * 1024 // 16_000)
        self._number = 0
        self._offset_s: float | None = None
        self._drift = Drift()
        self._newest: tuple[int, int | None] = (0, None)
        self._moved: tuple[int, float] | None = None
        self.jumps = 0
        """Discontinuities bridged so far."""
        self.wraps = 0

    @property
    def clocks(self) -> Clocks:
        arrival_ms, camera_ms = self._newest
        return Clocks(arrival_ms, camera_ms, self._drift.ppm, self.jumps)

    def place(self, raw: RawPacket, now_s: float, now_ms: int) -> Packet:
        """``now_s`` is the monotonic arrival time, ``now_ms`` the same moment in UTC."""
        track = self._video if raw.video else self._audio
        # Pictures in another order than they are shown in (B-frames) may come without the time they are sent at.
        stamp = raw.dts if raw.dts is not None else raw.pts
        dts = self._repaired(track, stamp, now_s)
        # More reordering than a second is a broken timestamp, not a B-frame.
        shown = dts if raw.pts is None else raw.pts + track.shift
        pts = shown if 0 <= shown - dts <= TICKS_PER_S else dts
        if track.dts is not None and 0 < dts - track.dts <= TICKS_PER_S * 2:
            track.step = dts - track.dts
        track.dts, track.arrived_s = dts, now_s
        track.stamped = track.stamped or stamp is not None
        self._number += 1
        wall_ms = now_ms - round(self._latency_s(dts / TICKS_PER_S, now_s) * 1000)
        if raw.video:
            self._drift.add(now_s - dts / TICKS_PER_S, now_s)
            if raw.camera_ms is not None or self._newest[1] is None:
                self._newest = (wall_ms, raw.camera_ms)
        return Packet(
            number=self._number,
            video=raw.video,
            key=raw.key,
            pts=pts,
            dts=dts,
            duration=raw.duration if 0 < raw.duration <= TICKS_PER_S * 2 else track.step,
            wall_ms=wall_ms,
            data=raw.data,
        )

    def _repaired(self, track: _Track, stamp: int | None, now_s: float) -> int:
        if not track.stamped:
            return self._first(track, stamp, now_s)
        assert track.dts is not None
        if stamp is None:
            return track.dts + track.step
        dts = self._unwrapped(track, stamp, track.dts + track.step)
        passed = now_s - track.arrived_s
        if not _plausible(dts - track.dts, passed) and not self._fits_pictures(track, dts, now_s):
            self.jumps += 1
            dts += self._bridge(track, dts, now_s)
        return max(dts, track.dts + 1)

    def _first(self, track: _Track, stamp: int | None, now_s: float) -> int:
        """Up to the first timestamp of a track. FFmpeg gives both tracks one origin, as far as the camera tells it
        (RTP-Info, sender reports); a track that cannot have the other's is placed where it arrived."""
        other = self._audio if track is self._video else self._video
        arrived = self._elapsed(now_s) if track.dts is None else track.dts + track.step
        known = stamp or 0  # RTSP leaves out the time of its first packet, which is 0
        if other.stamped and abs(known + other.shift - arrived) <= SAME_ORIGIN_S * TICKS_PER_S:
            track.shift = other.shift
        elif track.dts is None or abs(known + track.shift - arrived) > MAX_STEP_S * TICKS_PER_S:
            track.shift = arrived - known
        elif stamp is None:
            return arrived
        dts = known + track.shift
        return dts if track.dts is None else max(dts, track.dts + 1)

    def _fits_pictures(self, track: _Track, dts: int, now_s: float) -> bool:
        """Sound that steps back to where the pictures are: FFmpeg has learned how the two belong together."""
        if track is self._video or not self._video.stamped:
            return False
        return abs(dts - self._elapsed_of(self._video, now_s)) <= SAME_ORIGIN_S * TICKS_PER_S

    def _unwrapped(self, track: _Track, stamp: int, expected: int) -> int:
        dts = stamp + track.shift
        for period in WRAPS:
            if abs(dts + period - expected) <= MAX_STEP_S * TICKS_PER_S:
                self.wraps += 1
                track.shift += period
                return dts + period
        return dts

    def _bridge(self, track: _Track, dts: int, now_s: float) -> int:
        """By how much the track is moved so that time goes on."""
        assert track.dts is not None
        passed = now_s - track.arrived_s
        # After silence the new clock starts where time went on meanwhile.
        by = track.dts + max(track.step, round(passed * TICKS_PER_S) if passed > 1 else 0) - dts
        if self._moved is not None and now_s - self._moved[1] <= TOGETHER_S:
            other = self._moved[0]
            if abs(other - by) <= TICKS_PER_S and dts + other > track.dts:
                by = other
        self._moved = (by, now_s)
        track.shift += by
        return by

    def _elapsed(self, now_s: float) -> int:
        return self._elapsed_of(self._audio if self._video.dts is None else self._video, now_s)

    def _elapsed_of(self, track: _Track, now_s: float) -> int:
        return 0 if track.dts is None else track.dts + round((now_s - track.arrived_s) * TICKS_PER_S)

    def _latency_s(self, media_s: float, now_s: float) -> float:
        """How long ago the picture was taken, measured against the quickest packets seen."""
        candidate = now_s - media_s
        if self._offset_s is None or candidate < self._offset_s:
            self._offset_s = candidate
        else:
            self._offset_s += (candidate - self._offset_s) * _DRIFT_SHARE
        return min(max(candidate - self._offset_s, 0.0), MAX_LATENCY_S)


def _plausible(step: int, passed_s: float) -> bool:
    return -MAX_BACK_S <= step / TICKS_PER_S <= max(MAX_STEP_S, 2 * passed_s)
