"""What this camera says of itself: its retained state, its findings, online and offline."""

from __future__ import annotations

import logging
import sqlite3
import threading
from typing import Any, Final

from vigilar_common.bus import Bus
from vigilar_common.clock import Clock
from vigilar_common.errors import OutboxFullError
from vigilar_common.messages import Fact
from vigilar_common.messages.camera import Analysis, CameraCondition, CameraOffline, CameraOnline, CameraState
from vigilar_common.outbox import FactLog
from vigilar_common.topics import CAMERA_STATE

log = logging.getLogger(__name__)

SCORE_INTERVAL_S: Final = 1.0
MAX_FINDINGS: Final = 20


class Report:
    """Thread-safe. Facts are told once per change, the state whenever something in it changes."""

    def __init__(self, bus: Bus, facts: FactLog, camera_id: str, clock: Clock) -> None:
        self._bus, self._facts, self._clock = bus, facts, clock
        self.camera_id = camera_id
        self._lock = threading.RLock()
        self._state = CameraState(
            camera_id=camera_id,
            condition=CameraCondition.CONNECTING,
            reason="starting",
            since_ms=clock.now_ms(),
        )
        self._findings: dict[str, str] = {}
        self._told_offline = False
        self._told_online = False
        self._away_since_s = clock.monotonic_s()
        self._score_s = 0.0

    @property
    def condition(self) -> CameraCondition:
        return self._state.condition

    @property
    def reason(self) -> str:
        return self._state.reason

    @property
    def state(self) -> CameraState:
        return self._state

    def analysis(self, how: Analysis, stream: str = "", reason: str = "", device: str = "") -> None:
        """How motion is searched from now on."""
        self.update(
            analysis=how, analysis_stream=stream, analysis_reason=reason[:500], analysis_device=device
        )

    def publish(self) -> None:
        with self._lock:
            self._bus.set_state(CAMERA_STATE, self._state, camera_id=self.camera_id)

    def update(self, **changes: Any) -> None:
        """Fields of CameraState; published when one of them is new."""
        with self._lock:
            changed = {key: value for key, value in changes.items() if getattr(self._state, key) != value}
            if changed:
                self._state = self._state.model_copy(update=changed)
                self.publish()

    def find(self, code: str, text: str) -> None:
        """Something the owner should know about this camera; an empty text takes it back."""
        with self._lock:
            if self._findings.get(code, "") == text:
                return
            if text:
                log.warning("%s: %s", self.camera_id, text)
                self._findings[code] = text[:500]
            else:
                self._findings.pop(code, None)
            self.update(findings=list(self._findings.values())[:MAX_FINDINGS])

    def fps(self, measured: float) -> None:
        """Frames per second that arrive; a new message only when it really changed."""
        with self._lock:
            if abs(measured - self._state.fps) > max(0.5, 0.05 * self._state.fps):
                self.update(fps=measured)

    def score(self, value: float, moving: bool) -> None:
        """Share of the picture that moves; at most one message a second, and none for noise."""
        shown = round(value, 3) if moving else 0.0
        now_s = self._clock.monotonic_s()
        if shown and now_s - self._score_s < SCORE_INTERVAL_S:
            return
        self._score_s = now_s
        self.update(motion_score=shown)

    def online(self) -> None:
        """Clean pictures arrive."""
        with self._lock:
            if self._state.condition is CameraCondition.ONLINE:
                return
            away_s = self._clock.monotonic_s() - self._away_since_s
            self._condition(CameraCondition.ONLINE, "", error="")
            if self._told_offline or not self._told_online:
                offline_s = round(away_s, 3) if self._told_offline else 0.0
                log.info("%s is online", self.camera_id)
                self.tell(CameraOnline(camera_id=self.camera_id, offline_s=offline_s))
            self._told_online, self._told_offline = True, False

    def lost(self, reason: str, error: str = "") -> None:
        """No pictures (any more). The first failure after pictures is not told as offline yet: one try is allowed."""
        with self._lock:
            if self._state.condition is CameraCondition.ONLINE:
                self._away_since_s = self._clock.monotonic_s()
                log.warning("%s: %s; connecting again", self.camera_id, reason)
                self._condition(CameraCondition.CONNECTING, reason, error=error, fps=0.0)
                return
            if not self._told_offline or reason != self._state.reason:
                log.error("%s is offline: %s", self.camera_id, reason)
            self._condition(CameraCondition.OFFLINE, reason, error=error, fps=0.0)
            if not self._told_offline:
                self._told_offline = True
                self.tell(CameraOffline(camera_id=self.camera_id, reason=reason[:500]))

    def private(self) -> None:
        """There is no connection, on purpose: no camera is missed."""
        with self._lock:
            self._condition(CameraCondition.OFFLINE, "privacy is switched on", error="")

    def stopped(self) -> None:
        """The last word: this worker ends."""
        reason = "the camera worker is stopped"
        with self._lock:
            self._condition(CameraCondition.OFFLINE, reason, motion=False, recording=False, fps=0.0)

    def tell(self, fact: Fact) -> None:
        """A fact; one that cannot be kept was told live and logged by the outbox."""
        try:
            self._facts.emit(fact)
        except (OutboxFullError, sqlite3.Error) as error:
            log.critical("%s is not in the log: %s", fact.TYPE, error)

    def _condition(self, condition: CameraCondition, reason: str, **more: Any) -> None:
        since = self._clock.now_ms() if condition is not self._state.condition else self._state.since_ms
        self.update(condition=condition, reason=reason[:500], since_ms=since, **more)
