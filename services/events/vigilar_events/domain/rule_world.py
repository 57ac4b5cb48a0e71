"""What rules know: what happened just now, and how things stand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from vigilar_common.messages import Fact
from vigilar_common.messages.alarm import ArmStateChanged, EventOpened, EventType
from vigilar_common.messages.camera import MotionEnded, MotionStarted
from vigilar_common.messages.detection import ObjectDetected
from vigilar_common.messages.power import PowerChanged
from vigilar_common.messages.presence import HouseholdChanged, PresenceChanged
from vigilar_common.messages.sensor import SensorChanged, SensorLost, SensorReading

from vigilar_events.domain.points import LIFE

Value = bool | float | str
Point = tuple[str, ...]
"""What stands in one way or another: `("arm",)`, `("household",)`, `("member", name)`, `("ups",)`, `("sensor", id, key)`."""

ARM: Point = ("arm",)
HOUSEHOLD: Point = ("household",)
UPS: Point = ("ups",)
TIME: Point = ("time",)
MAX_POINTS = 8192


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened, and where it is looked up."""

    cause_id: str
    at_ms: int
    points: tuple[Point, ...]
    text: str
    """For the explanation."""
    value: Value = ""
    before: Value | None = None
    """What stood there; None: not known."""
    change: bool = True
    """False: the first word after a silence. It says how things are, nothing happened."""
    zones: tuple[str, ...] = ()
    label: str = ""
    """`started` and `ended` of motion, the class of an object."""
    camera_id: str | None = None
    sensor_id: str | None = None
    picture_id: str | None = None
    recording_id: str | None = None


TICK = Happening("", 0, (TIME,), "the clock")


@dataclass
class World:
    """The newest value of every point, with its time. Not thread-safe."""

    values: dict[Point, tuple[Value, int]] = field(default_factory=dict)
    dirty: bool = False
    wanted: Callable[[Point], bool] = lambda _: True
    """What no rule looks at is not kept."""

    def get(self, point: Point) -> Value | None:
        found = self.values.get(point)
        return found[0] if found else None

    def put(self, point: Point, value: Value, at_ms: int) -> Value | None:
        """The value before; an older word changes nothing."""
        found = self.values.get(point)
        if found is None and (len(self.values) >= MAX_POINTS or not self.wanted(point)):
            return None
        if found is None or at_ms >= found[1]:
            self.dirty = self.dirty or found is None or found[0] != value
            self.values[point] = (value, at_ms)
        return found[0] if found else None

    def fill(self, point: Point, value: Value, at_ms: int) -> bool:
        """How things stood before anybody spoke; True when nothing was known."""
        if point in self.values:
            return False
        self.put(point, value, at_ms)
        return True

    def forget_sensor(self, sensor_id: str, at_ms: int) -> list[Point]:
        """Nothing is known of it any more; of none of them where `sensor_id` is empty."""
        gone = [
            point
            for point, (_, since_ms) in self.values.items()
            if point[0] == "sensor" and sensor_id in ("", point[1]) and since_ms <= at_ms
        ]
        for point in gone:
            del self.values[point]
        self.dirty = self.dirty or bool(gone)
        return gone

    def kept(self) -> dict[str, Any]:
        return {"known": [[list(point), value, at_ms] for point, (value, at_ms) in self.values.items()]}

    def restore(self, raw: Mapping[str, Any]) -> None:
        """Raises ValueError when the content makes no sense."""
        try:
            for point, value, at_ms in list(raw["known"])[:MAX_POINTS]:
                plain: Value = value if isinstance(value, bool | str) else float(value)
                self.values[tuple(str(part) for part in point)] = (plain, int(at_ms))
        except (KeyError, TypeError) as error:
            raise ValueError("what the rules knew lacks its fields") from error
        self.dirty = False


