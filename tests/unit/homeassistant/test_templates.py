"""What the templates make of our messages, rendered as Home Assistant would."""

from __future__ import annotations

import datetime
import json
from typing import Any
from uuid import uuid4

import pytest
from jinja2.sandbox import ImmutableSandboxedEnvironment
from vigilar_common.config import Config
from vigilar_common.config.presence import Member
from vigilar_common.incoming import CommandGuard, parse
from vigilar_common.messages import Message
from vigilar_common.messages.alarm import AlarmState, ArmCommand, ArmState, OpenSensor, Severity
from vigilar_common.messages.camera import CameraCondition, CameraState, CameraSwitch
from vigilar_common.messages.homeassistant import BridgeState
from vigilar_common.messages.objects import CameraObjects
from vigilar_common.messages.packages import LyingPackage, PackagesState
from vigilar_common.messages.pets import PetNow, PetsState, Whereabouts
from vigilar_common.messages.power import PowerState, PowerStatus, PowerValues
from vigilar_common.messages.presence import PersonStatus, Role
from vigilar_common.messages.sensor import SensorState
from vigilar_common.messages.system import Finding, SystemHealth
from vigilar_common.messages.vehicles import KnownVehicleState, VehiclesState, vehicle_id
from vigilar_common.messages.visitors import CurrentVisitor, VisitorsState
from vigilar_common.testing import FakeClock
from vigilar_common.topics import CMD_ALARM, CMD_ASK_SWITCH
from vigilar_homeassistant.domain import cameras, house, hub, sensors, templates
from vigilar_homeassistant.domain.device import MORE_AVAILABILITY, Naming

CLOCK = FakeClock()
NAMING = Naming("vigilar")
CONFIG = Config.model_validate(
    {
        "homeassistant": {"enabled": True},
        "presence": {"enabled": True, "members": [{"name": "Ann", "ip": "192.0.2.1"}]},
        "cameras": [{"id": "front", "display_name": "Front", "rtsp_url": "rtsp://192.0.2.1/"}],
        "packages": {"enabled": True},
        "vehicles": {"known": [{"name": "car"}, {"name": "Ann's bike"}]},
        "sensors": [
            {
                "id": "door",
                "display_name": "Door",
                "type": "CONTACT",
                "protocol": "ZIGBEE",
                "device_address": "d",
            }
        ],
    }
)
HUB = hub.hub(NAMING, "Home", True, CONFIG.presence, CONFIG.packages, CONFIG.vehicles, faces=True).components
CAMERA = cameras.camera(NAMING, CONFIG.cameras[0], CONFIG.homeassistant).components


def as_time(stamp_s: float, form: str, local: bool) -> str:
    """As Home Assistant has it, in UTC."""
    assert not local
    return datetime.datetime.fromtimestamp(stamp_s, datetime.UTC).strftime(form)


def render(template: str, message: Message | None = None, **values: Any) -> str:
    environment = ImmutableSandboxedEnvironment()
    environment.filters["to_json"] = json.dumps
    environment.filters["timestamp_custom"] = as_time
    environment.globals["now"] = lambda: datetime.datetime.fromtimestamp(CLOCK.now_ms() / 1000, datetime.UTC)
    if message is not None:
        values["value_json"] = json.loads(message.model_dump_json())
    return environment.from_string(template).render(**values)


def value(component: Any, message: Message) -> str:
    return render(component["value_template"], message)


def available(component: Any, message: Message) -> str:
    return render(component[MORE_AVAILABILITY][0]["value_template"], message)


@pytest.mark.parametrize("code", ["0012", "", None, '"}{{ 7*7 }}', "1" * 60])
def test_an_arm_command_carries_time_and_id_and_the_pin_as_it_was_typed(code: str | None) -> None:
    """Rule: "PIN is a string ("0012")"; "code sends the code through command_template"; a command has its time."""
    text = render(templates.ARM_COMMAND, action="ARM_AWAY", code=code)
    command = parse(CMD_ALARM, text.encode())
    assert isinstance(command, ArmCommand)
    assert (command.action.value, command.pin) == ("ARM_AWAY", code or "")
    assert CommandGuard(CLOCK).refusal(CMD_ALARM, "home_automation", command, retained=False) == ""


