"""Rules without a broker: a house whose facts and clock a test drives, and what the rules made of them."""

from __future__ import annotations

from typing import Any

from vigilar_common.clock import uuid7
from vigilar_common.config import Config
from vigilar_common.messages import Fact
from vigilar_common.messages.alarm import ArmState, ArmStateChanged
from vigilar_common.messages.camera import Box, MotionStarted
from vigilar_common.messages.detection import ObjectDetected
from vigilar_common.messages.power import PowerChanged, PowerState
from vigilar_common.messages.presence import Household, HouseholdChanged, PresenceChanged, Role
from vigilar_common.messages.sensor import SensorChanged, SensorReading
from vigilar_common.testing import FakeClock
from vigilar_events.domain.rule_engine import Engine, Firing, Moment
from vigilar_events.domain.rule_world import World
from vigilar_events.rules import almanac_of

SENSORS = ("back_door", "hall", "freezer")
CAMERAS = ("front", "yard")


def config_of(*rules: dict[str, Any], **sections: Any) -> Config:
    """Rules in a house with sensors, cameras with a zone `gate`, and two people."""
    sensors = [
        {
            "id": name,
            "display_name": name.title(),
            "type": "CONTACT",
            "protocol": "ZIGBEE",
            "device_address": name,
        }
        for name in SENSORS
    ]
    corners = [[0.0, 0.0], [1.0, 0.0], [1.0, 0.5]]
    cameras = [
        {
            "id": name,
            "display_name": name.title(),
            "rtsp_url": "rtsp://x/",
            "zones": [{"name": "gate", "polygon": corners}],
        }
        for name in CAMERAS
    ]
    people = {
        "members": [{"name": "Ann", "ip": "192.0.2.1"}, {"name": "Kim", "ip": "192.0.2.2", "role": "child"}]
    }
    whole = {"sensors": sensors, "cameras": cameras, "presence": people, "rules": list(rules)}
    return Config.model_validate(whole | sections)


def rule(*conditions: dict[str, Any], **keys: Any) -> dict[str, Any]:
    return {"id": "r", "conditions": list(conditions), "actions": ["alert_all"], "cooldown_s": 0} | keys


class Facts:
    """Makes facts with ids and times of a clock."""

    def __init__(self, clock: FakeClock | None = None) -> None:
        self.clock = clock or FakeClock()

    def _head(self, age_s: float) -> dict[str, Any]:
        return {"id": uuid7(self.clock), "ts_ms": self.clock.now_ms() - round(age_s * 1000)}

    def sensor(self, name: str, value: Any, key: str = "contact", age_s: float = 0, **more: Any) -> Fact:
        return SensorChanged(sensor_id=name, key=key, value=value, **self._head(age_s), **more)

    def reading(self, name: str, value: float, key: str = "temperature") -> Fact:
        return SensorReading(sensor_id=name, key=key, value=value, unit="°C", **self._head(0))

    def motion(self, camera: str = "front", zones: tuple[str, ...] = (), age_s: float = 0) -> Fact:
        motion_id = uuid7(self.clock)
        return MotionStarted(
            camera_id=camera,
            motion_id=motion_id,
            score=0.5,
            area_px=900,
            zones=list(zones),
            **self._head(age_s),
        )

    def seen(self, what: str, camera: str = "front", zones: tuple[str, ...] = ()) -> Fact:
        box = Box(x=0, y=0, w=0.5, h=0.5)
        return ObjectDetected(
            camera_id=camera, track_id=uuid7(self.clock), object_class=what, confidence=0.9, box=box, zones=list(zones),
            **self._head(0),
        )  # fmt: skip

    def arm(self, after: ArmState, before: ArmState = ArmState.DISARMED) -> Fact:
        return ArmStateChanged(
            from_state=before, to_state=after, changed_by="ann", method="web", **self._head(0)
        )

    def household(self, state: Household) -> Fact:
        return HouseholdChanged(state=state, **self._head(0))

    def person(self, name: str, home: bool) -> Fact:
        return PresenceChanged(member=name, role=Role.ADULT, home=home, method="icmp", **self._head(0))

    def power(self, state: PowerState, before: PowerState | None = None) -> Fact:
        return PowerChanged(ups_id="ups", state=state, before=before, severity="info", **self._head(0))


class Bench:
    """An engine of its own with its clock."""

    def __init__(self, *rules: dict[str, Any], now_ms: int | None = None, **sections: Any) -> None:
        self.clock = FakeClock(now_ms) if now_ms is not None else FakeClock()
        self.facts, self.world = Facts(self.clock), World()
        self.config = config_of(*rules, **sections)
        self.engine = Engine(self.config.rules, almanac_of(self.config), self.world)
        self.engine.settle(self.now)

    @property
    def now(self) -> Moment:
        return Moment(self.clock.now_ms(), self.clock.monotonic_s())

    def hears(self, fact: Fact, age_s: float = 0.0) -> list[Firing]:
        return self.engine.heard(fact, self.now, age_s)

    def fires(self, fact: Fact, age_s: float = 0.0) -> bool:
        return bool(self.hears(fact, age_s))

    def passes(self, seconds: float, step_s: float = 1.0) -> list[Firing]:
        """Look at the clock again and again while time goes by."""
        fired: list[Firing] = []
        while seconds > 0:
            self.clock.advance(min(step_s, seconds))
            seconds -= step_s
            fired += self.engine.tick(self.now)
        return fired
