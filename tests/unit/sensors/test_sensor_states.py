"""What happens, what is only a state, and when nothing is known."""

from __future__ import annotations

import json

import pytest
from sensor_house import House, config, sensor
from vigilar_common.messages.sensor import SensorState

HOUR_S = 3600.0
IEEE = "0x00158d0001234567"


def state(house: House, sensor_id: str = "door") -> SensorState:
    return house.board.sensors[sensor_id].state()


def test_the_first_word_is_a_state_and_a_change_happens() -> None:
    house = House()
    assert house.zigbee("door", {"contact": True}) == ["door contact:True"]
    assert house.zigbee("door", {"contact": True}) == []
    assert house.zigbee("door", {"contact": False}) == ["door contact=False"]
    assert state(house).active is True
    assert house.zigbee("door", {"contact": True}) == ["door contact=True"]
    assert state(house).active is False


def test_what_the_broker_kept_is_a_state_even_when_it_differs() -> None:
    house = House()
    assert house.zigbee("door", {"contact": True}, retained=True) == ["door contact:True"]
    assert house.zigbee("door", {"contact": False}, retained=True) == ["door contact:False"]
    assert state(house).heard_ms is None


def test_open_after_unavailable_is_no_opening() -> None:
    house = House()
    house.zigbee("door", {"contact": True})
    assert house.zigbee("door/availability", {"state": "offline"}) == [
        "door lost: unavailable, says Zigbee2MQTT"
    ]
    assert state(house).known is False
    assert state(house).active is None
    assert state(house).values == {"contact": True}, "its last word stays readable"
    assert house.zigbee("door/availability", {"state": "online"}) == []
    assert state(house).reason == "not heard since it came back"
    assert house.zigbee("door", {"contact": False}) == ["door contact:False"]
    assert house.zigbee("door", {"contact": True}) == ["door contact=True"]


@pytest.mark.parametrize("order", ["availability first", "state first"])
def test_a_retained_state_of_a_device_that_is_away_proves_nothing(order: str) -> None:
    house = House()
    steps = [("door/availability", b"offline"), ("door", {"contact": True})]
    for below, payload in steps if order == "availability first" else reversed(steps):
        house.zigbee(below, payload, retained=True)
    assert state(house).known is False


def test_a_live_word_of_a_device_that_counts_as_away_brings_it_back() -> None:
    house = House()
    house.zigbee("door/availability", b"offline")
    assert house.zigbee("door", {"contact": False}) == ["door contact:False"]
    assert state(house).known


def test_a_bridge_that_goes_takes_all_its_sensors_and_none_of_another() -> None:
    house = House(sensor(), sensor("hall", "MOTION", "hall"), sensor("gate", address="7", protocol="ZWAVE"))
    house.zigbee("door", {"contact": True})
    house.zigbee("hall", {"occupancy": False})
    house.zwave("7/48/0/Any", {"time": 1, "value": False})
    assert house.zigbee("bridge/state", {"state": "offline"}) == [
        "door lost: Zigbee2MQTT is offline", "hall lost: Zigbee2MQTT is offline",
    ]  # fmt: skip
    assert state(house, "gate").known
    assert house.zigbee("bridge/state", b"online") == []
    assert house.zigbee("door", {"contact": False}) == ["door contact:False"]


def test_a_sensor_that_says_nothing_for_too_long_is_silent_until_it_speaks() -> None:
    house = House(sensor(), sensor("cellar", "TEMPERATURE", "cellar"), sensor("bell", "BUTTON", "bell"))
    for name, payload in (
        ("door", {"contact": True}),
        ("cellar", {"temperature": 9.5}),
        ("bell", {"battery": 90}),
    ):
        house.zigbee(name, payload)
    assert house.tick(5.9 * HOUR_S) == []
    assert house.tick(0.2 * HOUR_S) == ["cellar lost: silent for more than 6 h"]
    assert house.tick(HOUR_S) == [], "told once"
    assert house.tick(20 * HOUR_S) == ["door lost: silent for more than 25 h"]
    assert house.tick(1_000 * HOUR_S) == [], "a button may be silent for ever"
    assert house.zigbee("door", {"contact": False}) == ["door contact:False"]
    assert not house.board.sensors["door"].silent


def test_the_time_until_silence_is_the_owners() -> None:
    house = House(sensor(silent_after_m=30))
    house.zigbee("door", {"contact": True})
    assert house.tick(1799) == []
    assert house.tick(2) == ["door lost: silent for more than 30 min"]


