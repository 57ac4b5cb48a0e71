"""When recordings begin, go on, split and end. Decides; the writer's thread does the work."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import Final

from vigilar_common.clock import Clock, uuid7
from vigilar_common.messages.camera import Trigger

from vigilar_camera_worker.adapters.fmp4 import StreamFormat
from vigilar_camera_worker.domain.packets import TICKS_PER_S, Packet
from vigilar_camera_worker.domain.ring import PacketRing
from vigilar_camera_worker.domain.session import Close, Missing, Open, StorePicture
from vigilar_camera_worker.writer import MAX_QUEUE_BYTES, Writer

log = logging.getLogger(__name__)

SPLIT_S: Final = 600.0
LONGEST_GAP_S: Final = 300.0


@dataclass(frozen=True)
class Policy:
    """The camera's configuration, as far as recording goes."""

    continuous: bool
    on_motion: bool
    pre_s: float
    post_s: float
    onset_slack_s: float
    """How much earlier than noticed a motion may have begun: one interval of idle analysis."""
    split_s: float = SPLIT_S


@dataclass
class _Session:
    recording_id: str
    trigger: Trigger
    cause_id: str | None
    first: Packet
    last_number: int
    end_ms: int
    """Wall time at which the newest frame ends, reckoned from the first one as in the file itself."""
    stop_at_s: float | None = None
    """Media time at which the post-roll is over; None: no end in sight."""
    blocked_from_ms: int | None = None
    """The writer's queue is full since then; nothing is put in until it has room again."""


@dataclass
class _Outage:
    from_ms: int | None
    """None: nothing is missing so far."""
    reason: str
    trigger: Trigger
    cause_id: str | None
    until_ms: int | None
    """When recording would have ended anyway; None: never."""


