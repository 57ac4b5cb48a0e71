"""One device as Home Assistant's device-based discovery has it: a block about the device, and its components."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from vigilar_common import __version__
from vigilar_common.topics import AVAILABLE

Component = dict[str, Any]
"""Keys of one entity, `platform` among them."""

QOS = 1
"""Stands in every component: a `qos` beside the device is accepted and not inherited."""
SAFE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
MAX_PLAIN_CHARACTERS = 48
MANUFACTURER = "Vigilar"


def safe_id(text: str) -> str:
    """What Home Assistant takes as a part of an id. Texts that would become the same one stay apart by a hash."""
    if SAFE_ID.fullmatch(text):
        return text
    plain = re.sub(r"[^A-Za-z0-9_-]", "_", text)[:MAX_PLAIN_CHARACTERS]
    return f"{plain}_{hashlib.sha256(text.encode()).hexdigest()[:8]}"


@dataclass(frozen=True)
class Naming:
    """What all devices of this installation share."""

    node_id: str
    configuration_url: str = ""

    def object_id(self, kind: str, name: str) -> str:
        """`vigilar_camera_front`. Kinds are single words, so no name of one kind reaches into another."""
        return f"{self.node_id}_{kind}_{safe_id(name)}"

    @property
    def hub_id(self) -> str:
        return f"{self.node_id}_hub"


@dataclass(frozen=True)
class Device:
    """What one discovery message says. `object_id` also is the device's identifier."""

    object_id: str
    name: str
    model: str
    service: str
    """Whose last will makes all of it unavailable; empty: each component says whose."""
    components: Mapping[str, Component]
    available_topic: str = ""
    """Where that last will is told; empty: the usual topic of the service."""
    area: str = ""
    via: str = ""
    more_info: Mapping[str, str] = field(default_factory=dict)

    def availability(self) -> list[dict[str, str]]:
        """Of the bridge and of the service that knows; with mode `all` either of them takes everything away."""
        bridge = [{"topic": AVAILABLE.path(service="homeassistant")}]
        if not self.service:
            return bridge
        return [*bridge, {"topic": self.available_topic or AVAILABLE.path(service=self.service)}]


def described(device: Device, naming: Naming, removed: Mapping[str, str]) -> dict[str, Any]:
    """The payload of the discovery message. `removed`: components that were announced once, with their platforms."""
    info: dict[str, Any] = {
        "identifiers": [device.object_id],
        "name": device.name,
        "manufacturer": MANUFACTURER,
        "model": device.model,
        "sw_version": __version__,
        **device.more_info,
    }
    if device.area:
        info["suggested_area"] = device.area
    if device.via:
        info["via_device"] = device.via
    if naming.configuration_url:
        info["configuration_url"] = naming.configuration_url
    availability = device.availability()
    components: dict[str, Component] = {}
    for key, component in device.components.items():
        whole = dict(component)
        more = whole.pop(MORE_AVAILABILITY, ())
        if more:
            # A list at the component takes the place of the device's.
            whole["availability"] = [*availability, *more]
            whole["availability_mode"] = "all"
        whole["qos"] = QOS
        whole["unique_id"] = f"{device.object_id}_{key}"
        word = key.removeprefix(f"{component['platform']}_")
        slug = re.sub(r"[^a-z0-9]+", "_", f"{device.object_id}_{word}".lower())
        whole["default_entity_id"] = f"{component['platform']}.{slug.strip('_')}"
        components[key] = whole
    # What is only left out stays in Home Assistant: it must be named once more, by its platform alone.
    components |= {key: {"platform": platform} for key, platform in removed.items() if key not in components}
    return {
        "device": info,
        "origin": {"name": MANUFACTURER, "sw_version": __version__},
        "availability": availability,
        "availability_mode": "all",
        "components": components,
    }


MORE_AVAILABILITY = "+availability"
"""Of a component that is being put together: entries beside those of the device."""


def when(topic: str, condition: str) -> Component:
    """More availability: online while the template's `condition` on the JSON of the topic holds."""
    template = f"{{{{ 'online' if {condition} else 'offline' }}}}"
    return {MORE_AVAILABILITY: [{"topic": topic, "value_template": template}]}


def component(platform: str, name: str | None, **keys: Any) -> Component:
    """Empty texts are left out; `name` None: the device's name is enough."""
    return {"platform": platform, "name": name, **{key: value for key, value in keys.items() if value != ""}}


def on_off(condition: str) -> str:
    """A value template: ON where the condition holds."""
    return f"{{{{ 'ON' if {condition} else 'OFF' }}}}"


def keyed(components: Iterable[tuple[str, Component]]) -> dict[str, Component]:
    """By platform and key: an entity that changes its platform becomes another one."""
    return {f"{found['platform']}_{key}": found for key, found in components}
