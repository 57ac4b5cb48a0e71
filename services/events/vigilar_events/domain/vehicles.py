"""What vehicles mean: who arrived, who left, which of the known ones are at home."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError
from vigilar_common.config import Camera
from vigilar_common.config.detection import KnownVehicle
from vigilar_common.derived import derived_id
from vigilar_common.messages.alarm import ArmState, EventEnded, EventOpened, EventType
from vigilar_common.messages.objects import ObjectEnd, ObjectLeft, object_event_id
from vigilar_common.messages.vehicles import (
    Acquaintance,
    KnownVehicleState,
    VehicleColour,
    VehicleMove,
    VehicleSeen,
    VehiclesState,
    vehicle_id,
)

from vigilar_events.domain.meaning import FRESH_S, camera_name, motion_severity

SURELY = Acquaintance.HOUSEHOLD


def move_of(fact: ObjectLeft) -> VehicleMove | None:
    """Parked after it came, or gone from where it was parked; None: it passed by, or was only moved a little."""
    if fact.vehicle is None:
        return None
    if fact.reason is ObjectEnd.RESTS:
        return None if fact.from_rest else VehicleMove.ARRIVED
    return VehicleMove.LEFT if fact.reason is ObjectEnd.GONE and fact.from_rest else None


def vehicle_event_id(track_id: str) -> str:
    return derived_id("event:vehicle", track_id)


def words(seen: VehicleSeen, object_class: str) -> str:
    """`The silver estate`, `A car like the silver estate`, `Unknown red car`, `Car`."""
    if seen.name:
        name = seen.name if seen.name.lower().startswith("the ") else f"the {seen.name}"
        return (
            f"{name[0].upper()}{name[1:]}" if seen.recognition is SURELY else f"A {object_class} like {name}"
        )
    colour = "" if seen.colour is VehicleColour.UNKNOWN else f"{seen.colour.value} "
    strange = "unknown " if seen.recognition is Acquaintance.STRANGER else ""
    return f"{strange}{colour}{object_class}".capitalize()


def vehicle_told(
    fact: ObjectLeft, cameras: Mapping[str, Camera], arm_state: ArmState, age_s: float
) -> list[EventOpened | EventEnded]:
    """One event per arrival and per leaving, over at once; the object's own event goes on beside it."""
    move = move_of(fact)
    if move is None or fact.vehicle is None:
        return []
    camera = cameras.get(fact.camera_id)
    event_id = vehicle_event_id(fact.track_id)
    where = camera_name(cameras, fact.camera_id)
    detail: dict[str, Any] = {
        "object_class": fact.object_class,
        "move": move.value,
        "recognition": fact.vehicle.recognition.value,
        "vehicle": fact.vehicle.model_dump(mode="json"),
        "object_event_id": object_event_id(fact.track_id),
    }
    severity = motion_severity(arm_state, camera.location if camera else None, age_s)
    opened = EventOpened(
        id=derived_id("event.opened:vehicle", fact.track_id),
        ts_ms=fact.ts_ms,
        event_id=event_id,
        type=EventType.VEHICLE,
        severity=severity,
        title=f"{words(fact.vehicle, fact.object_class)} {move.value}: {where}",
        camera_id=fact.camera_id,
        cause_id=fact.track_id,
        picture_id=fact.picture_id,
        zones=fact.zones,
        score=fact.confidence,
        arm_state=arm_state,
        detail=detail | ({"late_s": round(age_s)} if age_s > FRESH_S else {}),
    )
    ended = EventEnded(
        id=derived_id("event.ended:vehicle", fact.track_id),
        ts_ms=fact.ts_ms,
        event_id=event_id,
        ended_ms=fact.ts_ms,
    )
    return [opened, ended]


@dataclass(frozen=True)
class Whereabouts:
    """Of one known vehicle."""

    home: bool | None = None
    since_ms: int = 0
    seen_ms: int = 0
    camera_id: str | None = None
    event_id: str | None = None
    picture_id: str | None = None


class Garage:
    """Which known vehicles are at home. Not thread-safe."""

    def __init__(self, known: Sequence[KnownVehicle]) -> None:
        self._names: list[str] = []
        self._found: dict[str, Whereabouts] = {}
        self.configure(known)

    def configure(self, known: Sequence[KnownVehicle]) -> None:
        self._names = [vehicle.name for vehicle in known]

    def seen(self, fact: ObjectLeft) -> bool:
        """Whether anything is new. Only who was recognised for sure moves; an older word changes nothing."""
        seen = fact.vehicle
        if seen is None or seen.recognition is not SURELY or seen.name not in self._names:
            return False
        before = self._found.get(seen.name, Whereabouts())
        if fact.ts_ms < before.seen_ms:
            return False
        after = replace(
            before, seen_ms=fact.ts_ms, camera_id=fact.camera_id, event_id=object_event_id(fact.track_id),
            picture_id=fact.picture_id,
        )  # fmt: skip
        move = move_of(fact)
        if move is not None and after.home is not (move is VehicleMove.ARRIVED):
            after = replace(after, home=move is VehicleMove.ARRIVED, since_ms=fact.ts_ms)
        self._found[seen.name] = after
        return after != before

    def state(self) -> VehiclesState:
        return VehiclesState(
            vehicles=[
                KnownVehicleState(
                    vehicle_id=vehicle_id(name), name=name, **vars(self._found.get(name, Whereabouts()))
                )
                for name in self._names
            ]
        )

    def kept(self) -> dict[str, Any]:
        return {"vehicles": [row.model_dump(mode="json") for row in self.state().vehicles]}

    def restore(self, raw: Mapping[str, Any]) -> None:
        """Raises ValueError when the content makes no sense."""
        try:
            rows = [KnownVehicleState.model_validate(row) for row in raw["vehicles"]]
        except (KeyError, TypeError, ValidationError) as error:
            raise ValueError("what was known of vehicles lacks its fields") from error
        for row in rows:
            self._found[row.name] = Whereabouts(
                row.home, row.since_ms, row.seen_ms, row.camera_id, row.event_id, row.picture_id
            )
