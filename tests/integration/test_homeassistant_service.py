"""The bridge as a process on a real broker, seen from Home Assistant's side: its own user, and what the broker holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bridge_rig import Bridge as Client
from homeassistant_schema import problems
from jinja2 import Template
from service_rig import ServiceRig, until
from vigilar_common.bus import Received
from vigilar_common.clock import SystemClock
from vigilar_common.config import Config
from vigilar_common.messages.camera import CameraSwitch
from vigilar_common.messages.sensor import SensorState
from vigilar_common.passwords import hash_pin
from vigilar_common.state_file import StateFile
from vigilar_common.testing.broker import TestBroker
from vigilar_common.topics import CMD_SWITCH, SENSOR_STATE
from vigilar_homeassistant.domain import templates
from vigilar_homeassistant.handlers import Bridge, table

PIN = "0042"
HEAD = """
[homeassistant]
enabled = true
"""
CAMERA = """
[[cameras]]
id = "front"
display_name = "Front door"
rtsp_url = "rtsp://user:secret@192.0.2.1/"
"""
DOOR = """
[[sensors]]
id = "door"
display_name = "Door"
type = "CONTACT"
protocol = "ZIGBEE"
device_address = "door"
"""
ALARM = f"""
[security]
pin_hash = "{hash_pin(PIN)}"
[alarm.modes]
away = {{ exit_delay_s = 0 }}
"""
HUB = "homeassistant/device/vigilar_hub/config"
FRONT = "homeassistant/device/vigilar_camera_front/config"


class Home:
    """Home Assistant: connects as `home_automation`, keeps the newest message of each topic."""

    def __init__(self, broker: TestBroker, name: str = "") -> None:
        self.client = Client(broker, "home_automation", "homeassistant", name)

    def __enter__(self) -> Home:
        self.client.__enter__()
        self.client.listen("homeassistant/#")
        self.client.listen("vigilar/#")
        return self

    def __exit__(self, *error: Any) -> None:
        self.client.__exit__(*error)

    def newest(self, topic: str) -> bytes | None:
        found = [payload for path, payload in self.client.heard if path == topic]
        return found[-1] if found else None

    def components(self, topic: str) -> dict[str, Any]:
        payload = self.newest(topic)
        return dict(json.loads(payload)["components"]) if payload else {}

    def states(self) -> list[str]:
        return [
            json.loads(payload)["state"]
            for path, payload in self.client.heard
            if path == "vigilar/alarm/state"
        ]

    def events(self) -> list[dict[str, Any]]:
        prefix = "vigilar/homeassistant/event/vigilar_hub"
        return [json.loads(payload) for path, payload in self.client.heard if path == prefix]


@pytest.fixture
def home(broker: TestBroker) -> Iterator[Home]:
    with Home(broker) as found:
        yield found


def rendered(template: str, number: int, at_ms: int, **values: str) -> bytes:
    """What Home Assistant makes of a command's template."""
    text = template.replace("(now().timestamp() * 1000000) | int", str(number))
    text = text.replace("(now().timestamp() * 1000) | int", str(at_ms)).replace("to_json", "tojson")
    return str(Template(text).render(**values)).encode()


def armed(action: str, code: str, number: int, at_ms: int) -> bytes:
    return rendered(templates.ARM_COMMAND, number, at_ms, action=action, code=code)


def test_the_house_is_announced_retained_unavailable_by_last_will_and_taken_back_when_switched_off(
    tmp_path: Path, broker: TestBroker, home: Home
) -> None:
    """Rules: "discovery retained QoS 1", "availability by last will", "clears stale configs": also those of an earlier run."""
    rig = ServiceRig(tmp_path, broker, HEAD + CAMERA + DOOR)
    sensors = broker.bus("sensors")
    state = SensorState(sensor_id="door", type="CONTACT", known=True, values={"contact": True})
    sensors.set_state(SENSOR_STATE, state, sensor_id="door")
    service = rig.service("homeassistant").start()
    try:
        door = "homeassistant/device/vigilar_sensor_door/config"
        until(lambda: "binary_sensor_contact" in home.components(door), 15, "the door's entity")
        until(lambda: home.newest(FRONT), what="the camera")
        with Home(broker, "later") as later:
            until(lambda: later.newest(HUB) and later.newest(FRONT), what="what the broker kept")
            for path, payload in later.client.heard:
                if path.startswith("homeassistant/"):
                    assert problems(json.loads(payload)) == [], path
                    assert b"secret" not in payload
        until(lambda: home.newest("vigilar/homeassistant/available") == b"online", what="availability")
        assert service.rss_bytes() < 60_000_000

        service.kill()
        until(lambda: home.newest("vigilar/homeassistant/available") == b"offline", what="the last will")
        assert home.newest(FRONT), "still announced, and unavailable"
        rig.configure(HEAD.replace("true", "false") + CAMERA + DOOR)
        service.start()
        for topic in (HUB, FRONT, door):
            until(lambda topic=topic: home.newest(topic) == b"", 15, "what an earlier run announced is gone")  # type: ignore[misc]
        assert "vigilar_homeassistant_total" in service.get("/metrics")
    finally:
        assert service.stop() == 0
        sensors.stop()


