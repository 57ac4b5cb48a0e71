"""Message in, meaning out. The table of topics is at the foot."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence

from vigilar_common.bus import Handler, Received
from vigilar_common.clock import Clock
from vigilar_common.config import Camera, Config
from vigilar_common.derived import derived_id
from vigilar_common.feed import FactHandler
from vigilar_common.messages import Fact
from vigilar_common.messages.alarm import ArmState
from vigilar_common.messages.animals import PetRuleFired
from vigilar_common.messages.camera import (
    CameraCondition,
    CameraOffline,
    CameraOnline,
    CameraState,
    MotionEnded,
    MotionStarted,
)
from vigilar_common.messages.detection import ObjectDetected
from vigilar_common.messages.objects import ObjectLeft
from vigilar_common.messages.power import PowerChanged, PowerShutdown
from vigilar_common.messages.sensor import SensorChanged, SensorLost
from vigilar_common.outbox import FactLog
from vigilar_common.state_file import StateFile
from vigilar_common.topics import (
    CAMERA_AVAILABLE,
    CAMERA_STATE,
    CMD_ALARM,
    CMD_PACKAGE,
    CMD_PINS,
    CMD_RESET_PIN,
    CMD_RULES,
    HOUSEHOLD_STATE,
    PERSON_STATE,
    POWER_STATE,
    SENSOR_STATE,
    Topic,
)

from vigilar_events.arming import Arming
from vigilar_events.domain import meaning
from vigilar_events.domain.objects import InSight, object_ended, object_opened
from vigilar_events.domain.outages import Outages
from vigilar_events.domain.power import power_events
from vigilar_events.guard import Guard
from vigilar_events.packages import PackageDesk
from vigilar_events.rule_questions import Questions
from vigilar_events.rules import Rules

log = logging.getLogger("vigilar.events")

FACT_TYPES = (
    MotionStarted.TYPE,
    MotionEnded.TYPE,
    ObjectDetected.TYPE,
    ObjectLeft.TYPE,
    CameraOnline.TYPE,
    CameraOffline.TYPE,
    SensorChanged.TYPE,
    SensorLost.TYPE,
    PowerChanged.TYPE,
    PowerShutdown.TYPE,
    PetRuleFired.TYPE,
)


class Handlers:
    """Thread-safe: the feed, the bus and the ticking thread all call it."""

    def __init__(
        self,
        *,
        clock: Clock,
        facts: FactLog,
        arm_state: Callable[[], ArmState],
        file: StateFile,
        config: Config,
        object_left: Callable[[ObjectLeft, float], None] = lambda _fact, _age_s: None,
    ) -> None:
        self._clock, self._facts, self._arm_state, self._file = clock, facts, arm_state, file
        self._object_left = object_left
        self._lock = threading.Lock()
        self._cameras: dict[str, Camera] = {}
        self._in_sight = InSight()
        self._outages = Outages(lambda: self._cameras, clock)
        self._take_cameras(config)

    def load(self) -> None:
        """Outages that were open when the service stopped."""
        loaded = self._file.load()
        problem = loaded.problem
        try:
            self._outages.restore(loaded.value or {})
        except ValueError as error:
            problem = f"{self._file.path}: {error}"
        if problem:
            log.error("open outages of cameras may have been forgotten: %s", problem)

    def configure(self, config: Config) -> None:
        with self._lock:
            self._take_cameras(config)
            self._tell(self._outages.forget_all_but(set(self._cameras)))
            self._keep()

    def on_fact(self, fact: Fact, age_s: float, live: bool) -> None:  # noqa: ARG002 the feed's signature
        """Once per fact of FACT_TYPES. Raises what the outbox raises; the feed then brings the fact again."""
        with self._lock:
            match fact:
                case MotionStarted():
                    self._tell([meaning.motion_opened(fact, self._cameras, self._arm_state(), age_s)])
                case MotionEnded():
                    self._tell([meaning.motion_ended(fact)])
                case ObjectDetected():
                    self._in_sight.seen(fact)
                    self._tell([object_opened(fact, self._cameras, self._arm_state(), age_s)])
                case ObjectLeft():
                    self._in_sight.left(fact)
                    self._tell([object_ended(fact)])
                    self._object_left(fact, age_s)
                case CameraOffline():
                    self._outages.offline(fact.camera_id, fact.id, fact.ts_ms, fact.reason)
                    self._keep()
                case CameraOnline():
                    self._online(fact.camera_id, fact.ts_ms)
                case PowerChanged() | PowerShutdown():
                    self._tell(list(power_events(fact, self._arm_state(), age_s)))
                case PetRuleFired():
                    self._tell([meaning.pet_rule_fired(fact, self._arm_state(), age_s)])
                case _:
                    log.error("no meaning for %s", fact.TYPE)

    def on_available(self, received: Received) -> None:
        """A worker that died cannot say that its camera is gone: its last will does."""
        if received.payload != b"offline":
            return
        camera_id = received.ids["camera_id"]
        now_ms = self._clock.now_ms()
        cause_id = derived_id("camera_worker_gone", f"{camera_id}:{now_ms}")
        with self._lock:
            self._tell(self._in_sight.worker_gone(camera_id, now_ms))
            if camera_id in self._cameras:
                self._outages.offline(camera_id, cause_id, now_ms, "its camera worker is not running")
                self._keep()

    def on_camera_state(self, received: Received) -> None:
        state = received.message
        if isinstance(state, CameraState) and (state.condition is CameraCondition.ONLINE or state.privacy):
            with self._lock:
                self._online(state.camera_id, state.ts_ms)

    def tick(self) -> None:
        """Every second: outages that have become long enough."""
        with self._lock:
            facts = self._outages.due(self._arm_state())
            if facts:
                self._tell(facts)  # before keeping: a crash in between repeats them under the same ids
                self._keep()

    @property
    def damped_outages(self) -> int:
        return self._outages.damped

    def _online(self, camera_id: str, at_ms: int) -> None:
        if self._outages.is_out(camera_id):
            facts = self._outages.online(camera_id, at_ms, self._arm_state())
            self._tell(facts)
            self._keep()

    def _tell(self, facts: Sequence[Fact]) -> None:
        for fact in facts:
            self._facts.emit(fact)

    def _keep(self) -> None:
        try:
            self._file.save(self._outages.kept())
        except OSError as error:
            log.error("open outages cannot be kept in %s: %s", self._file.path, error)  # noqa: TRY400

    def _take_cameras(self, config: Config) -> None:
        self._cameras = {camera.id: camera for camera in config.cameras if camera.enabled}


def router(handlers: Handlers, guard: Guard, packages: PackageDesk, rules: Rules) -> FactHandler:
    """Sensors go to the alarm at once: nothing of cameras may be in their way. Rules come last."""

    def on_fact(fact: Fact, age_s: float, live: bool) -> None:
        if isinstance(fact, SensorChanged | SensorLost):
            guard.on_sensor(fact, age_s, live)
        elif fact.TYPE in FACT_TYPES:
            handlers.on_fact(fact, age_s, live)
        packages.on_fact(fact, age_s)
        rules.on_fact(fact, age_s)

    return on_fact


def table(
    handlers: Handlers,
    arming: Arming,
    guard: Guard,
    rules: Rules,
    questions: Questions,
    packages: PackageDesk,
) -> Mapping[Topic, Handler]:
    """Who hears what; facts come through the feed (FACT_TYPES and those of the rules)."""

    def on_sensor_state(received: Received) -> None:
        guard.on_sensor_state(received)
        rules.on_state(received)

    def on_household(received: Received) -> None:
        packages.on_household(received)
        rules.on_state(received)

    return {
        CMD_ALARM: arming.submit,
        CMD_RESET_PIN: arming.submit,
        CMD_PINS: arming.submit,
        CMD_RULES: questions.on_command,
        SENSOR_STATE: on_sensor_state,
        POWER_STATE: rules.on_state,
        HOUSEHOLD_STATE: on_household,
        CMD_PACKAGE: packages.on_command,
        PERSON_STATE: rules.on_state,
        CAMERA_AVAILABLE: handlers.on_available,
        CAMERA_STATE: handlers.on_camera_state,
    }
