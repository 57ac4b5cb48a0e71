"""What the bridge to Home Assistant says."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from vigilar_common.messages.base import Message, Text


class BridgeState(Message):
    """Retained: what runs, and how much of it Home Assistant was told."""

    installed_version: str = Field(max_length=32)
    devices: int = Field(0, ge=0, description="announced now")
    entities: int = Field(0, ge=0, description="of all devices together")


class HouseEvent(Message):
    """Something that happened, as an event entity takes it: `event_type`, and attributes."""

    event_type: str = Field(max_length=40)
    title: Text = ""
    severity: str = Field("", max_length=16)
    event_id: str = Field("", max_length=64)
    camera_id: str = Field("", max_length=64)
    sensor_id: str = Field("", max_length=64)
    zones: list[str] = Field(default_factory=list, max_length=32)
    detail: dict[str, Any] = Field(default_factory=dict)
