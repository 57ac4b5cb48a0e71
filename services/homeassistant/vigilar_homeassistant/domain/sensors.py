"""A sensor: one entity per value that it has ever told, with what Home Assistant calls it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from vigilar_common.config.sensors import Sensor
from vigilar_common.messages.sensor import SensorState, SensorValue
from vigilar_common.topics import HOUSE_EVENT, SENSOR_STATE

from vigilar_homeassistant.domain import templates
from vigilar_homeassistant.domain.device import Component, Device, Naming, component, keyed, when

BINARY: Mapping[str, tuple[str, str, bool]] = {
    "contact": ("Opening", "opening", False),
    "occupancy": ("Occupancy", "occupancy", True),
    "smoke": ("Smoke", "smoke", True),
    "gas": ("Gas", "gas", True),
    "carbon_monoxide": ("Carbon monoxide", "carbon_monoxide", True),
    "water_leak": ("Water", "moisture", True),
    "vibration": ("Vibration", "vibration", True),
    "glass_break": ("Glass", "safety", True),
    "tamper": ("Tamper", "tamper", True),
    "heat": ("Heat", "heat", True),
    "locked": ("Lock", "lock", False),
    "sounding": ("Siren", "sound", True),
    "battery_low": ("Battery low", "battery", True),
}
"""Name, device class, and which of our values is `on` there: an opening that is open, a lock that is not locked."""

NUMBERS: Mapping[str, tuple[str, str, str, str]] = {
    "temperature": ("Temperature", "temperature", "°C", "measurement"),
    "humidity": ("Humidity", "humidity", "%", "measurement"),
    "soil_moisture": ("Soil moisture", "moisture", "%", "measurement"),
    "illuminance": ("Illuminance", "illuminance", "lx", "measurement"),
    "pressure": ("Pressure", "atmospheric_pressure", "hPa", "measurement"),
    "co2": ("Carbon dioxide", "carbon_dioxide", "ppm", "measurement"),
    "co": ("Carbon monoxide", "carbon_monoxide", "ppm", "measurement"),
    "smoke_density": ("Smoke density", "", "dB/m", "measurement"),
    "smoke_concentration": ("Smoke concentration", "", "ppm", "measurement"),
    "gas_concentration": ("Gas concentration", "", "", "measurement"),
    "pm25": ("PM2.5", "pm25", "μg/m³", "measurement"),
    "power": ("Power", "power", "W", "measurement"),
    "energy": ("Energy", "energy", "kWh", "total_increasing"),
    "battery": ("Battery", "battery", "%", "measurement"),
    "linkquality": ("Link quality", "", "lqi", "measurement"),
}
"""Name, device class, unit as Home Assistant writes it, state class."""

DIAGNOSTIC = frozenset({"battery", "battery_low", "linkquality", "tamper"})
ACTION = "action"
ACTIONS = (
    *("single", "double", "triple", "quadruple", "hold", "long", "release", "press", "on", "off", "toggle"),
    *("brightness_up", "brightness_down", "ring", "other"),
)
"""Presses by name; a name that is not here is told as `other`, with the name itself beside it."""
MAX_KEYS = 40
"""Entities of one sensor."""
MOTION_TYPES = ("MOTION",)


def kind_of(value: SensorValue) -> str:
    """What is remembered of a value, so that its entity outlives a restart: bool, number or text."""
    if isinstance(value, bool):
        return "bool"
    return "number" if isinstance(value, int | float) else "text"


def keys_of(state: SensorState) -> dict[str, str]:
    """Each key that the sensor tells, with the kind of its values."""
    found = {key: kind_of(value) for key, value in state.values.items()}
    if state.battery_low is not None:
        found.setdefault("battery_low", "bool")
    return found


def action_type(word: str) -> str:
    return word if word in ACTIONS else "other"


def _readable(key: str) -> str:
    return key.replace("_", " ").capitalize()


def _binary(key: str, sensor: Sensor, topic: str) -> Component:
    name, device_class, on_when = BINARY.get(key, (_readable(key), "", True))
    if key == "occupancy" and sensor.type in MOTION_TYPES:
        name, device_class = "Motion", "motion"
    template = templates.switch_of(key, on_when)
    if key == "battery_low":  # beside the values, where the sensors service takes it from what it knows
        low = "value_json['battery_low']"
        template = f"{{{{ 'None' if {low} is none else 'ON' if {low} else 'OFF' }}}}"
    return component(
        "binary_sensor", name, state_topic=topic, value_template=template, device_class=device_class,
        entity_category=_category(key),
    )  # fmt: skip


def _number(key: str, topic: str) -> Component:
    name, device_class, unit, state_class = NUMBERS.get(key, (_readable(key), "", "", "measurement"))
    return component(
        "sensor", name, state_topic=topic, value_template=templates.value_of(key), device_class=device_class,
        unit_of_measurement=unit, state_class=state_class, entity_category=_category(key),
    )  # fmt: skip


def _category(key: str) -> str:
    return "diagnostic" if key in DIAGNOSTIC else ""


def _part(key: str, kind: str, sensor: Sensor, topic: str, object_id: str) -> Component:
    if key == ACTION:
        return component(
            "event", "Button", state_topic=HOUSE_EVENT.path(device=object_id), event_types=list(ACTIONS),
            device_class="button",
        )  # fmt: skip
    if kind == "bool":
        found = _binary(key, sensor, topic)
    elif kind == "number":
        found = _number(key, topic)
    else:
        found = component("sensor", _readable(key), state_topic=topic, value_template=templates.value_of(key))
    return {**found, **when(topic, "value_json['known']")}


def sensor(naming: Naming, found: Sensor, keys: Iterable[tuple[str, str]]) -> Device:
    """`keys`: what it has told so far, with its kind."""
    object_id = naming.object_id("sensor", found.id)
    topic = SENSOR_STATE.path(sensor_id=found.id)
    parts = [(key, _part(key, kind, found, topic, object_id)) for key, kind in sorted(keys)[:MAX_KEYS]]
    # Whether it is heard at all: also what a sensor has that has told nothing yet.
    heard = component(
        "binary_sensor", "Heard", state_topic=topic, value_template="{{ 'ON' if value_json['known'] else 'OFF' }}",
        device_class="connectivity", entity_category="diagnostic", json_attributes_topic=topic,
        json_attributes_template=templates.attributes("reason"),
    )  # fmt: skip
    return Device(
        object_id,
        found.display_name,
        found.type.replace("_", " ").capitalize(),
        "sensors",
        keyed([*parts, ("heard", heard)]),
        area=found.location,
        via=naming.hub_id,
    )
