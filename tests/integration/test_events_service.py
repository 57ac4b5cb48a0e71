"""The events service as a process on a real broker, without storage."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from service_rig import ServiceProcess, ServiceRig, until
from vigilar_common.bus import MqttBus, Received
from vigilar_common.messages import Message, Reply
from vigilar_common.messages.alarm import AlarmState, ArmAction, ArmCommand, EventEnded, EventOpened
from vigilar_common.messages.camera import Box, MotionStarted
from vigilar_common.messages.detection import ObjectDetected
from vigilar_common.messages.objects import ObjectEnd, ObjectLeft, object_event_id
from vigilar_common.messages.packages import PackageAction, PackageCommand, PackagesState, ThingLeft
from vigilar_common.messages.vehicles import Acquaintance, VehicleSeen, VehiclesState
from vigilar_common.passwords import hash_pin
from vigilar_common.testing.broker import TestBroker
from vigilar_common.topics import (
    ALARM_CHANGED,
    ALARM_STATE,
    CAMERA_AVAILABLE,
    CMD_ALARM,
    CMD_PACKAGE,
    EVENT_ENDED,
    EVENT_OPENED,
    FACT_TOPICS,
    MOTION_STARTED,
    PACKAGES_STATE,
    VEHICLES_STATE,
    Topic,
)

PIN = "73194682"
TOML = f"""
[security]
pin_hash = "{hash_pin(PIN)}"
[alarm.modes]
home = {{ exit_delay_s = 0 }}
away = {{ exit_delay_s = 0 }}
night = {{ exit_delay_s = 0 }}
[[cameras]]
id = "front"
display_name = "Front door"
rtsp_url = "rtsp://x/"
location = "EXTERIOR"
[packages]
enabled = true
[[vehicles.known]]
name = "estate"
"""


class House:
    def __init__(self, rig: ServiceRig) -> None:
        self.rig = rig
        self.events: ServiceProcess = rig.service("events")
        self.web: MqttBus = rig.broker.bus("web")
        self.outside: MqttBus = rig.broker.bus("home_automation")
        self.heard: list[tuple[Topic, Message]] = []
        for topic in (ALARM_STATE, ALARM_CHANGED, EVENT_OPENED, EVENT_ENDED, PACKAGES_STATE, VEHICLES_STATE):
            self.web.subscribe(topic, self._hear)

    def _hear(self, received: Received) -> None:
        if received.message:
            self.heard.append((received.topic, received.message))

    def ask(self, action: str, pin: str, bus: MqttBus | None = None) -> Reply:
        command = ArmCommand(action=ArmAction(action), pin=pin, user="admin")
        return (bus or self.web).request(CMD_ALARM, command, timeout_s=20)

    def states(self) -> list[str]:
        return [m.state.value for _, m in self.heard if isinstance(m, AlarmState)]

    def close(self) -> None:
        if self.events.process and self.events.process.poll() is None:
            self.events.kill()
        for bus in (self.web, self.outside):
            bus.stop()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One broker, one events service for all tests here: starting them takes seconds."""
    broker = TestBroker(tmp_path_factory.mktemp("broker"))
    broker.start()
    house = House(ServiceRig(tmp_path_factory.mktemp("house"), broker, TOML))
    house.events.start()
    yield house
    assert house.events.stop() == 0
    house.close()
    broker.stop()


@pytest.fixture
def house(running: House) -> House:
    running.heard.clear()
    return running


def test_arming_with_the_pin_survives_kill_9_and_wrong_pins_get_their_codes(house: House) -> None:
    assert house.ask("ARM_AWAY", "86420975").code == "wrong_pin"
    assert house.ask("ARM_AWAY", "").code == "wrong_pin"
    reply = house.ask("ARM_AWAY", PIN)
    assert (reply.ok, reply.data) == (True, {"state": "armed_away"})
    until(lambda: house.states()[-1:] == ["armed_away"], what="the retained state")

    house.events.kill()
    house.heard.clear()
    house.events.start()
    until(lambda: house.states() == ["armed_away"], what="the state after the restart")
    assert house.ask("DISARM", PIN, house.outside).data == {"state": "disarmed"}

    codes = [house.ask("ARM_AWAY", "0000", house.outside).code for _ in range(6)]
    assert codes == ["wrong_pin"] * 5 + ["too_many_tries"]
    refused = house.ask("ARM_AWAY", PIN, house.outside)
    assert (refused.code, 0 < refused.data["retry_after_s"] <= 61) == ("too_many_tries", True)
    assert house.ask("ARM_NIGHT", PIN).ok, "who is logged in is not locked out"
    text = house.events.log.read_text()
    assert PIN not in text
    assert "86420975" not in text
    assert "vigilar_arm_commands_total" in house.events.get("/metrics")