def test_the_birth_of_home_assistant_brings_everything_again(
    tmp_path: Path, broker: TestBroker, home: Home
) -> None:
    """Rule: "On online wait 5–30 s with jitter, then re-assert"; the wait is cut short here, its length is a unit test."""
    config = Config.model_validate({"homeassistant": {"enabled": True}})
    bus = broker.bus("homeassistant")
    file = StateFile(tmp_path / "announced.json")
    bridge = Bridge(clock=SystemClock(), bus=bus, file=file, config=config, jitter=lambda low, high: 0.1)
    for topic, handler in table(bridge, config.homeassistant.status_topic).items():
        bus.subscribe(topic, handler)
    try:
        bridge.step()
        until(lambda: home.newest(HUB), what="the hub")
        assert not bridge.wake.is_set()
        home.client.heard.clear()
        home.client.publish("homeassistant/status", b"online", qos=1)
        until(bridge.wake.is_set, what="the birth")
        until(lambda: bridge.step() is None and home.newest(HUB), what="the hub again")
        until(lambda: home.newest("vigilar/homeassistant/state"), what="its own state")
    finally:
        bus.stop()


def test_the_code_arms_and_a_switch_acts_and_what_is_wrong_old_repeated_or_retained_does_not(
    tmp_path: Path, broker: TestBroker, home: Home
) -> None:
    """Rules: "commands never retained"; "PIN is a string"; "a spoofed or replayed retained command is refused"."""
    rig = ServiceRig(tmp_path, broker, HEAD + ALARM + CAMERA)
    worker, orders = broker.bus("camera-worker-front"), list[tuple[str, CameraSwitch]]()

    def order(received: Received) -> None:
        assert isinstance(received.message, CameraSwitch)
        orders.append((received.ids["sender"], received.message))
        received.reply(ok=True, message="privacy is on.")

    worker.subscribe(CMD_SWITCH, order, camera_id="front")
    clock = SystemClock()
    kept = "vigilar/cmd/home_automation/alarm"
    home.client.publish(kept, armed("ARM_AWAY", PIN, 7, clock.now_ms()), qos=1, retain=True)
    bridge, events = rig.service("homeassistant").start(), rig.service("events").start()

    def panel() -> dict[str, Any]:
        return dict(home.components(HUB).get("alarm_control_panel_alarm", {}))

    def command(action: str, code: str, number: int, age_ms: int = 0, user: str = "") -> None:
        topic = str(panel()["command_topic"])
        data = armed(action, code, number, clock.now_ms() - age_ms)
        if user:
            with Client(broker, user, user) as other:
                other.publish(topic, data, qos=1)
        else:
            home.client.publish(topic, data, qos=1)

    def switch(name: str, value: str, number: int) -> None:
        found = home.components(FRONT)[f"switch_{name}"]
        data = rendered(found["command_template"], number, clock.now_ms(), value=value)
        home.client.publish(found["command_topic"], data, qos=1)

    try:
        until(lambda: panel().get("code") == "REMOTE_CODE", 15, "the keypad")
        until(lambda: home.states()[-1:] == ["disarmed"], what="the state")
        command("ARM_AWAY", "9999", 1)
        until(lambda: [e["detail"]["code"] for e in home.events()] == ["wrong_pin"], what="the refusal")
        command("ARM_AWAY", PIN, 2, age_ms=31_000)  # old
        command("ARM_AWAY", PIN, 3, user="zigbee2mqtt")  # somebody else
        command("ARM_AWAY", PIN, 5)
        until(lambda: home.states()[-1:] == ["armed_away"], what="armed")
        assert home.states().count("armed_away") == 1
        refused = events.log.read_text()
        assert refused.count("refused a stale command") == 1
        assert "refused a retained command" in refused
        switch("privacy", "ON", 8)
        until(
            lambda: [e["detail"]["code"] for e in home.events()][1:] == ["armed"],
            what="the switch is refused",
        )
        command("DISARM", PIN, 6)
        until(lambda: home.states()[-1:] == ["disarmed"], what="disarmed")
        for number in range(100, 110):  # the bridge may hear of it a moment later than Home Assistant
            told = len(home.events())
            switch("privacy", "ON", number)
            until(lambda told=told: orders or len(home.events()) > told, what="an answer")  # type: ignore[misc]
            if orders:
                break
        sender, ordered = orders[0]
        assert (sender, ordered.switch, ordered.on) == ("homeassistant", "privacy", True)
        forged = rendered(templates.switch_command("privacy"), 9, clock.now_ms(), value="ON")
        home.client.publish(CMD_SWITCH.path(sender="home_automation", camera_id="front"), forged, qos=1)
        until(lambda: worker.counters["refused_commands"], what="the worker hears the bridge alone")
        assert {found for found, _ in orders} == {"homeassistant"}
        command("ARM_AWAY", PIN, 5)  # once more what was seen
        until(lambda: "refused a repeated command" in events.log.read_text(), what="the repeated one")
        assert home.states()[-1] == "disarmed"
        assert PIN not in events.log.read_text() + bridge.log.read_text()
    finally:
        worker.stop()
        assert events.stop() == 0
        assert bridge.stop() == 0
