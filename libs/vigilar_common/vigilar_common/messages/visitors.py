"""Faces, the people behind them, and their visits. Vectors are sealed; a forgotten person leaves the log too."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Final

from pydantic import Field

from vigilar_common.messages.animals import Model, Sealed, Share
from vigilar_common.messages.base import Fact, Identifier, Message, Text, TimestampMs, Uuid, Value

CONSENT_VERSION: Final = 1
"""Of the statement of law that has to be accepted before faces are looked for; a new one asks again."""
MAX_PHOTO_BYTES: Final = 300_000
MAX_TOLD_VISITORS: Final = 64
PersonName = Annotated[str, Field(max_length=120)]


class FaceProfileSaved(Fact):
    """A face was met or a profile changed; the newest says all. How often it came is counted from its visits."""

    TYPE: ClassVar[str] = "face.profile.saved"
    profile_id: Uuid
    name: str = Field("", max_length=120, description="empty while unknown")
    household: bool = False
    ignored: bool = Field(False, description="visits are not to be told")
    picture_id: Uuid | None = None
    first_seen_ms: TimestampMs


class FaceProfilesMerged(Fact):
    """Two profiles were one person: visits and vectors of `profile_id` go to `into_id`, the profile goes."""

    TYPE: ClassVar[str] = "face.profiles.merged"
    profile_id: Uuid
    into_id: Uuid


class FaceProfileSplit(Fact):
    """One profile was two people: these visits and vectors go to `into_id`, which was saved before."""

    TYPE: ClassVar[str] = "face.profile.split"
    profile_id: Uuid
    into_id: Uuid
    embedding_ids: list[Uuid] = Field(default_factory=list, max_length=150)
    visit_ids: list[Uuid] = Field(default_factory=list, max_length=150)


class FaceForgotten(Fact):
    """A person is to be forgotten: profile, vectors and visits go, and every fact that told of them."""

    TYPE: ClassVar[str] = "face.forgotten"
    profile_id: Uuid


class FaceEmbeddingSaved(Fact):
    """A face vector was made, or made anew by another model; the newest says all."""

    TYPE: ClassVar[str] = "face.embedding.saved"
    embedding_id: Uuid
    profile_id: Uuid
    model: Model
    quality: Share = Field(description="of the picture it was made from")
    picture_id: Uuid | None = None
    vector: Sealed


class FaceEmbeddingRemoved(Fact):
    """A vector was thrown away."""

    TYPE: ClassVar[str] = "face.embedding.removed"
    embedding_id: Uuid
    profile_id: Uuid


class VisitBegan(Fact):
    """A recognised person came; `ts_ms` is when."""

    TYPE: ClassVar[str] = "visit.began"
    visit_id: Uuid
    profile_id: Uuid
    camera_id: Identifier
    confidence: Share
    event_id: Uuid | None = None
    picture_id: Uuid | None = None


class VisitEnded(Fact):
    """A recognised person went; names the whole visit, so it may come first."""

    TYPE: ClassVar[str] = "visit.ended"
    visit_id: Uuid
    profile_id: Uuid
    camera_id: Identifier
    arrived_ms: TimestampMs
    left_ms: TimestampMs
    confidence: Share
    event_id: Uuid | None = None
    picture_id: Uuid | None = Field(None, description="best picture of the visit")


class CurrentVisitor(Value):
    """Somebody who is recognised by face and has not gone."""

    profile_id: Uuid
    name: PersonName = Field("", description="empty: nobody has named this face yet")
    household: bool = False
    camera_id: Identifier = Field(description="that saw the person last")
    arrived_ms: TimestampMs
    seen_ms: TimestampMs


class VisitorsState(Message):
    """Retained: whether faces are looked for, why not, and who is there."""

    enabled: bool = Field(description="false: switched off, nothing is looked at")
    consented: bool = Field(False, description="the statement of law was accepted")
    problem: Text = Field("", description="why no face is looked for although it should be; empty: they are")
    model_title: str = Field("", max_length=250)
    model_licence: str = Field("", max_length=130)
    visitors: list[CurrentVisitor] = Field(
        default_factory=list,
        max_length=MAX_TOLD_VISITORS,
        description="newest first; without those that are not to be told",
    )
    people: int = Field(0, ge=0, description="faces that have a name")
    strangers: int = Field(0, ge=0, description="faces without one")


class VisitorAction(StrEnum):
    SAVE = "save"
    """Name, household and ignored, as they are given."""
    ENROL = "enrol"
    """The photo shows this profile, or, without one, a new person of that name."""
    MERGE = "merge"
    SPLIT = "split"
    """These faces and visits are another person's, with that name."""
    FORGET = "forget"
    FACES = "faces"
    """Which faces are kept of the profile: ids for `picture`."""
    PICTURE = "picture"


class VisitorsCommand(Message):
    """Command to visitors, which alone can open faces. What an action does not need is ignored."""

    action: VisitorAction
    profile_id: Uuid | None = None
    into_id: Uuid | None = Field(None, description="of a merge: who stays")
    name: PersonName = ""
    household: bool = False
    ignored: bool = False
    embedding_ids: list[Uuid] = Field(default_factory=list, max_length=150)
    visit_ids: list[Uuid] = Field(default_factory=list, max_length=150)
    photo: str = Field(
        "", max_length=MAX_PHOTO_BYTES * 4 // 3 + 4, repr=False, description="base64 of a JPEG of one person"
    )
    user: str = Field("", max_length=80, description="who is logged in")
