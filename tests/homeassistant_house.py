"""A house for tests of the bridge: its configuration, and the bridge without broker or time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from vigilar_common.config import Config
from vigilar_common.messages.alarm import AlarmState, ArmState
from vigilar_common.state_file import StateFile
from vigilar_common.testing import FakeBus, FakeClock
from vigilar_common.topics import ALARM_STATE
from vigilar_common.topics_foreign import discovery
from vigilar_homeassistant.handlers import SETTLE_S, Bridge, table

SENSOR_TYPES = {"door": "CONTACT", "hall": "MOTION", "climate": "TEMPERATURE", "bell": "BUTTON"}


def house(**homeassistant: Any) -> dict[str, Any]:
    """Two cameras (one switched off), four sensors, a UPS, two people."""
    cameras = [
        {"id": "front", "display_name": "Front door", "rtsp_url": "rtsp://192.0.2.1/1"},
        {"id": "old", "display_name": "Old", "rtsp_url": "rtsp://192.0.2.2/1", "enabled": False},
    ]
    sensors = [
        {
            "id": name,
            "display_name": name.capitalize(),
            "type": kind,
            "protocol": "ZIGBEE",
            "device_address": name,
            "location": "hall",
        }
        for name, kind in SENSOR_TYPES.items()
    ]
    members = [{"name": "Ann", "ip": "192.0.2.21"}, {"name": "Jörg ✓", "ip": "192.0.2.22"}]
    return {
        "homeassistant": {"enabled": True, **homeassistant},
        "cameras": cameras,
        "detection": {"person_detection": True},
        "sensors": sensors,
        "presence": {"enabled": True, "members": members},
        "ups": {"enabled": True, "ups_name": "eaton.5p"},
    }


class BridgeHouse:
    """`restart` as after a kill -9; `settle` lets pass what the bridge gathers."""

    def __init__(self, folder: Path, raw: dict[str, Any] | None = None) -> None:
        self.folder, self.clock = folder, FakeClock()
        self.raw = raw or house()
        self.restart()

    def restart(self) -> None:
        self.bus = FakeBus(self.clock, "homeassistant")
        config = Config.model_validate(self.raw)
        self.settings = config.homeassistant
        self.bridge = Bridge(
            clock=self.clock,
            bus=self.bus,
            file=StateFile(self.folder / "announced.json"),
            config=config,
            jitter=lambda low, high: (low + high) / 2,
        )
        self.bridge.load()
        self.topics = table(self.bridge, self.settings.status_topic)
        for topic, handler in self.topics.items():
            self.bus.subscribe(topic, handler)
        self.bus.on_connect(self.bridge.on_connect)
        self.bus.reconnect()
        self.bridge.step()

    def settle(self) -> None:
        self.clock.advance(SETTLE_S)
        self.bridge.step()

    def alarm(self, pin_configured: bool = True, state: ArmState = ArmState.DISARMED) -> None:
        message = AlarmState(state=state, since_ms=1, pin_configured=pin_configured)
        self.bus.deliver(ALARM_STATE, message, retained=True)

    def born(self, payload: bytes = b"online", retained: bool = False) -> None:
        (birth,) = (topic for topic in self.topics if topic.pattern == self.settings.status_topic)
        self.bus.deliver(birth, payload=payload, retained=retained)

    @property
    def sent(self) -> list[tuple[str, bytes]]:
        """Discovery messages by topic, in their order."""
        return [
            (found.topic.path(**found.ids), found.payload)
            for found in self.bus.published
            if found.topic.pattern.endswith("/config")
        ]

    @property
    def announced(self) -> dict[str, dict[str, Any]]:
        """What the broker holds: the newest message of each device that is not empty, by object id."""
        prefix = discovery(self.settings.discovery_prefix).pattern.partition("{")[0]
        newest = dict(self.sent)
        return {
            topic.removeprefix(prefix).removesuffix("/config"): json.loads(payload)
            for topic, payload in newest.items()
            if payload
        }
