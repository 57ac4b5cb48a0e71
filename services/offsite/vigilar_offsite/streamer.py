"""Sends what was chosen, as it grows: the newest bytes of each recording, alarm first, over one connection."""

from __future__ import annotations

import json
import logging

from vigilar_common.clock import Clock
from vigilar_common.config.offsite import Offsite

from vigilar_offsite.adapters.recordings import ChangedError, Recordings
from vigilar_offsite.adapters.target import Target
from vigilar_offsite.anchors import Anchors, Small
from vigilar_offsite.chooser import Chooser
from vigilar_offsite.domain.errors import TargetError, Why
from vigilar_offsite.domain.jobs import Job
from vigilar_offsite.domain.pace import BITS, Pace
from vigilar_offsite.keeping import Keeping
from vigilar_offsite.standing import Standing

log = logging.getLogger("vigilar.offsite.streamer")

POLL_S = 0.25
"""How often a growing file is looked at: less than a fragment of it takes."""
FAILING_POLL_S = 1.0
IDLE_CLOSE_S = 60.0
REST_S = 60.0
GONE_AFTER_S = 30.0
"""A file that cannot be read for so long will not come back; storage needs a moment to move one."""
MAX_GENERATIONS = 5
AGE_EVERY_S = 10.0
ANCHOR_WAIT_S = 48 * 3600.0
"""The ledger says of a recording what it is with the next checkpoint, an hour later at most; then nobody waits any more."""
SLOW_PIECE_S = 0.25
"""A capped line is given pieces of at most so many seconds."""
SMALL_RETRY_S = 30.0
NOT_THE_WAY = (Why.REFUSED, Why.FULL, Why.FAILED)
"""Failures of one file that say nothing of others."""
ABOUT = Small(
    "about.json",
    json.dumps({"format": 1, "what": "recordings of Vigilar, sealed; `vigilar recover` reads them"}).encode(),
)


