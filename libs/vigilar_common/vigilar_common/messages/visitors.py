"""Faces, the people behind them, and their visits. Vectors are sealed; a forgotten person leaves the log too."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from vigilar_common.messages.animals import Model, Sealed, Share
from vigilar_common.messages.base import Fact, Identifier, TimestampMs, Uuid


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
