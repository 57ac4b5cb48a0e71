"""What Home Assistant accepts as device-based discovery, as strict as it is: `problems(payload)`.

Written after its documentation (https://www.home-assistant.io/integrations/mqtt/ and the page of each platform) and what
core 2026.2 does: an unknown key beside the components, in the device, the origin or an entry of the availability loses the
whole device; an unknown key in a component is dropped in silence, which here is an error as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

ID = re.compile(r"[a-zA-Z0-9_-]+")
AVAILABILITY = {"availability", "availability_mode", "availability_template", "availability_topic"} | {
    "payload_available",
    "payload_not_available",
}
ROOT = AVAILABILITY | {
    "device", "components", "origin", "state_topic", "command_topic", "qos", "encoding",
}  # fmt: skip
DEVICE = {
    "identifiers", "connections", "manufacturer", "model", "model_id", "name", "hw_version", "sw_version", "serial_number",
    "via_device", "suggested_area", "configuration_url",
}  # fmt: skip
ORIGIN = {"name", "sw_version", "support_url"}
ENTRY = {"topic", "payload_available", "payload_not_available", "value_template"}
COMMON = AVAILABILITY | {
    "platform", "name", "unique_id", "default_entity_id", "icon", "entity_category", "entity_picture", "enabled_by_default",
    "json_attributes_topic", "json_attributes_template", "qos", "encoding", "device", "origin", "~",
}  # fmt: skip
READS = {"state_topic", "value_template"}
COMMANDS = {"command_topic", "command_template", "retain"}
PLATFORMS: dict[str, set[str]] = {
    "alarm_control_panel": READS
    | COMMANDS
    | {"supported_features", "code", "code_arm_required", "code_disarm_required", "code_trigger_required"}
    | {f"payload_{what}" for what in ("disarm", "trigger")}
    | {f"payload_arm_{what}" for what in ("home", "away", "night", "vacation", "custom_bypass")},
    "binary_sensor": READS
    | {"device_class", "expire_after", "force_update", "off_delay", "payload_on", "payload_off"},
    "sensor": READS
    | {"device_class", "expire_after", "force_update", "last_reset_value_template", "options", "state_class"}
    | {"suggested_display_precision", "unit_of_measurement"},
    "event": READS | {"device_class", "event_types"},
    "image": {"content_type", "image_encoding", "image_topic", "url_topic", "url_template"},
    "camera": {"topic", "image_encoding"},
    "switch": READS
    | COMMANDS
    | {"device_class", "optimistic", "payload_on", "payload_off", "state_on", "state_off"},
    "button": COMMANDS | {"device_class", "payload_press"},
    "number": READS
    | COMMANDS
    | {"device_class", "optimistic", "min", "max", "mode", "step", "payload_reset", "unit_of_measurement"},
    "siren": COMMANDS
    | {"state_topic", "state_value_template", "available_tones", "command_off_template", "optimistic"}
    | {"payload_on", "payload_off", "state_on", "state_off", "support_duration", "support_volume_set"},
    "notify": COMMANDS,
    "select": READS | COMMANDS | {"optimistic", "options"},
    "update": READS
    | {
        "command_topic",
        "device_class",
        "display_precision",
        "latest_version_template",
        "latest_version_topic",
    }
    | {"payload_install", "release_summary", "release_url", "retain", "title"},
    "device_tracker": READS | {"payload_home", "payload_not_home", "payload_reset", "source_type"},
}
REQUIRED: dict[str, set[str]] = {
    "alarm_control_panel": {"command_topic", "state_topic"},
    "binary_sensor": {"state_topic"},
    "sensor": {"state_topic"},
    "event": {"state_topic", "event_types"},
    "image": set(),
    "camera": {"topic"},
    "switch": {"command_topic"},
    "button": {"command_topic"},
    "number": {"command_topic"},
    "siren": {"command_topic"},
    "notify": {"command_topic"},
    "select": {"command_topic", "options"},
    "update": {"state_topic"},
    "device_tracker": {"state_topic"},
}
BINARY_CLASSES = {
    "battery", "battery_charging", "carbon_monoxide", "cold", "connectivity", "door", "garage_door", "gas", "heat",
    "light", "lock", "moisture", "motion", "moving", "occupancy", "opening", "plug", "power", "presence",
    "problem", "running", "safety", "smoke", "sound", "tamper", "update", "vibration", "window",
}  # fmt: skip
SENSOR_CLASSES: dict[str, set[str | None]] = {
    "temperature": {"°C", "°F", "K"},
    "humidity": {"%"},
    "moisture": {"%"},
    "illuminance": {"lx"},
    "atmospheric_pressure": {"hPa", "mbar", "kPa", "Pa"},
    "carbon_dioxide": {"ppm"},
    "carbon_monoxide": {"ppm"},
    "pm25": {"μg/m³"},
    "power": {"W", "kW"},
    "energy": {"Wh", "kWh"},
    "battery": {"%"},
    "duration": {"s", "min", "h", "d"},
    "voltage": {"V", "mV"},
    "enum": {None},
}
"""Units that a class allows; only the classes that are used here."""
EVENT_CLASSES = {"button", "doorbell", "motion"}
STATE_CLASSES = {"measurement", "measurement_angle", "total", "total_increasing"}
FEATURES = {"arm_home", "arm_away", "arm_night", "arm_vacation", "arm_custom_bypass", "trigger"}
SOURCE_TYPES = {"gps", "router", "bluetooth", "bluetooth_le"}


def problems(payload: dict[str, Any]) -> list[str]:
    """Why Home Assistant would refuse it or drop a part of it; empty when it takes everything."""
    found = [f"unknown key {key} beside the components" for key in sorted(payload.keys() - ROOT)]
    found += [f"{key} is missing" for key in ("device", "components", "origin") if key not in payload]
    if not found:
        found += _device(payload["device"])
        found += _origin(payload["origin"])
        found += _availability("device", payload)
        for key, component in payload["components"].items():
            found += [f"{key}: {text}" for text in _component(key, component)]
    return found


def _device(device: dict[str, Any]) -> Iterator[str]:
    yield from (f"unknown key {key} in the device" for key in sorted(device.keys() - DEVICE))
    if not (device.get("identifiers") or device.get("connections")):
        yield "the device has neither identifiers nor connections"
    url = device.get("configuration_url")
    if url is not None and (
        urlsplit(url).scheme not in ("http", "https", "homeassistant") or not urlsplit(url).netloc
    ):
        yield f"configuration_url {url} is no URL"


def _origin(origin: dict[str, Any]) -> Iterator[str]:
    yield from (f"unknown key {key} in the origin" for key in sorted(origin.keys() - ORIGIN))
    if not origin.get("name"):
        yield "the origin has no name"


def _availability(where: str, block: dict[str, Any]) -> Iterator[str]:
    if "availability" in block and "availability_topic" in block:
        yield f"{where}: availability and availability_topic exclude each other"
    for entry in block.get("availability", ()):
        yield from (f"{where}: unknown key {key} in availability" for key in sorted(entry.keys() - ENTRY))
        if not _subscribable(entry.get("topic")):
            yield f"{where}: availability without a topic"
    if block.get("availability_mode", "latest") not in ("all", "any", "latest"):
        yield f"{where}: availability_mode"


def _subscribable(topic: object) -> bool:
    return isinstance(topic, str) and bool(topic)


def _publishable(topic: object) -> bool:
    return _subscribable(topic) and not re.search(r"[+#\x00]", str(topic))


def _component(key: str, component: dict[str, Any]) -> Iterator[str]:
    platform = component.get("platform")
    if not ID.fullmatch(key):
        yield "its key is no id"
    if platform not in PLATFORMS:
        yield f"platform {platform}"
        return
    if component.keys() == {"platform"}:
        return  # takes the entity away
    if not component.get("unique_id"):
        yield "without unique_id"
    yield from (
        f"unknown key {key}" for key in sorted(component.keys() - COMMON - {"~"} - PLATFORMS[platform])
    )
    yield from (f"{key} is missing" for key in sorted(REQUIRED[platform] - component.keys()))
    yield from _availability("its availability", component)
    for name, value in component.items():
        fits = _publishable if name == "command_topic" else _subscribable
        if name.endswith("topic") and not fits(value):
            yield f"{name} {value!r}"
    yield from _values(platform, component)


def _values(platform: str, component: dict[str, Any]) -> Iterator[str]:
    device_class = component.get("device_class")
    if platform == "binary_sensor" and device_class not in {*BINARY_CLASSES, None}:
        yield f"device_class {device_class}"
    if platform == "event":
        if device_class not in {*EVENT_CLASSES, None}:
            yield f"device_class {device_class}"
        if not component.get("event_types"):
            yield "event_types is empty"
    if platform == "image" and ("image_topic" in component) == ("url_topic" in component):
        yield "exactly one of image_topic and url_topic"
    if platform == "device_tracker" and component.get("source_type", "gps") not in SOURCE_TYPES:
        yield f"source_type {component['source_type']}"
    if platform == "alarm_control_panel":
        yield from (f"feature {f}" for f in component.get("supported_features", ()) if f not in FEATURES)
    if platform == "sensor":
        yield from _sensor(component)
    if component.get("qos", 0) not in (0, 1, 2):
        yield f"qos {component['qos']}"
    if component.get("entity_category") not in ("config", "diagnostic", None):
        yield f"entity_category {component['entity_category']}"


def _sensor(component: dict[str, Any]) -> Iterator[str]:
    device_class, unit = component.get("device_class"), component.get("unit_of_measurement")
    state_class = component.get("state_class")
    if device_class is not None:
        if device_class not in SENSOR_CLASSES:
            yield f"device_class {device_class}"
        elif unit not in SENSOR_CLASSES[device_class]:
            yield f"unit {unit} of {device_class}"
    if state_class not in {*STATE_CLASSES, None}:
        yield f"state_class {state_class}"
    if device_class == "energy" and state_class == "measurement":
        yield "energy is a total"
    if device_class == "enum" and (state_class or not component.get("options")):
        yield "enum has options and no state_class"
    if "options" in component and device_class != "enum":
        yield "options without enum"
