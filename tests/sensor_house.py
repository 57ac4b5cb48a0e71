"""A house of sensors without a broker: its board, and the facts that a message makes."""

from __future__ import annotations

import json
from typing import Any

from vigilar_common.config import Config
from vigilar_common.messages import Fact
from vigilar_common.messages.sensor import SensorChanged, SensorLost, SensorReading
from vigilar_common.testing.fakes import FakeClock
from vigilar_sensors.domain.board import Board


def sensor(
    sensor_id: str = "door", kind: str = "CONTACT", address: str = "door", **keys: object
) -> dict[str, Any]:
    return {
        "id": sensor_id, "display_name": sensor_id.title(), "type": kind, "protocol": "ZIGBEE", "device_address": address,
    } | keys  # fmt: skip


def config(*sensors: dict[str, Any], **sections: object) -> Config:
    return Config.model_validate({"sensors": list(sensors), **sections})


class House:
    def __init__(self, *sensors: dict[str, Any], clock: FakeClock | None = None) -> None:
        self.clock = clock or FakeClock()
        self.started: list[str] = []
        self.config = config(*(sensors or (sensor(),)))
        self.board = Board(self.config, self.clock.monotonic_s())

    def zigbee(self, below: str, payload: Any, retained: bool = False) -> list[str]:
        return told(self.board.zigbee(below, raw(payload), retained, *self.now))

    def zwave(self, below: str, payload: Any, retained: bool = False) -> list[str]:
        return told(self.board.zwave(below, raw(payload), retained, *self.now))

    def tick(self, later_s: float = 0) -> list[str]:
        self.clock.advance(later_s)
        return told(self.board.tick(*self.now))

    def restarted(self) -> House:
        again = House(clock=self.clock)
        again.config = self.config
        again.board = Board(self.config, self.clock.monotonic_s())
        again.started = told(again.board.restore(json.loads(json.dumps(self.board.kept())), *self.now)[0])
        return again

    @property
    def now(self) -> tuple[int, float]:
        return self.clock.now_ms(), self.clock.monotonic_s()


def raw(payload: Any) -> bytes:
    return payload if isinstance(payload, bytes) else json.dumps(payload).encode()


def told(facts: list[Fact] | None) -> list[str]:
    """`door contact=False` happens, `door contact:False` is a state, `door 21 °C`, `door lost`."""
    said = []
    for fact in facts or []:
        match fact:
            case SensorChanged():
                said.append(f"{fact.sensor_id} {fact.key}{':' if fact.initial else '='}{fact.value}")
            case SensorReading():
                said.append(f"{fact.sensor_id} {fact.key} {fact.value:g} {fact.unit}".strip())
            case SensorLost():
                said.append(f"{fact.sensor_id} lost: {fact.reason}")
    return said
