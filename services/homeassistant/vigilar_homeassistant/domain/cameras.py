"""A camera: online, motion, what it records, switches, picture, events."""

from __future__ import annotations

from collections.abc import Iterator

from vigilar_common.config import Camera
from vigilar_common.config.homeassistant import HomeAssistant
from vigilar_common.messages.alarm import EventType
from vigilar_common.messages.camera import CameraSwitchName
from vigilar_common.topics import (
    CAMERA_AVAILABLE,
    CAMERA_OBJECTS,
    CAMERA_STATE,
    CMD_ASK_SWITCH,
    HOUSE_EVENT,
    HOUSE_IMAGE,
)

from vigilar_homeassistant.domain import templates
from vigilar_homeassistant.domain.device import Component, Device, Naming, component, keyed, on_off, when
from vigilar_homeassistant.domain.hub import SENDER

EVENT_TYPES = (
    EventType.MOTION.value,
    EventType.OBJECT.value,
    EventType.VEHICLE.value,
    EventType.PACKAGE.value,
    EventType.PACKAGE_REMINDER.value,
    EventType.PACKAGE_COLLECTED.value,
    EventType.PACKAGE_TAKEN.value,
    EventType.CAMERA_OFFLINE.value,
    EventType.CAMERA_ONLINE.value,
)
"""Of one camera; the hub's event entity tells these and all others."""

SWITCHES: dict[CameraSwitchName, tuple[str, str, str]] = {
    CameraSwitchName.RECORDING: ("Recording", "value_json.get('recording_on', true)", "mdi:record-rec"),
    CameraSwitchName.DETECTION: ("Detection", "value_json.get('detection_on', true)", "mdi:motion-sensor"),
    CameraSwitchName.PRIVACY: ("Privacy", "value_json.get('privacy', false)", "mdi:eye-off"),
}
"""Name, when it is on by the camera's state, icon."""


def _truth(camera: Camera) -> Iterator[tuple[str, Component]]:
    state = CAMERA_STATE.path(camera_id=camera.id)
    online = "value_json['condition'] == 'online'"
    seeing = when(state, online)
    yield "online", component(
        "binary_sensor", "Online", state_topic=state, value_template=on_off(online), device_class="connectivity",
        entity_category="diagnostic", json_attributes_topic=state, json_attributes_template=templates.attributes("reason"),
    )  # fmt: skip
    yield "motion", component(
        "binary_sensor", "Motion", state_topic=state, value_template=on_off("value_json['motion']"),
        device_class="motion", **seeing,
    )  # fmt: skip
    yield "recording", component(
        "binary_sensor", "Recording now", state_topic=state, value_template=on_off("value_json['recording']"),
        device_class="running",
    )  # fmt: skip
    yield "problem", component(
        "binary_sensor", "Problem", state_topic=state, device_class="problem", entity_category="diagnostic",
        value_template=on_off("value_json['findings'] or value_json['recording_problem']"),
        json_attributes_topic=state, json_attributes_template=templates.attributes("findings", "recording_problem"),
    )  # fmt: skip
    yield "fps", component(
        "sensor", "Frame rate", state_topic=state, value_template=templates.field_of("fps"),
        unit_of_measurement="fps", state_class="measurement", entity_category="diagnostic", icon="mdi:filmstrip",
        enabled_by_default=False, **seeing,
    )  # fmt: skip


COUNTED = (
    ("person", "Person", "mdi:account"),
    ("car", "Car", "mdi:car"),
    ("dog", "Dog", "mdi:dog"),
    ("cat", "Cat", "mdi:cat"),
)
"""Classes with entities of their own; of all others tells the sensor of all objects in its attributes."""


def _objects(camera: Camera) -> Iterator[tuple[str, Component]]:
    """Who and what is there now. Not available while nobody looks: that nobody is there would be a lie."""
    state = CAMERA_OBJECTS.path(camera_id=camera.id)
    known = when(state, "value_json['known']")
    for name, title, icon in COUNTED:
        count = f"value_json['counts'].get('{name}', 0)"
        yield f"{name}_there", component(
            "binary_sensor", title, state_topic=state, value_template=on_off(f"{count} > 0"),
            device_class="occupancy", **known,
        )  # fmt: skip
        yield f"{name}_count", component(
            "sensor", f"{title} count", state_topic=state, value_template=f"{{{{ {count} }}}}",
            state_class="measurement", icon=icon, **known,
        )  # fmt: skip
    yield "object_count", component(
        "sensor", "Objects", state_topic=state, value_template="{{ value_json['counts'].values() | sum }}",
        state_class="measurement", icon="mdi:shape", json_attributes_topic=state,
        json_attributes_template=templates.attributes("counts", "zones"), **known,
    )  # fmt: skip


def _switch(camera: Camera, switch: CameraSwitchName) -> Component:
    name, condition, icon = SWITCHES[switch]
    return component(
        "switch", name, state_topic=CAMERA_STATE.path(camera_id=camera.id), value_template=on_off(condition),
        command_topic=CMD_ASK_SWITCH.path(sender=SENDER, camera_id=camera.id),
        command_template=templates.switch_command(switch.value), payload_on="ON", payload_off="OFF",
        optimistic=False, retain=False, icon=icon,
    )  # fmt: skip


def camera(naming: Naming, found: Camera, settings: HomeAssistant, looked_at: bool = False) -> Device:
    """``looked_at``: objects are looked for in its pictures."""
    object_id = naming.object_id("camera", found.id)
    state = CAMERA_STATE.path(camera_id=found.id)
    parts = [*_truth(found), *(_objects(found) if looked_at else ())]
    parts += [(switch.value, _switch(found, switch)) for switch in settings.switches]
    if settings.images:
        parts.append(
            (
                "picture",
                component(
                    "image", "Picture", image_topic=HOUSE_IMAGE.path(camera_id=found.id), content_type="image/jpeg",
                    **when(state, "value_json['condition'] == 'online'"),
                ),
            )
        )  # fmt: skip
    parts.append(
        (
            "events",
            component(
                "event", "Events", state_topic=HOUSE_EVENT.path(device=object_id), event_types=list(EVENT_TYPES),
                device_class="motion",
            ),
        )
    )  # fmt: skip
    return Device(
        object_id, found.display_name, "Camera", "camera-worker", keyed(parts), via=naming.hub_id,
        available_topic=CAMERA_AVAILABLE.path(camera_id=found.id),
    )  # fmt: skip
