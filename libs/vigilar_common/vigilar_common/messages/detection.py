"""What was recognised in a picture."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from vigilar_common.messages.base import Fact, Identifier, Uuid
from vigilar_common.messages.camera import Box

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
    recording_id: Uuid | None = None
