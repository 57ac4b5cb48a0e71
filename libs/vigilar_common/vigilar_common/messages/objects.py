"""Objects that a camera follows: what changes of them, when they leave, and how many are there now."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Final

from pydantic import Field

from vigilar_common.derived import derived_id
from vigilar_common.messages.base import Fact, Identifier, Message, Text, TimestampMs, Uuid, Value
from vigilar_common.messages.camera import Box
from vigilar_common.messages.detection import ObjectClass
from vigilar_common.messages.vehicles import VehicleSeen

MAX_ZONES: Final = 32
MAX_LISTED: Final = 32
"""Objects that one `CameraObjects` lists; its counts are whole."""

Name = Annotated[str, Field(max_length=120)]
Seconds = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]
MAX_WAY_POINTS: Final = 64
_Part = Annotated[float, Field(ge=0, le=1)]
WayPoint = tuple[Annotated[int, Field(ge=0)], _Part, _Part, _Part, _Part]


class ObjectChange(StrEnum):
    ZONE_ENTERED = "zone_entered"
    ZONE_LEFT = "zone_left"
    LINE_CROSSED = "line_crossed"
    LOITERING = "loitering"
    CLASS = "class"
    """It is taken for something else than before."""


class ObjectEnd(StrEnum):
    """Why an object is followed no longer."""

    GONE = "gone"
    RESTS = "rests"
    """It stands still: a car was parked."""
    UNSEEN = "unseen"
    """Nobody looked where it was for long."""
    INTERRUPTED = "interrupted"
    """The camera, the detector or the search ended."""


class ObjectSpeed(StrEnum):
    """Over its whole way, in sizes of the object per second: below 0.1, below 0.6, below 2, more."""

    STILL = "still"
    SLOW = "slow"
    MEDIUM = "medium"
    FAST = "fast"


class Crossing(Value):
    line: Name
    direction: str = Field(max_length=8, description="in: to the right-hand side of the line; out")


class ObjectChanged(Fact):
    """Something about an object in sight is new: it entered a zone, crossed a line, loiters."""

    TYPE: ClassVar[str] = "object.changed"
    camera_id: Identifier
    track_id: Uuid
    what: ObjectChange
    name: Name = Field("", description="of the zone or the line")
    direction: str = Field("", max_length=16, description="of a crossing: in or out")
    object_class: ObjectClass
    confidence: float = Field(ge=0, le=1)
    box: Box
    zones: list[str] = Field(
        default_factory=list, max_length=MAX_ZONES, description="named zones that it is in"
    )


class ObjectLeft(Fact):
    """An object is followed no longer; `ts_ms` is when it was seen last. What is told of it is of the whole time."""

    TYPE: ClassVar[str] = "object.left"
    camera_id: Identifier
    track_id: Uuid
    reason: ObjectEnd
    object_class: ObjectClass = Field(description="by the votes of all looks")
    confidence: float = Field(ge=0, le=1, description="median of its looks")
    box: Box = Field(description="where it was in the moment in which it was seen best")
    started_ms: TimestampMs
    zones: list[str] = Field(default_factory=list, max_length=MAX_ZONES, description="every zone it was in")
    dwell_s: dict[str, Seconds] = Field(
        default_factory=dict, max_length=MAX_ZONES, description="how long it was in each of them"
    )
    crossed: list[Crossing] = Field(default_factory=list, max_length=MAX_ZONES, description="lines, in order")
    loitered: bool = False
    speed: ObjectSpeed = ObjectSpeed.STILL
    direction: str = Field(
        "", max_length=16, description="in the picture: up, down_left, …; empty: it stayed"
    )
    looks: int = Field(0, ge=0, description="pictures it was seen in")
    best_ms: TimestampMs = Field(0, description="when it was seen best")
    picture_id: Uuid | None = Field(None, description="the best picture of it")
    from_rest: bool = Field(False, description="it had stood there before it moved: a car that was parked")
    vehicle: VehicleSeen | None = Field(None, description="of a vehicle: what all looks at it tell")
    picture_box: Box | None = Field(None, description="where it is in that picture")
    way: list[WayPoint] = Field(
        default_factory=list,
        max_length=MAX_WAY_POINTS,
        description="where it was, in order: ms after started_ms, then x, y, width and height of its box",
    )


class Verdict(StrEnum):
    """What the owner says of an object."""

    WRONG = "wrong"
    """It is not what it was taken for."""
    RIGHT = "right"
    NONE = "none"
    """Whatever was said before is taken back."""


class ObjectSuppressed(Fact):
    """An object was never told, because a mask or the owner's marks say so; `ts_ms` is when it was seen last."""

    TYPE: ClassVar[str] = "object.suppressed"
    camera_id: Identifier
    track_id: Uuid
    object_class: ObjectClass
    confidence: float = Field(ge=0, le=1)
    box: Box
    started_ms: TimestampMs
    mask: Name = Field(
        "", description="name of the mask it stood in; empty: it is like what was marked as wrong"
    )
    marked_track_id: Uuid | None = Field(None, description="the marked object that it is like")
    likeness: float = Field(0, ge=-1, le=1, description="how near it is to that: 1 is the same")
    looks: int = Field(0, ge=0, description="pictures it was seen in")


class ObjectMarked(Fact):
    """The owner says whether an object is what it was taken for."""

    TYPE: ClassVar[str] = "object.marked"
    camera_id: Identifier
    track_id: Uuid
    verdict: Verdict
    object_class: ObjectClass = Field(description="what it was taken for")
    by: str = Field("", max_length=80)
    learnt: bool = Field(description="the camera keeps how it looks, and compares what comes with it")


class MarkObject(Message):
    """The owner's mark, on its way to the camera's worker."""

    track_id: Uuid
    object_class: ObjectClass = Field(
        description="what it was taken for, should the worker not know it any more"
    )
    verdict: Verdict
    user: str = Field("", max_length=80)


class PresentObject(Value):
    track_id: Uuid
    object_class: ObjectClass
    confidence: float = Field(ge=0, le=1)
    box: Box
    zones: list[str] = Field(default_factory=list, max_length=MAX_ZONES)
    since_ms: TimestampMs
    resting: bool = Field(False, description="it stands still, as a parked car does")


class CameraObjects(Message):
    """Retained: what a camera sees now. `ts_ms` is when that changed."""

    camera_id: Identifier
    known: bool = Field(description="false: nobody looks, so nothing is known; the counts are empty then")
    reason: Text = Field("", description="why nothing is known; empty when it is")
    counts: dict[ObjectClass, Count] = Field(
        default_factory=dict, max_length=64, description="how many of each class, resting ones with them"
    )
    zones: dict[str, dict[ObjectClass, Count]] = Field(
        default_factory=dict, max_length=MAX_ZONES, description="the same by named zone"
    )
    objects: list[PresentObject] = Field(
        default_factory=list, max_length=MAX_LISTED, description="newest first"
    )


def object_event_id(track_id: str) -> str:
    """The event of a followed object: one object is one event."""
    return derived_id("event:object", track_id)
