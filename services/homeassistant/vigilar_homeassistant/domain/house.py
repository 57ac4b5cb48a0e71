"""The UPS, the people, and the pets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vigilar_common.config.presence import Member
from vigilar_common.messages.pets import Whereabouts
from vigilar_common.messages.power import PowerState, PowerStatus
from vigilar_common.messages.presence import person_id
from vigilar_common.topics import PERSON_STATE, PETS_STATE, POWER_STATE

from vigilar_homeassistant.domain import templates
from vigilar_homeassistant.domain.device import Component, Device, Naming, component, keyed, on_off, when

VALUES: dict[str, tuple[str, str, str]] = {
    "charge_pct": ("Battery", "battery", "%"),
    "runtime_s": ("Runtime", "duration", "s"),
    "load_pct": ("Load", "", "%"),
    "input_v": ("Input voltage", "voltage", "V"),
    "temperature_c": ("Temperature", "temperature", "°C"),
}
"""Name, device class, unit."""
_ON_BATTERY = (PowerState.ON_BATTERY.value, PowerState.LOW_BATTERY.value)


def values_of(status: PowerStatus) -> dict[str, str]:
    """What the UPS tells of itself; each with its kind."""
    return {key: "number" for key in VALUES if getattr(status.values, key) is not None}


def ups(naming: Naming, ups_id: str, keys: Iterable[str]) -> Device:
    topic = POWER_STATE.path(ups_id=ups_id)
    known = when(topic, f"value_json['state'] != '{PowerState.UNKNOWN.value}'")
    state = "value_json['state']"

    def parts() -> Iterator[tuple[str, Component]]:
        yield "state", component(
            "sensor", "State", state_topic=topic, value_template=templates.field_of("state"), device_class="enum",
            options=[found.value for found in PowerState], json_attributes_topic=topic,
            json_attributes_template=templates.attributes("flags", "reason", "shutdown", "shutdown_at_ms"),
        )  # fmt: skip
        yield "mains", component(
            "binary_sensor", "Mains", state_topic=topic, value_template=on_off(f"{state} not in {_ON_BATTERY}"),
            device_class="power", **known,
        )  # fmt: skip
        yield "battery_low", component(
            "binary_sensor", "Battery low", state_topic=topic,
            value_template=on_off(f"{state} == '{PowerState.LOW_BATTERY.value}'"), device_class="battery", **known,
        )  # fmt: skip
        for key in sorted(keys):
            name, device_class, unit = VALUES[key]
            yield key, component(
                "sensor", name, state_topic=topic, value_template=templates.value_of(key), device_class=device_class,
                unit_of_measurement=unit, state_class="measurement", **known,
            )  # fmt: skip

    return Device(
        naming.object_id("ups", ups_id), f"UPS {ups_id}", "UPS", "ups", keyed(parts()), via=naming.hub_id
    )


def person(naming: Naming, member: Member) -> Device:
    """A device tracker: people of Home Assistant can be given it."""
    found = person_id(member.name)
    topic = PERSON_STATE.path(person_id=found)
    tracker = component(
        "device_tracker", None, state_topic=topic, source_type="router",
        value_template="{{ 'home' if value_json['home'] else 'not_home' }}",
        **when(topic, "value_json['home'] is not none"),
    )  # fmt: skip
    return Device(
        naming.object_id("person", found),
        member.name,
        "Person",
        "presence",
        keyed([("home", tracker)]),
        via=naming.hub_id,
    )


def pet(naming: Naming, pet_id: str, name: str) -> Device:
    """Where it was seen last, and the guess that follows from it; both unknown until a camera saw it."""
    topic = PETS_STATE.path()
    one = f"(value_json['pets'] | selectattr('pet_id', 'eq', '{pet_id}') | list + [none])[0]"
    seen = f"{{% set pet = {one} %}}{{% set seen = pet is not none and pet['seen_ms'] %}}"
    where = f"{{% set pet = {one} %}}{{% set where = pet['where'] if pet is not none else '{Whereabouts.UNKNOWN.value}' %}}"

    def parts() -> Iterator[tuple[str, Component]]:
        yield "inside", component(
            "binary_sensor", "Inside", state_topic=topic, icon="mdi:paw",
            value_template=f"{where}{{{{ 'ON' if where == '{Whereabouts.INSIDE.value}' "
            f"else 'OFF' if where == '{Whereabouts.OUTSIDE.value}' else 'None' }}}}",
        )  # fmt: skip
        yield "seen", component(
            "sensor", "Last seen", state_topic=topic, device_class="timestamp",
            value_template=f"{seen}{{{{ (pet['seen_ms'] / 1000) | timestamp_custom('%Y-%m-%dT%H:%M:%S+00:00', false) "
            "if seen else 'None' }}",
        )  # fmt: skip
        yield "camera", component(
            "sensor", "Last seen by", state_topic=topic, icon="mdi:cctv",
            value_template=f"{seen}{{{{ pet['camera_id'] if seen else 'None' }}}}",
        )  # fmt: skip

    return Device(naming.object_id("pet", pet_id), name, "Pet", "pets", keyed(parts()), via=naming.hub_id)