def happening_of(fact: Fact, world: World) -> Happening | None:
    """What a fact tells, put into the world; None for a fact that no rule can ask for."""
    match fact:
        case SensorChanged() | SensorReading():
            return _sensor(fact, world)
        case MotionStarted() | MotionEnded():
            return _motion(fact)
        case ObjectDetected():
            points = (("object", fact.camera_id), ("object", ""))
            where = f" in {', '.join(fact.zones)}" if fact.zones else ""
            return Happening(
                fact.id, fact.ts_ms, points, f"{fact.object_class} at {fact.camera_id}{where}", zones=tuple(fact.zones),
                label=fact.object_class.lower(), camera_id=fact.camera_id, picture_id=fact.picture_id,
                recording_id=fact.recording_id,
            )  # fmt: skip
        case EventOpened():
            return _event(fact)
        case ArmStateChanged():
            return _stands(world, ARM, fact.to_state.value, fact, f"the alarm is {fact.to_state.value}")
        case HouseholdChanged():
            return _stands(world, HOUSEHOLD, fact.state.value, fact, f"the household is {fact.state.value}")
        case PresenceChanged():
            said = f"{fact.member} {'came' if fact.home else 'left'}"
            return _stands(world, ("member", fact.member), fact.home, fact, said)
        case PowerChanged():
            return _stands(world, UPS, fact.state.value, fact, f"the UPS is {fact.state.value}")
        case SensorLost():
            gone = world.forget_sensor(fact.sensor_id, fact.ts_ms)
            return Happening(fact.id, fact.ts_ms, tuple(gone), f"{fact.sensor_id} is lost", change=False)
        case _:
            return None


def _stands(world: World, point: Point, value: Value, fact: Fact, text: str) -> Happening:
    before = world.put(point, value, fact.ts_ms)
    return Happening(fact.id, fact.ts_ms, (point,), text, value, before)


def _sensor(fact: SensorChanged | SensorReading, world: World) -> Happening:
    point = ("sensor", fact.sensor_id, fact.key)
    before = world.put(point, fact.value, fact.ts_ms)
    first = isinstance(fact, SensorChanged) and fact.initial
    return Happening(
        fact.id, fact.ts_ms, (point, ("sensor", "", fact.key)), f"{fact.sensor_id} {fact.key} {_plain(fact.value)}",
        fact.value, before, change=not first or fact.key in LIFE, sensor_id=fact.sensor_id,
    )  # fmt: skip


def _motion(fact: MotionStarted | MotionEnded) -> Happening:
    points = (("motion", fact.camera_id), ("motion", ""))
    if isinstance(fact, MotionEnded):
        text = f"motion at {fact.camera_id} ended"
        return Happening(fact.id, fact.ts_ms, points, text, label="ended", camera_id=fact.camera_id)
    where = f" in {', '.join(fact.zones)}" if fact.zones else ""
    return Happening(
        fact.id, fact.ts_ms, points, f"motion at {fact.camera_id}{where}", zones=tuple(fact.zones), label="started",
        camera_id=fact.camera_id, picture_id=fact.picture_id, recording_id=fact.recording_id,
    )  # fmt: skip


PACKAGES: Final = {
    EventType.PACKAGE: "delivered",
    EventType.PACKAGE_REMINDER: "reminder",
    EventType.PACKAGE_COLLECTED: "collected",
    EventType.PACKAGE_TAKEN: "taken",
}


def _event(fact: EventOpened) -> Happening | None:
    """Of a parcel or a vehicle; other events are told by their own facts."""
    vehicle = fact.type is EventType.VEHICLE
    if not vehicle and fact.type not in PACKAGES:
        return None
    kind = "vehicle" if vehicle else "package"
    seen = fact.detail.get("vehicle")
    known = isinstance(seen, dict) and seen.get("recognition") == "household"
    return Happening(
        fact.id, fact.ts_ms, ((kind, fact.camera_id or ""), (kind, "")), fact.title,
        str(seen.get("name", "")) if known and isinstance(seen, dict) else "", zones=tuple(fact.zones),
        label=str(fact.detail.get("move", "")) if vehicle else PACKAGES[fact.type], camera_id=fact.camera_id,
        picture_id=fact.picture_id,
    )  # fmt: skip


def _plain(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value[:40] if isinstance(value, str) else f"{value:g}"


def before_of(fact: Fact) -> Iterator[tuple[Point, Value]]:
    """How things stood before a fact, where it says so itself."""
    match fact:
        case ArmStateChanged():
            yield ARM, fact.from_state.value
        case PowerChanged() if fact.before is not None:
            yield UPS, fact.before.value
        case PresenceChanged():
            yield ("member", fact.member), not fact.home
        case SensorChanged() if isinstance(fact.value, bool) and not fact.initial:
            yield ("sensor", fact.sensor_id, fact.key), not fact.value
