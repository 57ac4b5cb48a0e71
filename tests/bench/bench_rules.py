"""How many events a second the rules take: one engine with 200 rules, on one core, in CPU seconds.

The house has 60 sensors and 16 cameras; the rules are what people write (a sensor by night, motion in a zone while away,
two events that meet, a group in a group). Events are four fifths sensors and one fifth motion, as facts that are there
already: reading them from JSON is the bus's work and is shown beside. Then the worst case: every rule looks at every event.
Run: `python -m tests.bench rules` (about ten seconds).
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from rule_house import Facts
from vigilar_common.config import Config
from vigilar_common.messages import Fact
from vigilar_common.messages.alarm import ArmState
from vigilar_common.messages.sensor import SensorChanged
from vigilar_common.testing import FakeClock
from vigilar_events.domain.rule_engine import Engine, Moment
from vigilar_events.domain.rule_world import World
from vigilar_events.rules import almanac_of

RULES, SENSORS, CAMERAS, EVENTS = 200, 60, 16, 60_000
TARGET_PER_S = 10_000


def written(number: int) -> dict[str, Any]:
    sensor, camera = f"s{number % SENSORS}", f"c{number % CAMERAS}"
    opened = {"type": "sensor_event", "sensor_id": sensor, "event": "open"}
    motion = {"type": "camera_motion", "camera_id": camera, "zone": "gate"}
    night = {"type": "time_window", "value": "sunset-30m-sunrise"}
    away = {"type": "arm_state", "value": "armed_away,armed_vacation"}
    kinds: list[list[dict[str, Any]]] = [
        [night, opened],
        [away, motion],
        [opened | {"within_s": 60}, {"type": "camera_motion", "camera_id": camera}],
        [away, {"type": "or", "conditions": [opened, {"type": "and", "conditions": [motion, night]}]}],
    ]
    return {
        "id": f"r{number}",
        "conditions": kinds[number % len(kinds)],
        "actions": ["alert_all"],
        "cooldown_s": 60,
    }


def config_of(rules: list[dict[str, Any]]) -> Config:
    return Config.model_validate({"rules": rules, "location": {"latitude": 48.2, "longitude": 16.4}})


def events_of(facts: Facts) -> list[Fact]:
    made: list[Fact] = []
    for number in range(EVENTS):
        if number % 5:
            made.append(facts.sensor(f"s{number % SENSORS}", bool(number // SENSORS % 2)))
        else:
            made.append(facts.motion(f"c{number % CAMERAS}", ("gate",)))
    return made


def measured(name: str, rules: list[dict[str, Any]], facts: list[Fact], clock: FakeClock) -> float:
    config = config_of(rules)
    began_s = time.process_time()
    engine = Engine(config.rules, almanac_of(config), World())
    compiled_s = time.process_time() - began_s
    engine.settle(Moment(clock.now_ms(), 0.0))
    helper = Facts(clock)
    engine.heard(helper.arm(ArmState.DISARMED), Moment(clock.now_ms(), 0.0))
    engine.heard(helper.arm(ArmState.ARMED_AWAY), Moment(clock.now_ms(), 0.0))
    began_s = time.process_time()
    fired = 0
    for number, fact in enumerate(facts):
        now = Moment(clock.now_ms() + number // 10, number / 10_000)
        fired += len(engine.heard(fact, now))
        if not number % 10_000:
            engine.tick(now)
    cpu_s = time.process_time() - began_s
    rate = len(facts) / cpu_s
    print(
        f"| {name} | {rate:,.0f} | {cpu_s / len(facts) * 1e6:.1f} | {fired} | {compiled_s * 1000:.0f} |",
        flush=True,
    )
    return rate


def main() -> int:
    clock = FakeClock()
    facts = events_of(Facts(clock))
    print("| | events/s of one core | µs each | fired | compiled in ms |\n|---|---|---|---|---|")
    rules = [written(number) for number in range(RULES)]
    rate = measured(f"{RULES} rules, {SENSORS} sensors, {CAMERAS} cameras", rules, facts, clock)
    every = [
        one
        | {
            "conditions": [
                {"type": "sensor_event", "event": "open"},
                {"type": "arm_state", "value": "disarmed"},
            ]
        }
        for one in rules
    ]
    measured(f"{RULES} rules that all look at every sensor", every, facts[: EVENTS // 10], clock)
    payloads = [fact.model_dump_json() for fact in facts if isinstance(fact, SensorChanged)][: EVENTS // 3]
    began_s = time.process_time()
    for payload in payloads:
        SensorChanged.model_validate_json(payload)
    print(f"\nReading a fact from JSON: {(time.process_time() - began_s) / len(payloads) * 1e6:.1f} µs.")
    print(f"Target: {TARGET_PER_S:,} events/s with {RULES} rules.")
    return 0 if rate >= TARGET_PER_S else 1


if __name__ == "__main__":
    sys.exit(main())
