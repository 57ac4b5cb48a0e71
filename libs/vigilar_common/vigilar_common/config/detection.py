"""`[detection]` and `[vehicles]`: what is recognised in the pictures."""

from __future__ import annotations

from pydantic import Field

from vigilar_common.config.base import FilePath, Id, Name, Section, Words


class Detection(Section):
    """Persons and other objects."""

    person_detection: bool = Field(
        False, title="Person detection", description="Tell persons and vehicles from other motion."
    )
    model_path: FilePath = Field("", title="Model", description="File of the neural network.")
    model_config_path: FilePath = Field(
        "", title="Model description", description="Second file that some model formats need."
    )
    confidence_threshold: float = Field(
        0.5,
        ge=0,
        le=1,
        title="Confidence threshold",
        description="Detections less sure than this are dropped.",
    )
    cameras: tuple[Id, ...] = Field(
        (), max_length=256, title="Cameras", description="Ids of the cameras to look at; empty: all."
    )
    loitering_s: int = Field(
        60,
        ge=0,
        le=3600,
        title="Loitering",
        description="A person in sight for so many seconds is told as loitering; 0: never.",
    )

    def looks_at(self, camera_id: str) -> bool:
        """Whether objects are looked for in that camera's pictures."""
        return self.person_detection and (not self.cameras or camera_id in self.cameras)


class Packages(Section):
    """Parcels that somebody leaves outside."""

    enabled: bool = Field(
        False, title="Parcels", description="Tell what somebody puts down and leaves; needs person_detection."
    )
    cameras: tuple[Id, ...] = Field(
        (),
        max_length=256,
        title="Cameras",
        description="Ids of the cameras to look at; empty: all but those inside.",
    )
    zones: tuple[Name, ...] = Field(
        (),
        max_length=32,
        title="Zones",
        description="Named zones that a parcel must lie in; empty: anywhere.",
    )
    remind_after_h: float = Field(
        4,
        ge=0,
        le=168,
        title="Reminder",
        description="Hours after which it is told that it still lies there; 0: never.",
    )
    remind_at_dusk: bool = Field(
        True, title="Reminder at dusk", description="Tell it half an hour before sunset."
    )
    rain_sensors: tuple[Id, ...] = Field(
        (),
        max_length=16,
        title="Rain",
        description="Sensors of [[sensors]] that tell rain (rain, moisture or water_leak true, or precipitation above 0).",
    )

    def looks_at(self, camera_id: str, inside: bool) -> bool:
        """Whether parcels are looked for in that camera's pictures."""
        return self.enabled and (camera_id in self.cameras if self.cameras else not inside)


class KnownVehicle(Section):
    """A vehicle that belongs here."""

    name: Name = Field(title="Name", description="What it is called in events, unique.")
    color_profile: Words = Field("", title="Colour", description="Its colour.")
    size_class: Words = Field("", title="Size", description="Its size class.")
    calibration_file: FilePath = Field(
        "", title="Calibration file", description="Measurements to know it by."
    )


class Vehicles(Section):
    """Recognised vehicles."""

    known: tuple[KnownVehicle, ...] = Field(
        (), max_length=256, title="Known vehicles", description="One [[vehicles.known]] block per vehicle."
    )