class Streamer:
    """`step` again and again from one thread."""

    def __init__(
        self,
        *,
        clock: Clock,
        settings: Offsite,
        recordings: Recordings,
        target: Target,
        chooser: Chooser,
        anchors: Anchors,
        keeping: Keeping,
        standing: Standing,
    ) -> None:
        self._clock, self._settings, self._recordings, self._target = clock, settings, recordings, target
        self._chooser, self._anchors, self._keeping, self._standing = chooser, anchors, keeping, standing
        self._jobs, self._lock = chooser.jobs, chooser.lock
        chooser.lost = self._tell_lost
        now_s = clock.monotonic_s()
        self._pace = Pace(settings.max_upload_mbps, now_s)
        self._connected = self._greeted = False
        self._used_s = self._aged_s = now_s
        self._small_retry_s = 0.0

    def step(self) -> float:
        """Look for recordings, send one thing, and say how many seconds to wait. Raises what the disk raises."""
        now_s = self._clock.monotonic_s()
        self._chooser.look(now_s)
        self._age(now_s)
        self._keeping.save_if_due(now_s)
        left_s = self._standing.retry_s - now_s
        if left_s > 0:
            self._measure(now_s)
            return min(left_s, FAILING_POLL_S, self._chooser.pause_s())
        try:
            if self._send_small() or self._send_footage():
                self._standing.worked()
                return 0.0
        except TargetError as error:
            self._target.close()
            self._connected = False
            self._standing.failed(error)
            return 0.0
        self._rest()
        with self._lock:
            waiting = bool(self._jobs.waiting())
        return min(POLL_S if waiting else REST_S, self._chooser.pause_s())

    def stop(self) -> None:
        """After the last step: let go of the target, and keep how far it came."""
        self._target.close()
        self._keeping.save()

    # -- the connection -----------------------------------------------------------------------------------

    def _connect(self) -> None:
        if not self._connected:
            with self._lock:
                self._jobs.forget_confirmations()
            self._target.open()
            self._connected = True
            self._standing.counters["connections"] += 1
        self._used_s = self._clock.monotonic_s()

    def _rest(self) -> None:
        if self._connected and self._clock.monotonic_s() - self._used_s > IDLE_CLOSE_S:
            self._target.close()
            self._connected = False

    def _sent(self, count_bytes: int) -> None:
        self._pace.sent(count_bytes)
        self._standing.sent(count_bytes)
        self._keeping.touch()

    # -- what is sent -------------------------------------------------------------------------------------

    def _send_small(self) -> bool:
        """The greeting (it shows whether the target can be used), checkpoints, what the ledger says. Raises TargetError."""
        small = self._anchors.next() if self._greeted else ABOUT
        now_s = self._clock.monotonic_s()
        if small is None or now_s < self._small_retry_s:
            return False
        self._connect()
        try:
            self._target.put(small.name, small.data)
        except TargetError as error:
            with self._lock:
                waiting = self._jobs.waiting()
            if not waiting or error.why not in NOT_THE_WAY:
                raise
            # Something about this file: footage must not wait for it.
            log.warning("%s; tried again in %g s", error, SMALL_RETRY_S)
            self._small_retry_s = now_s + SMALL_RETRY_S
            self._standing.counters["failures"] += 1
            return False
        self._sent(len(small.data))
        self._standing.counters["files"] += 1
        if small is ABOUT:
            self._greeted = True
            return True
        self._anchors.sent(small)
        for recording_id in small.told:
            self._chooser.anchored(recording_id)
        return True

    def _send_footage(self) -> bool:
        """A piece of the first recording that has one. Raises TargetError."""
        if self._pace.wait_s(self._clock.monotonic_s()) > 0:
            self._measure(self._clock.monotonic_s())
            return False
        with self._lock:
            order = self._jobs.order()
        for job in order:
            try:
                if self._send_piece(job):
                    return True
            except ChangedError as error:
                self._begin_anew(job, str(error))
            except OSError as error:
                self._unreadable(job, error)
        return False

    def _send_piece(self, job: Job) -> bool:
        """Raises TargetError, ChangedError, OSError."""
        now_s = self._clock.monotonic_s()
        end, ended = self._recordings.measure(job.camera_id, job.recording_id, job.created_ms)
        job.missing_since_s = None
        job.grew_to(end, now_s)
        if not self._is_due(job, end - job.sent_bytes, ended, now_s):
            return False
        self._connect()
        if not job.confirmed:
            self._confirm(job)
        piece = self._recordings.read(
            job.camera_id, job.recording_id, job.created_ms, job.sent_bytes, self._limit_bytes(), job.tail_sha256
        )  # fmt: skip
        if piece.data:
            self._target.append(job.name, job.sent_bytes, piece.data)
            self._sent(len(piece.data))
            self._standing.counters["appends"] += 1
        with self._lock:
            job.sent_to(job.sent_bytes + len(piece.data), piece.tail_sha256)
            self._jobs.serve(job)
        if piece.ended and job.sent_bytes >= piece.end_bytes:
            self._complete(job)
        return True

    def _is_due(self, job: Job, unsent: int, ended: bool, now_s: float) -> bool:
        if ended:
            return True
        if unsent <= 0:
            return False
        whole = not self._target.in_parts or unsent >= self._target.most_bytes
        return whole or job.unsent_s(now_s) >= self._settings.part_interval_s

    def _limit_bytes(self) -> int:
        """A slow line gets small pieces, so that several cameras advance; objects are not cut smaller for that."""
        most, mbps = self._target.most_bytes, self._settings.max_upload_mbps
        if self._target.in_parts or not mbps:
            return most
        return min(most, int(mbps * 1_000_000 / BITS * SLOW_PIECE_S))

    def _confirm(self, job: Job) -> None:
        """Go on where the target really is: what it lost is sent again. Raises TargetError, OSError."""
        there = self._target.has(job.name, job.sent_bytes) if job.sent_bytes else 0
        if there < job.sent_bytes:
            offset, tail = self._recordings.border(job.camera_id, job.recording_id, job.created_ms, there)
            log.warning(
                "%s: the target has %d of %d bytes; sent again from byte %d", job.name, there, job.sent_bytes, offset
            )  # fmt: skip
            with self._lock:
                job.sent_to(offset, tail)
            self._standing.counters["resumed"] += 1
        job.confirmed = True

    # -- what becomes of it -------------------------------------------------------------------------------

    def _complete(self, job: Job) -> None:
        with self._lock:
            over = self._jobs.completed(job)
        if over is not None:
            self._not_anchored(over)
        self._standing.complete(job)
        self._keeping.touch(at_once=True)

    def _begin_anew(self, job: Job, reason: str) -> None:
        if job.generation >= MAX_GENERATIONS:
            self._lose(job, f"its file changed {MAX_GENERATIONS} times")
            return
        log.warning("%s; it is sent anew beside that", reason)
        self._standing.counters["anew"] += 1
        with self._lock:
            job.begin_anew()
        self._keeping.touch()

    def _unreadable(self, job: Job, error: OSError) -> None:
        now_s = self._clock.monotonic_s()
        if job.missing_since_s is None:
            job.missing_since_s = now_s
        elif now_s - job.missing_since_s >= GONE_AFTER_S:
            self._lose(job, str(error))

    def _lose(self, job: Job, reason: str) -> None:
        self._chooser.over(job)
        self._tell_lost(job, reason)

    def _tell_lost(self, job: Job, reason: str) -> None:
        """Also of what had to make room for more urgent ones."""
        self._standing.lost(job, reason)
        self._keeping.touch()

    def _not_anchored(self, job: Job) -> None:
        self._chooser.over(job)
        self._standing.counters["unanchored"] += 1
        log.warning("%s is off-site, but the ledger did not say in time what it is", job.name)

    def _measure(self, now_s: float) -> None:
        """How much waits, while nothing can be sent."""
        with self._lock:
            order = self._jobs.order()
        for job in order:
            try:
                end, _ = self._recordings.measure(job.camera_id, job.recording_id, job.created_ms)
            except OSError as error:
                self._unreadable(job, error)
                continue
            job.missing_since_s = None
            job.grew_to(end, now_s)

    def _age(self, now_s: float) -> None:
        passed_s = now_s - self._aged_s
        if passed_s < AGE_EVERY_S:
            return
        self._aged_s = now_s
        self._standing.forget_old(now_s)
        limit_s = self._settings.keep_trying_h * 3600
        with self._lock:
            jobs = list(self._jobs)
        for job in jobs:
            job.waited_s += passed_s
            if job.complete and job.waited_s > limit_s + ANCHOR_WAIT_S:
                self._not_anchored(job)
            elif not job.complete and job.waited_s > limit_s:
                self._lose(job, f"it could not be sent for {self._settings.keep_trying_h} hours")
