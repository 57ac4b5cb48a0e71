"""Writes recordings on a thread of its own, so that a slow or full disk never holds up the camera."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from vigilar_common.clock import Clock, uuid7
from vigilar_common.errors import OutboxFullError
from vigilar_common.fmp4 import Fmp4Error, Fragment, FragmentIndex
from vigilar_common.messages import Fact
from vigilar_common.messages.camera import RecordingGap
from vigilar_common.threads import Thread

from vigilar_camera_worker import recording_facts as facts
from vigilar_camera_worker.adapters.files import Incoming, RecordingFile
from vigilar_camera_worker.adapters.fmp4 import (
    FRAGMENT_S,
    RECORDING,
    Muxer,
    StreamFormat,
)
from vigilar_camera_worker.domain.packets import TICKS_PER_S, Packet
from vigilar_camera_worker.domain.session import Close, Item, Missing, Open, StorePicture, Written, size_bytes

log = logging.getLogger(__name__)

MAX_QUEUE_BYTES: Final = 32 * 1024 * 1024
RETRY_S: Final = 1.0
"""After a disk error, how long until a new file is tried."""
LONGEST_GAP_S: Final = 60.0
"""A gap that goes on is told in pieces, so that it is known even if this process dies."""
LONGEST_PENDING_S: Final = 1.0
"""What a frame may wait for its fragment and in an open chunk, before it can be synced."""
IDLE_WAIT_S: Final = 0.45
"""Longer than a fragment: while a camera sends, the writer wakes for its fragments alone."""
OPEN_S: Final = 0.2
"""So much footage at most waits in an open chunk for the next fragment; more than that is sealed with padding. Beyond it
what a power cut takes is the fragment that is not over, and the frame by which FFmpeg knows that one is."""
HANDLED_BYTES: Final = 1024 * 1024
"""Whoever fills the queue hears of room in it in steps of this."""
MAX_CUT_S: Final = 1.0
"""How far the end of a file may be moved to where the next one begins."""
Tell = Callable[[Fact], object]
Note = Callable[[Written, bool], None]
"""What is written, and whether to keep that at once."""


@dataclass
class _Growing:
    open: Open
    file: RecordingFile
    muxer: Muxer
    started_ms: int
    index: FragmentIndex = field(default_factory=FragmentIndex)
    noted: int = 0
    unsynced: bool = False
    """Something was written since the last sync."""
    safe_ms: int = 0
    """UTC; what came before is whole and on the disk. Should the disk fail, all since then is told as missing."""

    @property
    def ended_ms(self) -> int:
        return self.started_ms + self.muxer.end * 1000 // TICKS_PER_S


class Writer:
    """``put`` from any thread; everything else happens on the writer's thread."""

    def __init__(
        self, incoming: Incoming, camera_id: str, tell: Tell, clock: Clock, sync_interval_s: float
    ) -> None:
        self._incoming, self._camera_id, self._tell_fact, self._clock = incoming, camera_id, tell, clock
        self._sync_interval_s = sync_interval_s
        self._items: deque[Item] = deque()
        self._due = False
        self._cut_s = self._cut_due_s = 0.0
        self._silent = False
        self._news = threading.Condition()
        self._bytes = 0
        self._stopping = False
        self._thread = Thread(target=self._run, name="writer")
        self._growing: _Growing | None = None
        self._pending: Open | None = None
        self._failed_from_ms: int | None = None
        self._retry_at_s = 0.0
        self._next_sync_s = 0.0
        self.problem = ""
        """Why nothing is recorded although something should be; empty when all is well."""
        self.on_change: Callable[[], None] = lambda: None
        self.note: Note = lambda _written, _now: None
        self.counters = {
            "recordings": 0,
            "recorded_bytes": 0,
            "disk_errors": 0,
            "gaps": 0,
            "syncs": 0,
            "pictures": 0,
        }

    @property
    def recording(self) -> bool:
        """Whether a file grows right now."""
        return self._growing is not None

    @property
    def queued_bytes(self) -> int:
        return self._bytes

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def needless_s(self, time_s: float) -> float:
        """How long nothing that follows the packet at this media time reaches the disk: until its fragment can end."""
        return self._cut_s - time_s if self._growing is not None else 0.0

    def start(self) -> None:
        self._thread.start()

    def put(self, *items: Item, force: bool = False) -> bool:
        """All of them in this order, or False when the queue is full. ``force`` is for the small ones that end things."""
        weight = sum(map(size_bytes, items))
        with self._news:
            if not force and self._bytes + weight > MAX_QUEUE_BYTES:
                return False
            self._items.extend(items)
            self._bytes += weight
            last = items[-1]
            # Between two ends of fragments a packet changes nothing on the disk: it need not be handled at once.
            if force or not isinstance(last, Packet) or last.key or last.time_s >= self._cut_s:
                self._due = True
                if self._silent and isinstance(last, Packet):
                    # Known before the writer's thread comes to it, so that the reader may rest at once.
                    self._cut_s = last.time_s + FRAGMENT_S
                self._news.notify()
        return True

    def stop(self, timeout_s: float) -> bool:
        """Write what is queued and finish; False when the disk did not take it in time."""
        with self._news:
            self._stopping = True
            self._news.notify()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    # -- on the writer's thread ---------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            with self._news:
                if not self._due and not self._stopping:
                    self._news.wait(None if self._growing is None else IDLE_WAIT_S)
                items, self._items = self._items, deque()
                self._due = False
                done = self._stopping and not items
            handled = 0
            for item in items:
                self._handle(item)
                handled += size_bytes(item)
                if handled >= HANDLED_BYTES or item is items[-1]:
                    with self._news:
                        self._bytes -= handled
                    handled = 0
            if done:
                break
            if not items:
                self._upkeep()
        self._finish(Close("stopping"))
        self._end_gap(self._clock.now_ms())

    def _handle(self, item: Item) -> None:
        match item:
            case Packet():
                self._packet(item)
            case Open():
                self._pending = item
            case Close():
                self._finish(item)
                self._pending = None
                self._end_gap(self._clock.now_ms())
            case Missing(from_ms, to_ms, reason):
                self._gap(from_ms, to_ms, reason, None)
            case StorePicture():
                self._picture(item)

    def _packet(self, packet: Packet) -> None:
        if self._growing is None and not self._begin(packet):
            return
        growing = self._growing
        assert growing is not None
        try:
            if growing.muxer.mux(packet) and (data := growing.muxer.take()):
                self._write(growing, data)
                self._cut_s = self._cut_due_s = packet.time_s + FRAGMENT_S
                self._upkeep()
            elif packet.time_s >= self._cut_due_s:
                self._cut_s = (
                    self._cut_due_s
                )  # FFmpeg goes on with it: each packet may be the one that ends it
        except (OSError, ValueError, Fmp4Error) as error:
            self._fail(error, packet.wall_ms)

    def _begin(self, packet: Packet) -> bool:
        """Open the file that is due, at a keyframe; after a failure not before the retry time."""
        wanted = self._pending
        if wanted is None:
            return False
        if self._failed_from_ms is not None:
            if packet.wall_ms - self._failed_from_ms > LONGEST_GAP_S * 1000:
                self._gap(self._failed_from_ms, packet.wall_ms, self.problem, None)
                self._failed_from_ms = packet.wall_ms
            if self._clock.monotonic_s() < self._retry_at_s:
                return False
        if not (packet.video and packet.key):
            return False
        shape: StreamFormat = wanted.wanted
        try:
            file = self._incoming.recording(wanted.recording_id, shape.stream_id, packet.wall_ms)
        except OSError as error:
            self._fail(error, packet.wall_ms)
            return False
        self._growing = _Growing(
            wanted, file, Muxer(shape, RECORDING), packet.wall_ms, safe_ms=packet.wall_ms
        )
        self._cut_s = self._cut_due_s = packet.time_s + FRAGMENT_S
        self._silent = shape.audio is None
        self._end_gap(packet.wall_ms)
        self.counters["recordings"] += 1
        self._tell(facts.opened(self._camera_id, wanted, packet.wall_ms, self._incoming.encrypt))
        log.info("recording %s begins (%s)", wanted.recording_id, wanted.trigger)
        self.on_change()
        return True

    def _write(self, growing: _Growing, data: bytes) -> None:
        """Whole boxes: at most one fragment, or the init segment with the first one."""
        if not data:
            return
        file, index = growing.file, growing.index
        base = file.position - index.whole_length  # what the file holds beyond the MP4 itself: padding
        file.write(data)
        growing.unsynced = True
        index.feed(data)
        for fragment in index.fragments[growing.noted :]:
            file.note_fragment(
                fragment.time_ms, fragment.offset + base, fragment.duration_ms, fragment.keyframe
            )
        growing.noted = len(index.fragments)
        self.counters["recorded_bytes"] += len(data)

    def _upkeep(self) -> None:
        """Make durable what was written, so that no frame is older than the interval before it is safe.

        A frame waits for the end of its fragment, half a second at most, and the last ones of it in an open chunk for the
        next fragment: so with the interval of one second every fragment is synced as it comes.
        """
        growing = self._growing
        now_s = self._clock.monotonic_s()
        if growing is None:
            return
        try:
            if growing.file.flush_due():
                growing.unsynced = True  # the camera paused: nothing else closes the chunk
            if not growing.unsynced or now_s < self._next_sync_s:
                return
            fragments = growing.index.fragments
            growing.file.flush_older(_open_bytes(fragments[-1]) if fragments else 0)
            growing.file.sync()
        except OSError as error:
            self._fail(error, growing.ended_ms)
            return
        growing.unsynced = False
        if fragments:
            growing.safe_ms = growing.started_ms + fragments[-1].time_ms
        self._next_sync_s = now_s + max(0.0, self._sync_interval_s - LONGEST_PENDING_S)
        self.counters["syncs"] += 1
        self._note(growing, wanted=True)

    def _note(self, growing: _Growing, *, wanted: bool, now: bool = False) -> None:
        self.note(Written(growing.ended_ms, growing.open.trigger, growing.open.cause_id, wanted), now)

    def _finish(self, how: Close) -> None:
        growing, self._growing = self._growing, None
        if growing is None:
            return
        try:
            self._write(growing, growing.muxer.close())
            ended_ms = growing.ended_ms
            if how.ended_ms is not None and abs(how.ended_ms - ended_ms) <= MAX_CUT_S * 1000:
                ended_ms = max(how.ended_ms, growing.started_ms)
            metadata = facts.metadata(growing.open, growing.started_ms, ended_ms, how.reason, how.clocks)
            size = growing.file.complete(metadata)
        except (OSError, ValueError, Fmp4Error) as error:
            self._growing = growing
            self._fail(error, growing.ended_ms)
            return
        self._tell(
            facts.finished(self._camera_id, growing.open, growing.started_ms, ended_ms, size, how.reason)
        )
        if how.ended_ms is None:
            self._note(growing, wanted=not how.over, now=True)
        log.info("recording %s ends: %s (%d bytes)", growing.open.recording_id, how.reason, size)
        self.on_change()

    def _fail(self, error: Exception, wall_ms: int) -> None:
        """The disk (or the camera's data) did not do: give the file up, what is on the disk stays recoverable."""
        growing, self._growing = self._growing, None
        self.counters["disk_errors"] += 1
        reason = error.strerror or str(error) if isinstance(error, OSError) else str(error)
        told, self.problem = self.problem, f"recording failed: {reason}"[:500]
        if self._failed_from_ms is None:
            self._failed_from_ms = min(wall_ms, growing.safe_ms) if growing is not None else wall_ms
        self._retry_at_s = self._clock.monotonic_s() + RETRY_S
        if self.problem != told:
            log.error("%s: %s; trying again every %g s", self._incoming.folder, self.problem, RETRY_S)
        if growing is not None:
            growing.file.close()
            self._pending = growing.open
        if self._pending is not None:
            # A name that may be taken by half a file is never used again.
            old = self._pending
            self._pending = Open(uuid7(self._clock), old.trigger, old.cause_id, old.wanted)
        self.on_change()

    def _end_gap(self, to_ms: int) -> None:
        from_ms, self._failed_from_ms = self._failed_from_ms, None
        if from_ms is not None:
            self._gap(
                from_ms, to_ms, self.problem, self._growing.open.recording_id if self._growing else None
            )
            self.problem = ""
            self.on_change()

    def _gap(self, from_ms: int, to_ms: int, reason: str, recording_id: str | None) -> None:
        if to_ms <= from_ms:
            return
        self.counters["gaps"] += 1
        log.warning("%.1f s were not recorded: %s", (to_ms - from_ms) / 1000, reason)
        self._tell(
            RecordingGap(
                camera_id=self._camera_id,
                from_ms=from_ms,
                to_ms=to_ms,
                reason=reason[:500],
                recording_id=recording_id,
            )
        )

    def _picture(self, item: StorePicture) -> None:
        metadata = {"cause_id": item.cause_id, "width_px": item.width_px, "height_px": item.height_px}
        try:
            size = self._incoming.picture(item.picture_id, item.stream_id, item.taken_ms, item.jpeg, metadata)
        except OSError as error:
            self.counters["disk_errors"] += 1
            log.error("thumbnail %s cannot be kept: %s", item.picture_id, error.strerror)  # noqa: TRY400 the disk's reason is all
            return
        self.counters["pictures"] += 1
        self._tell(facts.picture(self._camera_id, item, size))

    def _tell(self, fact: Fact) -> None:
        """A fact that cannot be kept must not end the recording it speaks of; the outbox has logged why."""
        try:
            self._tell_fact(fact)
        except (OutboxFullError, sqlite3.Error) as error:
            log.critical("%s is not in the log: %s", fact.TYPE, error)


def _open_bytes(newest: Fragment) -> int:
    """How much of the newest fragment may wait for the next one."""
    return round(newest.size * min(1.0, OPEN_S * 1000 / max(1, newest.duration_ms)))
