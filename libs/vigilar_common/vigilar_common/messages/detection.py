"""What was recognised in a picture, and how camera workers and the detector talk of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Final

from pydantic import Field

from vigilar_common.messages.base import Fact, Identifier, Message, Text, TimestampMs, Uuid, Value
from vigilar_common.messages.camera import Box
from vigilar_common.messages.vehicles import VehicleLook, VehicleSeen

MAX_OBJECTS: Final = 64
"""That are told of one crop: the surest ones."""
LOOK_CHARACTERS: Final = 172
"""128 bytes as base64."""
MAX_CLASSES: Final = 512
MAX_CROP_PX: Final = 640
"""Width and height of a crop at most."""
MAX_OUTSTANDING: Final = 2
"""Crops of one camera that wait for an answer at most."""
CROP_DEADLINE_S: Final = 0.5
"""A crop that was not looked at within this time after it came is answered unseen."""

TOLD_SHARE: Final = 0.5
"""Of the threshold a score must reach to be answered: less sure looks may go on with what is followed already."""

ObjectClass = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_ -]{0,39}$")]
"""person, car, dog, …"""


class ObjectDetected(Fact):
    """An object was recognised in the pictures of a camera: once per track, however many pictures it is seen in."""

    TYPE: ClassVar[str] = "object.detected"
    camera_id: Identifier
    track_id: Uuid = Field(description="the same object as long as it stays in sight")
    object_class: ObjectClass
    confidence: float = Field(ge=0, le=1)
    box: Box
    zones: list[str] = Field(default_factory=list, max_length=32, description="named zones that it is in")
    motion_id: Uuid | None = Field(None, description="the motion it was looked for in")
    picture_id: Uuid | None = None
    picture_box: Box | None = Field(
        None, description="where it is in that picture, which shows what is around it too"
    )
    recording_id: Uuid | None = None
    vehicle: VehicleSeen | None = Field(None, description="of a vehicle: what its looks tell so far")


class Detection(Value):
    """One object in one crop."""

    object_class: ObjectClass
    score: float = Field(ge=0, le=1)
    box: Box = Field(description="parts of the crop's width and height, not of the picture's")
    vehicle: VehicleLook | None = Field(None, description="of a vehicle that is large enough: how it looks")
    look: str = Field(
        "",
        max_length=LOOK_CHARACTERS,
        pattern=r"^[A-Za-z0-9+/]*={0,2}$",
        description="how it looks: base64 of a vector of int8 that says whether it is the same thing again; empty: not known",
    )


class CropResult(StrEnum):
    """What became of a crop. Only of `seen` the list of objects says anything."""

    SEEN = "seen"
    LATE = "late"
    """It waited longer than the deadline: nobody looked at it."""
    REPLACED = "replaced"
    """A newer one of the same camera took its place."""
    REFUSED = "refused"
    """It is no picture, too large, or of a camera that is not to be looked at."""
    FAILED = "failed"
    """The model gave no usable answer."""


class CropSeen(Message):
    """The answer to one crop. Each crop gets one, unless the detector ends meanwhile."""

    camera_id: Identifier
    crop_id: Uuid
    result: CropResult
    reason: Text = Field("", description="why it was not seen; empty when it was")
    objects: list[Detection] = Field(
        default_factory=list, max_length=MAX_OBJECTS, description="surest first; empty: nothing is there"
    )
    model_id: str = Field("", max_length=64)
    waited_ms: float = Field(0, ge=0, description="between coming and being looked at")
    took_ms: float = Field(0, ge=0, description="from the JPEG to the objects")


class DetectorLease(Message):
    """For `lease_s` from now crops are looked at; without it no worker sends any."""

    lease_s: float = Field(12, gt=0, le=60)
    crop_px: int = Field(
        320, ge=32, le=MAX_CROP_PX, description="side that the model looks at: larger crops tell no more"
    )
    crops_per_s: float = Field(5, gt=0, le=50, description="of one camera at most; less while many are busy")
    model_id: str = Field("", max_length=64)


class TrackLease(Message):
    """For `lease_s` from now somebody identifies what cameras follow, and wants pictures of it."""

    lease_s: float = Field(12, gt=0, le=60)
    kinds: list[ObjectClass] = Field(
        max_length=64, description="of objects: person, vehicle, animal, thing, or single classes such as dog"
    )
    cameras: list[Identifier] = Field(
        default_factory=list, max_length=256, description="that are wanted; empty: all"
    )


class DetectorState(Message):
    """Retained: what looks at crops now. Whether it lives says its availability topic."""

    enabled: bool = Field(description="false: `person_detection` is off, nothing is looked at")
    problem: Text = Field(
        "", description="why crops are not looked at although they should be; empty: they are"
    )
    since_ms: TimestampMs = 0
    model_id: str = Field("", max_length=64)
    model_title: str = Field("", max_length=120)
    model_licence: str = Field("", max_length=64)
    model_sha256: str = Field("", pattern=r"^([0-9a-f]{64})?$")
    classes: list[ObjectClass] = Field(default_factory=list, max_length=MAX_CLASSES)
    confidence_threshold: float = Field(0, ge=0, le=1, description="what is less sure is not told")
    device: str = Field("", max_length=64, description="what the model runs on: CPU, GPU, NPU")
    input_width_px: int = Field(0, ge=0)
    input_height_px: int = Field(0, ge=0)
    ms_per_crop: float = Field(0, ge=0, description="median of inference alone, measured at the start")
