"""Messages onto the board, the board through the checks, the result out. The table of topics is at the foot."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Mapping
from typing import Any

from vigilar_common.bus import Bus, Handler, Received
from vigilar_common.clock import Clock
from vigilar_common.config import Config
from vigilar_common.errors import OutboxFullError, StorageRefusedError, StorageUnavailableError
from vigilar_common.messages.alerts import AlertDelivery, PushInfo
from vigilar_common.messages.camera import CameraState, RecordingGap
from vigilar_common.messages.system import (
    DiskUsage,
    FactsDropped,
    Finding,
    Heartbeat,
    StorageCheckpoint,
    SystemHealth,
)
from vigilar_common.outbox import FactLog
from vigilar_common.state_file import StateFile
from vigilar_common.storage_client import StorageClient
from vigilar_common.topics import (
    ALERT_DELIVERY,
    CAMERA_STATE,
    FACTS_DROPPED,
    HEARTBEAT,
    PUSH_INFO,
    RECORDING_GAP,
    STORAGE_CHECKPOINT,
    SYSTEM_HEALTH,
    Topic,
)

from vigilar_health.checks import CHECKS, clock
from vigilar_health.domain.board import CAMERA_PREFIX, Board, Forecast, Heard, Usage
from vigilar_health.domain.findings import Ledger, status_of

log = logging.getLogger("vigilar.health")

MAX_SERVICES = 400
FRESH_S = 30.0
REPORT_S = 10.0
MAX_DETAIL_BYTES = 200
"""Per service in `vigilar/system/health`; the heartbeat itself has the rest."""
MAX_WORK_BYTES = 300
"""A camera worker's figures, for the table on the system page."""


