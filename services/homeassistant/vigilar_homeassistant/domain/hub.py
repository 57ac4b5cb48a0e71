"""The hub: alarm panel, what happens in the house, and how Vigilar itself is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vigilar_common.config.detection import Packages, Vehicles
from vigilar_common.config.presence import Presence
from vigilar_common.messages.alarm import ArmState, EventOpened, EventType
from vigilar_common.messages.presence import Household
from vigilar_common.messages.vehicles import vehicle_id
from vigilar_common.topics import (
    ALARM_SIREN,
    ALARM_STATE,
    AVAILABLE,
    BRIDGE_STATE,
    CMD_ALARM,
    HOUSE_EVENT,
    HOUSEHOLD_STATE,
    PACKAGES_STATE,
    STORAGE_CHECKPOINT,
    SYSTEM_HEALTH,
    VEHICLES_STATE,
    VISITORS_STATE,
)

from vigilar_homeassistant.domain import templates
from vigilar_homeassistant.domain.device import (
    MORE_AVAILABILITY,
    Component,
    Device,
    Naming,
    component,
    keyed,
    on_off,
)

SENDER = "home_automation"
"""The broker user of Home Assistant: the topic of a command is the identity of its sender."""
SECRET_EVENTS = frozenset({EventType.DURESS})
"""Never told: a dashboard hangs on the wall, and who threatens the owner reads it too."""
REFUSED = "command_refused"
EVENT_TYPES = (*(kind.value for kind in EventType if kind not in SECRET_EVENTS), REFUSED)
FEATURES = ("arm_home", "arm_away", "arm_night", "arm_vacation")
"""Neither a trigger nor a custom bypass: the alarm has no such commands."""
SHOWN_FINDINGS = 10
NO_PARCELS, NO_VEHICLES = Packages(), Vehicles()


def _alive(service: str) -> Component:
    return {MORE_AVAILABILITY: [{"topic": AVAILABLE.path(service=service)}]}


def panel(pin_configured: bool) -> Component:
    """Without a PIN nobody may arm over MQTT, so nothing is offered; with one a keypad asks for it."""
    state = ALARM_STATE.path()
    keypad: Component = (
        {"code": "REMOTE_CODE", "code_arm_required": True, "code_disarm_required": True}
        if pin_configured
        else {"code_arm_required": False, "code_disarm_required": False}
    )
    return component(
        "alarm_control_panel",
        "Alarm",
        state_topic=state,
        value_template=templates.field_of("state"),
        command_topic=CMD_ALARM.path(sender=SENDER),
        command_template=templates.ARM_COMMAND,
        supported_features=list(FEATURES) if pin_configured else [],
        retain=False,
        json_attributes_topic=state,
        json_attributes_template=templates.attributes(
            "arm_mode", "next_state", "changed_by", "open_sensors", "bypassed_sensors", "unknown_sensors",
            "triggered_by", "delay_s", "until_ms",
        ),
        **keypad, **_alive("events"),
    )  # fmt: skip


def _alarm(pin_configured: bool, object_id: str) -> Iterator[tuple[str, Component]]:
    state = ALARM_STATE.path()
    yield "alarm", panel(pin_configured)
    yield "arm_state", component(
        "sensor", "Arm state", state_topic=state, value_template=templates.field_of("state"),
        device_class="enum", options=[found.value for found in ArmState], **_alive("events"),
    )  # fmt: skip
    yield "open_sensors", component(
        "sensor", "Open sensors", state_topic=state, value_template=templates.field_of("open_count"),
        state_class="measurement", icon="mdi:door-open", json_attributes_topic=state,
        json_attributes_template=templates.attributes("open_sensors"), **_alive("events"),
    )  # fmt: skip
    yield "siren", component(
        "binary_sensor", "Siren", state_topic=ALARM_SIREN.path(), value_template=on_off("value_json['on']"),
        device_class="sound", **_alive("events"),
    )  # fmt: skip
    yield "events", component(
        "event", "Events", state_topic=HOUSE_EVENT.path(device=object_id), event_types=list(EVENT_TYPES), **_alive("events")
    )  # fmt: skip


def _system() -> Iterator[tuple[str, Component]]:
    health = SYSTEM_HEALTH.path()
    titles = f"(value_json['findings'] | map(attribute='title') | list)[:{SHOWN_FINDINGS}]"
    known = _alive("health")
    yield "problem", component(
        "binary_sensor", "Problem", state_topic=health, value_template=on_off("value_json['status'] != 'ok'"),
        device_class="problem", entity_category="diagnostic", json_attributes_topic=health,
        json_attributes_template=f"{{{{ {{'status': value_json['status'], 'findings': {titles}}} | to_json }}}}", **known,
    )  # fmt: skip
    yield "storage_problem", component(
        "binary_sensor", "Storage", state_topic=health, value_template=on_off("not value_json['storage_reachable']"),
        device_class="problem", entity_category="diagnostic", **known,
    )  # fmt: skip
    yield "findings", component(
        "sensor", "Findings", state_topic=health, value_template="{{ value_json['findings'] | count }}",
        state_class="measurement", entity_category="diagnostic", icon="mdi:clipboard-alert-outline", **known,
    )  # fmt: skip
    yield "disk_usage", component(
        "sensor", "Disk in use", state_topic=health, value_template=templates.field_of("disk_usage_pct"),
        unit_of_measurement="%", state_class="measurement", entity_category="diagnostic", icon="mdi:harddisk", **known,
    )  # fmt: skip
    yield "ledger", component(
        "sensor", "Ledger", state_topic=STORAGE_CHECKPOINT.path(), value_template=templates.field_of("size"),
        state_class="measurement", entity_category="diagnostic", icon="mdi:notebook-check-outline",
        json_attributes_topic=STORAGE_CHECKPOINT.path(), json_attributes_template=templates.attributes("root", "note"),
        **_alive("storage"),
    )  # fmt: skip
    # Which version is the newest nobody here knows: that would need somebody on the internet to be asked.
    yield "update", component(
        "update", "Version", state_topic=BRIDGE_STATE.path(), title="Vigilar", entity_category="diagnostic",
        value_template="{{ {'installed_version': value_json['installed_version']} | to_json }}",
    )  # fmt: skip


def _household() -> Iterator[tuple[str, Component]]:
    yield "household", component(
        "sensor", "Household", state_topic=HOUSEHOLD_STATE.path(), value_template=templates.field_of("state"),
        device_class="enum", options=[state.value for state in Household], **_alive("presence"),
    )  # fmt: skip


def _parcels() -> Iterator[tuple[str, Component]]:
    state = PACKAGES_STATE.path()
    known = _alive("events")
    yield "parcel_outside", component(
        "binary_sensor", "Parcel outside", state_topic=state, value_template=on_off("value_json['count'] > 0"),
        device_class="occupancy", icon="mdi:package-variant-closed", json_attributes_topic=state,
        json_attributes_template=templates.attributes("packages"), **known,
    )  # fmt: skip
    yield "parcels", component(
        "sensor", "Parcels outside", state_topic=state, value_template=templates.field_of("count"),
        state_class="measurement", icon="mdi:package-variant-closed", **known,
    )  # fmt: skip


def _vehicles(vehicles: Vehicles) -> Iterator[tuple[str, Component]]:
    """One sensor per known vehicle; unknown until it was seen coming or going."""
    state = VEHICLES_STATE.path()
    for vehicle in vehicles.known:
        found = vehicle_id(vehicle.name)
        home = f"(value_json['vehicles'] | selectattr('vehicle_id', 'eq', '{found}') | map(attribute='home') | list + [none])[0]"
        yield f"vehicle_{found}", component(
            "binary_sensor", f"{vehicle.name} at home", state_topic=state,
            value_template=f"{{% set home = {home} %}}{{{{ 'None' if home is none else 'ON' if home else 'OFF' }}}}",
            device_class="presence", icon="mdi:car", **_alive("events"),
        )  # fmt: skip


def _visitors() -> Iterator[tuple[str, Component]]:
    """How many people are recognised by face now; their names as an attribute, without those nobody has named."""
    state = VISITORS_STATE.path()
    named = "{'names': value_json['visitors'] | map(attribute='name') | select | list}"
    yield "visitors", component(
        "sensor", "Visitors", state_topic=state, value_template="{{ value_json['visitors'] | length }}",
        json_attributes_topic=state, json_attributes_template=f"{{{{ {named} | to_json }}}}",
        state_class="measurement", icon="mdi:account-eye", **_alive("visitors"),
    )  # fmt: skip


def hub(
    naming: Naming,
    name: str,
    pin_configured: bool,
    presence: Presence,
    packages: Packages = NO_PARCELS,
    vehicles: Vehicles = NO_VEHICLES,
    faces: bool = False,
) -> Device:
    """`name`: what the system is called. Each entity has the availability of the service that knows."""
    found = [*_alarm(pin_configured, naming.hub_id), *_system()]
    if presence.enabled:
        found += _household()
    if packages.enabled:
        found += _parcels()
    found += _vehicles(vehicles)
    if faces:
        found += _visitors()
    return Device(naming.hub_id, name, "Hub", "", keyed(found))


def seen(fact: EventOpened) -> dict[str, Any]:
    """What was seen, of an event of an object: automations choose by it."""
    return {"object_class": fact.detail["object_class"]} if "object_class" in fact.detail else {}
