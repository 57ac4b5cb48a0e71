"""All configured sensors and the bridges they speak through: messages in, facts out."""

from __future__ import annotations

import difflib
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

from vigilar_common.config import Config
from vigilar_common.config.sensors import Protocol
from vigilar_common.messages import Fact

from vigilar_sensors.domain import zigbee, zwave
from vigilar_sensors.domain.sensor import Tracked
from vigilar_sensors.domain.values import KEYS, MAIN_KEYS, Kind, Reading, RefusedError
from vigilar_sensors.domain.zigbee import BridgeInfo, DeviceMessage

MAX_WAITING = 300
"""Retained messages of devices whose address the bridge has not told yet."""
BRIDGE_GRACE_S = 60.0
"""After a start, before a bridge that says nothing is missed."""
_COMMANDS = ("set", "get")


class Bridge:
    """Whether it is there. `online` is None until it spoke."""

    def __init__(self) -> None:
        self.online: bool | None = None
        self.info = BridgeInfo()
        self.names: dict[str, str] | None = None
        """IEEE address to friendly name; None until it told them."""


class Board:
    """Not thread-safe."""

    def __init__(self, config: Config, now_s: float) -> None:
        self.started_s = now_s
        self.sensors: dict[str, Tracked] = {}
        self.bridges = {Protocol.ZIGBEE: Bridge(), Protocol.ZWAVE: Bridge()}
        self.refusals: list[str] = []
        """Values that were not taken although the rest of their message was; the caller empties it."""
        self._zigbee: dict[str, list[Tracked]] = {}
        self._zwave: dict[str, list[Tracked]] = {}
        self._waiting: OrderedDict[str, bytes] = OrderedDict()
        self.configure(config, now_s)

    def configure(self, config: Config, now_s: float) -> list[str]:
        """Take over the sensors of a configuration; what is known of unchanged devices stays. Returns who left."""
        before, self.sensors = self.sensors, {}
        for sensor in config.sensors:
            if not sensor.enabled:
                continue
            old = before.pop(sensor.id, None)
            if old and old.config.model_copy(update=_NAMES) == sensor.model_copy(update=_NAMES):
                old.config, old.changed, old.urgent = sensor, True, True
                self.sensors[sensor.id] = old
            else:
                self.sensors[sensor.id] = Tracked(sensor, now_s)
        self._zwave = {}
        for tracked in self.of(Protocol.ZWAVE):
            self._zwave.setdefault(zwave.node_key(tracked.config.device_address), []).append(tracked)
        self._name_zigbee()
        return [name for name in before if name not in self.sensors]

    def of(self, protocol: Protocol) -> list[Tracked]:
        return [tracked for tracked in self.sensors.values() if tracked.config.protocol is protocol]

    # -- Zigbee2MQTT --------------------------------------------------------------------------------

    def zigbee(
        self, below: str, payload: bytes, retained: bool, now_ms: int, now_s: float
    ) -> list[Fact] | None:
        """A topic below the prefix; None when it concerns no configured sensor. Raises RefusedError."""
        if below.startswith("bridge/"):
            return self._zigbee_bridge(below.removeprefix("bridge/"), payload, now_ms, now_s)
        if not payload:
            return None  # a retained message was removed
        if below in self._zigbee:
            message = zigbee.device(payload)
            return self._device(self._zigbee[below], message, retained, now_ms, now_s)
        name, _, last = below.rpartition("/")
        if name in self._zigbee and last not in _COMMANDS:
            return self._zigbee_part(self._zigbee[name], last, payload, retained, now_ms, now_s)
        if retained and self._has_unnamed():
            self._waiting[below] = payload
            if len(self._waiting) > MAX_WAITING:
                self._waiting.popitem(last=False)
        return None

    def _zigbee_bridge(self, what: str, payload: bytes, now_ms: int, now_s: float) -> list[Fact] | None:
        bridge = self.bridges[Protocol.ZIGBEE]
        if what == "state":
            return self._bridge_state(
                Protocol.ZIGBEE, zigbee.online(payload), "Zigbee2MQTT is offline", now_ms
            )
        if what == "info":
            bridge.info = zigbee.info(payload)
            return []
        if what != "devices":
            return None
        bridge.names = zigbee.names(payload)
        self._name_zigbee()
        facts: list[Fact] = []
        waiting, self._waiting = self._waiting, OrderedDict()
        for below, kept in waiting.items():
            try:
                facts += self.zigbee(below, kept, True, now_ms, now_s) or []
            except RefusedError as error:
                self.refusals.append(f"what the broker kept of it {error}")
        return facts

    def _zigbee_part(
        self, sensors: list[Tracked], last: str, payload: bytes, retained: bool, now_ms: int, now_s: float
    ) -> list[Fact] | None:
        if last == "availability":
            if zigbee.online(payload):
                for tracked in sensors:
                    tracked.back()
                return []
            reason = "unavailable, says Zigbee2MQTT"
            return [f for tracked in sensors for f in tracked.lose(reason, now_ms, unavailable=True)]
        message = zigbee.attribute(last, payload)
        return None if message is None else self._device(sensors, message, retained, now_ms, now_s)

    def _name_zigbee(self) -> None:
        names = self.bridges[Protocol.ZIGBEE].names or {}
        self._zigbee = {}
        for tracked in self.of(Protocol.ZIGBEE):
            address = tracked.config.device_address
            self._zigbee.setdefault(names.get(address.lower(), address), []).append(tracked)

    def _has_unnamed(self) -> bool:
        return self.bridges[Protocol.ZIGBEE].names is None and any(
            _is_ieee(tracked.config.device_address) for tracked in self.of(Protocol.ZIGBEE)
        )

    def unknown_devices(self) -> Iterable[tuple[Tracked, str]]:
        """Zigbee sensors whose address the bridge does not have, with the nearest name it has (or an empty one)."""
        names = self.bridges[Protocol.ZIGBEE].names
        if names is None:
            return
        known = set(names.values())
        for tracked in self.of(Protocol.ZIGBEE):
            address = tracked.config.device_address
            if address not in known and address.lower() not in names:
                yield tracked, next(iter(difflib.get_close_matches(address, known, 1)), "")

    # -- Z-Wave JS UI -------------------------------------------------------------------------------

    def zwave(
        self, below: str, payload: bytes, retained: bool, now_ms: int, now_s: float
    ) -> list[Fact] | None:
        """A topic below the prefix; None when it concerns no configured sensor. Raises RefusedError."""
        if not payload:
            return None
        online = zwave.gateway_online(below, payload)
        if online is not None:
            return self._bridge_state(Protocol.ZWAVE, online, "Z-Wave JS UI is offline", now_ms)
        place = zwave.place(below, self._zwave)
        if place is None:
            return None
        sensors = self._zwave[place.address]
        if place.levels == (zwave.STATUS,):
            if zwave.alive(payload):
                for tracked in sensors:
                    tracked.back()
                return []
            reason = "dead, says Z-Wave JS UI"
            return [f for tracked in sensors for f in tracked.lose(reason, now_ms, unavailable=True)]
        facts: list[Fact] = []
        used = False
        for tracked in sensors:
            reading = zwave.value(place.levels, payload, tracked.config.type)
            if reading is not None:
                used = True
                facts += tracked.hear([reading], retained=retained, now_ms=now_ms, now_s=now_s)
        return facts if used else None

    # -- GPIO ---------------------------------------------------------------------------------------

    def line(self, sensor_id: str, level: bool, first: bool, now_ms: int, now_s: float) -> list[Fact]:
        """A line that has settled; `level` is True while a contact closes it, or a module drives it."""
        tracked = self.sensors[sensor_id]
        tracked.back()
        reading = Reading(tracked.main_key, level)
        return tracked.hear([reading], retained=first, now_ms=now_ms, now_s=now_s)

    def line_lost(self, sensor_id: str, now_ms: int) -> list[Fact]:
        return self.sensors[sensor_id].lose("its line cannot be read", now_ms, unavailable=True)

    # -- time, restarts -----------------------------------------------------------------------------

    def tick(self, now_ms: int, now_s: float) -> list[Fact]:
        """Sensors that have been silent for too long."""
        facts: list[Fact] = []
        for tracked in self.sensors.values():
            if tracked.is_overdue(now_s):
                reason = f"silent for more than {_duration(tracked.silent_after_s)}"
                facts += tracked.lose(reason, now_ms, silent=True)
        return facts

    def kept(self) -> dict[str, Any]:
        return {"sensors": {name: tracked.kept() for name, tracked in self.sensors.items()}}

    def restore(self, raw: Mapping[str, Any], now_ms: int, now_s: float) -> tuple[list[Fact], list[str]]:
        """What another run knew; returns the facts and the names of sensors that are no longer configured.

        Raises ValueError, TypeError, KeyError, AttributeError for what makes no sense.
        """
        facts: list[Fact] = []
        gone = []
        for name, entry in raw["sensors"].items():
            if name in self.sensors:
                facts += self.sensors[name].restore(entry, now_ms, now_s)
            else:
                gone.append(str(name))
        return facts, gone

    # -- inside -------------------------------------------------------------------------------------

    def _bridge_state(self, protocol: Protocol, online: bool, reason: str, now_ms: int) -> list[Fact]:
        self.bridges[protocol].online = online
        if online:
            for tracked in self.of(protocol):
                tracked.back()
            return []
        return [f for tracked in self.of(protocol) for f in tracked.lose(reason, now_ms, unavailable=True)]

    def _device(
        self, sensors: list[Tracked], message: DeviceMessage, retained: bool, now_ms: int, now_s: float
    ) -> list[Fact]:
        facts: list[Fact] = []
        for tracked in sensors:
            facts += tracked.hear(
                message.readings, retained=retained, now_ms=now_ms, now_s=now_s, seen_ms=message.last_seen_ms
            )
        self.refusals += message.refused[:4]
        return facts


_NAMES = {"display_name": "", "location": "", "silent_after_m": 0}
"""What may change of a sensor without it being another one."""


def gpio_problem(sensor_type: str) -> str:
    """Why a sensor of this type cannot hang on a line; empty when it can."""
    key = MAIN_KEYS.get(sensor_type, "")
    if not key or KEYS[key].kind is not Kind.SWITCH:
        return f"a line has two levels, which says nothing for type {sensor_type}"
    return ""


def pulls_up(sensor_type: str) -> bool:
    """Whether the line is a dry contact to ground; modules that see motion drive it high themselves."""
    return MAIN_KEYS.get(sensor_type) != "occupancy"


def _is_ieee(address: str) -> bool:
    return len(address) == 18 and address[:2].lower() == "0x"


def _duration(seconds: float) -> str:
    return f"{seconds / 3600:g} h" if seconds >= 7200 else f"{seconds / 60:g} min"
