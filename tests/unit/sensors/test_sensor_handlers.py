"""The service without a broker: what comes in, what is told, kept and refused."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any, cast

import pytest
from sensor_house import config, sensor, told
from vigilar_common.bus import Received
from vigilar_common.config import Config
from vigilar_common.messages.sensor import SensorState
from vigilar_common.outbox import FactLog
from vigilar_common.state_file import StateFile
from vigilar_common.testing.fakes import FakeBus, FakeClock, FakeFacts
from vigilar_sensors import intake
from vigilar_sensors.handlers import Handlers, detail, table
from vigilar_sensors.intake import Arrived, Intake, Origin
from vigilar_sensors.lines import Lines
from vigilar_sensors.metrics import SensorCollector


class Service:
    def __init__(self, folder: Path, given: Config, clock: FakeClock | None = None) -> None:
        self.clock = clock or FakeClock()
        self.bus, self.facts = FakeBus(self.clock, "sensors"), FakeFacts(self.clock, "sensors")
        self.handlers = Handlers(
            clock=self.clock, bus=self.bus, facts=cast(FactLog, self.facts),
            file=StateFile(folder / "sensors.json"), config=given, lines=Lines(given, self.clock, lambda: None),
        )  # fmt: skip
        self.handlers.load()
        self.topics = table(self.handlers, given)

    def send(self, topic: str, payload: Any, retained: bool = False) -> list[str]:
        seen = len(self.facts.emitted)
        for known in self.topics:
            if ids := known.match(topic):
                data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
                self.topics[known](Received(known, ids, None, data, retained=retained))
        self.handlers.intake.wake()
        self.handlers.work()
        return told(self.facts.emitted[seen:])

    def state(self, sensor_id: str = "door") -> SensorState:
        found = self.bus.states[f"vigilar/sensor/{sensor_id}/state"]
        assert isinstance(found, SensorState)
        return found


def test_a_message_becomes_a_fact_and_a_state_at_once(tmp_path: Path) -> None:
    service = Service(tmp_path, config(sensor(), zigbee2mqtt={"mqtt_topic_prefix": "house/z2m"}))
    assert service.state().known is False
    assert service.send("house/z2m/door", {"contact": True, "battery": 80}) == [
        "door contact:True",
        "door battery 80 %",
    ]
    assert service.state().active is False
    assert service.send("zigbee2mqtt/door", {"contact": False}) == [], "another prefix is another bridge"


def test_numbers_are_in_the_state_within_seconds_and_not_at_every_message(tmp_path: Path) -> None:
    service = Service(tmp_path, config(sensor("cellar", "TEMPERATURE", "cellar")))
    service.send("zigbee2mqtt/cellar", {"temperature": 1})
    service.clock.advance(1)
    service.send("zigbee2mqtt/cellar", {"temperature": 2})
    assert service.state("cellar").values["temperature"] == 1
    service.clock.advance(5)
    service.send("zigbee2mqtt/cellar", {"temperature": 3})
    assert service.state("cellar").values["temperature"] == 3


def test_only_bridges_that_are_needed_are_listened_to(tmp_path: Path) -> None:
    assert [topic.pattern for topic in Service(tmp_path, config(sensor())).topics] == ["zigbee2mqtt/#"]
    zwave = config(sensor(protocol="ZWAVE", address="7"), zwave={"mqtt_topic_prefix": "zw"})
    assert [topic.pattern for topic in Service(tmp_path, zwave).topics] == ["zw/#"]
    assert Service(tmp_path, config(sensor(protocol="GPIO", address="4"))).topics == {}


def test_what_is_refused_is_counted_found_and_logged_seldom(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    service = Service(tmp_path, config(sensor()))
    with caplog.at_level(logging.WARNING):
        for n in range(500):
            service.send("zigbee2mqtt/door", b"{<script>\n%d" % n)
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 6
    assert lines[0] == "refused a message: zigbee2mqtt 'door' is no JSON"
    (finding,) = service.handlers.findings()
    assert finding.title.startswith("500 messages in the last ten minutes")
    caplog.clear()
    service.clock.advance(61)
    with caplog.at_level(logging.WARNING):
        service.send("zigbee2mqtt/door", b"")
        service.handlers.findings()
    assert [record.getMessage() for record in caplog.records] == [
        "refused 494 more messages; the last: zigbee2mqtt 'door' is no JSON"
    ]
    service.clock.advance(600)
    assert "sensor_messages_refused" not in [found.code for found in service.handlers.findings()]
    assert service.send("zigbee2mqtt/door", {"contact": True}) == ["door contact:True"]


def test_a_topic_with_control_characters_reaches_the_log_escaped(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    name = "dö\nor\x1b[31m"
    service = Service(tmp_path, config(sensor(address=name)))
    with caplog.at_level(logging.WARNING):
        service.send(f"zigbee2mqtt/{name}", {"contact": "open"})
    assert "'d\\xf6\\nor\\x1b[31m' contact is a text" in caplog.text
    assert "\x1b" not in caplog.text


def test_a_flood_is_bounded_and_counted() -> None:
    box = Intake()
    for n in range(intake.MAX_MESSAGES + 7):
        box.put(Arrived(Origin.ZIGBEE, str(n), b"x", retained=False))
    assert box.lost == 7
    assert [message.below for message in box.take(0)] == [str(n) for n in range(intake.BATCH)]
    large = Intake()
    for _ in range(5):
        large.put(Arrived(Origin.ZIGBEE, "bridge/devices", bytes(4_000_000), retained=True))
    assert (len(large), large.lost) == (4, 1)
    large.take(0)
    large.put(Arrived(Origin.ZIGBEE, "door", b"{}", retained=False))
    assert (len(large), large.lost) == (1, 1)


def test_states_survive_a_restart_and_those_of_sensors_that_left_are_cleared(tmp_path: Path) -> None:
    service = Service(tmp_path, config(sensor(), sensor("hall", "MOTION", "hall")))
    service.send("zigbee2mqtt/door", {"contact": True})
    service.send("zigbee2mqtt/hall", {"occupancy": True})
    service.clock.advance(3)
    service.send("zigbee2mqtt/other", {})
    again = Service(tmp_path, config(sensor()), service.clock)
    assert told(again.facts.emitted) == ["door lost: not heard since the sensors service started"]
    assert again.state().values == {"contact": True}
    assert again.state().known is False
    assert "vigilar/sensor/hall/state" not in again.bus.states
    assert again.send("zigbee2mqtt/door", {"contact": False}) == ["door contact=False"]


@pytest.mark.parametrize(
    "content", [b"", b"x", b"{}", b'{"sensors": 3}', b'{"sensors": {"door": {"values": 1}}}']
)
def test_a_damaged_file_of_last_states_costs_only_these(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "sensors.json").write_bytes(content)
    service = Service(tmp_path, config(sensor()))
    assert service.send("zigbee2mqtt/door", {"contact": True}) == ["door contact:True"]


def test_sense_in_the_checksum_and_none_in_the_content_costs_only_last_states(tmp_path: Path) -> None:
    StateFile(tmp_path / "sensors.json").save(
        {"sensors": {"door": {"address": "door", "values": [1], "heard_ms": "x"}}}
    )
    assert Service(tmp_path, config(sensor())).send("zigbee2mqtt/door", {"contact": True}) == [
        "door contact:True"
    ]


def test_a_new_configuration_is_taken_over_while_running(tmp_path: Path) -> None:
    service = Service(tmp_path, config(sensor(), sensor("hall", "MOTION", "hall")))
    service.send("zigbee2mqtt/door", {"contact": True})
    service.handlers.configure(config(sensor(display_name="Front"), sensor("attic", "SMOKE", "attic")))
    assert service.state().known
    assert service.state("attic").known is False
    assert "vigilar/sensor/hall/state" not in service.bus.states


def test_facts_that_found_no_room_are_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service(tmp_path, config(sensor()))
    monkeypatch.setattr(service.facts, "emit_all", lambda facts: [OSError("full") for _ in facts])
    service.send("zigbee2mqtt/door", {"contact": True})
    assert [found.code for found in service.handlers.findings()] == ["sensor_messages_lost"]


def test_messages_that_the_bus_had_no_room_for_are_a_finding(tmp_path: Path) -> None:
    service = Service(tmp_path, config(sensor()))
    service.send("zigbee2mqtt/door", {"contact": True})
    service.bus.lost = 3
    (found,) = service.handlers.findings()
    assert (found.code, found.title.split(" ")[0]) == ("sensor_messages_lost", "3")
    (lost,) = [
        sample.value
        for family in SensorCollector(service.handlers).collect()
        for sample in family.samples
        if sample.labels.get("outcome") == "lost"
    ]
    assert lost == 3


@pytest.mark.parametrize("jump_s", [-86_400.0, 3600.0, 10 * 365 * 86_400.0, -1_749_999_990.0])
def test_a_wall_clock_that_jumps_makes_no_sensor_silent_and_swallows_no_opening(
    tmp_path: Path, jump_s: float
) -> None:
    service = Service(tmp_path, config(sensor()))
    assert service.send("zigbee2mqtt/door", {"contact": True}) == ["door contact:True"]
    service.clock.jump_wall(jump_s)
    service.clock.advance(60)
    service.handlers.work()
    assert service.state().known
    assert service.send("zigbee2mqtt/door", {"contact": False}) == ["door contact=False"]
    first, second = (fact for fact in service.facts.emitted if fact.TYPE == "sensor.changed")
    assert first.id < second.id, "made later, sorted later"


def test_an_error_of_ours_in_one_message_does_not_stop_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = Service(tmp_path, config(sensor()))
    with monkeypatch.context() as broken:
        broken.setattr(service.handlers.board, "zigbee", lambda *_: 1 / 0)
        service.send("zigbee2mqtt/door", {"contact": True})
    assert service.send("zigbee2mqtt/door", {"contact": True}) == ["door contact:True"]
    assert sum(service.handlers.refusals.total.values()) == 1


def test_the_heartbeat_and_metrics_say_how_it_goes(tmp_path: Path) -> None:
    service = Service(tmp_path, config(sensor()))
    service.send("zigbee2mqtt/door", {"contact": True, "tamper": True})
    service.send("zigbee2mqtt/unknown", {"contact": True})
    said = detail(service.handlers)
    assert (said["sensors"], said["known"], said["messages"], said["refused"]) == (1, 1, 1, 0)
    assert [found["code"] for found in said["findings"]] == ["sensor_tamper"]
    samples = {
        (s.name, *s.labels.values()): s.value
        for family in SensorCollector(service.handlers).collect()
        for s in family.samples
    }
    assert samples["vigilar_sensor_messages_total", "zigbee2mqtt", "taken"] == 1
    assert samples["vigilar_sensor_messages_total", "zigbee2mqtt", "ignored"] == 1
    assert samples["vigilar_sensors", "yes"] == 1
