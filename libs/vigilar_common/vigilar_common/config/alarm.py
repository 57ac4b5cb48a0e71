"""`[alarm.*]`: delays by mode, what each sensor means to the alarm, and the siren."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from vigilar_common.config.base import AnyCaseLower, Id, Section
from vigilar_common.messages.alarm import ArmMode

MAX_TOPIC_LENGTH = 200


def _exit_delay(seconds: int) -> int:
    if seconds and not 45 <= seconds <= 255:
        raise ValueError("must be 0 (no delay) or 45 to 255")
    return seconds


def _entry_delay(seconds: int) -> int:
    if seconds and not 30 <= seconds <= 240:
        raise ValueError("must be 0 (no delay) or 30 to 240")
    return seconds


def _abort_window(seconds: int) -> int:
    if seconds and not 15 <= seconds <= 45:
        raise ValueError("must be 0 (no window) or 15 to 45")
    return seconds


class AlwaysOn(StrEnum):
    BY_TYPE = "by_type"
    YES = "yes"
    NO = "no"


class AlarmMode(Section):
    """Times of one mode; bounds and defaults of ANSI/SIA CP-01."""

    exit_delay_s: Annotated[int, AfterValidator(_exit_delay)] = Field(
        60, title="Exit delay", description="Seconds to leave after arming, 45 to 255; 0: armed at once."
    )
    entry_delay_s: Annotated[int, AfterValidator(_entry_delay)] = Field(
        30, title="Entry delay", description="Seconds to disarm after coming in, 30 to 240; 0: none."
    )
    abort_window_s: Annotated[int, AfterValidator(_abort_window)] = Field(
        30,
        title="Abort window",
        description="Seconds after a trigger in which disarming counts as an abort, 15 to 45; an alarm that outlives "
        "them is told as confirmed. 0: confirmed at once.",
    )
    trigger_time_s: int = Field(
        120,
        ge=30,
        le=3600,
        title="Trigger time",
        description="Seconds of siren; then the alarm is armed again, what is still open bypassed.",
    )
    auto_stay: bool = Field(
        False,
        title="Auto-stay",
        description="Arm home instead when no exit door was opened in the exit delay. For keypads in the house: a phone "
        "that arms from outside would arm too little. Counts in away and vacation.",
    )


class AlarmModes(Section):
    """One table per mode."""

    home: AlarmMode = Field(AlarmMode(), title="Home", description="Somebody is in.")
    away: AlarmMode = Field(AlarmMode(), title="Away", description="Nobody is in.")
    night: AlarmMode = Field(AlarmMode(), title="Night", description="Everybody sleeps.")
    vacation: AlarmMode = Field(AlarmMode(), title="Vacation", description="Nobody is in for days.")

    def of(self, mode: ArmMode) -> AlarmMode:
        found = getattr(self, mode.value)
        assert isinstance(found, AlarmMode)
        return found


class AlarmGeneral(Section):
    """What holds for every mode."""

    always_on_trigger_time_s: int = Field(
        120,
        ge=30,
        le=3600,
        title="Trigger time while disarmed",
        description="Seconds of siren when smoke, gas, water or tampering triggers a disarmed alarm.",
    )
    ignore_after_power_restore_s: int = Field(
        60,
        ge=0,
        le=300,
        title="Silence after a power cut",
        description="Seconds after the host started in which doors and motion do not trigger; smoke, gas and water do.",
    )
    group_window_s: int = Field(
        60,
        ge=5,
        le=600,
        title="Group window",
        description="Seconds within which two sensors of a group must open.",
    )
    record_all_cameras: bool = Field(
        True, title="Record all cameras", description="Every camera records while the alarm is triggered."
    )


class AlarmSiren(Section):
    """What sounds. The state topic `vigilar/alarm/siren` is always there; this is for a siren with a topic of its own."""

    mqtt_topic: str = Field(
        "",
        max_length=MAX_TOPIC_LENGTH,
        pattern=r"^[^+#\x00-\x1f]*$",
        title="MQTT topic",
        description="Where the siren takes commands, for example zigbee2mqtt/siren/set; [mqtt] publish_topics must allow it.",
    )
    payload_on: str = Field("ON", max_length=1000, title="On", description="What is sent to sound the siren.")
    payload_off: str = Field("OFF", max_length=1000, title="Off", description="What is sent to silence it.")


class AlarmSensor(Section):
    """What one sensor means to the alarm, where its type does not say enough."""

    id: Id = Field(title="Id", description="A sensor of [[sensors]].")
    modes: tuple[Annotated[ArmMode, AnyCaseLower], ...] = Field(
        (),
        max_length=4,
        title="Modes",
        description="Modes in which it is watched. Empty: all; of motion and occupancy away and vacation.",
    )
    entry_delay: bool = Field(
        True, title="Entry delay", description="Its opening starts the entry delay; false: triggers at once."
    )
    exit_delay: bool = Field(
        True,
        title="Exit delay",
        description="May be open when arming begins and is looked at when the exit delay ends; false: must be closed.",
    )
    always_on: Annotated[AlwaysOn, AnyCaseLower] = Field(
        AlwaysOn.BY_TYPE,
        title="Always on",
        description="Triggers in every state: yes, no, or by_type: smoke, gas, carbon monoxide and water do.",
    )
    tamper: bool = Field(
        True,
        title="Tamper",
        description="Its tamper contact triggers in every state; false: it is only logged.",
    )
    allow_open: bool = Field(
        False,
        title="Allow open",
        description="May stay open when armed; it is watched once it was closed.",
    )
    arm_on_close: bool = Field(
        False, title="Arm after closing", description="Its closing ends the exit delay: the last door."
    )
    auto_bypass: tuple[Annotated[ArmMode, AnyCaseLower], ...] = Field(
        (),
        max_length=4,
        title="Auto bypass",
        description="Modes that leave it out when it is open at arming.",
    )
    group: str = Field(
        "",
        max_length=64,
        title="Group",
        description="Sensors with the same word trigger only when two of them open within [alarm.general] group_window_s.",
    )
    trigger_unavailable: bool = Field(
        False,
        title="Trigger when unavailable",
        description="Counts as open while nothing is known of it, also while armed.",
    )


class Alarm(Section):
    """Delays by mode, what each sensor means to the alarm, and the siren."""

    general: AlarmGeneral = Field(AlarmGeneral(), title="General", description="What holds for every mode.")
    modes: AlarmModes = Field(AlarmModes(), title="Modes", description="Times by mode.")
    siren: AlarmSiren = Field(AlarmSiren(), title="Siren", description="What sounds.")
    sensors: tuple[AlarmSensor, ...] = Field(
        (), max_length=1024, title="Sensors", description="One [[alarm.sensors]] block per exception."
    )

    @model_validator(mode="after")
    def _groups_of_two(self) -> Self:
        names = Counter(sensor.group for sensor in self.sensors if sensor.group)
        for name, count in names.items():
            if count < 2:
                raise ValueError(f'[[alarm.sensors]] group "{name}" has one sensor: it could never trigger')
        return self
