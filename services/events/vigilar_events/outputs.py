"""What the alarm does to the world: state topics, siren, recordings. Called by the guard's owner of the lock alone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence

from vigilar_common.bus import Bus
from vigilar_common.config import Config
from vigilar_common.messages.alarm import (
    MAX_LISTED,
    AlarmState,
    ArmMode,
    ArmState,
    OpenSensor,
    SirenState,
)
from vigilar_common.messages.camera import RecordAction, RecordCommand
from vigilar_common.topics import ALARM_SIREN, ALARM_STATE, CMD_RECORD

from vigilar_events.domain.alarm import TIMED, Trip
from vigilar_events.domain.effects import Now, Record
from vigilar_events.domain.machine import Machine
from vigilar_events.domain.policy import SensorPolicy

log = logging.getLogger("vigilar.events.outputs")

RECORD_BY = "alarm"


class Outputs:
    def __init__(
        self, bus: Bus, machine: Machine, config: Config, pin_configured: Callable[[], bool]
    ) -> None:
        self._bus, self._machine, self._pin_configured = bus, machine, pin_configured
        self._siren_told: bool | None = None
        self._state: AlarmState | None = None
        self.unsent = 0
        """Commands to the siren or to cameras that did not go out at once."""
        self.configure(config)

    def configure(self, config: Config) -> None:
        self._siren = config.alarm.siren
        self._cameras = [camera.id for camera in config.cameras if camera.enabled]

    def siren_again(self) -> None:
        """The broker was away: whoever listens may have missed the last word."""
        self._siren_told = None

    def sound(self, now: Now) -> None:
        """Siren on or off, as the machine has it; tried again with each look at the clock until it went out."""
        on = self._machine.siren
        if on is self._siren_told:
            return
        alarm = self._machine.alarm
        reason = ", ".join(f"{trip.sensor_id} {trip.what}" for trip in alarm.trips)[:500]
        until_ms = now.ms + round(self._machine.delay_left_s(now) * 1000) if on else 0
        if self._siren.mqtt_topic:
            payload = self._siren.payload_on if on else self._siren.payload_off
            if not self._bus.publish_outside(self._siren.mqtt_topic, payload.encode()):
                self.unsent += 1
                if self._siren_told is not None:
                    log.error("the siren does not hear %r yet: the broker is away", payload)
                    self._siren_told = None
                self._assert_siren(on, alarm.since_ms, until_ms, reason)
                return
        self._assert_siren(on, alarm.since_ms, until_ms, reason)
        self._siren_told = on

    def _assert_siren(self, on: bool, since_ms: int, until_ms: int, reason: str) -> None:
        state = SirenState(on=on, since_ms=since_ms, until_ms=until_ms, reason=reason if on else "")
        self._bus.set_state(ALARM_SIREN, state)

    def record(self, record: Record) -> None:
        command = RecordCommand(
            action=RecordAction.START,
            duration_s=record.duration_s,
            cause_id=record.event_id,
            user=RECORD_BY,
        )
        for camera_id in self._cameras:
            if not self._bus.send_command(CMD_RECORD, command, camera_id=camera_id):
                self.unsent += 1
                log.error("camera %s was not told to record: the broker is away", camera_id)

    def assert_state(self, now: Now, only_news: bool = False) -> None:
        """Publish the arm state; `only_news`: unless it says what it said."""
        state = self._state_now(now)
        if only_news and state == self._state:
            return
        self._state = state
        self._bus.set_state(ALARM_STATE, state)

    def _state_now(self, now: Now) -> AlarmState:
        machine, alarm = self._machine, self._machine.alarm
        watched = _listed(machine, alarm.mode)
        opened = machine.truth.open_now(watched)
        unknown = [Trip(s.id, "unknown", 0) for s in watched if machine.truth.is_unknown(s)]
        bypassed = [
            Trip(name, "left out" if always else "until closed", 0) for name, always in alarm.bypassed.items()
        ]
        until_ms = alarm.until_ms
        left_ms = round(machine.delay_left_s(now) * 1000)
        if alarm.state in TIMED and abs(now.ms + left_ms - until_ms) > 1000:
            until_ms = now.ms + left_ms  # the wall clock was set: what is shown follows what runs
        return AlarmState(
            state=alarm.state,
            since_ms=alarm.since_ms,
            changed_by=alarm.changed_by,
            pin_configured=self._pin_configured(),
            arm_mode=alarm.mode,
            next_state=_next(machine),
            delay_s=alarm.delay_s if alarm.state in TIMED else 0,
            until_ms=until_ms,
            open_sensors=self._named(opened),
            open_count=len(opened),
            bypassed_sensors=self._named(bypassed),
            bypassed_count=len(bypassed),
            unknown_sensors=self._named(unknown),
            unknown_count=len(unknown),
            triggered_by=self._named(alarm.trips),
        )

    def _named(self, trips: Sequence[Trip]) -> list[OpenSensor]:
        return named(self._machine, trips[:MAX_LISTED])


def named(machine: Machine, trips: Iterable[Trip]) -> list[OpenSensor]:
    """As people know them."""
    sensors = machine.policy.sensors
    return [
        OpenSensor(
            sensor_id=trip.sensor_id,
            name=sensors[trip.sensor_id].name if trip.sensor_id in sensors else trip.sensor_id,
            what=trip.what,
            at_ms=trip.at_ms,
        )
        for trip in trips
    ]


def _listed(machine: Machine, mode: ArmMode | None) -> list[SensorPolicy]:
    """Disarmed, everybody wants to know which doors are open, and nobody who moves where."""
    if mode is not None:
        return machine.policy.watched(mode)
    return [
        s
        for s in machine.policy.sensors.values()
        if any(s.watched(m) for m in ArmMode) and not s.is_momentary
    ]


def _next(machine: Machine) -> ArmState | None:
    alarm = machine.alarm
    match alarm.state:
        case ArmState.ARMING if alarm.mode:
            return alarm.mode.armed
        case ArmState.PENDING:
            return ArmState.TRIGGERED
        case ArmState.TRIGGERED:
            return alarm.mode.armed if alarm.mode else ArmState.DISARMED
        case _:
            return None
