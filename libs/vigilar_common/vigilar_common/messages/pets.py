"""What the page asks of the pets service, and what it always says of the household's animals."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from vigilar_common.messages.animals import PetAction, PetCondition, Share, Species, Zone
from vigilar_common.messages.base import Identifier, Message, Text, TimestampMs, Uuid, Value

MAX_PETS: Final = 32
MAX_RULES: Final = 64
MAX_PHOTO_BYTES: Final = 45_000
"""Of a JPEG that is uploaded: the page makes larger ones smaller, a model looks at 224 pixels."""
PHOTO_CHARACTERS: Final = 60_000

Name = Annotated[str, Field(min_length=1, max_length=80)]


class Whereabouts(StrEnum):
    """A guess, made of where a pet was seen last."""

    INSIDE = "inside"
    OUTSIDE = "outside"
    UNKNOWN = "unknown"


class PetNow(Value):
    """One pet, and where it was seen last."""

    pet_id: Uuid
    name: Name
    species: Species
    breed: str = Field("", max_length=80)
    photo_id: Uuid | None = Field(None, description="a picture that the pets service keeps")
    photos: int = Field(0, ge=0, description="that it was learnt from")
    staged: int = Field(0, ge=0, description="photos that wait for learning")
    where: Whereabouts = Whereabouts.UNKNOWN
    seen_ms: TimestampMs = 0
    camera_id: Identifier | None = None
    zone: Zone = ""
    confidence: Share = 0


class Learnt(Value):
    """How well the household's pets are told apart, each photo judged by the others (leave one out)."""

    photos: int = Field(0, ge=0)
    right: int = Field(0, ge=0, description="photos whose pet was told")
    unsure: int = Field(0, ge=0, description="photos that were told of nobody")
    threshold: Share = Field(0, description="likeness that is needed to be told")


class PetsState(Message):
    """Retained: the household's pets, and whether they are told apart."""

    enabled: bool = True
    problem: Text = Field("", description="why they are not told apart; empty: they are")
    model_id: str = Field("", max_length=120)
    pets: list[PetNow] = Field(default_factory=list, max_length=MAX_PETS)
    learnt: Learnt = Learnt()
    embedding_left: int = Field(0, ge=0, description="photos that wait to be looked at with a new model")


class PetOrder(StrEnum):
    SAVE = "save"
    REMOVE = "remove"
    ADD_PHOTO = "add_photo"
    NAME_SIGHTING = "name_sighting"
    LABEL = "label"
    REJECT = "reject"
    RETRAIN = "retrain"
    PHOTOS = "photos"
    PHOTO = "photo"
    SAVE_RULE = "save_rule"
    REMOVE_RULE = "remove_rule"
    RULES = "rules"


class PetRuleWish(Value):
    """A rule as its owner wants it."""

    pet_id: Uuid | None = None
    name: str = Field(min_length=1, max_length=120)
    conditions: list[PetCondition] = Field(min_length=1, max_length=8)
    actions: list[PetAction] = Field(min_length=1, max_length=8)
    cooldown_s: int = Field(3600, ge=0, le=30 * 86_400)
    priority: int = Field(0, ge=-1_000, le=1_000)
    enabled: bool = True


class PetCommand(Message):
    """Command to pets, of one pet, photo or rule."""

    order: PetOrder
    pet_id: Uuid | None = None
    name: str = Field("", max_length=80)
    species: str = Field("", max_length=40)
    breed: str = Field("", max_length=80)
    photo_id: Uuid | None = Field(None, description="of a photo, or of the picture of a sighting")
    photo: str = Field("", max_length=PHOTO_CHARACTERS, repr=False, description="JPEG, base64")
    rule_id: Uuid | None = None
    rule: PetRuleWish | None = None
    user: str = Field("", max_length=80)
