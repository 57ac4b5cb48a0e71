"""`[pets]`, `[visitors]` and `[highlights]`: whole subsystems that can be switched."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from vigilar_common.config.base import Id, Section

SpeciesLevel = Annotated[str, Field(pattern=r"^[a-z][a-z -]{0,39}=(none|low|medium|high)$")]


class Pets(Section):
    """Pets and wildlife."""

    enabled: bool = Field(False, title="Enabled", description="Recognise pets and wildlife.")
    wildlife: bool = Field(
        True, title="Wildlife", description="Also tell what kind of wild animal a camera saw."
    )
    cameras: list[Id] = Field(
        [], title="Cameras", description="Cameras whose animals are told apart. Empty: all."
    )
    temperature_sensor: str = Field(
        "",
        max_length=64,
        title="Temperature sensor",
        description="Sensor outside; empty: no weather is kept.",
    )
    threats: list[SpeciesLevel] = Field(
        [],
        max_length=128,
        title="Threats",
        description='Levels that differ from the built-in ones, as "fox=medium": none, low, medium, high.',
    )


class Visitors(Section):
    """Faces and visits."""

    enabled: bool = Field(
        False,
        title="Enabled",
        description="Recognise faces and keep a record of visits. Nothing is looked at before the statement of law is accepted.",
    )
    consent_version: int = Field(
        0,
        ge=0,
        le=1_000,
        title="Accepted statement",
        description="Number of the statement of law that was accepted (docs/guide/visitors.md); 0: none.",
    )
    consent_by: str = Field("", max_length=80, title="Accepted by", description="Who accepted it.")
    consent_at: str = Field(
        "", max_length=40, title="Accepted at", description="When, as the page wrote it: a time in UTC."
    )
    cameras: tuple[Id, ...] = Field(
        (),
        max_length=256,
        title="Cameras",
        description="Ids of cameras in whose pictures faces are looked for; empty: all.",
    )
    stranger_retention_days: int = Field(
        7,
        ge=1,
        le=365,
        title="Keep strangers",
        description="Days after the last visit until a face that nobody named is forgotten.",
    )
    visit_gap_s: int = Field(
        300,
        ge=30,
        le=86_400,
        title="Gap between visits",
        description="Seconds without being seen after which somebody has gone; later it is another visit.",
    )
    min_face_px: int = Field(
        48,
        ge=24,
        le=400,
        title="Smallest face",
        description="Pixels: smaller faces are not used, they are confused too easily.",
    )


class Highlights(Section):
    """Reels and timelapses."""

    enabled: bool = Field(True, title="Enabled", description="Make daily reels and timelapses.")
