"""The configuration as the alarm reads it: times by mode, and what each sensor means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vigilar_common.config import Config
from vigilar_common.config.alarm import AlarmMode, AlarmSensor
from vigilar_common.messages.alarm import ArmMode

from vigilar_events.domain.points import Kind, guards, kind_of

_INTERIOR = ("MOTION", "OCCUPANCY")
_MOMENTARY = (*_INTERIOR, "VIBRATION", "GLASS_BREAK")
"""Who leaves is seen until the sensor calms down: that must not keep the alarm from being armed."""
_NOBODY_IN = frozenset({ArmMode.AWAY, ArmMode.VACATION})


@dataclass(frozen=True)
class SensorPolicy:
    """One enabled sensor, its options filled in."""

    id: str
    name: str
    type: str
    options: AlarmSensor
    modes: frozenset[ArmMode]

    def kind(self, what: str) -> Kind:
        return kind_of(self.type, what, self.options.always_on, self.options.tamper)

    @property
    def is_momentary(self) -> bool:
        """It sees what happens, and calms down by itself."""
        return self.type in _MOMENTARY

    @property
    def may_be_open(self) -> bool:
        return self.options.allow_open or self.is_momentary

    @property
    def is_exit_door(self) -> bool:
        return self.options.exit_delay and not self.is_momentary

    def watched(self, mode: ArmMode | None) -> bool:
        return mode is not None and guards(self.type) and mode in self.modes


@dataclass(frozen=True)
class Policy:
    modes: Mapping[ArmMode, AlarmMode]
    sensors: Mapping[str, SensorPolicy]
    always_on_trigger_s: int = 120
    ignore_s: int = 60
    group_window_s: int = 60
    record: bool = True

    def trigger_s(self, mode: ArmMode | None) -> int:
        return self.modes[mode].trigger_time_s if mode else self.always_on_trigger_s

    def abort_s(self, mode: ArmMode | None) -> int:
        return self.modes[mode].abort_window_s if mode else 0

    def watched(self, mode: ArmMode | None) -> list[SensorPolicy]:
        return [sensor for sensor in self.sensors.values() if sensor.watched(mode)]


def policy_of(config: Config) -> Policy:
    options = {sensor.id: sensor for sensor in config.alarm.sensors}
    general = config.alarm.general
    return Policy(
        modes={mode: config.alarm.modes.of(mode) for mode in ArmMode},
        sensors={
            sensor.id: _sensor(sensor.id, sensor.display_name, sensor.type, options.get(sensor.id))
            for sensor in config.sensors
            if sensor.enabled
        },
        always_on_trigger_s=general.always_on_trigger_time_s,
        ignore_s=general.ignore_after_power_restore_s,
        group_window_s=general.group_window_s,
        record=general.record_all_cameras,
    )


def _sensor(sensor_id: str, name: str, kind: str, options: AlarmSensor | None) -> SensorPolicy:
    options = options or AlarmSensor(id=sensor_id)
    default = _NOBODY_IN if kind in _INTERIOR else frozenset(ArmMode)
    return SensorPolicy(sensor_id, name, kind, options, frozenset(options.modes) or default)
