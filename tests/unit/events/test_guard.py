"""Sensors, delays, siren and cameras as the household experiences them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from alarm_house import House, sensor
from vigilar_common.bus import Received
from vigilar_common.clock import uuid7
from vigilar_common.messages.alarm import ArmRefused, ArmState, EventEnded, EventOpened
from vigilar_common.messages.sensor import SensorState
from vigilar_common.topics import CMD_RECORD, SENSOR_STATE
from vigilar_events.adapters.keeper import Keeper

SENSORS = [sensor("door"), sensor("window"), sensor("hall", "MOTION"), sensor("kitchen", "SMOKE")]
SIREN = "zigbee2mqtt/siren/set"
CONFIG: dict[str, Any] = {
    "sensors": SENSORS,
    "cameras": [
        {"id": "front", "display_name": "Front", "rtsp_url": "rtsp://x/"},
        {"id": "off", "display_name": "Off", "rtsp_url": "rtsp://x/", "enabled": False},
    ],
    "mqtt": {"publish_topics": ["zigbee2mqtt/+/set"]},
    "alarm": {
        "sensors": [{"id": "window", "entry_delay": False, "exit_delay": False}],
        "siren": {"mqtt_topic": SIREN, "payload_on": "on!", "payload_off": "off!"},
    },
}


def options(**more: Any) -> dict[str, Any]:
    """The configuration with another `[alarm]`."""
    return CONFIG | {"alarm": CONFIG["alarm"] | more}


def quiet(house: House) -> House:
    for name in ("door", "window"):
        house.says(name, True)
    house.says("hall", False, "occupancy")
    house.says("kitchen", False, "smoke")
    return house


@pytest.fixture
def house(tmp_path: Path) -> House:
    return quiet(House(tmp_path, config=CONFIG))


def armed(house: House, mode: str = "ARM_AWAY", seconds: float = 60) -> House:
    assert house.ask(mode, "1234").ok
    house.passes(seconds)
    assert house.guard.state.value.startswith("armed_")
    return house


def test_a_door_that_nobody_disarms_ends_in_siren_push_and_recording(house: House) -> None:
    armed(house)
    house.says("door", False)
    told = house.told
    assert (told.state, told.next_state, told.delay_s) == (ArmState.PENDING, ArmState.TRIGGERED, 30)
    assert told.until_ms == house.clock.now_ms() + 30_000
    assert not house.sounding()
    house.passes(30)
    assert house.told.state.value == "triggered"
    assert house.sounding()
    assert house.bus.outside[-1] == (SIREN, b"on!")
    alarm = house.facts.of(EventOpened)[-1]
    assert (alarm.title, alarm.sensor_id, alarm.severity) == ("Alarm: Door opened", "door", "critical")
    recording = [p for p in house.bus.published if p.topic is CMD_RECORD]
    assert [p.ids["camera_id"] for p in recording] == ["front"]
    assert recording[0].message.cause_id == alarm.event_id  # type: ignore[union-attr]
    assert [t.name for t in house.told.triggered_by] == ["Door"]
    house.passes(30)
    assert house.events[-1] == "alarm_confirmed"
    house.passes(90)
    assert house.told.state.value == "armed_away"
    assert [s.name for s in house.told.bypassed_sensors] == ["Door"]
    assert house.bus.outside[-1] == (SIREN, b"off!")
    assert house.path == ["arming", "armed_away", "pending", "triggered", "armed_away"]


def test_a_door_left_out_after_an_alarm_is_watched_again_once_it_closed(house: House) -> None:
    armed(house)
    house.says("window", False)
    house.passes(120)
    house.says("window", False)
    assert house.state() is ArmState.ARMED_AWAY
    house.says("window", True)
    assert not house.guard._machine.alarm.bypassed
    house.says("window", False)
    assert house.state() is ArmState.TRIGGERED


def test_disarming_in_the_abort_window_is_an_abort_and_silences_the_siren(house: House) -> None:
    armed(house)
    house.says("window", False)
    house.passes(10)
    assert house.ask("DISARM", "1234").ok
    assert not house.sounding()
    ended = house.facts.of(EventEnded)[-1]
    assert ended.detail == {"outcome": "aborted", "by": "admin"}
    assert "alarm_confirmed" not in house.events


def test_an_open_window_refuses_with_its_name_and_arm_anyway_leaves_it_out(house: House) -> None:
    house.says("window", False)
    reply = house.ask("ARM_AWAY", "1234")
    assert (reply.ok, reply.code, reply.message) == (False, "open_sensors", "Open: Window.")
    assert [s["sensor_id"] for s in reply.data["open_sensors"]] == ["window"]
    assert house.facts.of(ArmRefused)[-1].code == "open_sensors"
    assert house.events == ["failed_to_arm"]
    armed_house = armed_anyway(house)
    assert [s.sensor_id for s in armed_house.told.bypassed_sensors] == ["window"]
    house.says("window", True)
    house.says("window", False)
    assert house.state() is ArmState.ARMED_AWAY, "left out until disarmed"


def armed_anyway(house: House) -> House:
    assert house.ask("ARM_AWAY", "1234", bypass_open=True).ok
    house.passes(60)
    assert house.state() is ArmState.ARMED_AWAY
    return house


def test_a_door_still_open_at_the_end_of_the_exit_delay_fails_loudly(house: House) -> None:
    house.says("door", False)
    reply = house.ask("ARM_AWAY", "1234")
    assert reply.ok
    assert [s["sensor_id"] for s in reply.data["open_sensors"]] == ["door"]
    house.passes(60)
    assert house.state() is ArmState.DISARMED
    event = house.facts.of(EventOpened)[-1]
    assert (event.type, event.severity, event.title) == ("failed_to_arm", "alert", "Not armed: Door open")


def test_who_armed_before_is_never_left_with_less(house: House) -> None:
    armed(house, "ARM_HOME")
    house.says("hall", True, "occupancy")
    assert house.ask("ARM_AWAY", "1234").ok
    house.says("window", False)
    house.passes(60)
    assert house.state() is ArmState.ARMED_HOME


def test_smoke_triggers_a_disarmed_alarm_and_again_after_unavailability(house: House) -> None:
    house.says("kitchen", True, "smoke")
    assert house.state() is ArmState.TRIGGERED
    house.passes(120)
    assert house.state() is ArmState.DISARMED
    house.loses("kitchen")
    house.says("kitchen", True, "smoke", initial=True)
    assert house.state() is ArmState.TRIGGERED


def test_tampering_triggers_unless_it_is_switched_off(tmp_path: Path) -> None:
    house = quiet(House(tmp_path, config=options(sensors=[{"id": "window", "tamper": False}])))
    for name in ("door", "window"):
        house.says(name, False, "tamper")
    house.says("window", True, "tamper")
    assert house.state() is ArmState.DISARMED
    house.says("door", True, "tamper")
    assert house.state() is ArmState.TRIGGERED


def test_unavailable_then_open_is_no_opening_and_says_so(house: House) -> None:
    armed(house)
    house.loses("window")
    assert house.state() is ArmState.ARMED_AWAY
    house.passes(1)
    assert [s.sensor_id for s in house.told.unknown_sensors] == ["window"]
    house.says("window", False, initial=True)
    assert house.state() is ArmState.ARMED_AWAY
    event = house.facts.of(EventOpened)[-1]
    assert (event.type, event.detail["reason"]) == (
        "sensor_opened",
        "found open: it guards nothing until it closes",
    )
    house.says("window", True)
    house.says("window", False)
    assert house.state() is ArmState.TRIGGERED


def test_losing_a_sensor_that_triggers_when_unavailable_is_an_opening(tmp_path: Path) -> None:
    wired = [{"id": "window", "entry_delay": False, "trigger_unavailable": True}]
    house = armed(quiet(House(tmp_path, config=options(sensors=wired))))
    house.loses("window")
    assert house.state() is ArmState.TRIGGERED
    assert house.facts.of(EventOpened)[-1].title == "Alarm: Window is gone"


def test_old_news_informs_and_never_sirens(house: House) -> None:
    armed(house)
    house.says("window", False, age_s=31, live=False)
    assert house.state() is ArmState.ARMED_AWAY
    assert [s.sensor_id for s in house.told.bypassed_sensors] == ["window"]


def test_the_log_read_again_does_not_undo_what_came_live(house: House) -> None:
    armed(house)
    house.says("door", True, age_s=0)
    house.says("door", False, age_s=5, live=False)
    assert house.state() is ArmState.ARMED_AWAY


def test_a_wall_clock_that_jumps_neither_deafens_nor_hastens(house: House) -> None:
    armed(house)
    house.clock.jump_wall(-86_400)
    house.says("door", False)
    assert house.state() is ArmState.PENDING
    house.clock.jump_wall(7_200)
    house.passes(29)
    assert house.state() is ArmState.PENDING
    assert abs(house.told.until_ms - house.clock.now_ms()) < 30_001
    house.passes(1)
    assert house.state() is ArmState.TRIGGERED


def test_two_of_a_group_are_needed_within_the_window(tmp_path: Path) -> None:
    sensors = [*SENSORS, sensor("stairs", "MOTION")]
    pair = [{"id": name, "group": "inside", "entry_delay": False} for name in ("hall", "stairs")]
    house = quiet(House(tmp_path, config=options(sensors=pair) | {"sensors": sensors}))
    house.says("stairs", False, "occupancy")
    armed(house)
    house.says("hall", True, "occupancy")
    house.says("hall", False, "occupancy")
    house.says("hall", True, "occupancy")
    assert house.state() is ArmState.ARMED_AWAY
    house.passes(61)
    house.says("stairs", True, "occupancy")
    assert house.state() is ArmState.ARMED_AWAY, "too late for the first"
    house.says("hall", False, "occupancy")
    house.says("hall", True, "occupancy")
    assert house.state() is ArmState.TRIGGERED


def test_motion_of_who_leaves_does_not_keep_the_alarm_from_arming(house: House) -> None:
    house.says("hall", True, "occupancy")
    armed(house)
    house.says("hall", False, "occupancy")
    house.says("hall", True, "occupancy")
    assert house.state() is ArmState.PENDING


def test_auto_stay_only_where_it_is_switched_on_and_a_door_is_known(tmp_path: Path) -> None:
    stay = {"away": {"auto_stay": True}}
    house = quiet(House(tmp_path, config=options(modes=stay)))
    armed(house)
    assert house.state() is ArmState.ARMED_HOME
    house.ask("DISARM", "1234")
    house.ask("ARM_AWAY", "1234")
    house.says("door", False)
    house.says("door", True)
    house.passes(60)
    assert house.state() is ArmState.ARMED_AWAY


def test_closing_the_last_door_arms_and_auto_bypass_leaves_out(tmp_path: Path) -> None:
    special = [
        {"id": "door", "arm_on_close": True},
        {"id": "window", "exit_delay": False, "auto_bypass": ["away"]},
    ]
    house = quiet(House(tmp_path, config=options(sensors=special)))
    house.says("window", False)
    house.says("door", False)
    assert house.ask("ARM_AWAY", "1234").ok
    house.passes(5)
    house.says("door", True)
    assert house.state() is ArmState.ARMED_AWAY
    assert dict(house.guard._machine.alarm.bypassed) == {"window": True}
    house.ask("DISARM", "1234")
    assert house.ask("ARM_HOME", "1234").code == "open_sensors"


# -- restarts -------------------------------------------------------------------------------------------


def test_a_restart_goes_on_with_the_entry_delay_and_the_siren(house: House) -> None:
    armed(house)
    house.says("door", False)
    house.clock.advance(10)
    house.restart()
    assert house.state() is ArmState.PENDING
    house.passes(19)
    assert house.state() is ArmState.PENDING
    house.passes(1)
    assert house.state() is ArmState.TRIGGERED
    house.restart()
    assert house.sounding()
    assert house.bus.outside == [(SIREN, b"on!")]
    house.passes(120)
    assert house.state() is ArmState.ARMED_AWAY


@pytest.mark.parametrize("killed", ["afterwards", "before what the sensors said is kept"])
def test_an_opening_that_was_answered_alarms_nobody_when_the_log_brings_it_again(
    house: House, killed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes = {"modes": {"away": {"exit_delay_s": 0}}}
    house.configure(alarm=modes)
    armed(house, seconds=1)
    if killed != "afterwards":
        monkeypatch.setattr(Keeper, "save_truth", lambda *_: None)
    house.says("door", False)
    if killed != "afterwards":
        house.restart()
        monkeypatch.undo()
        assert house.state() is ArmState.PENDING
    house.passes(1)
    house.says("door", True)
    house.ask("DISARM", "1234")
    armed(house, seconds=1)
    house.restart()
    house.says("door", False, live=False, age_s=3)
    house.says("door", True, live=False, age_s=2)
    assert house.state() is ArmState.ARMED_AWAY
    house.says("door", False)
    assert house.state() is ArmState.PENDING


def test_a_sensor_kept_by_a_clock_that_was_ahead_is_still_heard_from_the_log(house: House) -> None:
    armed(house)
    house.clock.jump_wall(86_400)
    house.says("door", True)
    house.passes(10)
    house.clock.jump_wall(-86_400)
    house.restart()
    house.says("door", False, live=False)
    assert house.state() is ArmState.PENDING


def test_an_entry_delay_that_ended_while_the_power_was_off_triggers(house: House) -> None:
    armed(house)
    house.says("door", False)
    house.clock.advance(3600)
    house.boot_id.write_text("two")
    house.restart()
    assert house.state() is ArmState.TRIGGERED
    assert len([e for e in house.facts.of(EventOpened) if e.type == "alarm_triggered"]) == 1


def test_after_a_start_of_the_host_doors_are_ignored_for_a_minute_and_smoke_is_not(house: House) -> None:
    armed(house)
    house.guard.stop()
    house.boot_id.write_text("two")
    house.restart()
    house.says("window", False)
    assert house.state() is ArmState.ARMED_AWAY
    assert [s.sensor_id for s in house.told.bypassed_sensors] == ["window"]
    house.passes(60)
    house.says("window", True)
    house.says("window", False)
    assert house.state() is ArmState.TRIGGERED
    house.ask("DISARM", "1234")
    house.boot_id.write_text("three")
    house.restart()
    house.says("kitchen", True, "smoke")
    assert house.state() is ArmState.TRIGGERED


def test_a_restart_of_the_service_alone_ignores_nothing(house: House) -> None:
    armed(house)
    house.guard.stop()
    house.restart()
    house.says("window", False)
    assert house.state() is ArmState.TRIGGERED


def test_the_retained_truth_counts_after_what_the_log_brings(house: House) -> None:
    armed(house)
    house.guard.stop()
    house.restart()
    now_ms = house.clock.now_ms()
    for name in ("door", "window"):
        state = SensorState(
            id=uuid7(house.clock), ts_ms=now_ms, sensor_id=name, type="CONTACT", known=True, heard_ms=now_ms,
            values={"contact": False},
        )  # fmt: skip
        house.guard.on_sensor_state(Received(SENSOR_STATE, {"sensor_id": name}, state, b"", {}, True, print))
    house.says("window", False, age_s=3, live=False)
    assert house.state() is ArmState.TRIGGERED, "the fact is fresh"
    house.ask("DISARM", "1234")
    armed_anyway(house)
    house.passes(11)
    assert {s.sensor_id for s in house.told.bypassed_sensors} == {"door", "window"}


def test_a_state_that_is_not_retained_says_nothing_new(house: House) -> None:
    armed(house)
    state = SensorState(
        sensor_id="door", type="CONTACT", known=True, values={"contact": False}, id="x", ts_ms=1
    )
    house.guard.on_sensor_state(Received(SENSOR_STATE, {"sensor_id": "door"}, state, b"", {}, False, print))
    house.passes(20)
    assert not house.told.open_sensors


def test_the_siren_is_told_again_when_the_broker_returns(house: House) -> None:
    armed(house)
    house.bus.connected = False
    house.says("window", False)
    assert house.guard.unsent >= 1
    house.bus.reconnect()
    house.passes(0)
    assert house.bus.outside[-1] == (SIREN, b"on!")


def test_a_sensor_that_left_the_configuration_is_forgotten(house: House) -> None:
    house.says("window", False)
    house.configure(sensors=SENSORS[:1], alarm={})
    assert house.ask("ARM_AWAY", "1234").ok
    house.says("window", True)
    assert house.guard.counters["unknown_sensor"] == 1


@pytest.mark.parametrize(
    ("key", "value"), [("contact", "open"), ("contact", 0.0), ("temperature", 21.5), ("action", "single")]
)
def test_values_that_mean_nothing_to_the_alarm_change_nothing(house: House, key: str, value: Any) -> None:
    armed(house)
    house.says("window", value, key)
    assert house.state() is ArmState.ARMED_AWAY
