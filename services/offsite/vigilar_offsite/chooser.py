"""Chooses recordings: by what is heard (alarm, orders) and by what lies on the disk, so that neither alone decides."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable

from vigilar_common.clock import Clock
from vigilar_common.config.offsite import Offsite
from vigilar_common.messages import Fact
from vigilar_common.messages.alarm import ArmState, ArmStateChanged
from vigilar_common.messages.camera import RecordingOpened

from vigilar_offsite.adapters.recordings import Found, Recordings
from vigilar_offsite.domain.jobs import Job, Jobs
from vigilar_offsite.domain.occasions import MAX_AGE_MS, Alarms, Priority, Window, wanted_by_itself

log = logging.getLogger("vigilar.offsite.chooser")

LOOK_S = 0.5
"""Between two looks into `incoming` while an alarm holds."""
REMEMBERED = 2_000
"""Files that were looked at, and recordings that are done with."""


class Chooser:
    """`heard…` and `on_fact` from any thread; `look` from the one that sends. `lock` guards `jobs`."""

    def __init__(self, settings: Offsite, recordings: Recordings, clock: Clock) -> None:
        self._settings, self._recordings, self._clock = settings, recordings, clock
        self.lost: Callable[[Job, str], None] = lambda _job, _reason: None
        """Told of what had to make room for something more urgent."""
        self.changed = False
        """There is something to be remembered over a restart."""
        self.jobs = Jobs()
        self.alarms = Alarms(settings.occasions)
        self.lock = threading.RLock()
        self.wake = threading.Event()
        self.done: OrderedDict[str, None] = OrderedDict()
        self._uninteresting: OrderedDict[str, None] = OrderedDict()
        self._look_back = False
        self._next_look_s = 0.0
        self._disk_error = ""
        self.unsealed = ""
        """Why something is not sent, or of no use to its owner; for a finding."""

    # -- from other threads -------------------------------------------------------------------------------

    def on_fact(self, fact: Fact, age_s: float, live: bool) -> None:  # noqa: ARG002 how it came makes no difference
        """From the feed: `alarm.changed` and `recording.opened`."""
        if isinstance(fact, ArmStateChanged):
            self.heard(fact.to_state, fact.ts_ms)
        elif isinstance(fact, RecordingOpened) and age_s * 1000 <= MAX_AGE_MS:
            self._opened(fact)

    def heard(self, state: ArmState, changed_ms: int) -> None:
        with self.lock:
            opening = not self.alarms.active
            if not self.alarms.heard(state, changed_ms, self._clock.now_ms()):
                return
            self.changed = True
            if opening and self.alarms.active:
                self._look_back = True
                log.warning("alarm (%s): recordings of all cameras are sent off-site from now on", state)
            self._next_look_s = 0.0
        self.wake.set()

    def anchored(self, recording_id: str) -> None:
        """The ledger has said what it is, and that is off-site too."""
        with self.lock:
            job = next((job for job in self.jobs if job.recording_id == recording_id), None)
            if job is not None and job.complete:
                self.over(job)

    def over(self, job: Job) -> None:
        """Nothing more happens with it, and it is not chosen again."""
        with self.lock:
            self.jobs.drop(job)
            _remember(self.done, job.recording_id)
            self.changed = True

    def is_ours(self, recording_id: str) -> bool:
        with self.lock:
            return recording_id in self.jobs

    # -- on the thread that sends ---------------------------------------------------------------------------

    def pause_s(self) -> float:
        with self.lock:
            busy = self.alarms.active or self.alarms.closed
        return max(0.0, self._next_look_s - self._clock.monotonic_s()) if busy else float("inf")

    def look(self, now_s: float) -> None:
        """Go through the files of an alarm that holds, or that was over before we looked."""
        with self.lock:
            window, closed, back = self.alarms.open, self.alarms.closed, self._look_back
            if not (window or closed) or now_s < self._next_look_s:
                return
            self.alarms.closed, self._look_back = [], False
            self._next_look_s = now_s + LOOK_S
        try:
            for over in closed:
                self._go_through(over)
            if window is not None:
                if back:
                    self._go_through(window)
                else:
                    self._take(self._recordings.growing(), None)
        except OSError as error:
            with self.lock:  # it is gone through again
                self.alarms.closed, self._look_back = [*closed, *self.alarms.closed], self._look_back or back
            if self._disk_error != str(error):
                log.error("recordings cannot be looked for: %s", error)  # noqa: TRY400 the disk's reason is all
            self._disk_error = str(error)
            return
        self._disk_error = ""
        if window is None:
            self._uninteresting.clear()

    def _go_through(self, window: Window) -> None:
        to_ms = window.to_ms if window.to_ms is not None else self._clock.now_ms()
        from_ms = window.from_ms - self._settings.before_alarm_s * 1000
        self._take(self._recordings.growing(), window.to_ms)
        self._take(self._recordings.ended(from_ms, to_ms), window.to_ms)

    def _take(self, found: Iterable[Found], to_ms: int | None) -> None:
        """`to_ms`: what began later is not meant. Raises OSError."""
        for file in found:
            with self.lock:
                known, done = self.jobs.get(file.recording_id), file.recording_id in self.done
            if done or file.recording_id in self._uninteresting:
                continue
            if not file.sealed_name:
                self._leave(
                    file,
                    f"recordings of camera {file.camera_id} are not encrypted, so they stay in the house",
                )
            elif known is None:
                self._look_at(file, to_ms)
            elif to_ms is None or known.created_ms <= to_ms:
                self._add(file.camera_id, file.recording_id, known.created_ms, Priority.ALARM)

    def _look_at(self, file: Found, to_ms: int | None) -> None:
        try:
            seen = self._recordings.look(file.path)
        except FileNotFoundError:
            return  # moved meanwhile: the next look finds it where it is
        if seen is None:
            return
        if not seen.is_recording:
            _remember(self._uninteresting, file.recording_id)
            return
        if to_ms is not None and seen.created_ms > to_ms:
            return
        if seen.opens_with != "owner":
            self.unsealed = (
                f"recordings of camera {file.camera_id} are not sealed to the owner's recovery key: "
                "off-site they open for nobody once the house's keys are gone"
            )
        self._add(file.camera_id, file.recording_id, seen.created_ms, Priority.ALARM)

    def _opened(self, fact: RecordingOpened) -> None:
        with self.lock:
            priority = wanted_by_itself(self._settings.occasions, self.alarms.state, fact.trigger)
        if priority is None:
            return
        if not fact.encrypted:
            self.unsealed = (
                f"recordings of camera {fact.camera_id} are not encrypted, so they stay in the house"
            )
            return
        self._add(fact.camera_id, fact.recording_id, fact.ts_ms, priority)
        self.wake.set()

    def _leave(self, file: Found, why: str) -> None:
        if not self.unsealed:
            log.error("%s", why)
        self.unsealed = why
        _remember(self._uninteresting, file.recording_id)

    def _add(self, camera_id: str, recording_id: str, created_ms: int, priority: Priority) -> None:
        job = Job(recording_id, camera_id, priority, created_ms, self._clock.now_ms())
        with self.lock:
            if recording_id in self.done:
                return
            added, victim = self.jobs.add(job)
            self.changed = self.changed or added
        if added:
            log.info(
                "recording %s of camera %s goes off-site (%s)", recording_id, camera_id, priority.name.lower()
            )
        if victim is not None:
            _remember(self.done, victim.recording_id)
            self.lost(victim, "too many recordings wait")


def _remember(known: OrderedDict[str, None], key: str) -> None:
    known[key] = None
    if len(known) > REMEMBERED:
        known.popitem(last=False)