def test_what_the_bridge_repeats_from_its_cache_is_no_sign_of_life() -> None:
    house = House(sensor(silent_after_m=60))
    seen_ms = house.clock.now_ms()
    house.zigbee("door", {"contact": True, "last_seen": seen_ms})
    house.clock.advance(3_000)
    house.zigbee("door", {"contact": True, "last_seen": seen_ms})
    assert house.tick(700) == ["door lost: silent for more than 60 min"]
    assert state(house).heard_ms == seen_ms


def test_after_a_restart_nothing_is_known_until_heard_and_a_change_counts() -> None:
    house = House(sensor(), sensor("hall", "MOTION", "hall"))
    house.zigbee("door", {"contact": True})
    house.zigbee("hall", {"occupancy": False, "battery": 80})
    house.clock.advance(5)
    again = house.restarted()
    assert sorted(again.started) == [
        "door lost: not heard since the sensors service started", "hall lost: not heard since the sensors service started",
    ]  # fmt: skip
    assert state(again).known is False
    assert state(again).active is None
    assert state(again).values == {"contact": True}
    assert again.zigbee("door", {"contact": False}) == ["door contact=False"], "it was closed, and speaks now"
    assert again.zigbee("hall", {"occupancy": False, "battery": 80}) == [
        "hall occupancy:False",
        "hall battery 80 %",
    ]


def test_after_a_long_absence_a_difference_is_only_a_state() -> None:
    house = House()
    house.zigbee("door", {"contact": True})
    house.clock.advance(26 * HOUR_S)
    assert house.restarted().zigbee("door", {"contact": False}) == ["door contact:False"]


def test_what_the_broker_kept_over_a_restart_is_only_a_state() -> None:
    house = House()
    house.zigbee("door", {"contact": True})
    assert house.restarted().zigbee("door", {"contact": False}, retained=True) == ["door contact:False"]


def test_a_word_about_the_battery_alone_does_not_say_that_the_door_is_closed() -> None:
    house = House()
    house.zigbee("door", {"contact": True})
    again = house.restarted()
    again.zigbee("door", {"battery": 50})
    assert state(again).active is None


def test_another_device_in_its_place_does_not_inherit() -> None:
    house = House()
    house.zigbee("door", {"contact": True})
    kept = house.board.kept()
    other = House(sensor(address="other_door"), clock=house.clock)
    assert other.board.restore(kept, *other.now) == ([], [])
    assert state(other).values == {}


def test_kept_values_of_the_wrong_type_are_left_out() -> None:
    house = House()
    entry = {
        "values": {"contact": 1, "tamper": True, "battery": "x", "odd": True},
        "heard_ms": None,
        "address": "door",
    }
    house.board.restore({"sensors": {"door": entry, "gone": {}}}, *house.now)
    assert state(house).values == {"tamper": True}
    assert house.board.restore({"sensors": {"gone": {}}}, *house.now)[1] == ["gone"]


def test_a_press_counts_each_time_and_never_from_the_brokers_memory() -> None:
    house = House(sensor("bell", "BUTTON", "bell"))
    assert house.zigbee("bell", {"action": "single"}, retained=True) == []
    assert house.zigbee("bell", {"action": "single"}) == ["bell action=single"]
    assert house.zigbee("bell", {"action": ""}) == []
    assert house.zigbee("bell", {"action": "single"}) == ["bell action=single"]
    assert "action" not in state(house, "bell").values


def test_a_swapped_sensor_means_the_opposite() -> None:
    house = House(sensor(inverted=True))
    house.zigbee("door", {"contact": True, "tamper": True})
    assert state(house).active is True
    assert state(house).values == {"contact": False, "tamper": True}


def test_numbers_are_told_when_they_change_and_the_link_seldom() -> None:
    house = House(sensor("cellar", "TEMPERATURE", "cellar"))
    assert house.zigbee("cellar", {"temperature": 21.5, "linkquality": 80}) == [
        "cellar temperature 21.5 °C",
        "cellar linkquality 80",
    ]
    assert house.zigbee("cellar", {"temperature": 21.5, "linkquality": 90}) == []
    assert state(house, "cellar").values["linkquality"] == 90
    house.clock.advance(301)
    assert house.zigbee("cellar", {"temperature": 21.6, "linkquality": 95}) == [
        "cellar temperature 21.6 °C",
        "cellar linkquality 95",
    ]