def test_a_second_command_is_another_one_and_an_old_or_retained_one_is_refused() -> None:
    """Rule: "a spoofed or replayed retained command is refused"."""
    guard = CommandGuard(CLOCK)

    def refusal(command: Message, retained: bool = False) -> str:
        return guard.refusal(CMD_ALARM, "home_automation", command, retained)

    first = parse(CMD_ALARM, render(templates.ARM_COMMAND, action="DISARM", code="1").encode())
    assert [refusal(first), refusal(first)] == ["", "repeated"]
    CLOCK.advance(0.001)
    second = parse(CMD_ALARM, render(templates.ARM_COMMAND, action="DISARM", code="1").encode())
    assert refusal(second, retained=True) == "retained"
    CLOCK.advance(31)
    assert refusal(second) == "stale"


@pytest.mark.parametrize(("payload", "on"), [("ON", True), ("OFF", False)])
def test_a_switch_command_is_one_that_the_bridge_understands(payload: str, on: bool) -> None:
    text = render(CAMERA["switch_privacy"]["command_template"], value=payload)
    command = parse(CMD_ASK_SWITCH, text.encode())
    assert isinstance(command, CameraSwitch)
    assert (command.switch.value, command.on) == ("privacy", on)
    assert CommandGuard(CLOCK).refusal(CMD_ASK_SWITCH, "home_automation", command, retained=False) == ""


@pytest.mark.parametrize("state", ArmState)
def test_the_panel_reads_every_arm_state_by_home_assistants_names(state: ArmState) -> None:
    """Rule: "alarm_control_panel states"."""
    panel = HUB["alarm_control_panel_alarm"]
    message = AlarmState(state=state, since_ms=1, open_sensors=[OpenSensor(sensor_id="door", name='D"oor')])
    assert value(panel, message) == state.value
    assert value(HUB["sensor_arm_state"], message) == state.value
    attributes = json.loads(render(panel["json_attributes_template"], message))
    assert attributes["open_sensors"][0]["name"] == 'D"oor'
    assert {"arm_mode", "next_state", "changed_by", "open_sensors", "bypassed_sensors", "delay_s"} <= set(
        attributes
    )


SENSOR_CASES: list[tuple[str, Any, str, str]] = [
    ("contact", True, "binary_sensor_contact", "OFF"),
    ("contact", False, "binary_sensor_contact", "ON"),
    ("locked", True, "binary_sensor_locked", "OFF"),
    ("smoke", True, "binary_sensor_smoke", "ON"),
    ("temperature", 20.5, "sensor_temperature", "20.5"),
    ("battery", 0.0, "sensor_battery", "0.0"),
]


@pytest.mark.parametrize(("key", "told", "name", "shown"), SENSOR_CASES)
def test_a_sensors_value_is_read_as_it_is(key: str, told: Any, name: str, shown: str) -> None:
    component = sensors.sensor(NAMING, CONFIG.sensors[0], [(key, sensors.kind_of(told))]).components[name]
    known = SensorState(sensor_id="door", type="CONTACT", known=True, values={key: told})
    assert value(component, known) == shown
    assert available(component, known) == "online"
    assert available(component, known.model_copy(update={"known": False})) == "offline"
    assert value(component, known.model_copy(update={"values": {}})) == "None", (
        "unknown, whatever else it told"
    )


def test_a_low_battery_is_read_beside_the_values() -> None:
    found = sensors.sensor(NAMING, CONFIG.sensors[0], [("battery_low", "bool")]).components
    state = SensorState(sensor_id="door", type="CONTACT", known=True)
    shown = [
        value(found["binary_sensor_battery_low"], state.model_copy(update={"battery_low": low}))
        for low in (None, True, False)
    ]
    assert shown == ["None", "ON", "OFF"]


