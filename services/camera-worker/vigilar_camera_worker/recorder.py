"""When recordings begin, go on, split and end. Decides; the writer's thread does the work."""

from __future__ import annotations

import logging
import math
import threading
from typing import Final

from vigilar_common.clock import Clock, uuid7
from vigilar_common.messages.camera import Trigger

from vigilar_camera_worker.adapters.fmp4 import StreamFormat
from vigilar_camera_worker.domain.clocks import Clocks
from vigilar_camera_worker.domain.packets import TICKS_PER_S, Packet
from vigilar_camera_worker.domain.reasons import Order, Reasons
from vigilar_camera_worker.domain.recording import Ordered, Outage, Policy, Session
from vigilar_camera_worker.domain.ring import PacketRing
from vigilar_camera_worker.domain.session import Close, Missing, Open, StorePicture
from vigilar_camera_worker.writer import MAX_QUEUE_BYTES, Writer

log = logging.getLogger(__name__)

LONGEST_GAP_S: Final = 300.0
SOUND_WAIT_S: Final = 1.0
"""How long a split waits for sound that belongs before it."""


class Recorder:
    """``feed`` comes from the thread that reads the camera, motion from the one that analyses it, orders from the bus."""

    def __init__(self, policy: Policy, ring: PacketRing, writer: Writer, clock: Clock) -> None:
        self._policy, self._ring, self._writer, self._clock = policy, ring, writer, clock
        self._lock = threading.Lock()
        self._reasons = Reasons(policy.continuous, policy.post_s)
        self._wanted: StreamFormat | None = None
        self._session: Session | None = None
        self._outage: Outage | None = None
        self._away = "the camera was not connected yet"
        self._clocks: Clocks | None = None
        self._last_time_s = 0.0
        self._off = False
        self.queue_overflows = 0

    @property
    def recording_id(self) -> str | None:
        session = self._session
        return session.recording_id if session else None

    def needless_s(self, time_s: float) -> float:
        """How long the file that is written does not need what follows the packet at this media time."""
        return math.inf if self._session is None else self._writer.needless_s(time_s)

    def stream_started(self, wanted: StreamFormat) -> None:
        """A new connection, or other parameters on the same: what follows needs a file of its own."""
        with self._lock:
            self._wanted = wanted

    def switch(self, on: bool) -> None:
        """Off: record nothing, whatever the reason. On again: what is wanted by then begins with the next keyframe."""
        with self._lock:
            self._off = not on
            session = self._session
            if self._off and session is not None:
                if session.held is not None:
                    self._split(session)
                session = self._session or session
                session.over_s = self._last_time_s if session.over_s is None else session.over_s
                self._close("switched off")
            if self._off and self._outage is not None:
                self._end_outage(self._clock.now_ms())

    def measured(self, clocks: Clocks) -> None:
        """What is known of the camera's clock by now; the next file that ends tells it."""
        self._clocks = clocks

    def missed_since(self, from_ms: int, reason: str, trigger: Trigger, cause_id: str | None) -> None:
        """Before the first connection: recording was interrupted with the process before this one."""
        with self._lock:
            until_ms = from_ms + round(self._policy.post_s * 1000)
            self._outage = Outage(from_ms, reason, trigger, cause_id, until_ms)

    def feed(self, packet: Packet) -> None:
        """Every packet, after it went into the ring."""
        with self._lock:
            if self._wanted is None:
                return
            self._last_time_s = max(self._last_time_s, packet.time_s)
            key = packet.video and packet.key
            session = self._session
            if session is None:
                if key and not self._off:
                    self._maybe_begin(packet)
                return
            if packet.number <= session.last_number:
                return  # was in what the ring gave
            if session.held is not None:
                self._hold(session, packet)
            elif session.over_s is not None or (
                packet.video and self._reasons.over(packet.time_s, self._clock.monotonic_s())
            ):
                self._rest(session, packet)
            elif key and session.blocked_from_ms is None and self._split_due(session, packet):
                self._begin_split(session, packet)
            else:
                self._append(session, packet, key)

    def motion_started(self, onset_s: float, cause_id: str) -> str | None:
        """The id of the recording that shows it, None when motion is not recorded."""
        with self._lock:
            if self._policy.on_motion:
                self._reasons.motion_started(cause_id)
            session = self._session
            if session is not None and (self._policy.on_motion or session.over_s is None):
                if session.over_s is not None and not self._resume(session):
                    return self._begin_before(onset_s - self._policy.onset_slack_s, Trigger.MOTION, cause_id)
                early = onset_s < session.first.time_s and session.before is not None
                return session.before if early else session.recording_id
            if not self._policy.on_motion or self._wanted is None or self._off:
                return None
            return self._begin_before(onset_s - self._policy.onset_slack_s, Trigger.MOTION, cause_id)

    def motion_ended(self, last_s: float, cause_id: str) -> None:
        """``last_s``: media time of the last frame that showed it."""
        with self._lock:
            self._reasons.motion_ended(last_s, cause_id)

    def order(self, sender: str, trigger: Trigger, cause_id: str | None, duration_s: float) -> Ordered:
        """Record for ``duration_s`` from now, with pre- and post-roll; a longer order of the sender stays."""
        with self._lock:
            now_s = self._clock.monotonic_s()
            until_s = self._reasons.order(sender, Order(trigger, cause_id, now_s + duration_s)).until_s
            if self._off:
                return Ordered(None, until_s, "recording is switched off")
            if self._wanted is None:
                if self._outage is None:
                    now_ms = self._clock.now_ms()
                    self._outage = Outage(now_ms, self._away, trigger, cause_id, now_ms)
                return Ordered(None, until_s, self._away)
            session = self._session
            if session is not None and session.over_s is not None and not self._resume(session):
                session = None
            if session is None:
                self._begin_before(self._last_time_s, trigger, cause_id)
            return Ordered(self.recording_id, until_s)

    def cancel(self, sender: str) -> bool:
        """End the sender's order; the post-roll follows. False when there is none."""
        with self._lock:
            return self._reasons.cancel(sender, self._clock.monotonic_s(), self._session is not None)

    def ordered_until_ms(self) -> int:
        """When the last order that runs will end, UTC ms; 0: none runs."""
        with self._lock:
            now_s = self._clock.monotonic_s()
            until_s = self._reasons.ordered_until_s(now_s)
            return self._clock.now_ms() + round((until_s - now_s) * 1000) if until_s else 0

    def interrupted(self, reason: str, *, lossless: bool = False) -> None:
        """The camera is gone: finish the file; go on when pictures come back. ``lossless``: it only changes its
        format, the next packet follows without a gap."""
        with self._lock:
            if self._session is not None and self._session.held is not None:
                self._split(self._session)
            session, self._wanted, self._away = self._session, None, reason
            motion_left_s = self._reasons.motion_left_s(self._last_time_s)
            if session is not None and session.over_s is not None:
                self._close(session.over_reason)
            elif session is not None:
                self._close(reason)
                self._outage = Outage(
                    None if lossless else session.end_ms,
                    reason,
                    session.trigger,
                    session.cause_id,
                    session.end_ms + round(motion_left_s * 1000),
                )
            self._last_time_s = 0.0

    def tick(self) -> None:
        """While there is no picture: tell of the gap as it grows, and end it where recording would have ended."""
        with self._lock:
            outage, now_ms = self._outage, self._clock.now_ms()
            if outage is None:
                return
            until_ms = self._outage_until_ms(outage)
            if until_ms is not None and now_ms >= until_ms:
                self._end_outage(until_ms)
            elif outage.from_ms is not None and now_ms - outage.from_ms > LONGEST_GAP_S * 1000:
                self._writer.put(Missing(outage.from_ms, now_ms, outage.reason), force=True)
                outage.from_ms = now_ms

    def store(self, picture: StorePicture) -> bool:
        return self._writer.put(picture)

    def stop(self, timeout_s: float) -> bool:
        """Finish what is being recorded; True when all of it is on the disk."""
        with self._lock:
            if self._session is not None:
                if self._session.held is not None:
                    self._split(self._session)
                self._close("stopping" if self._session.over_s is None else self._session.over_reason)
            if self._outage is not None:
                self._end_outage(self._clock.now_ms())
            self._wanted = None
        return self._writer.stop(timeout_s)

    # -- with the lock held -------------------------------------------------------------------------

    def _maybe_begin(self, packet: Packet) -> None:
        outage = self._outage
        if outage is not None:
            until_ms = self._outage_until_ms(outage)
            over = until_ms is not None and packet.wall_ms >= until_ms
            self._end_outage(until_ms if over and until_ms is not None else packet.wall_ms)
            if not over:
                self._reasons.go_on(packet.time_s + (outage.motion_until_ms - packet.wall_ms) / 1000)
                known = (outage.trigger, outage.cause_id)
                self._begin(*((Trigger.CONTINUOUS, None) if self._policy.continuous else known), [packet])
                return
        why = self._reasons.why(self._clock.monotonic_s())
        if why is not None:
            self._begin(*why, [packet])

    def _begin_before(self, time_s: float, trigger: Trigger, cause_id: str | None) -> str | None:
        """With the pre-roll before this media time; None without a keyframe: `feed` begins with the next one."""
        packets = self._ring.since(time_s - self._policy.pre_s)
        return self._begin(trigger, cause_id, packets) if packets else None

    def _begin(
        self, trigger: Trigger, cause_id: str | None, packets: list[Packet], before: str | None = None
    ) -> str | None:
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
        self._session = Session(recording_id, trigger, cause_id, first, last.number, end_ms, before)
        return recording_id

    def _append(self, session: Session, packet: Packet, key: bool) -> None:
        if session.blocked_from_ms is not None:
            if key and self._writer.queued_bytes < MAX_QUEUE_BYTES // 2:
                self._unblock(session, packet)
            return
        if self._writer.put(packet):
            session.last_number = packet.number
            if packet.video:
                session.end_ms = _end_ms(session.first, packet)
            return
        self.queue_overflows += 1
        session.blocked_from_ms = packet.wall_ms
        log.error("the disk is too slow: %d bytes wait, recording pauses", self._writer.queued_bytes)
        self._writer.put(Close("disk too slow", clocks=self._clocks), force=True)

    def _unblock(self, session: Session, packet: Packet) -> None:
        assert session.blocked_from_ms is not None
        gap = Missing(session.blocked_from_ms, packet.wall_ms, "the disk is too slow")
        self._writer.put(gap, force=True)
        if self._begin(session.trigger, session.cause_id, [packet]) is None:
            session.blocked_from_ms = packet.wall_ms

    def _rest(self, session: Session, packet: Packet) -> None:
        """Nothing more to record. Should something begin soon, its pre-roll would reach into this file: so long it
        stays open, and what comes then is appended without a hole, instead of being recorded twice."""
        if session.over_s is None:
            session.over_s = packet.time_s
        if packet.time_s - session.over_s > self._policy.pre_s or session.blocked_from_ms is not None:
            self._close(session.over_reason)

    def _resume(self, session: Session) -> bool:
        """Go on with the file that rests, with all that came meanwhile; False when the ring has lost some of it."""
        session.over_s = None
        missed = self._ring.after(session.last_number)
        if missed is not None and self._writer.put(*missed):
            if missed:
                session.last_number = missed[-1].number
                session.end_ms = _end_ms(session.first, missed[-1])
            return True
        self._close(session.over_reason)
        return False

    def _split_due(self, session: Session, packet: Packet) -> bool:
        return packet.time_s - session.first.time_s >= self._policy.split_s

    def _begin_split(self, session: Session, packet: Packet) -> None:
        session.held = [packet]
        if self._wanted is None or self._wanted.audio is None:
            self._split(session)

    def _hold(self, session: Session, packet: Packet) -> None:
        """Sound is sent a little after the pictures it belongs to: what is before the cut goes into the old file."""
        assert session.held is not None
        cut = session.held[0]
        if not packet.video and packet.dts < cut.dts:
            self._append(session, packet, key=False)
            return
        session.held.append(packet)
        if not packet.video or packet.time_s - cut.time_s > SOUND_WAIT_S:
            self._split(session)

    def _split(self, session: Session) -> None:
        held, session.held = session.held, None
        assert held is not None
        if session.blocked_from_ms is None:
            self._writer.put(Close("split", held[0].wall_ms, self._clocks), force=True)
        if self._begin(session.trigger, session.cause_id, held, session.recording_id) is None:
            session.blocked_from_ms = held[0].wall_ms

    def _close(self, reason: str) -> None:
        session, self._session = self._session, None
        over = session is not None and session.over_s is not None
        self._writer.put(Close(reason, clocks=self._clocks, over=over), force=True)
        if session is not None and session.blocked_from_ms is not None:
            gap = Missing(session.blocked_from_ms, self._clock.now_ms(), "the disk is too slow")
            self._writer.put(gap, force=True)

    def _outage_until_ms(self, outage: Outage) -> int | None:
        """When recording would have ended without the loss; None: never."""
        if self._policy.continuous:
            return None
        ordered_s = self._reasons.ordered_left_s(self._clock.monotonic_s())
        ordered_ms = self._clock.now_ms() + round(ordered_s * 1000) if ordered_s > 0 else 0
        return max(outage.motion_until_ms, ordered_ms)

    def _end_outage(self, to_ms: int) -> None:
        outage, self._outage = self._outage, None
        if outage is not None and outage.from_ms is not None:
            self._writer.put(Missing(outage.from_ms, to_ms, outage.reason), force=True)


def _end_ms(first: Packet, last: Packet) -> int:
    return first.wall_ms + (last.dts + last.duration - first.dts) * 1000 // TICKS_PER_S