class Handlers:
    """Thread-safe."""

    def __init__(
        self,
        *,
        clock: Clock,
        bus: Bus,
        facts: FactLog,
        storage: StorageClient,
        file: StateFile,
        config: Config,
    ) -> None:
        self._clock, self._bus, self._facts, self._storage, self._file = clock, bus, facts, storage, file
        self._lock = threading.Lock()
        self._board = Board(config, started_s=clock.monotonic_s())
        self._ledger = Ledger()
        self._report_due_s = clock.monotonic_s()
        self._reported: list[tuple[str, str]] = []
        self._wall_ms, self._monotonic_s = clock.now_ms(), clock.monotonic_s()

    def load(self) -> None:
        """Findings that were told before a restart."""
        loaded = self._file.load()
        try:
            self._ledger.restore(loaded.value or {})
        except ValueError as error:
            log.error("%s makes no sense: %s", self._file.path, error)  # noqa: TRY400
        if loaded.problem:
            log.error("findings may be told once more: %s", loaded.problem)

    def configure(self, config: Config) -> None:
        with self._lock:
            before = set(self._board.enabled_cameras())
            self._board.config = config
            known = set(self._board.enabled_cameras())
            for camera_id in known - before:
                self._board.since_s[CAMERA_PREFIX + camera_id] = self._clock.monotonic_s()
            for camera_id in before - known:
                self._board.since_s.pop(CAMERA_PREFIX + camera_id, None)
            for name in [n for n in self._board.beats if n.startswith(CAMERA_PREFIX)]:
                if name.removeprefix(CAMERA_PREFIX) not in known:
                    del self._board.beats[name]

    # -- in -----------------------------------------------------------------------------------------

    def on_heartbeat(self, received: Received) -> None:
        beat = received.message
        assert isinstance(beat, Heartbeat)
        service = received.ids["service"]  # the topic is what the ACL vouches for
        with self._lock:
            now_s = self._clock.monotonic_s()
            if service not in self._board.beats and len(self._board.beats) >= MAX_SERVICES:
                log.warning("more than %d services: the heartbeat of %s is not shown", MAX_SERVICES, service)
                return
            if self._is_foreign_camera(service):
                return
            before = self._board.beats.get(service)
            since_s = before.not_ready_since_s if before else None
            if beat.ready or since_s is None:
                since_s = None if beat.ready else now_s
            self._board.beats[service] = Heard(beat, now_s, since_s)
            if service == "health":
                self._board.round_trip_at_s = now_s
                self._board.round_trip_ms = max(0.0, float(self._clock.now_ms() - beat.ts_ms))

    def on_camera_state(self, received: Received) -> None:
        state = received.message
        assert isinstance(state, CameraState)
        if self._board.config.camera(state.camera_id):
            with self._lock:
                self._board.camera_states[state.camera_id] = state

    def on_other(self, received: Received) -> None:
        """What is only remembered for the checks."""
        with self._lock:
            at_s = self._clock.monotonic_s()
            match received.message:
                case PushInfo() as info:
                    self._board.push = info
                case FactsDropped() as dropped:
                    self._board.dropped.append((at_s, dropped))
                case RecordingGap() as gap:
                    self._board.gaps.append((at_s, gap))
                case StorageCheckpoint() as checkpoint:
                    self._board.ledger = checkpoint.anchor
                case AlertDelivery() as delivery:
                    self._board.deliveries.append((at_s, delivery))
                case _:
                    log.error("nothing to remember of %s", received.topic.pattern)

    def ask_storage(self) -> bool:
        """Usage of the disks; False when storage did not answer. Blocks for as long as the client's timeout."""
        try:
            answer = self._storage.get("/v1/usage")
            disks = {str(name): DiskUsage.model_validate(raw) for name, raw in answer["disks"].items()}
            forecast = _forecast(answer.get("forecast"))
        except (StorageUnavailableError, StorageRefusedError) as error:
            problem = str(error)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            problem = f"storage answered GET /v1/usage with something else ({type(error).__name__})"
        else:
            with self._lock:
                self._board.usage = Usage(disks, self._clock.monotonic_s(), "", forecast)
            return True
        with self._lock:
            self._board.usage.problem = problem[:400]  # the last known figures stay
        return False

    # -- out ----------------------------------------------------------------------------------------

    def check(self) -> SystemHealth | None:
        """Every 2 s: run the checks, tell what is news; publish the whole every 10 s and when findings changed.

        Returns what was published.
        """
        with self._lock:
            self._look_at_clock()
            self._look_at_broker()
            news = self._ledger.update(self._checked(), self._board.now_ms, self._board.now_s)
            findings = self._ledger.present()
            names = [(finding.code, finding.subject) for finding in findings]
            health = None
            if names != self._reported or self._board.now_s >= self._report_due_s:
                health = self._health(findings)
                self._reported, self._report_due_s = names, self._board.now_s + REPORT_S
            kept = self._ledger.kept()
        if health is not None:
            self._bus.set_state(SYSTEM_HEALTH, health)
        for event in news:
            log.warning("%s: %s", event.code, event.message)
            try:
                self._facts.emit(event)
            except (OutboxFullError, sqlite3.Error) as error:
                log.critical("%s is not in the log: %s", event.code, error)
        if news:
            self._keep(kept)
        return health

    def heartbeat_detail(self) -> dict[str, Any]:
        with self._lock:
            return {
                "findings_open": len(self._ledger.present()),
                "broker_round_trip_ms": self._board.round_trip_ms,
            }

    def set_refused_config(self, reason: str) -> None:
        with self._lock:
            self._board.refused_config = reason

    def _look_at_broker(self) -> None:
        board = self._board
        board.broker_connected = self._bus.connected
        if board.broker_connected:
            board.broker_lost_at_s = None
        elif board.broker_lost_at_s is None:
            board.broker_lost_at_s = board.now_s

    def _look_at_clock(self) -> None:
        now_ms, now_s = self._clock.now_ms(), self._clock.monotonic_s()
        jump_ms = (now_ms - self._wall_ms) - round((now_s - self._monotonic_s) * 1000)
        if abs(jump_ms) > clock.JUMP_MS:
            self._board.clock_jump_ms, self._board.clock_jump_at_s = jump_ms, now_s
        self._wall_ms, self._monotonic_s = now_ms, now_s
        self._board.now_ms, self._board.now_s = now_ms, now_s

    def _checked(self) -> list[Finding]:
        found: list[Finding] = []
        if not self._board.config.health.enabled:
            return found
        for check in CHECKS:
            try:
                found += check(self._board)
            except Exception:
                log.exception("check %s failed", check.__name__)
        return found

    def _health(self, findings: list[Finding]) -> SystemHealth:
        board = self._board
        data = board.usage.disks.get("data")
        connected = board.broker_connected and board.silent_s("health") <= FRESH_S
        return SystemHealth(
            status=status_of(findings),
            mqtt_connected=connected,
            storage_reachable=not board.usage.problem,
            disk_usage_pct=data.used_pct if data else None,
            disks=board.usage.disks,
            services={name: _shortened(heard.beat) for name, heard in sorted(board.beats.items())},
            findings=findings,
            ledger=board.ledger,
        )

    def _is_foreign_camera(self, service: str) -> bool:
        camera_id = service.removeprefix(CAMERA_PREFIX)
        return camera_id != service and self._board.config.camera(camera_id) is None

    def _keep(self, kept: dict[str, Any]) -> None:
        try:
            self._file.save(kept)
        except OSError as error:
            log.error("findings cannot be kept in %s: %s", self._file.path, error)  # noqa: TRY400


def _forecast(raw: Any) -> Forecast | None:
    """Raises TypeError, KeyError, ValueError for something else than a forecast."""
    if raw is None:
        return None  # storage of an earlier version
    days = raw["days_until_critical"]
    return Forecast(
        None if days is None else float(days), int(raw["bytes_per_day"]), int(raw["prunable_bytes"])
    )


def _shortened(beat: Heartbeat) -> Heartbeat:
    # Findings stand beside the services already, and one talkative service must not fill the message.
    detail = {key: value for key, value in beat.detail.items() if key not in ("findings", "work")}
    if len(str(detail)) > MAX_DETAIL_BYTES:
        detail = {}
    work = beat.detail.get("work")
    if isinstance(work, dict) and len(str(work)) <= MAX_WORK_BYTES:
        detail["work"] = work
    return beat.model_copy(update={"detail": detail})


def table(handlers: Handlers) -> Mapping[Topic, Handler]:
    on_other: Callable[[Received], None] = handlers.on_other
    return {
        HEARTBEAT: handlers.on_heartbeat,
        CAMERA_STATE: handlers.on_camera_state,
        PUSH_INFO: on_other,
        FACTS_DROPPED: on_other,
        RECORDING_GAP: on_other,
        ALERT_DELIVERY: on_other,
        STORAGE_CHECKPOINT: on_other,
    }
