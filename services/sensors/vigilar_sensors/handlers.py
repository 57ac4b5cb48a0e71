"""From what bridges and lines say to facts and states. The table of topics is at the foot."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from vigilar_common.bus import Bus, Handler, Received
from vigilar_common.clock import Clock
from vigilar_common.config import Config
from vigilar_common.config.sensors import Protocol
from vigilar_common.messages import Fact
from vigilar_common.messages.system import Finding
from vigilar_common.outbox import FactLog
from vigilar_common.state_file import StateFile
from vigilar_common.topics import SENSOR_STATE, Topic
from vigilar_common.topics_foreign import below

from vigilar_sensors.domain.board import Board
from vigilar_sensors.domain.findings import Troubles, findings
from vigilar_sensors.domain.values import RefusedError
from vigilar_sensors.intake import Arrived, Intake, Origin
from vigilar_sensors.lines import Lines
from vigilar_sensors.refusals import Refusals

log = logging.getLogger("vigilar.sensors")

TICK_S = 1.0
STATE_INTERVAL_S = 5.0
"""Between two states of a sensor of which only numbers changed."""
KEEP_SOON_S, KEEP_LATER_S = 1.0, 60.0
"""After a change that matters, and after one that does not, last states are on disk."""


class Handlers:
    """The worker's thread does the work; the bus's thread only puts into the intake."""

    def __init__(
        self, *, clock: Clock, bus: Bus, facts: FactLog, file: StateFile, config: Config, lines: Lines
    ) -> None:
        self._clock, self._bus, self._facts, self._file = clock, bus, facts, file
        self._lock = threading.Lock()
        self.intake = Intake()
        self.lines = lines
        self.board = Board(config, clock.monotonic_s())
        self.refusals = Refusals()
        self.taken: Counter[str] = Counter()
        self.ignored: Counter[str] = Counter()
        """Messages of devices that are not configured, and commands to them."""
        self.lost_facts = 0
        self._zigbee, self._zwave = config.zigbee2mqtt.mqtt_topic_prefix, config.zwave.mqtt_topic_prefix
        self._next_tick_s = self._next_states_s = clock.monotonic_s()
        self._keep_at_s: float | None = None

    def load(self) -> None:
        """What was known before a restart; none of it holds until it is heard again."""
        loaded = self._file.load()
        problem, facts = loaded.problem, list[Fact]()
        with self._lock:
            try:
                known = loaded.value or {"sensors": {}}
                facts, gone = self.board.restore(known, self._clock.now_ms(), self._clock.monotonic_s())
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                problem, gone = f"{self._file.path} makes no sense: {error}", []
            if problem:
                log.error("last states of sensors may be missing: %s", problem)
            for sensor_id in gone:
                self._forget(sensor_id)
            self._tell(facts)
            self._tell_states(everything=True)

    def configure(self, config: Config) -> None:
        with self._lock:
            for sensor_id in self.board.configure(config, self._clock.monotonic_s()):
                self._forget(sensor_id)
            self.lines.configure(config)
            self._tell_states(everything=True)
            self._keep_soon()

    # -- in -----------------------------------------------------------------------------------------

    def on_zigbee(self, received: Received) -> None:
        self._arrived(Origin.ZIGBEE, self._zigbee, received)

    def on_zwave(self, received: Received) -> None:
        self._arrived(Origin.ZWAVE, self._zwave, received)

    def _arrived(self, origin: Origin, prefix: str, received: Received) -> None:
        topic = received.ids["topic"][len(prefix) + 1 :]
        self.intake.put(Arrived(origin, topic, received.payload, received.retained))

    def work(self) -> None:
        """One turn of the worker: what came, in order, with all its facts in one commit; then what is due."""
        batch = self.intake.take(self._wait_s())
        now_ms, now_s = self._clock.now_ms(), self._clock.monotonic_s()
        with self._lock:
            facts: list[Fact] = []
            for message in batch:
                facts += self._read(message, now_ms, now_s)
            facts += self.lines.settle(self.board, now_ms, now_s)
            if now_s >= self._next_tick_s:
                self._next_tick_s = now_s + TICK_S
                self.lines.look(now_s)
                facts += self.board.tick(now_ms, now_s)
            self._tell(facts)
            numbers_too = now_s >= self._next_states_s
            if numbers_too:
                self._next_states_s = now_s + STATE_INTERVAL_S
            self._tell_states(everything=numbers_too)
            if self._keep_at_s is not None and now_s >= self._keep_at_s:
                self._keep()

    def stop(self) -> None:
        with self._lock:
            self.lines.close()
            self._keep()

    def findings(self) -> list[Finding]:
        now_s = self._clock.monotonic_s()
        with self._lock:
            troubles = Troubles(
                gpio=dict(self.lines.problems),
                refused=self.refusals.recent(now_s),
                refused_last=self.refusals.last,
                lost_messages=self.lost_messages,
                lost_facts=self.lost_facts,
            )
            return findings(self.board, troubles, now_s)

    @property
    def lost_messages(self) -> int:
        """What found no room here, or before that in the bus's queue."""
        return self.intake.lost + self._bus.lost

    def counts(self) -> Mapping[str, int]:
        with self._lock:
            sensors = list(self.board.sensors.values())
            return {
                "sensors": len(sensors),
                "known": sum(tracked.known for tracked in sensors),
                "messages": sum(self.taken.values()),
                "refused": sum(self.refusals.total.values()),
                "waiting": len(self.intake),
            }

    # -- inside -------------------------------------------------------------------------------------

    def _wait_s(self) -> float:
        now_s = self._clock.monotonic_s()
        due_s = self.lines.due_s()
        until_s = self._next_tick_s if due_s is None else min(self._next_tick_s, due_s)
        return max(0.0, until_s - now_s)

    def _read(self, message: Arrived, now_ms: int, now_s: float) -> list[Fact]:
        read = self.board.zigbee if message.origin is Origin.ZIGBEE else self.board.zwave
        try:
            facts = read(message.below, message.payload, message.retained, now_ms, now_s)
        except RefusedError as error:
            self.refusals.note(message.origin, message.below, str(error), now_s)
            return []
        except Exception:
            # Nothing that a device sends may stop the others.
            log.exception("a message of %s could not be read", message.origin)
            self.refusals.note(message.origin, message.below, "could not be read", now_s)
            return []
        for reason in self.board.refusals:
            self.refusals.note(message.origin, message.below, reason, now_s)
        self.board.refusals.clear()
        (self.ignored if facts is None else self.taken)[message.origin] += 1
        return facts or []

    def _tell(self, facts: list[Fact]) -> None:
        if facts:
            self.lost_facts += len(self._facts.emit_all(facts))

    def _tell_states(self, *, everything: bool) -> None:
        """At once where something matters; numbers that come and go, every few seconds."""
        for tracked in self.board.sensors.values():
            if tracked.urgent or (everything and tracked.changed):
                if tracked.urgent:
                    self._keep_soon()
                elif self._keep_at_s is None:
                    self._keep_at_s = self._clock.monotonic_s() + KEEP_LATER_S
                tracked.urgent = tracked.changed = False
                self._bus.set_state(SENSOR_STATE, tracked.state(), sensor_id=tracked.config.id)

    def _forget(self, sensor_id: str) -> None:
        try:
            self._bus.clear_state(SENSOR_STATE, sensor_id=sensor_id)
        except ValueError as error:
            log.error("a sensor that is gone keeps its state: %s", error)  # noqa: TRY400

    def _keep_soon(self) -> None:
        soon_s = self._clock.monotonic_s() + KEEP_SOON_S
        self._keep_at_s = soon_s if self._keep_at_s is None else min(self._keep_at_s, soon_s)

    def _keep(self) -> None:
        self._keep_at_s = None
        try:
            self._file.save(self.board.kept())
        except OSError as error:
            log.error("last states of sensors cannot be kept in %s: %s", self._file.path, error)  # noqa: TRY400


def table(handlers: Handlers, config: Config) -> Mapping[Topic, Callable[[Received], None]]:
    """Who hears what; a bridge that no sensor needs is not subscribed to."""
    heard: dict[Topic, Handler] = {}
    protocols = {sensor.protocol for sensor in config.sensors if sensor.enabled}
    if Protocol.ZIGBEE in protocols:
        heard[below(config.zigbee2mqtt.mqtt_topic_prefix, "zigbee2mqtt")] = handlers.on_zigbee
    if Protocol.ZWAVE in protocols:
        heard[below(config.zwave.mqtt_topic_prefix, "zwave")] = handlers.on_zwave
    return heard


def detail(handlers: Handlers) -> dict[str, Any]:
    return {**handlers.counts(), "findings": [f.model_dump(mode="json") for f in handlers.findings()]}