# -- names ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["Living room/door", "Küche/Tür 1", "<b>door</b>", "a/b/c/d", "$SYS door", "{0}"]
)
def test_friendly_names_may_hold_anything(name: str) -> None:
    house = House(sensor(address=name))
    assert house.zigbee(name, {"contact": True}) == ["door contact:True"]
    assert house.zigbee(f"{name}/availability", b"offline") == ["door lost: unavailable, says Zigbee2MQTT"]
    assert house.zigbee(f"{name}/contact", b"false") == ["door contact:False"]
    assert house.board.zigbee(f"{name}/set", b'{"contact": true}', False, *house.now) is None
    assert house.board.zigbee(f"{name}x", b'{"contact": true}', False, *house.now) is None


def devices(name: str) -> list[dict[str, str]]:
    return [{"ieee_address": IEEE, "friendly_name": name, "type": "EndDevice"}]


def test_an_ieee_address_follows_the_device_through_its_names() -> None:
    house = House(sensor(address=IEEE.upper().replace("0X", "0x")))
    house.zigbee("bridge/devices", devices("back"))
    assert house.zigbee("back", {"contact": True}) == ["door contact:True"]
    house.zigbee("bridge/devices", devices("garden/back"))
    assert house.zigbee("back", {"contact": False}) == []
    assert house.zigbee("garden/back", {"contact": False}) == ["door contact=False"]


def test_a_device_without_a_name_has_its_address_as_topic() -> None:
    house = House(sensor(address=IEEE))
    house.zigbee("bridge/devices", devices(IEEE))
    assert house.zigbee(IEEE, {"contact": True}) == ["door contact:True"]


def test_states_that_come_before_the_names_wait_for_them() -> None:
    house = House(sensor(address=IEEE))
    assert house.zigbee("back", {"contact": True}, retained=True) == []
    assert house.zigbee("odd", b"{" * 100, retained=True) == []
    for n in range(400):
        house.zigbee(f"other {n}", {"contact": True}, retained=True)
    house.zigbee("back", {"contact": False}, retained=True)
    assert house.zigbee("bridge/devices", devices("back")) == ["door contact:False"]


def test_two_sensors_may_share_a_device() -> None:
    house = House(sensor("warm", "TEMPERATURE", "cellar"), sensor("damp", "HUMIDITY", "cellar"))
    house.zigbee("cellar", {"temperature": 12, "humidity": 60})
    assert (
        state(house, "warm").values == state(house, "damp").values == {"temperature": 12.0, "humidity": 60.0}
    )


def test_a_reading_that_is_not_taken_is_named_and_the_rest_is_used() -> None:
    house = House()
    assert house.zigbee("door", {"contact": "true", "tamper": True}) == ["door tamper:True"]
    assert house.board.refusals == ["contact is a text, not true or false"]


# -- configuration ----------------------------------------------------------------------------------------


def test_a_new_name_of_a_sensor_costs_nothing_that_is_known() -> None:
    house = House(sensor(), sensor("hall", "MOTION", "hall"))
    house.zigbee("door", {"contact": True})
    fresh = config(
        sensor(display_name="Front door", location="hall", silent_after_m=5), sensor("new", "SMOKE", "new")
    )
    assert house.board.configure(fresh, house.clock.monotonic_s()) == ["hall"]
    assert state(house).known
    assert house.board.sensors["door"].silent_after_s == 300
    assert state(house, "new").reason == "never heard"
    house.board.configure(config(sensor(address="elsewhere")), house.clock.monotonic_s())
    assert not state(house).known


def test_a_sensor_that_is_switched_off_is_not_watched() -> None:
    house = House(sensor(enabled=False))
    assert house.board.sensors == {}
    assert house.zigbee("door", {"contact": True}) == []


def test_the_state_fits_its_message_with_every_key_there_is() -> None:
    house = House()
    everything = {
        "contact": True,
        "battery": 12,
        "temperature": 20,
        "humidity": 40,
        "illuminance": 5,
        "tamper": False,
        "linkquality": 1,
    }
    house.zigbee("door", everything)
    said = SensorState.model_validate_json(state(house).model_dump_json())
    assert said.units == {"battery": "%", "temperature": "°C", "humidity": "%", "illuminance": "lx"}
    assert said.battery_low is True
    assert len(json.dumps(said.model_dump())) < 2_000
