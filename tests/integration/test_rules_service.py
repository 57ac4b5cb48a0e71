"""Rules in the events service as a process on a real broker, without storage: from a message to siren and recording."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from service_rig import ServiceProcess, ServiceRig, until
from vigilar_common.bus import MqttBus, Received
from vigilar_common.messages import Fact, Message
from vigilar_common.messages.alarm import ArmAction, ArmCommand, EventOpened, EventType, SirenState
from vigilar_common.messages.camera import Box, RecordCommand, TakeSnapshot
from vigilar_common.messages.detection import ObjectDetected
from vigilar_common.messages.rules import RulesAction, RulesCommand
from vigilar_common.messages.sensor import SensorChanged
from vigilar_common.testing.broker import TestBroker
from vigilar_common.topics import (
    ALARM_SIREN,
    CMD_ALARM,
    CMD_RECORD,
    CMD_RULES,
    CMD_SNAPSHOT,
    EVENT_OPENED,
    FACT_TOPICS,
)
from vigilar_common.topics_foreign import Prefixes, below

LAMP = "zigbee2mqtt/lamp/set"
TRACK = "01890000-0000-7000-8000-000000000001"
TOML = f"""
publish_topics = ["zigbee2mqtt/+/set"]
[[sensors]]
id = "back_door"
display_name = "Back door"
type = "CONTACT"
protocol = "ZIGBEE"
device_address = "back_door"
[[cameras]]
id = "front"
display_name = "Front door"
rtsp_url = "rtsp://x/"
[[rules]]
id = "door"
description = "The back door"
conditions = [{{ type = "sensor_event", sensor_id = "back_door", event = "open" }}]
actions = ["siren", "record_all_cameras", "alert_all", {{ type = "mqtt", topic = "{LAMP}", payload = "ON" }}]
cooldown_s = 3600
[[rules]]
id = "person"
conditions = [{{ type = "detection", object_class = "person", camera_id = "front" }}]
actions = [{{ type = "snapshot", cameras = ["front"] }}, "webhook"]
cooldown_s = 0
"""


class House:
    def __init__(self, folder: Path) -> None:
        self.broker = TestBroker(folder / "broker", prefixes=Prefixes(publish=("zigbee2mqtt/+/set",)))
        self.broker.start()
        self.rig = ServiceRig(folder / "house", self.broker, TOML)
        self.events: ServiceProcess = self.rig.service("events")
        users = ("web", "sensors", "camera-worker-front", "zigbee2mqtt")
        self.web, self.sensors, self.worker, self.bridge = (self.broker.bus(user) for user in users)
        self.heard: list[Message] = []
        self.lamp: list[bytes] = []
        for topic in (ALARM_SIREN, EVENT_OPENED):
            self.web.subscribe(topic, self._hear)
        for topic in (CMD_RECORD, CMD_SNAPSHOT):
            self.worker.subscribe(topic, self._hear, camera_id="front")
        self.bridge.subscribe(below("zigbee2mqtt", "zigbee2mqtt"), self._hear_device)
        self.start()

    def start(self) -> None:
        """Returns once it hears what is said: it is ready a moment before the broker has its last subscription."""
        self.events.start()
        until(self._is_heard, what="a first firing")
        self.heard.clear()

    def _is_heard(self) -> bool:
        """Asks once a second: a rule fires thirty times a minute at most."""
        person, give_up_s = self.sees("person"), time.monotonic() + 1
        while not self.fired_by(person) and time.monotonic() < give_up_s:
            time.sleep(0.02)
        return bool(self.fired_by(person))

    def _hear(self, received: Received) -> None:
        if received.message:
            self.heard.append(received.message)

    def _hear_device(self, received: Received) -> None:
        if received.ids["topic"] == LAMP:
            self.lamp.append(received.payload)

    def of(self, kind: type[Message]) -> list[Any]:
        return [message for message in self.heard if isinstance(message, kind)]

    def fired(self, rule_id: str) -> list[EventOpened]:
        events: list[EventOpened] = self.of(EventOpened)
        return [e for e in events if e.type is EventType.RULE and e.detail["rule_id"] == rule_id]

    def says(self, bus: MqttBus, fact: Fact, **ids: str) -> Fact:
        stamped = bus.stamp(fact)
        assert isinstance(stamped, Fact)
        assert bus.publish(FACT_TOPICS[fact.TYPE], stamped, **ids)
        return stamped

    def opens(self) -> Fact:
        return self.says(self.sensors, SensorChanged(sensor_id="back_door", key="contact", value=False))

    def sees(self, what: str) -> Fact:
        box = Box(x=0, y=0, w=0.5, h=0.5)
        fact = ObjectDetected(camera_id="front", track_id=TRACK, object_class=what, confidence=0.9, box=box)
        return self.says(self.worker, fact, camera_id="front")

    def after_all_that(self) -> None:
        """What was said before has been heard: the broker keeps the order of one sender, sensors came first."""
        self.web.request(CMD_RULES, RulesCommand(action=RulesAction.LIST))
        person = self.sees("person")
        until(lambda: self.fired_by(person), what="the person")

    def fired_by(self, fact: Fact) -> list[EventOpened]:
        return [event for event in self.fired("person") if event.detail["cause_id"] == fact.id]

    def rule(self, rule_id: str) -> dict[str, Any]:
        reply = self.web.request(CMD_RULES, RulesCommand(action=RulesAction.LIST))
        found: dict[str, Any] = next(one for one in reply.data["rules"] if one["id"] == rule_id)
        return found

    def close(self) -> None:
        if self.events.process and self.events.process.poll() is None:
            self.events.kill()
        for bus in (self.web, self.sensors, self.worker, self.bridge):
            bus.stop()
        self.broker.stop()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    running = House(tmp_path)
    yield running
    running.close()


def test_a_door_becomes_siren_event_recording_and_lamp_once_and_the_cooldown_survives_a_kill(
    house: House,
) -> None:
    fact = house.opens()
    until(lambda: house.fired("door"), what="the rule's event")
    until(lambda: any(state.on for state in house.of(SirenState)), what="the siren")
    until(lambda: any(order.user == "rule" for order in house.of(RecordCommand)), what="the order to record")
    until(lambda: house.lamp == [b"ON"], what="the lamp")
    (event,) = house.fired("door")
    assert event.detail["reason"] == "back_door contact false (back_door: open)"
    order = next(order for order in house.of(RecordCommand) if order.user == "rule")
    assert order.cause_id == event.event_id

    # The same message again, then another one, and after each a person: what is heard later was done later.
    house.says(house.sensors, fact)
    house.opens()
    house.after_all_that()
    assert len(house.fired("door")) == 1
    assert house.rule("door")["count"] == 1

    assert house.web.request(CMD_ALARM, ArmCommand(action=ArmAction.DISARM, user="admin")).ok
    house.events.kill()
    house.heard.clear()
    house.start()
    house.says(house.sensors, fact)
    house.opens()
    house.after_all_that()
    assert house.fired("door") == []
    assert not any(state.on for state in house.of(SirenState))
    listed = house.rule("door")
    assert (listed["count"], listed["last"]["because"]) == (1, event.detail["reason"])
    assert 3000 < listed["resting_s"] <= 3600


def test_a_detection_is_heard_and_a_webhook_is_asked_for_in_the_event_that_alerts_reads(house: House) -> None:
    car, person = house.sees("car"), house.sees("person")
    until(lambda: house.of(TakeSnapshot), what="the order for a picture")
    event = until(lambda: house.fired_by(person), what="the rule's event")[0]
    assert (event.camera_id, event.detail["channels"]) == ("front", ["webhook"])
    assert house.fired_by(car) == []


def test_a_dry_run_without_storage_says_so_and_the_service_stays_ready(house: House) -> None:
    reply = house.web.request(CMD_RULES, RulesCommand(action=RulesAction.TEST, rule_id="door"), timeout_s=20)
    assert (reply.ok, reply.code) == (False, "storage_unavailable")
    assert "vigilar_rules_met" in house.events.get("/metrics")
    assert house.events.stop() == 0