def test_a_camera_that_is_away_has_no_motion_to_tell() -> None:
    state = CameraState(camera_id="front", condition=CameraCondition.ONLINE, motion=True, recording=True)
    away = state.model_copy(update={"condition": CameraCondition.OFFLINE, "motion": False})
    motion = CAMERA["binary_sensor_motion"]
    assert (value(motion, state), available(motion, state), available(motion, away)) == (
        "ON",
        "online",
        "offline",
    )
    assert [value(CAMERA["binary_sensor_online"], found) for found in (state, away)] == ["ON", "OFF"]
    assert value(CAMERA["binary_sensor_recording"], state) == "ON"
    assert value(CAMERA["binary_sensor_problem"], state) == "OFF"
    assert value(CAMERA["binary_sensor_problem"], state.model_copy(update={"findings": ["x"]})) == "ON"


def test_who_is_there_is_counted_while_somebody_looks_and_unknown_otherwise() -> None:
    found = cameras.camera(NAMING, CONFIG.cameras[0], CONFIG.homeassistant, looked_at=True).components
    seen = CameraObjects(
        camera_id="front", known=True, counts={"person": 2, "bus": 1}, zones={"Path": {"person": 1}}
    )
    shown = {name: value(found[name], seen) for name in found if name.endswith(("_there", "_count"))}
    assert (shown["binary_sensor_person_there"], shown["sensor_person_count"]) == ("ON", "2")
    assert (shown["binary_sensor_car_there"], shown["sensor_car_count"]) == ("OFF", "0")
    assert shown["sensor_object_count"] == "3"
    attributes = json.loads(render(found["sensor_object_count"]["json_attributes_template"], seen))
    assert attributes == {"counts": {"person": 2, "bus": 1}, "zones": {"Path": {"person": 1}}}
    nobody = CameraObjects(camera_id="front", known=False, reason="the detector is not running")
    assert [available(found["sensor_person_count"], state) for state in (seen, nobody)] == [
        "online",
        "offline",
    ]
    assert value(found["sensor_object_count"], nobody) == "0"


def test_a_camera_that_nobody_looks_at_for_objects_has_no_such_entities() -> None:
    assert [name for name in CAMERA if "person" in name or "count" in name] == []


@pytest.mark.parametrize("switch", ["recording", "detection", "privacy"])
def test_a_switch_shows_what_the_camera_says_of_itself(switch: str) -> None:
    state = CameraState(camera_id="front", condition=CameraCondition.ONLINE)
    names = {"recording": "recording_on", "detection": "detection_on", "privacy": "privacy"}
    for on in (True, False):
        told = state.model_copy(update={names[switch]: on})
        assert value(CAMERA[f"switch_{switch}"], told) == ("ON" if on else "OFF")


def test_a_problem_names_its_findings_and_the_update_has_no_word_too_many() -> None:
    """Home Assistant refuses an update's JSON with a key it does not know."""
    finding = Finding(code="x", severity=Severity.ALERT, title='Disk "full"')
    health = SystemHealth(
        status="warning",
        mqtt_connected=True,
        storage_reachable=False,
        disk_usage_pct=91.5,
        findings=[finding] * 12,
    )
    assert value(HUB["binary_sensor_problem"], health) == "ON"
    assert value(HUB["binary_sensor_storage_problem"], health) == "ON"
    assert value(HUB["sensor_findings"], health) == "12"
    assert value(HUB["sensor_disk_usage"], health) == "91.5"
    told = json.loads(render(HUB["binary_sensor_problem"]["json_attributes_template"], health))
    assert (told["status"], len(told["findings"]), told["findings"][0]) == ("warning", 10, 'Disk "full"')
    state = BridgeState(installed_version="1.2.3", devices=4)
    assert json.loads(value(HUB["update_update"], state)) == {"installed_version": "1.2.3"}


@pytest.mark.parametrize(
    ("home", "shown", "there"),
    [(True, "home", "online"), (False, "not_home", "online"), (None, "not_home", "offline")],
)
def test_a_person_is_home_away_or_unavailable(home: bool | None, shown: str, there: str) -> None:
    """Rule: "device_tracker state topic home/not_home"."""
    tracker = house.person(NAMING, Member(name="Ann", ip="192.0.2.1")).components["device_tracker_home"]
    status = PersonStatus(person_id="Ann", member="Ann", role=Role.ADULT, home=home)
    assert (value(tracker, status), available(tracker, status)) == (shown, there)