def test_motion_becomes_an_event_within_a_moment_without_storage(house: House) -> None:
    worker = house.rig.broker.bus("camera-worker-front")
    motion = MotionStarted(camera_id="front", motion_id=str(uuid4()), score=0.5, area_px=700)
    for _ in range(2):  # the same fact twice, as after a reconnect
        worker.publish(
            MOTION_STARTED,
            worker.stamp(motion).model_copy(update={"id": motion.motion_id}),
            camera_id="front",
        )
    (event,) = until(lambda: [m for _, m in house.heard if isinstance(m, EventOpened)], what="the event")
    assert event.title == "Motion at Front door"
    worker.stop()
    assert house.events.rss_bytes() < 60_000_000


def test_an_object_becomes_an_event_and_ends_with_a_worker_that_dies(house: House) -> None:
    worker = house.rig.broker.bus("camera-worker-front")
    track_id = str(uuid4())
    seen = ObjectDetected(
        camera_id="front",
        track_id=track_id,
        object_class="person",
        confidence=0.8,
        box=Box(x=0, y=0, w=0.1, h=0.3),
    )
    fact = worker.stamp(seen).model_copy(update={"id": str(uuid4())})
    worker.publish(FACT_TOPICS[ObjectDetected.TYPE], fact, camera_id="front")
    (event,) = until(lambda: [m for _, m in house.heard if isinstance(m, EventOpened)], what="the event")
    assert (event.title, event.event_id) == ("Person at Front door", object_event_id(track_id))
    worker.publish_frame(CAMERA_AVAILABLE, b"offline", camera_id="front")
    (end,) = until(lambda: [m for _, m in house.heard if isinstance(m, EventEnded)], what="its end")
    assert end.event_id == event.event_id
    worker.stop()


def test_a_parcel_and_a_vehicle_at_home_survive_kill_9_and_the_page_collects_the_parcel(house: House) -> None:
    worker = house.rig.broker.bus("camera-worker-front")
    thing_id, box = str(uuid4()), Box(x=0.4, y=0.7, w=0.05, h=0.1)
    left = ThingLeft(camera_id="front", thing_id=thing_id, box=box, confidence=0.6, by_class="person")
    ours = VehicleSeen(name="estate", recognition=Acquaintance.HOUSEHOLD, looks=5)
    parked = ObjectLeft(
        camera_id="front", track_id=str(uuid4()), reason=ObjectEnd.RESTS, object_class="car", confidence=0.8, box=box,
        started_ms=1, vehicle=ours,
    )  # fmt: skip

    def parcels() -> list[int]:
        return [m.count for _, m in house.heard if isinstance(m, PackagesState)]

    def at_home() -> list[bool | None]:
        return [m.vehicles[0].home for _, m in house.heard if isinstance(m, VehiclesState)]

    for message in (left, parked):
        fact = worker.stamp(message).model_copy(update={"id": str(uuid4())})
        worker.publish(FACT_TOPICS[message.TYPE], fact, camera_id="front")
    until(lambda: parcels()[-1:] == [1] and at_home()[-1:] == [True], what="the parcel and the vehicle")
    titles = [m.title for _, m in house.heard if isinstance(m, EventOpened)]
    assert titles == ["Parcel put down by a person: Front door", "The estate arrived: Front door"]
    worker.stop()

    house.events.kill()
    house.heard.clear()
    house.events.start()
    until(lambda: parcels()[-1:] == [1] and at_home()[-1:] == [True], what="both after the restart")
    command = PackageCommand(action=PackageAction.COLLECTED, package_id=thing_id, user="admin")
    assert house.web.request(CMD_PACKAGE, command).ok
    until(lambda: parcels()[-1:] == [0], what="the parcel to be collected")


def test_without_a_pin_mqtt_is_refused_and_the_web_session_arms(house: House) -> None:
    house.rig.configure(TOML.replace(TOML.splitlines()[2], ""))
    until(
        lambda: any(isinstance(m, AlarmState) and not m.pin_configured for _, m in house.heard),
        6,
        "the reload",
    )
    assert house.ask("ARM_AWAY", PIN, house.outside).code == "pin_not_configured"
    assert house.ask("ARM_AWAY", "").ok
    assert house.ask("DISARM", "").ok
    house.rig.configure(TOML)