class Recorder:
    """``feed`` comes from the thread that reads the camera, motion from the one that analyses it."""

    def __init__(self, policy: Policy, ring: PacketRing, writer: Writer, clock: Clock) -> None:
        self._policy, self._ring, self._writer, self._clock = policy, ring, writer, clock
        self._lock = threading.Lock()
        self._wanted: StreamFormat | None = None
        self._session: _Session | None = None
        self._outage: _Outage | None = None
        self._moving = False
        self.queue_overflows = 0

    @property
    def recording_id(self) -> str | None:
        session = self._session
        return session.recording_id if session else None

    def stream_started(self, wanted: StreamFormat) -> None:
        """A new connection, or other parameters on the same: what follows needs a file of its own."""
        with self._lock:
            self._wanted = wanted

    def feed(self, packet: Packet) -> None:
        """Every packet, after it went into the ring."""
        with self._lock:
            if self._wanted is None:
                return
            key = packet.video and packet.key
            if self._session is None:
                if key:
                    self._maybe_begin(packet)
                return
            session = self._session
            if packet.number <= session.last_number:
                return  # was in what the ring gave
            if packet.video and session.stop_at_s is not None and packet.time_s > session.stop_at_s:
                self._close("motion over")
                return
            if key and packet.time_s - session.first.time_s >= self._policy.split_s:
                self._split(packet)
                return
            self._append(session, packet, key)

    def motion_started(self, onset_s: float, cause_id: str) -> str | None:
        """The id of the recording that shows it, None when motion is not recorded."""
        with self._lock:
            self._moving = True
            if self._session is not None:
                if self._policy.on_motion:
                    self._session.stop_at_s = None
                return self._session.recording_id
            if not self._policy.on_motion or self._wanted is None:
                return None
            packets = self._ring.since(onset_s - self._policy.pre_s - self._policy.onset_slack_s)
            if not packets:
                return None  # no keyframe yet: `feed` begins with the next one
            return self._begin(Trigger.MOTION, cause_id, packets)

    def motion_ended(self, last_s: float) -> None:
        """``last_s``: media time of the last frame that showed it."""
        with self._lock:
            self._moving = False
            if self._session is not None and not self._policy.continuous:
                self._session.stop_at_s = last_s + self._policy.post_s

    def interrupted(self, reason: str, *, lossless: bool = False) -> None:
        """The camera is gone: finish the file; go on when pictures come back. ``lossless``: it only changes its
        format, the next packet follows without a gap."""
        with self._lock:
            session, self._wanted = self._session, None
            self._moving = False
            if session is None:
                return
            self._writer.put(Close(reason), force=True)
            until_ms = None
            if not self._policy.continuous:
                left_s = self._policy.post_s
                if session.stop_at_s is not None:
                    left_s = min(left_s, max(0.0, session.stop_at_s - self._last_time_s))
                until_ms = session.end_ms + round(left_s * 1000)
            from_ms = None if lossless else session.end_ms
            self._outage = _Outage(from_ms, reason, session.trigger, session.cause_id, until_ms)
            self._session = None

    def tick(self) -> None:
        """While there is no picture: tell of the gap as it grows, and end it where recording would have ended."""
        with self._lock:
            outage, now_ms = self._outage, self._clock.now_ms()
            if outage is None:
                return
            if outage.until_ms is not None and now_ms >= outage.until_ms:
                self._end_outage(outage.until_ms)
            elif outage.from_ms is not None and now_ms - outage.from_ms > LONGEST_GAP_S * 1000:
                self._writer.put(Missing(outage.from_ms, now_ms, outage.reason), force=True)
                outage.from_ms = now_ms

    def store(self, picture: StorePicture) -> bool:
        return self._writer.put(picture)

    def stop(self, timeout_s: float) -> bool:
        """Finish what is being recorded; True when all of it is on the disk."""
        with self._lock:
            if self._session is not None:
                self._close("stopping")
            if self._outage is not None:
                self._end_outage(self._clock.now_ms())
            self._wanted = None
        return self._writer.stop(timeout_s)

    # -- with the lock held -------------------------------------------------------------------------

    _last_time_s = 0.0

    def _maybe_begin(self, packet: Packet) -> None:
        outage = self._outage
        if outage is not None:
            over = outage.until_ms is not None and packet.wall_ms >= outage.until_ms
            self._end_outage(outage.until_ms if over and outage.until_ms is not None else packet.wall_ms)
            if not over:
                self._begin(outage.trigger, outage.cause_id, [packet])
                if outage.until_ms is not None and self._session is not None:
                    self._session.stop_at_s = packet.time_s + (outage.until_ms - packet.wall_ms) / 1000
                return
        if self._policy.continuous:
            self._begin(Trigger.CONTINUOUS, None, [packet])
        elif self._moving and self._policy.on_motion:
            self._begin(Trigger.MOTION, None, [packet])

    def _begin(self, trigger: Trigger, cause_id: str | None, packets: list[Packet]) -> str | None:
        recording_id = uuid7(self._clock)
        opened = Open(recording_id, trigger, cause_id, self._wanted)
        first, last = packets[0], packets[-1]
        # The pre-roll shares its bytes with the ring, so a writer that keeps up may be given all of it at once.
        keeps_up = self._writer.queued_bytes < MAX_QUEUE_BYTES // 2
        if not self._writer.put(opened, *packets, force=keeps_up):
            self.queue_overflows += 1
            log.error("recording cannot begin: %d bytes still wait for the disk", self._writer.queued_bytes)
            return None
        end_ms = _end_ms(first, last)
        self._session = _Session(recording_id, trigger, cause_id, first, last.number, end_ms)
        self._last_time_s = last.time_s
        return recording_id

    def _append(self, session: _Session, packet: Packet, key: bool) -> None:
        self._last_time_s = packet.time_s
        if session.blocked_from_ms is not None:
            if key and self._writer.queued_bytes < MAX_QUEUE_BYTES // 2:
                self._unblock(session, packet)
            return
        if self._writer.put(packet):
            session.last_number, session.end_ms = packet.number, _end_ms(session.first, packet)
            return
        self.queue_overflows += 1
        session.blocked_from_ms = packet.wall_ms
        log.error("the disk is too slow: %d bytes wait, recording pauses", self._writer.queued_bytes)
        self._writer.put(Close("disk too slow"), force=True)

    def _unblock(self, session: _Session, packet: Packet) -> None:
        assert session.blocked_from_ms is not None
        gap = Missing(session.blocked_from_ms, packet.wall_ms, "the disk is too slow")
        self._writer.put(gap, force=True)
        stop_at_s = session.stop_at_s
        self._begin(session.trigger, session.cause_id, [packet])
        if self._session is not None:
            self._session.stop_at_s = stop_at_s

    def _split(self, packet: Packet) -> None:
        session = self._session
        assert session is not None
        self._writer.put(Close("split"), force=True)
        stop_at_s = session.stop_at_s
        if self._begin(session.trigger, session.cause_id, [packet]) is None:
            session.blocked_from_ms = packet.wall_ms
        elif self._session is not None:
            self._session.stop_at_s = stop_at_s

    def _close(self, reason: str) -> None:
        session, self._session = self._session, None
        self._writer.put(Close(reason), force=True)
        if session is not None and session.blocked_from_ms is not None:
            gap = Missing(session.blocked_from_ms, self._clock.now_ms(), "the disk is too slow")
            self._writer.put(gap, force=True)

    def _end_outage(self, to_ms: int) -> None:
        outage, self._outage = self._outage, None
        if outage is not None and outage.from_ms is not None:
            self._writer.put(Missing(outage.from_ms, to_ms, outage.reason), force=True)


def _end_ms(first: Packet, last: Packet) -> int:
    return first.wall_ms + (last.dts + last.duration - first.dts) * 1000 // TICKS_PER_S
