"""Findings name the sensor and the cure, the gravest first; one cause is told once."""

from __future__ import annotations

from typing import Any

from sensor_house import House, sensor
from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.system import Finding
from vigilar_sensors.domain.findings import MAX_FINDINGS, Troubles, findings


def found(house: House, **troubles: Any) -> list[Finding]:
    return findings(house.board, Troubles(**troubles), house.clock.monotonic_s())


def codes(house: House, **troubles: Any) -> list[str]:
    return [f"{finding.code} {finding.subject}".strip() for finding in found(house, **troubles)]


def test_a_house_where_all_is_well_has_none() -> None:
    house = House()
    house.zigbee("bridge/state", b"online")
    house.zigbee("door", {"contact": True, "battery": 90, "tamper": False})
    house.clock.advance(3_000)
    assert codes(house) == []


def test_tamper_battery_and_silence_name_the_sensor() -> None:
    house = House(sensor(), sensor("hall", "MOTION", "hall"), sensor("attic", "SMOKE", "attic"))
    house.zigbee("bridge/state", b"online")
    house.zigbee("door", {"contact": True, "tamper": True, "battery": 100, "battery_low": True})
    house.zigbee("hall", {"occupancy": False, "battery": 12})
    house.zigbee("attic", {"smoke": False, "battery": 80})
    assert codes(house) == ["sensor_tamper door", "sensor_battery_low door", "sensor_battery_low hall"]
    assert "Hall has a low battery (12 %)" in [finding.title for finding in found(house)]
    house.zigbee("attic/availability", b"offline")
    assert "sensor_unavailable attic" in codes(house)
    house.tick(26 * 3600)
    assert {"sensor_silent door", "sensor_silent hall", "sensor_unavailable attic"} <= set(codes(house))
    assert "sensor_tamper door" not in codes(house), "an old word about it is no news"


def test_a_bridge_that_is_away_is_one_finding() -> None:
    house = House(sensor(), sensor("hall", "MOTION", "hall"))
    assert codes(house) == [], "everything may still be starting"
    house.clock.advance(61)
    (never,) = found(house)
    assert (never.code, never.severity) == ("bridge_offline", Severity.CRITICAL)
    assert "[zigbee2mqtt] mqtt_topic_prefix" in never.cure
    house.zigbee("bridge/state", b"online")
    house.zigbee("door", {"contact": True})
    house.zigbee("bridge/state", b"offline")
    assert codes(house) == ["bridge_offline zigbee2mqtt"]


def test_a_sensor_that_was_never_heard_guards_nothing_and_that_is_said() -> None:
    house = House()
    house.zigbee("bridge/state", b"online")
    house.clock.advance(601)
    (finding,) = found(house)
    assert (finding.code, finding.severity) == ("sensor_unheard", Severity.INFO)
    assert "guards nothing yet: never heard" in finding.title


def test_an_address_that_the_bridge_does_not_have_is_named_with_the_nearest() -> None:
    house = House(sensor(address="bakc door"))
    house.zigbee("bridge/state", b"online")
    house.zigbee(
        "bridge/devices", [{"ieee_address": "0x01", "friendly_name": "back door", "type": "EndDevice"}]
    )
    (finding,) = found(house)
    assert finding.code == "sensor_address"
    assert 'did you mean "back door"?' in finding.title


def test_an_open_network_and_the_default_key_are_told_with_a_cure() -> None:
    house = House()
    house.zigbee("bridge/state", b"online")
    house.zigbee("bridge/info", {"permit_join": True, "network": {"extended_pan_id": "0xdddddddddddddddd"}})
    assert codes(house) == ["zigbee_network_key zigbee2mqtt", "zigbee_permit_join zigbee2mqtt"]
    assert all(finding.cure for finding in found(house))
    house.zigbee("bridge/info", {"permit_join": False, "network": {"extended_pan_id": "0x00124b0012345678"}})
    assert codes(house) == []


def test_what_was_refused_and_lost_is_told() -> None:
    house = House()
    assert codes(house, refused=3, refused_last="x", lost_messages=2) == [
        "sensor_messages_lost",
        "sensor_messages_refused",
    ]
    (line,) = found(
        House(sensor(protocol="GPIO", address="17")), gpio={"door": "BadPinFactory: no chip", "gone": "x"}
    )
    assert line.code == "gpio_unavailable"
    assert "no chip" in line.title


def test_a_house_in_ruins_stays_short_and_says_how_much_is_left_out() -> None:
    house = House(*(sensor(f"s{n}", "CONTACT", f"s{n}") for n in range(40)))
    house.zigbee("bridge/state", b"online")
    for n in range(40):
        house.zigbee(f"s{n}", {"contact": True, "battery_low": True, "tamper": n > 37})
    all_of_it = found(house)
    assert len(all_of_it) == MAX_FINDINGS
    assert [finding.code for finding in all_of_it[:2]] == ["sensor_tamper"] * 2
    assert all_of_it[-1].title == "23 more findings about sensors"
    assert sum(len(finding.model_dump_json()) for finding in all_of_it) < 14_000, "they share a heartbeat"
