"""Pets, their sightings and rules, and wild animals."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from vigilar_common.messages.base import Fact, Identifier, Uuid, Value

Share = Annotated[float, Field(ge=0, le=1)]
Species = Annotated[str, Field(min_length=1, max_length=40)]
Zone = Annotated[str, Field(max_length=80)]
Sealed = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]+={0,2}$", min_length=4, max_length=12_000, repr=False)]
"""Base64 of bytes that only the sending service can open."""
Model = Annotated[str, Field(min_length=1, max_length=120)]
"""Name and version of the model that made a vector; vectors of two models are never compared."""


class Origin(StrEnum):
    UPLOAD = "upload"
    SIGHTING = "sighting"
    CORRECTION = "correction"


class ThreatLevel(StrEnum):
    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Light(StrEnum):
    DAY = "day"
    DAWN = "dawn"
    DUSK = "dusk"
    NIGHT = "night"


class PetConditionKind(StrEnum):
    SEEN = "seen"
    SEEN_IN_ZONE = "seen_in_zone"
    NOT_SEEN_FOR = "not_seen_for"
    OUT_AFTER_DARK = "out_after_dark"
    TOGETHER_WITH = "together_with"


class PetActionKind(StrEnum):
    ALERT = "alert"
    RECORD = "record"


class PetSaved(Fact):
    """A pet was added or changed; the newest says all."""

    TYPE: ClassVar[str] = "pet.saved"
    pet_id: Uuid
    name: str = Field(min_length=1, max_length=80)
    species: Species
    breed: str = Field("", max_length=80)
    picture_id: Uuid | None = None
    training_count: int = Field(0, ge=0, le=1_000_000, description="pictures it was learnt from")


class PetRemoved(Fact):
    """A pet was removed, with its rules and training images; its sightings stay."""

    TYPE: ClassVar[str] = "pet.removed"
    pet_id: Uuid


class PetSighted(Fact):
    """A pet was seen: at most one a second, those of one track share `track_id`."""

    TYPE: ClassVar[str] = "pet.sighted"
    camera_id: Identifier
    pet_id: Uuid | None = Field(None, description="empty when not recognised")
    species: Species
    confidence: Share
    track_id: Uuid | None = None
    event_id: Uuid | None = None
    picture_id: Uuid | None = Field(None, description="the cut-out picture")
    recording_id: Uuid | None = None
    zone: Zone = ""


class PetTrainingSaved(Fact):
    """A picture was staged, labelled or learnt from; the newest says all."""

    TYPE: ClassVar[str] = "pet.training.saved"
    image_id: Uuid
    pet_id: Uuid
    picture_id: Uuid
    origin: Origin
    used: bool = Field(False, description="whether the running model learnt from it")
    model: Model
    vector: Sealed


class PetTrainingRemoved(Fact):
    """A staged picture was rejected."""

    TYPE: ClassVar[str] = "pet.training.removed"
    image_id: Uuid


class PetCondition(Value):
    """One thing that must hold."""

    kind: PetConditionKind
    camera_id: Identifier | None = None
    zone: Zone = ""
    duration_s: int = Field(0, ge=0, le=30 * 86_400)
    other_pet_id: Uuid | None = None


class PetAction(Value):
    """One thing that is then done."""

    kind: PetActionKind
    camera_id: Identifier | None = None
    message: str = Field("", max_length=200)


class PetRuleSaved(Fact):
    """A rule was made or changed; the newest says all."""

    TYPE: ClassVar[str] = "pet.rule.saved"
    rule_id: Uuid
    pet_id: Uuid | None = Field(None, description="empty: any pet")
    name: str = Field(min_length=1, max_length=120)
    conditions: list[PetCondition] = Field(min_length=1, max_length=8)
    actions: list[PetAction] = Field(min_length=1, max_length=8)
    cooldown_s: int = Field(60, ge=0, le=30 * 86_400)
    priority: int = Field(0, ge=-1_000, le=1_000)
    enabled: bool = True


class PetRuleRemoved(Fact):
    """A rule was removed."""

    TYPE: ClassVar[str] = "pet.rule.removed"
    rule_id: Uuid


class PetRuleFired(Fact):
    """A rule about pets fired and wants people told; events makes an event of it."""

    TYPE: ClassVar[str] = "pet.rule.fired"
    rule_id: Uuid
    title: str = Field(min_length=1, max_length=200, description="one sentence for people")
    reason: str = Field("", max_length=300, description="which conditions held, and how")
    pet_id: Uuid | None = None
    camera_id: Identifier | None = None
    track_id: Uuid | None = None


class WildlifeSighted(Fact):
    """A wild animal was seen, and what the weather was."""

    TYPE: ClassVar[str] = "wildlife.sighted"
    camera_id: Identifier
    species: str = Field(min_length=1, max_length=80)
    threat_level: ThreatLevel
    confidence: Share
    light: Light | None = None
    temperature_c: float | None = Field(None, ge=-100, le=100, description="outside")
    conditions: str = Field("", max_length=120, description="weather in words, empty when unknown")
    track_id: Uuid | None = None
    event_id: Uuid | None = None
    picture_id: Uuid | None = Field(None, description="the cut-out picture")
    recording_id: Uuid | None = None
