"""Wiring of the events service."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Any

from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector
from vigilar_common.config.slices import Slice
from vigilar_common.feed import Feed
from vigilar_common.messages import Fact
from vigilar_common.messages.alarm import ArmStateChanged, EventOpened
from vigilar_common.service import App, Context
from vigilar_common.state_file import StateFile
from vigilar_common.topics import AVAILABLE

from vigilar_events.adapters.keeper import Keeper
from vigilar_events.arming import Arming
from vigilar_events.desk import DeskParts
from vigilar_events.ears import Ears
from vigilar_events.guard import Guard
from vigilar_events.handlers import FACT_TYPES, Handlers, router, table
from vigilar_events.packages import FACT_TYPES as PACKAGE_FACTS
from vigilar_events.packages import PackageDesk
from vigilar_events.rule_actions import Actor
from vigilar_events.rule_metrics import RuleMetrics
from vigilar_events.rule_questions import Questions
from vigilar_events.rules import Rules, reads
from vigilar_events.vehicles import VehicleDesk

log = logging.getLogger("vigilar.events")

TICK_S = 1.0


class Events:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._started = False
        keeper = Keeper(context.state_dir, context.clock)
        self._guard = Guard(
            clock=context.clock,
            bus=context.bus,
            facts=context.facts,
            keeper=keeper,
            config=context.config,
            pin_configured=lambda: self._arming.pin_configured,
        )
        self._arming = Arming(
            clock=context.clock,
            facts=context.facts,
            keeper=keeper,
            guard=self._guard,
            config=context.config,
        )
        self._packages = PackageDesk(clock=context.clock, **self._desk("packages"))
        self._vehicles = VehicleDesk(**self._desk("vehicles"))
        self._handlers = Handlers(
            clock=context.clock,
            facts=context.facts,
            arm_state=lambda: self._guard.state,
            file=StateFile(context.state_dir / "outages.json"),
            config=context.config,
            object_left=self._vehicles.left,
        )
        self._config = context.config
        self._actor = Actor(
            clock=context.clock,
            bus=context.bus,
            facts=context.facts,
            guard=self._guard,
            pin_configured=lambda: self._arming.pin_configured,
            config=context.config,
        )
        self._rules = Rules(
            clock=context.clock,
            state_dir=context.state_dir,
            config=context.config,
            act=self._actor.act,
            arm_state=lambda: self._guard.since,
        )
        self._guard.on_changed = self._arm_changed
        self._ears = Ears(
            clock=context.clock,
            facts=context.facts,
            guard=self._guard,
            wanted=lambda: any(sensor.enabled for sensor in self._config.sensors),
            forget=self._rules.forget_sensors,
        )
        self._questions = Questions(
            clock=context.clock,
            rules=self._rules,
            storage=context.storage,
            config=lambda: self._config,
            stopping=context.stopping,
        )
        self._feed = Feed(
            "events",
            tuple(dict.fromkeys((*FACT_TYPES, *PACKAGE_FACTS, *reads(context.config)))),
            router(self._handlers, self._guard, self._packages, self._rules),
            bus=context.bus,
            storage=context.storage,
            clock=context.clock,
            state_dir=context.state_dir,
        )
        self._ticker = threading.Thread(target=self._tick, name="events-tick", daemon=True)
        context.health.live_when("alarm", self._guard.problem)
        context.health.live_when("arming", self._arming.problem)
        context.health.live_when("rules", self._rules.problem)
        context.health.live_when("feed", self._feed.problem)
        context.health.live_when("tick", self._tick_problem)
        context.health.metrics.register(_Metrics(self._arming, self._guard, self._handlers))
        context.health.metrics.register(RuleMetrics(self._rules, self._actor))

    def start(self) -> None:
        self._rules.load()  # before the alarm, whose first transitions may be a rule's cause
        self._guard.load()
        self._handlers.load()
        self._vehicles.start()
        self._packages.start()
        self._guard.start()
        self._arming.start()
        self._rules.start()
        for topic, handler in table(
            self._handlers, self._arming, self._guard, self._rules, self._questions, self._packages
        ).items():
            self._context.bus.subscribe(topic, handler)
        self._context.bus.subscribe(AVAILABLE, self._ears.on_available, service="sensors")
        self._feed.start()
        self._ticker.start()
        self._started = True

    def stop(self) -> None:
        self._context.stopping.set()
        self._feed.stop()
        self._rules.stop()
        self._arming.stop()
        self._guard.stop()
        if self._ticker.is_alive():
            self._ticker.join(2)

    def not_ready_reason(self) -> str:
        return "" if self._started else "starting"

    def reload(self, new: Slice) -> bool:
        if not self._rules.configure(new.config):
            return False
        self._config = new.config
        self._actor.configure(new.config)
        self._guard.configure(new.config)
        self._arming.configure(new.config)
        self._handlers.configure(new.config)
        self._vehicles.configure(new.config)
        self._packages.configure(new.config)
        return True

    def heartbeat_detail(self) -> dict[str, Any]:
        return {
            "arm_state": self._guard.state.value,
            "pin_configured": self._arming.pin_configured,
            "findings": [
                finding.model_dump(mode="json")
                for finding in (*self._arming.findings(), *self._ears.findings())
            ],
        }

    def _desk(self, name: str) -> DeskParts:
        context = self._context
        return {
            "bus": context.bus,
            "file": StateFile(context.state_dir / f"{name}.json"),
            "config": context.config,
            "arm_state": lambda: self._guard.state,
            "tell": self._emit,
        }

    def _emit(self, facts: Sequence[Fact]) -> None:
        for fact in facts:
            self._context.facts.emit(fact)
            if isinstance(fact, EventOpened):
                self._rules.on_fact(fact, max(0.0, (self._context.clock.now_ms() - fact.ts_ms) / 1000))

    def _arm_changed(self, fact: ArmStateChanged) -> None:
        """The alarm's lock is held."""
        self._rules.on_arm_changed(fact)
        self._packages.on_arm_changed(fact)

    def _tick(self) -> None:
        while not self._context.clock.wait(self._context.stopping, TICK_S):
            try:
                self._handlers.tick()
                self._ears.tick()
                self._packages.tick()
            except Exception:
                log.exception("what is due every second failed; tried again in %g s", TICK_S)

    def _tick_problem(self) -> str:
        if self._ticker.ident and not self._ticker.is_alive() and not self._context.stopping.is_set():
            return "the ticking thread died"
        return ""


class _Metrics(Collector):
    def __init__(self, arming: Arming, guard: Guard, handlers: Handlers) -> None:
        self._arming, self._guard, self._handlers = arming, guard, handlers

    def collect(self) -> list[CounterMetricFamily]:
        commands = CounterMetricFamily("vigilar_arm_commands", "arm commands by result", labels=["result"])
        for result, count in list(self._arming.results.items()):
            commands.add_metric([result], count)
        damped = CounterMetricFamily("vigilar_outages_damped", "outages of cameras that made no event")
        damped.add_metric([], self._handlers.damped_outages)
        unsent = CounterMetricFamily(
            "vigilar_alarm_commands_unsent", "commands to siren and cameras that did not go out at once"
        )
        unsent.add_metric([], self._guard.unsent)
        unknown = CounterMetricFamily(
            "vigilar_alarm_unknown_sensor", "words of sensors that are not configured"
        )
        unknown.add_metric([], self._guard.counters["unknown_sensor"])
        return [commands, damped, unsent, unknown]


def build(context: Context) -> App:
    return Events(context)