@pytest.mark.parametrize(
    ("state", "mains", "low"),
    [(PowerState.ON_LINE, "ON", "OFF"), (PowerState.ON_BATTERY, "OFF", "OFF"), (PowerState.LOW_BATTERY, "OFF", "ON")],
)  # fmt: skip
def test_a_ups_on_battery_has_no_mains(state: PowerState, mains: str, low: str) -> None:
    status = PowerStatus(ups_id="ups", state=state, since_ms=1, values=PowerValues(charge_pct=80))
    found = house.ups(NAMING, "ups", house.values_of(status)).components
    assert value(found["binary_sensor_mains"], status) == mains
    assert value(found["binary_sensor_battery_low"], status) == low
    assert value(found["sensor_charge_pct"], status) == "80.0"
    assert "sensor_load_pct" not in found, "it does not tell its load"
    assert available(found["binary_sensor_mains"], status) == "online"
    gone = status.model_copy(update={"state": PowerState.UNKNOWN})
    assert available(found["binary_sensor_mains"], gone) == "offline"


def test_parcels_are_there_or_not_and_counted() -> None:
    lying = LyingPackage(package_id=str(uuid4()), camera_id="front", since_ms=1)
    for state, there in ((PackagesState(), "OFF"), (PackagesState(count=1, packages=[lying]), "ON")):
        outside = HUB["binary_sensor_parcel_outside"]
        assert render(outside["value_template"], state) == there
        assert render(HUB["sensor_parcels"]["value_template"], state) == str(state.count)
        assert len(json.loads(render(outside["json_attributes_template"], state))["packages"]) == state.count


@pytest.mark.parametrize(("home", "said"), [(True, "ON"), (False, "OFF"), (None, "None")])
def test_a_known_vehicle_is_at_home_away_or_not_known(home: bool | None, said: str) -> None:
    state = VehiclesState(
        vehicles=[
            KnownVehicleState(vehicle_id="car", name="car", home=False),
            KnownVehicleState(vehicle_id=vehicle_id("Ann's bike"), name="Ann's bike", home=home),
        ]
    )
    bike = HUB["binary_sensor_vehicle_" + vehicle_id("Ann's bike")]
    assert render(bike["value_template"], state) == said
    assert render(HUB["binary_sensor_vehicle_car"]["value_template"], state) == "OFF"
    assert render(bike["value_template"], VehiclesState()) == "None"


def test_visitors_are_counted_and_those_with_a_name_are_named() -> None:
    here = [
        CurrentVisitor(profile_id=str(uuid4()), name=name, camera_id="front", arrived_ms=1, seen_ms=2)
        for name in ('Ann "A"', "")
    ]
    for state, count, names in (
        (VisitorsState(enabled=True), "0", []),
        (VisitorsState(enabled=True, visitors=here), "2", ['Ann "A"']),
    ):
        sensor = HUB["sensor_visitors"]
        assert render(sensor["value_template"], state) == count
        assert json.loads(render(sensor["json_attributes_template"], state)) == {"names": names}


def test_a_pet_is_inside_outside_or_not_known_and_seen_at_a_moment() -> None:
    pet_id = str(uuid4())
    entities = house.pet(NAMING, pet_id, "Minka").components
    known = PetNow(pet_id=pet_id, name="Minka", species="cat")
    seen = {"seen_ms": 1_700_000_000_000, "camera_id": "front"}
    for pets, expected in (
        ([], ("None", "None", "None")),
        ([known], ("None", "None", "None")),
        (
            [known.model_copy(update={"where": Whereabouts.OUTSIDE, **seen})],
            ("OFF", "2023-11-14T22:13:20+00:00", "front"),
        ),
        (
            [known.model_copy(update={"where": Whereabouts.INSIDE, **seen})],
            ("ON", "2023-11-14T22:13:20+00:00", "front"),
        ),
    ):
        state = PetsState(pets=pets)
        found = ("binary_sensor_inside", "sensor_seen", "sensor_camera")
        assert tuple(render(entities[key]["value_template"], state) for key in found) == expected
