"""`[[cameras]]`: one block per camera."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from vigilar_common.config.base import AnyCaseLower, AnyCaseUpper, CameraUrl, Id, Name, Resolution, Section
from vigilar_common.config.polygons import polygon_problem

MAX_POLYGONS = 32
MAX_CORNERS = 128


class CameraLocation(StrEnum):
    """Where a camera looks; alert profiles go by it."""

    INTERIOR = "INTERIOR"
    EXTERIOR = "EXTERIOR"
    ENTRY = "ENTRY"
    DRIVEWAY = "DRIVEWAY"
    GARDEN = "GARDEN"
    GARAGE = "GARAGE"


class RtspTransport(StrEnum):
    TCP = "tcp"
    UDP = "udp"
    HTTP = "http"


class HardwareDecode(StrEnum):
    """What decodes pictures for the search for motion."""

    NONE = "none"
    AUTO = "auto"
    CUDA = "cuda"
    QSV = "qsv"
    V4L2 = "v4l2"


class ZoneMode(StrEnum):
    INCLUDE = "include"
    EXCLUDE = "exclude"
    MASK = "mask"


ClassName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_ -]{0,39}$")]
Coordinate = Annotated[float, Field(ge=0, le=16384)]
Polygon = Annotated[tuple[tuple[Coordinate, Coordinate], ...], Field(min_length=3, max_length=MAX_CORNERS)]
"""Corners [x, y] from the top left, all 0–1 of width and height, or pixels of `resolution_motion`."""


def normalised(polygon: Polygon, resolution: Resolution) -> Polygon:
    """The polygon with every coordinate 0–1; pixels are taken as pixels of ``resolution``."""
    if all(x <= 1 and y <= 1 for x, y in polygon):
        return polygon
    width, height = resolution
    return tuple((x / width, y / height) for x, y in polygon)


class Zone(Section):
    """A named area of the picture."""

    name: Name = Field(title="Name", description="Shown in events, unique within the camera.")
    polygon: Polygon = Field(
        title="Polygon", description="Corners [x, y], 0–1 of the picture or pixels of resolution_motion."
    )
    mode: Annotated[ZoneMode, AnyCaseLower] = Field(
        ZoneMode.INCLUDE,
        title="Mode",
        description="include: motion here counts; exclude: motion here is ignored; mask: motion counts, but objects whose "
        "feet stand here are not told (a poster, a statue).",
    )
    classes: tuple[ClassName, ...] = Field(
        (),
        max_length=32,
        title="Classes",
        description="Of a mask: the classes that are not told, e.g. person; empty: all of them.",
    )

    @model_validator(mode="after")
    def _classes_belong_to_masks(self) -> Self:
        if self.classes and self.mode is not ZoneMode.MASK:
            raise ValueError(
                f'classes belong to zones of mode "mask"; "{self.name}" is of mode "{self.mode}"'
            )
        return self


class Line(Section):
    """A named line in the picture that objects cross."""

    name: Name = Field(title="Name", description="Shown in events, unique among the camera's lines.")
    start: tuple[Coordinate, Coordinate] = Field(
        title="Start", description="[x, y], 0–1 of the picture or pixels of resolution_motion, as the end."
    )
    end: tuple[Coordinate, Coordinate] = Field(
        title="End",
        description="[x, y]; who crosses to the right-hand side, looking from start to end, goes in.",
    )


class Camera(Section):
    """Where the pictures come from, what is recorded and how motion is found."""

    id: Id = Field(title="Id", description="Short name in topics and paths; never changes, never repeats.")
    display_name: Name = Field(title="Display name", description="What people call the camera.")
    rtsp_url: CameraUrl = Field(
        min_length=1,
        repr=False,
        title="Stream address",
        description="Main stream, rtsp:// or rtsps:// (http:// and https:// for cameras that know no other); "
        "user and password may stand in it.",
    )
    detect_url: CameraUrl = Field(
        "",
        repr=False,
        title="Sub stream address",
        description="Optional smaller stream for motion detection and tiles; empty: the main stream serves.",
    )
    rtsp_transport: Annotated[RtspTransport, AnyCaseLower] = Field(
        RtspTransport.TCP,
        title="RTSP transport",
        description="How video travels: tcp (a camera that refuses it is asked for udp), udp, or http (a tunnel, "
        "for cameras behind a firewall that lets nothing else through).",
    )
    hardware_decode: Annotated[HardwareDecode, AnyCaseLower] = Field(
        HardwareDecode.NONE,
        title="Hardware decoding",
        description="A device that decodes for motion detection: cuda (NVIDIA), qsv (Intel), v4l2 (small boards), "
        "auto (the first that works) or none; software takes over where it does not work.",
    )
    enabled: bool = Field(True, title="Enabled", description="Watch this camera.")
    record_continuous: bool = Field(False, title="Record always", description="Record without a break.")
    record_on_motion: bool = Field(
        True, title="Record on motion", description="Record while something moves."
    )
    motion_sensitivity: float = Field(
        0.7, ge=0, le=1, title="Motion sensitivity", description="0 sees least, 1 most."
    )
    motion_min_area_px: int = Field(
        500,
        ge=0,
        le=16384 * 16384,
        title="Smallest motion",
        description="Pixels of resolution_motion; smaller changes are no motion.",
    )
    motion_zones: tuple[Polygon, ...] = Field(
        (),
        max_length=MAX_POLYGONS,
        title="Motion zones",
        description="Polygons of [x, y] corners; only motion inside one of them counts; empty: everywhere.",
    )
    zones: tuple[Zone, ...] = Field(
        (),
        max_length=MAX_POLYGONS,
        title="Named zones",
        description="Areas with a name, to include or exclude.",
    )
    lines: tuple[Line, ...] = Field(
        (),
        max_length=MAX_POLYGONS,
        title="Lines",
        description="Named lines; persons, vehicles and animals that cross one are told.",
    )
    pre_motion_buffer_s: int = Field(
        5, ge=0, le=120, title="Pre-roll", description="Seconds a clip starts before the motion does."
    )
    post_motion_buffer_s: int = Field(
        30, ge=0, le=3600, title="Post-roll", description="Seconds a clip goes on after the last motion."
    )
    max_recording_s: int = Field(
        600,
        ge=60,
        le=3600,
        title="Longest recording",
        description="Seconds after which a recording goes on in another file, without losing a frame.",
    )
    idle_fps: int = Field(
        2,
        ge=1,
        le=30,
        title="Idle frame rate",
        description="Frames per second looked at while nothing moves.",
    )
    motion_fps: int = Field(
        30,
        ge=1,
        le=60,
        title="Motion frame rate",
        description="Most frames per second looked at during motion.",
    )
    retention_days: int = Field(
        30,
        ge=1,
        le=36_500,
        title="Retention",
        description="Days after which unstarred recordings are deleted.",
    )
    resolution_capture: Resolution = Field(
        (1920, 1080),
        title="Expected resolution",
        description="Width and height of the main stream; a mismatch is reported, nothing is rescaled.",
    )
    resolution_motion: Resolution = Field(
        (640, 360), title="Motion resolution", description="Width and height that motion is searched at."
    )
    location: Annotated[CameraLocation, AnyCaseUpper] = Field(
        CameraLocation.INTERIOR, title="Location", description="Where it looks; alert profiles go by it."
    )

    @model_validator(mode="after")
    def _check_polygons(self) -> Self:
        width, height = self.resolution_motion
        named = [(f"motion_zones[{index}]", polygon) for index, polygon in enumerate(self.motion_zones)]
        named += [(f'zone "{zone.name}"', zone.polygon) for zone in self.zones]
        for name, polygon in named:
            if any(x > 1 or y > 1 for x, y in polygon) and any(x > width or y > height for x, y in polygon):
                raise ValueError(f"{name} reaches beyond resolution_motion ({width}×{height} pixels)")
            if problem := polygon_problem(normalised(polygon, self.resolution_motion)):
                raise ValueError(f"{name} {problem}")
        for line in self.lines:
            points = (line.start, line.end)
            if any(x > 1 or y > 1 for x, y in points) and any(x > width or y > height for x, y in points):
                raise ValueError(
                    f'line "{line.name}" reaches beyond resolution_motion ({width}×{height} pixels)'
                )
            if line.start == line.end:
                raise ValueError(f'line "{line.name}" has no length')
        lines = [line.name for line in self.lines]
        if twice := sorted({name for name in lines if lines.count(name) > 1}):
            raise ValueError(f'the line name "{twice[0]}" is used twice; give each line a name of its own')
        names = [zone.name for zone in self.zones]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f'the zone name "{twice[0]}" is used twice; give each zone a name of its own')
        return self
