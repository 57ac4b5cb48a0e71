"""The sensors service as a process on a real broker, with a bridge of its own user beside it."""

from __future__ import annotations

from pathlib import Path

from bridge_rig import Bridge
from service_rig import ServiceRig, until
from vigilar_common.bus import MqttBus, Received
from vigilar_common.messages.sensor import SensorChanged, SensorLost, SensorReading, SensorState
from vigilar_common.state_file import StateFile
from vigilar_common.testing.broker import TestBroker
from vigilar_common.topics import FACT_TOPICS, SENSOR_STATE

IEEE = "0x00158d0001234567"
TOML = f"""
[[sensors]]
id = "door"
display_name = "Front door"
type = "CONTACT"
protocol = "ZIGBEE"
device_address = "Küche/<b>Tür</b>"
[[sensors]]
id = "hall"
display_name = "Hall"
type = "MOTION"
protocol = "ZIGBEE"
device_address = "{IEEE}"
[[sensors]]
id = "gate"
display_name = "Gate"
type = "CONTACT"
protocol = "ZWAVE"
device_address = "7"
[[sensors]]
id = "shed"
display_name = "Shed"
type = "CONTACT"
protocol = "GPIO"
device_address = "17"
"""
DOOR = "Küche/<b>Tür</b>"


class Ear:
    """What the web service would hear."""

    def __init__(self, bus: MqttBus) -> None:
        self.states: dict[str, SensorState] = {}
        self.facts: list[str] = []
        bus.subscribe(SENSOR_STATE, self._hear)
        for kind in (SensorChanged, SensorReading, SensorLost):
            bus.subscribe(FACT_TOPICS[kind.TYPE], self._hear)

    def _hear(self, received: Received) -> None:
        match received.message:
            case SensorState() as state:
                self.states[state.sensor_id] = state
            case SensorChanged() as fact:
                self.facts.append(f"{fact.sensor_id} {fact.key}{':' if fact.initial else '='}{fact.value}")
            case SensorReading() as reading:
                self.facts.append(f"{reading.sensor_id} {reading.key} {reading.value:g} {reading.unit}")
            case SensorLost() as lost:
                self.facts.append(f"{lost.sensor_id} lost")

    def await_fact(self, fact: str) -> None:
        until(lambda: fact in self.facts, what=fact)


def _kept_contact(file: StateFile) -> object:
    loaded = file.load().value or {"sensors": {"door": {"values": {}}}}
    return loaded["sensors"]["door"]["values"].get("contact")


def test_sensors_live_through_bad_messages_and_restarts(tmp_path: Path, broker: TestBroker) -> None:
    rig = ServiceRig(tmp_path, broker, TOML)
    web = broker.bus("web")
    ear = Ear(web)
    with Bridge(broker, "zigbee2mqtt", "zigbee2mqtt") as bridge, Bridge(broker, "zwave", "zwave") as gateway:
        bridge.say("bridge/state", {"state": "online"}, retain=True)
        bridge.say(
            "bridge/info",
            {"permit_join": True, "network": {"extended_pan_id": "0xdddddddddddddddd"}},
            retain=True,
        )
        bridge.say(
            "bridge/devices",
            [{"ieee_address": IEEE, "friendly_name": "hall motion", "type": "EndDevice"}],
            retain=True,
        )
        bridge.say("hall motion", {"occupancy": False, "battery": 8}, retain=True)
        sensors = rig.service("sensors").start()

        ear.await_fact("hall occupancy:False")
        for payload in (
            b"{" * 60_000,
            b"[" * 200_000,
            b'{"contact": "true"}',
            b'{"contact": NaN}',
            b"\xff",
            bytes(1_000_000),
        ):
            bridge.say(DOOR, payload)
        bridge.say(DOOR, {"contact": True})
        ear.await_fact("door contact:True")
        bridge.say(DOOR, {"contact": False})
        ear.await_fact("door contact=False")
        gateway.say("7/48/0/Any", {"time": 1, "value": True})
        ear.await_fact("gate contact:False")
        until(lambda: ear.states["door"].active and ear.states["gate"].active, what="retained states")
        assert ear.states["hall"].active is False
        assert ear.states["shed"].known is False

        kept = StateFile(tmp_path / "state" / "sensors" / "sensors.json")
        until(lambda: _kept_contact(kept) is False, what="the open door is on disk")
        sensors.kill()
        sensors.start()
        until(lambda: ear.states["door"].known is False, what="the door is not known until it is heard")
        assert ear.states["door"].values["contact"] is False
        bridge.say(DOOR, {"contact": True})
        ear.await_fact("door contact=True")

        bridge.say(f"{DOOR}/availability", b"offline", retain=True)
        until(lambda: not ear.states["door"].known, what="the door is unavailable")
        bridge.say(f"{DOOR}/availability", b"online", retain=True)
        bridge.say(DOOR, b"nonsense")
        bridge.say(DOOR, {"contact": False})
        ear.await_fact("door contact:False")
        until(lambda: ear.states["shed"].reason == "its line cannot be read", what="a missing chip is said")
        assert 'vigilar_sensor_messages_total{origin="zigbee2mqtt",outcome="refused"}' in sensors.get(
            "/metrics"
        )
        assert sensors.rss_bytes() < 60_000_000
        assert sensors.stop() == 0
    web.stop()


def test_only_the_bridges_and_the_sensors_service_have_anything_to_do_with_bridges_topics(
    broker: TestBroker,
) -> None:
    with Bridge(broker, "zigbee2mqtt", "zigbee2mqtt") as bridge, Bridge(broker, "ups", "x") as stranger, \
            Bridge(broker, "sensors", "x") as reader:  # fmt: skip
        for client in (stranger, reader, bridge):
            client.listen("zigbee2mqtt/#")
            client.listen("vigilar/#")
        bridge.publish("vigilar/sensors/changed", b"forged")
        bridge.publish("vigilar/sensor/door/state", b"forged")
        bridge.publish("zwave/7/48/0/Any", b"forged")
        stranger.publish("zigbee2mqtt/door", b"forged")
        reader.publish("zigbee2mqtt/door", b"forged")

        def both() -> bool:
            bridge.publish("zigbee2mqtt/door", b"real", qos=1)
            return bool(reader.heard and bridge.heard)

        until(both, what="what the bridge says is delivered")
        assert (
            {payload for _, payload in reader.heard} == {payload for _, payload in bridge.heard} == {b"real"}
        )
        assert stranger.heard == []
