"""The bus on a real Mosquitto with the generated users and ACL."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import paho.mqtt.client as mqtt
import paho.mqtt.publish as mqtt_publish
import pytest
from patience import wait_until
from vigilar_common import topics
from vigilar_common.bus import BrokerAddress, BusUnavailableError, MqttBus, Received
from vigilar_common.clock import SystemClock
from vigilar_common.messages.alarm import AlarmState, ArmAction, ArmCommand, ArmState
from vigilar_common.messages.camera import CameraCondition, CameraState, MotionStarted
from vigilar_common.testing.broker import TestBroker

MOTION = MotionStarted(
    camera_id="front", motion_id="0198c0de-0000-7000-8000-000000000001", score=0.1, area_px=600
)


def wait_for(condition: Callable[[], object], limit_s: float = 5.0) -> None:
    wait_until(condition, limit_s, "what is waited for")


def collect(bus: MqttBus, topic: topics.Topic) -> list[Received]:
    got: list[Received] = []
    bus.subscribe(topic, got.append)
    time.sleep(0.1)
    return got


def test_a_message_arrives_with_its_envelope(broker: TestBroker) -> None:
    camera, events = broker.bus("camera-worker-front"), broker.bus("events")
    got = collect(events, topics.MOTION_STARTED)
    camera.publish(topics.MOTION_STARTED, MOTION, camera_id="front")
    wait_for(lambda: got)
    message = got[0].message
    assert isinstance(message, MotionStarted)
    assert (message.source, message.camera_id, message.seq) == ("camera-worker-front", "front", 1)
    assert message.id
    assert message.ts_ms
    camera.stop()
    events.stop()


def test_a_camera_cannot_speak_for_another(broker: TestBroker) -> None:
    camera, events = broker.bus("camera-worker-front"), broker.bus("events")
    got = collect(events, topics.MOTION_STARTED)
    camera.publish(topics.MOTION_STARTED, MOTION.model_copy(update={"camera_id": "back"}), camera_id="back")
    camera.publish(topics.MOTION_STARTED, MOTION, camera_id="front")
    wait_for(lambda: got)
    time.sleep(0.2)
    assert [r.ids["camera_id"] for r in got] == ["front"]
    camera.stop()
    events.stop()


def test_a_handler_that_raises_neither_kills_the_connection_nor_hides(broker: TestBroker) -> None:
    camera, events = broker.bus("camera-worker-front"), broker.bus("events")
    got: list[Received] = []

    def handler(received: Received) -> None:
        got.append(received)
        raise RuntimeError("boom")

    events.subscribe(topics.MOTION_STARTED, handler)
    time.sleep(0.1)
    for _ in range(3):
        camera.publish(topics.MOTION_STARTED, MOTION, camera_id="front")
    wait_for(lambda: len(got) == 3)
    wait_for(lambda: events.counters["handler_errors"] == 3)
    assert events.connected
    assert events.problem() == ""
    camera.stop()
    events.stop()


def test_a_command_is_answered_to_its_sender_and_the_topic_is_the_identity(broker: TestBroker) -> None:
    web, events = broker.bus("web"), broker.bus("events")
    senders: list[str] = []

    def arm(received: Received) -> None:
        senders.append(received.ids["sender"])
        received.reply(ok=True, data={"state": "disarmed"})

    events.subscribe(topics.CMD_ALARM, arm)
    time.sleep(0.1)
    reply = web.request(topics.CMD_ALARM, ArmCommand(action=ArmAction.DISARM, user="ann"))
    assert reply.ok
    assert reply.data == {"state": "disarmed"}
    web.publish(topics.CMD_ALARM, ArmCommand(action=ArmAction.DISARM), sender="home_automation")
    time.sleep(0.3)
    assert senders == ["web"]
    web.stop()
    events.stop()


def test_a_user_who_may_not_give_a_command_is_refused_and_told(broker: TestBroker) -> None:
    """The ACL lets every user write below its own name; the table says who may give which command."""
    camera, events = broker.bus("camera-worker-front"), broker.bus("events")
    got = collect(events, topics.CMD_ALARM)
    reply = camera.request(topics.CMD_ALARM, ArmCommand(action=ArmAction.DISARM))
    assert (reply.ok, reply.code) == (False, "forbidden")
    assert got == []
    camera.stop()
    events.stop()


def test_a_retained_command_is_refused(broker: TestBroker) -> None:
    web = broker.address("web")
    payload = ArmCommand(action=ArmAction.DISARM, id="x1", ts_ms=SystemClock().now_ms()).model_dump_json()
    mqtt_publish.single(
        topics.CMD_ALARM.path(sender="web"), payload, qos=1, retain=True, hostname=web.host, port=web.port,
        auth={"username": web.username, "password": web.password}, protocol=mqtt.MQTTv5,
    )  # fmt: skip
    events = broker.bus("events")
    got = collect(events, topics.CMD_ALARM)
    wait_for(lambda: events.counters["refused_commands"] == 1)
    assert got == []
    events.stop()


def test_states_are_asserted_again_after_the_broker_lost_them(broker: TestBroker) -> None:
    events = broker.bus("events")
    events.set_state(topics.ALARM_STATE, AlarmState(state=ArmState.ARMED_AWAY, since_ms=1))
    broker.kill()
    wait_for(lambda: not events.connected)
    broker.start()
    wait_for(lambda: events.connected, 10)
    web = broker.bus("web")
    got = collect(web, topics.ALARM_STATE)
    wait_for(lambda: got)
    assert isinstance(got[0].message, AlarmState)
    assert got[0].message.state is ArmState.ARMED_AWAY
    events.stop()
    web.stop()


def test_a_killed_client_is_told_offline_by_its_last_will(broker: TestBroker) -> None:
    health, camera = broker.bus("health"), broker.bus("camera-worker-front")
    got = collect(health, topics.CAMERA_AVAILABLE)
    wait_for(lambda: [r.payload for r in got] == [b"online"])
    connection = camera._client.socket()
    assert connection
    connection.close()  # the process is gone without a goodbye
    camera._stopping.set()
    wait_for(lambda: b"offline" in [r.payload for r in got])
    health.stop()


def test_while_the_broker_is_away_nothing_piles_up_and_the_reason_is_said(broker: TestBroker) -> None:
    events = broker.bus("events")
    broker.kill()
    wait_for(lambda: not events.connected)
    assert not events.publish(topics.MOTION_STARTED, MOTION, camera_id="front")
    assert events.counters["unsent"] == 1
    assert f"127.0.0.1:{broker.port}" in events.connection_problem()
    with pytest.raises(BusUnavailableError, match="not sent"):
        events.request(topics.CMD_ALARM, ArmCommand(action=ArmAction.DISARM))
    events.stop()


def test_a_wrong_password_is_named_in_the_reason(broker: TestBroker) -> None:
    bus = MqttBus(
        BrokerAddress("127.0.0.1", broker.port, "events", "wrong-password"), "events", SystemClock()
    )
    bus.start()
    wait_for(lambda: "refused" in bus.connection_problem())
    assert "wrong-password" not in bus.connection_problem()
    bus.stop()


def test_garbage_on_a_topic_reaches_no_handler_and_the_next_message_does(broker: TestBroker) -> None:
    events = broker.bus("events")
    got = collect(events, topics.CAMERA_STATE)
    camera = broker.bus("camera-worker-front")
    for junk in (b"\xff\x00", b"{}", b"[[[", b'{"camera_id": 5}'):
        camera._client.publish(topics.CAMERA_STATE.path(camera_id="front"), junk, qos=1)
    camera.set_state(
        topics.CAMERA_STATE,
        CameraState(camera_id="front", condition=CameraCondition.ONLINE),
        camera_id="front",
    )
    wait_for(lambda: got)
    assert events.counters["bad_messages"] == 4
    events.stop()
    camera.stop()


def test_a_flood_of_frames_is_bounded_and_counted(broker: TestBroker) -> None:
    web, camera = broker.bus("web"), broker.bus("camera-worker-front")
    release = threading.Event()

    def slow(_: Received) -> None:
        release.wait(5)

    web.subscribe(topics.LIVE, slow)
    events_got = collect(web, topics.CAMERA_STATE)
    for seq in range(600):
        camera.publish_frame(topics.LIVE, b"x" * 1000, {"seq": str(seq)}, camera_id="front", stream="main")
    camera.set_state(
        topics.CAMERA_STATE,
        CameraState(camera_id="front", condition=CameraCondition.ONLINE),
        camera_id="front",
    )
    wait_for(lambda: events_got)  # frames do not stand in the way of events
    wait_for(lambda: web.counters["frames_dropped"] > 100)
    release.set()
    web.stop()
    camera.stop()
