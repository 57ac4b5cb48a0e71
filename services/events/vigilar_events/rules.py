"""The rules at work: facts, the clock and the arm state go into the engine, what fires is done and kept."""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from vigilar_common.almanac import Almanac
from vigilar_common.bus import Received
from vigilar_common.clock import Clock
from vigilar_common.config import Config
from vigilar_common.config.rule_words import GROUPS
from vigilar_common.config.rules import in_order, walk
from vigilar_common.messages import Fact
from vigilar_common.messages.alarm import ArmState, ArmStateChanged
from vigilar_common.messages.camera import MotionEnded, MotionStarted
from vigilar_common.messages.detection import ObjectDetected
from vigilar_common.messages.power import PowerChanged, PowerStatus
from vigilar_common.messages.presence import HouseholdChanged, HouseholdStatus, PersonStatus, PresenceChanged
from vigilar_common.messages.sensor import SensorChanged, SensorLost, SensorReading, SensorState
from vigilar_common.state_file import StateFile

from vigilar_events.domain import rule_engine
from vigilar_events.domain.meaning import FRESH_S
from vigilar_events.domain.rule_engine import Engine, Firing, Moment
from vigilar_events.domain.rule_tree import leaf_of
from vigilar_events.domain.rule_world import ARM, HOUSEHOLD, UPS, Point, Value, World

log = logging.getLogger("vigilar.events.rules")

MEMORY_FILE, KNOWN_FILE = "rules.json", "rules-known.json"
LOOK_EVERY_S = 1.0
"""Windows open and close within this time."""
KNOWN_EVERY_S = 5.0
"""How things stand goes to disk that often, when there is news."""
MAX_CHANGES = 64
"""Transitions of the alarm that may wait for the rules' thread."""
FACT_TYPES = (
    MotionStarted.TYPE,
    MotionEnded.TYPE,
    ObjectDetected.TYPE,
    SensorChanged.TYPE,
    SensorLost.TYPE,
    PresenceChanged.TYPE,
    HouseholdChanged.TYPE,
    PowerChanged.TYPE,
)
READING_TYPES = (SensorReading.TYPE,)
"""Read only when a rule asks for a number: they are many."""


