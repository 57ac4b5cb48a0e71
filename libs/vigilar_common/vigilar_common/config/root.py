"""The whole configuration: one field per section of `vigilar.toml`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self

from pydantic import Field, model_validator

from vigilar_common.config.alarm import Alarm
from vigilar_common.config.alerts import Alerts
from vigilar_common.config.base import Section
from vigilar_common.config.cameras import Camera
from vigilar_common.config.detection import Detection, Packages, Vehicles
from vigilar_common.config.features import Highlights, Pets, Visitors
from vigilar_common.config.health import Health
from vigilar_common.config.homeassistant import HomeAssistant
from vigilar_common.config.mqtt import Mqtt, Zigbee2mqtt, Zwave, topic_allowed
from vigilar_common.config.offsite import Offsite
from vigilar_common.config.presence import Presence
from vigilar_common.config.rules import Rule
from vigilar_common.config.security import Security
from vigilar_common.config.sensors import Gpio, Sensor
from vigilar_common.config.storage import Storage
from vigilar_common.config.system import Location, System
from vigilar_common.config.ups import Ups
from vigilar_common.config.web import Kiosk, Remote, Web
from vigilar_common.topics_foreign import Prefixes

KEYED_LISTS: dict[tuple[str, ...], str] = {
    ("cameras",): "id",
    ("sensors",): "id",
    ("rules",): "id",
    ("presence", "members"): "name",
    ("vehicles", "known"): "name",
    ("alerts", "profiles"): "name",
    ("alerts", "escalation"): "name",
    ("alarm", "sensors"): "id",
    ("security", "pins"): "name",
}
"""Arrays of tables and the key that tells their entries apart."""

MAX_CAMERAS = 256
MAX_SENSORS = 1024


class Config(Section):
    """Everything Vigilar can be told. Omitted sections and keys take their defaults."""

    system: System = Field(System(), title="System")
    mqtt: Mqtt = Field(Mqtt(), title="Broker")
    web: Web = Field(Web(), title="Web")
    zigbee2mqtt: Zigbee2mqtt = Field(Zigbee2mqtt(), title="Zigbee2MQTT")
    zwave: Zwave = Field(Zwave(), title="Z-Wave JS UI")
    ups: Ups = Field(Ups(), title="UPS")
    storage: Storage = Field(Storage(), title="Storage")
    remote: Remote = Field(Remote(), title="Remote access")
    alerts: Alerts = Field(Alerts(), title="Alerts")
    alarm: Alarm = Field(Alarm(), title="Alarm")
    cameras: tuple[Camera, ...] = Field((), max_length=MAX_CAMERAS, title="Cameras")
    sensors: tuple[Sensor, ...] = Field((), max_length=MAX_SENSORS, title="Sensors")
    sensors_gpio: Gpio = Field(Gpio(), title="GPIO")
    rules: tuple[Rule, ...] = Field((), max_length=256, title="Rules")
    detection: Detection = Field(Detection(), title="Detection")
    vehicles: Vehicles = Field(Vehicles(), title="Vehicles")
    packages: Packages = Field(Packages(), title="Parcels")
    presence: Presence = Field(Presence(), title="Presence")
    homeassistant: HomeAssistant = Field(HomeAssistant(), title="Home Assistant")
    offsite: Offsite = Field(Offsite(), title="Off-site evidence")
    health: Health = Field(Health(), title="Health")
    pets: Pets = Field(Pets(), title="Pets")
    visitors: Visitors = Field(Visitors(), title="Visitors")
    highlights: Highlights = Field(Highlights(), title="Highlights")
    kiosk: Kiosk = Field(Kiosk(), title="Kiosk")
    location: Location = Field(Location(), title="Location")
    security: Security = Field(Security(), title="Security")

    @model_validator(mode="after")
    def _check_unique(self) -> Self:
        for path, index, first, value in duplicates(self.model_dump(include={p[0] for p in KEYED_LISTS})):
            name = ".".join(path)
            raise ValueError(f'[[{name}]] "{value}" is there twice (entries {first + 1} and {index + 1})')
        return self

    @model_validator(mode="after")
    def _check_alarm(self) -> Self:
        """What the alarm names must exist: a door that is not watched because of a typing error is no warning."""
        known = {sensor.id for sensor in self.sensors}
        for sensor in self.alarm.sensors:
            if sensor.id not in known:
                raise ValueError(f'[[alarm.sensors]] "{sensor.id}" is no sensor of [[sensors]]')
        topic = self.alarm.siren.mqtt_topic
        if topic and not any(topic_allowed(topic, allowed) for allowed in self.mqtt.publish_topics):
            raise ValueError(f'[alarm.siren] mqtt_topic "{topic}" is not allowed by [mqtt] publish_topics')
        return self

    @property
    def prefixes(self) -> Prefixes:
        """Where the bridges on the broker publish."""
        return Prefixes(
            self.zigbee2mqtt.mqtt_topic_prefix,
            self.zwave.mqtt_topic_prefix,
            self.mqtt.publish_topics,
            trackers=self.presence.device_tracker_prefix,
            discovery=self.homeassistant.discovery_prefix,
            birth=self.homeassistant.status_topic,
        )

    def camera(self, camera_id: str) -> Camera | None:
        """The camera with this id; None when there is none."""
        return next((camera for camera in self.cameras if camera.id == camera_id), None)


def duplicates(data: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], int, int, str]]:
    """Entries of arrays of tables whose id or name was used before: (path, index, first index, value).

    Works on raw data of any quality, so that repeats are reported beside other errors.
    """
    for path, key in KEYED_LISTS.items():
        node: Any = data
        for part in path:
            node = node.get(part) if isinstance(node, Mapping) else None
        seen: dict[str, int] = {}
        for index, entry in enumerate(node if isinstance(node, list | tuple) else ()):
            value = entry.get(key) if isinstance(entry, Mapping) else None
            if not isinstance(value, str):
                continue
            if value in seen:
                yield path, index, seen[value], value
            else:
                seen[value] = index
