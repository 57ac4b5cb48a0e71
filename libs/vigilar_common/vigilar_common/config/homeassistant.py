"""`[homeassistant]`: what is announced to Home Assistant, and what it may do."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from vigilar_common.config.base import AnyCaseLower, HttpUrl, Section
from vigilar_common.messages.camera import CameraSwitchName
from vigilar_common.topics_foreign import OWN_PREFIX

TopicLevels = Annotated[
    str, Field(min_length=1, max_length=120, pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+){0,4}$")
]
"""A topic, or the beginning of one, that needs no care anywhere."""


class Lowering(StrEnum):
    """When a switch may make a camera see or keep less."""

    DISARMED = "disarmed"
    ALWAYS = "always"


class HomeAssistant(Section):
    """Discovery of everything in the house by Home Assistant, over MQTT."""

    enabled: bool = Field(False, title="Enabled", description="Announce the house to Home Assistant.")
    discovery_prefix: TopicLevels = Field(
        "homeassistant",
        title="Discovery prefix",
        description="As Home Assistant's MQTT integration has it.",
    )
    status_topic: TopicLevels = Field(
        "homeassistant/status",
        title="Status topic",
        description="Birth and last will of Home Assistant's MQTT integration; on online everything is announced again.",
    )
    node_id: str = Field(
        "vigilar",
        pattern=r"^[A-Za-z0-9_-]{1,32}$",
        title="Node id",
        description="Begins the id of every device; two installations at one Home Assistant need two.",
    )
    configuration_url: HttpUrl = Field(
        "",
        title="Address of the page",
        description="Where the devices' page in Home Assistant leads to, such as https://vigilar.example:49735.",
    )
    switches: tuple[Annotated[CameraSwitchName, AnyCaseLower], ...] = Field(
        (CameraSwitchName.RECORDING, CameraSwitchName.DETECTION, CameraSwitchName.PRIVACY),
        max_length=3,
        title="Switches",
        description="Of each camera: recording, detection, privacy. Those that are left out cannot be used from outside.",
    )
    lowering: Annotated[Lowering, AnyCaseLower] = Field(
        Lowering.DISARMED,
        title="Switching off",
        description="When a switch may make a camera see or keep less: disarmed (only while the alarm is) or always.",
    )
    images: bool = Field(
        False,
        title="Pictures",
        description="Send a picture of each camera again and again, never in privacy.",
    )
    image_interval_s: int = Field(
        60, ge=10, le=3600, title="Picture interval", description="Seconds between two pictures of a camera."
    )

    @model_validator(mode="after")
    def _check_topics(self) -> Self:
        for name, topic in (("discovery_prefix", self.discovery_prefix), ("status_topic", self.status_topic)):
            if topic.partition("/")[0] == OWN_PREFIX:
                raise ValueError(f'[homeassistant] {name}: "{OWN_PREFIX}" is Vigilar\'s own')
        if self.status_topic.startswith(f"{self.discovery_prefix}/device/"):
            raise ValueError("[homeassistant] status_topic lies where devices are announced")
        return self