class Rules:
    """Call `load` once, then `start`. Thread-safe; `act` is called without the lock, so it may call the alarm."""

    def __init__(
        self,
        *,
        clock: Clock,
        state_dir: Path,
        config: Config,
        act: Callable[[Firing], None],
        arm_state: Callable[[], tuple[ArmState, int]],
    ) -> None:
        self._clock, self._act, self._arm_state, self._config = clock, act, arm_state, config
        self._memory_file = StateFile(state_dir / MEMORY_FILE)
        self._known_file = StateFile(state_dir / KNOWN_FILE)
        self._lock = threading.Lock()
        self._keeping = threading.Lock()
        self._world = World()
        self._engine = Engine((), Almanac(), self._world)
        self._changes: deque[ArmStateChanged] = deque(maxlen=MAX_CHANGES)
        self._wake = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._next_known_s = 0.0
        self.counters: Counter[str] = Counter()

    # -- life ---------------------------------------------------------------------------------------

    def load(self) -> None:
        """What the rules did, and how things stood when the service stopped. Never raises for a damaged file."""
        memory, known = self._memory_file.load(), self._known_file.load()
        memories: dict[str, rule_engine.Memory] = {}
        problems = [memory.problem, known.problem]
        try:
            if known.value is not None:
                self._world.restore(known.value)
            if memory.value is not None:
                memories = rule_engine.restored(memory.value, self._config.rules, self._now())
        except ValueError as error:
            problems.append(str(error))
        for problem in filter(None, problems):
            log.error("what the rules did last may have been forgotten: %s", problem)
        with self._lock:
            self._build(memories)

    def settle(self) -> None:
        """Once the alarm is there: how things stand, before anything happens."""
        with self._lock:
            state, since_ms = self._arm_state()
            self._world.fill(ARM, state.value, since_ms)
            self._engine.settle(self._now())

    def start(self) -> None:
        self.settle()
        self._thread = threading.Thread(target=self._run, name="rules", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()
        if self._thread:
            self._thread.join(3)
        self._keep_known()

    def problem(self) -> str:
        if self._thread and not self._thread.is_alive() and not self._stopping:
            return "the rules' thread died"
        return ""

    def configure(self, config: Config) -> bool:
        """Take other rules; False when the facts that they need are not read yet, so the service must start again."""
        if reads(config) != reads(self._config):
            return False
        with self._lock:
            memories = self._engine.memories
            counters, self._config = self._engine.counters, config
            self._build(memories)
            self._engine.counters = counters
            self._engine.settle(self._now())
        return True

    def _build(self, memories: Mapping[str, rule_engine.Memory]) -> None:
        self._engine = Engine(in_order(self._config.rules), almanac_of(self._config), self._world, memories)

    # -- in -----------------------------------------------------------------------------------------

    def on_fact(self, fact: Fact, age_s: float) -> None:
        """What it sets off is done before this returns; the feed brings it again if that fails."""
        with self._lock:
            firings = self._engine.heard(fact, self._now(), age_s)
        self._carry_out(firings)

    def on_arm_changed(self, fact: ArmStateChanged) -> None:
        """The alarm's lock is held: it is only noted here."""
        if len(self._changes) == MAX_CHANGES:
            self.counters["changes_dropped"] += 1
            log.error("the rules are too slow: a transition of the alarm reaches none of them")
        self._changes.append(fact)
        self._wake.set()

    def on_state(self, received: Received) -> None:
        """Retained states fill in what nobody told yet; young ones are told by their facts."""
        if not received.retained:
            return
        now_ms = self._clock.now_ms()
        with self._lock:
            for point, value, since_ms in _standing(received.message):
                old = now_ms - since_ms > FRESH_S * 1000
                if old and self._engine.wants(point) and self._world.fill(point, value, since_ms):
                    self._engine.stands((point,))

    def forget_sensors(self) -> None:
        """The sensors service is gone."""
        with self._lock:
            self._engine.forget_sensors(self._clock.now_ms())

    def _run(self) -> None:
        while not self._stopping:
            try:
                self.tick()
            except Exception:
                self.counters["errors"] += 1
                log.exception("the rules' clock failed; it goes on")
            self._clock.wait(self._wake, LOOK_EVERY_S)
            self._wake.clear()

    def tick(self) -> None:
        """Transitions of the alarm, windows that opened, and what is to be kept."""
        while self._changes:
            fact = self._changes.popleft()
            with self._lock:
                now = self._now()
                firings = self._engine.heard(fact, now, max(0.0, (now.ms - fact.ts_ms) / 1000))
            self._carry_out(firings)
        with self._lock:
            firings = self._engine.tick(self._now())
        self._carry_out(firings)
        now_s = self._clock.monotonic_s()
        if self._world.dirty and now_s >= self._next_known_s:
            self._next_known_s = now_s + KNOWN_EVERY_S
            self._keep_known()

    # -- out ----------------------------------------------------------------------------------------

    def listed(self) -> list[dict[str, Any]]:
        """Every rule with its last firing."""
        with self._lock:
            memories = self._engine.memories
            now_s = self._clock.monotonic_s()
            return [listed(rule, memories.get(rule.id), now_s) for rule in in_order(self._config.rules)]

    def results(self) -> dict[str, int]:
        """Conditions met, by what came of it."""
        with self._lock:
            return dict(self._engine.counters)

    def known(self) -> dict[Point, tuple[Value, int]]:
        """How things stand now."""
        with self._lock:
            return dict(self._world.values)

    def _carry_out(self, firings: list[Firing]) -> None:
        if not firings:
            return
        for firing in firings:
            self._act(firing)
        if not all(firing.is_late for firing in firings):
            self._keep_memory()

    def _keep_memory(self) -> None:
        with self._keeping:
            with self._lock:
                value = rule_engine.kept(self._engine.memories)
            self._save(self._memory_file, value)

    def _keep_known(self) -> None:
        with self._keeping:
            with self._lock:
                value = self._world.kept()
                self._world.dirty = False
            self._save(self._known_file, value)

    def _save(self, file: StateFile, value: dict[str, Any]) -> None:
        try:
            file.save(value)
        except OSError as error:
            self.counters["not_kept"] += 1
            log.error("the rules cannot keep %s: %s", file.path, error)  # noqa: TRY400

    def _now(self) -> Moment:
        return Moment(self._clock.now_ms(), self._clock.monotonic_s())


def almanac_of(config: Config) -> Almanac:
    return Almanac(config.system.timezone, config.location.latitude, config.location.longitude)


def reads(config: Config) -> tuple[str, ...]:
    """Types of facts that these rules need, and the rain of parcels."""
    rain = config.packages.enabled and config.packages.rain_sensors
    if rain or any(rule.enabled and rule.wants_readings for rule in config.rules):
        return (*FACT_TYPES, *READING_TYPES)
    return FACT_TYPES


def listed(rule: Any, memory: rule_engine.Memory | None, now_s: float) -> dict[str, Any]:
    """A rule for people: what it looks at, what it does, and when it last fired, and why."""
    last = None
    if memory and memory.count:
        last = {"at_ms": memory.last_ms, "because": memory.because, "conditions": memory.told}
    return {
        "id": rule.id,
        "description": rule.description[:200],
        "enabled": rule.enabled,
        "logic": rule.logic.value,
        "conditions": [leaf_of(c).text[:100] for _, c in walk(rule.conditions) if c.kind not in GROUPS][:12],
        "actions": [action if isinstance(action, str) else action.type.value for action in rule.actions],
        "cooldown_s": rule.cooldown_s,
        "position": rule.position,
        "resting_s": max(0, round(memory.until_s - now_s)) if memory and memory.count else 0,
        "count": memory.count if memory else 0,
        "last": last,
    }


def _standing(message: object) -> list[tuple[Point, Value, int]]:
    """What a retained state says of the points of rules: (point, value, since)."""
    match message:
        case SensorState() if message.known:
            since_ms = message.heard_ms or message.ts_ms
            return [
                (("sensor", message.sensor_id, key), value, since_ms) for key, value in message.values.items()
            ]
        case HouseholdStatus() if message.state is not None:
            return [(HOUSEHOLD, message.state.value, message.since_ms)]
        case PersonStatus() if message.home is not None:
            return [(("member", message.member), message.home, message.since_ms)]
        case PowerStatus():
            return [(UPS, message.state.value, message.since_ms)]
        case _:
            return []
