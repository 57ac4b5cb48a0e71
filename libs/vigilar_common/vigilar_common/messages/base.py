"""The envelope that all messages share."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

ID_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"

Identifier = Annotated[str, Field(pattern=ID_PATTERN)]
"""A camera, sensor, service or member id; safe in topics, paths and URLs."""

Uuid = Annotated[str, Field(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
Text = Annotated[str, Field(max_length=500)]
TimestampMs = Annotated[int, Field(ge=0, lt=1 << 48)]


_SHAPE = ConfigDict(extra="ignore", frozen=True, defer_build=True)
"""Deferred: a service uses few of all messages, and making every validator is a fifth of what it costs to start."""


class Value(BaseModel):
    """A part of a message, without an envelope of its own."""

    model_config = _SHAPE


class Message(BaseModel):
    """One payload. The sender's bus fills the envelope; handlers see it validated."""

    model_config = _SHAPE
    VERSION: ClassVar[int] = 1

    id: str = Field("", max_length=64, description="UUIDv7; the same fact always has the same id")
    ts_ms: TimestampMs = Field(0, description="when it happened, UTC milliseconds")
    source: str = Field("", max_length=80, description="the service (or camera worker) that says so")
    seq: int = Field(0, ge=0, description="increases by one per message of this source")
    v: int = Field(1, description="schema version of this payload")


class Keep(StrEnum):
    """What an outbox at its size bound may do with a fact."""

    ALWAYS = "always"
    NEWEST = "newest"
    """Numeric telemetry: only the newest value per key survives, with a gap fact for the rest."""


class Fact(Message):
    """Something that happened and must not be lost: it goes through the outbox into the log."""

    TYPE: ClassVar[str]
    KEEP: ClassVar[Keep] = Keep.ALWAYS

    def body(self) -> dict[str, Any]:
        """What the log stores beside (seq, id, type)."""
        return self.model_dump(mode="json", exclude={"id", "seq", "source"})

    def telemetry_key(self) -> str:
        """Facts with equal keys replace one another when the outbox is full (`Keep.NEWEST` only)."""
        return self.TYPE


class Reply(Message):
    """The answer to a command, on the MQTT 5 response topic of its sender."""

    ok: bool
    code: str = Field("ok", max_length=64, description="stable word for programs: ok, wrong_pin, …")
    message: Text = Field("", description="one sentence for people")
    data: dict[str, Any] = Field(default_factory=dict)
