"""Parcels at work: facts of cameras, presence, doors and weather in; events, reminders and the retained state out."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Final

from vigilar_common.almanac import Almanac
from vigilar_common.bus import Bus, Received
from vigilar_common.clock import Clock
from vigilar_common.config import Config
from vigilar_common.config.rule_words import SUNSET, Point, Window
from vigilar_common.messages import Fact
from vigilar_common.messages.alarm import ArmState, ArmStateChanged
from vigilar_common.messages.packages import PackageAction, PackageCommand, ThingGone, ThingLeft
from vigilar_common.messages.presence import Household, HouseholdChanged, HouseholdStatus, PresenceChanged
from vigilar_common.messages.sensor import SensorChanged, SensorReading
from vigilar_common.state_file import StateFile
from vigilar_common.topics import PACKAGES_STATE

from vigilar_events.domain.packages import Deliveries
from vigilar_events.rules import almanac_of

log = logging.getLogger("vigilar.events.packages")

FACT_TYPES: Final = (ThingLeft.TYPE, ThingGone.TYPE)
"""Those that are read for parcels alone; presence and sensors come with those of the rules."""
RAIN_KEYS: Final = frozenset(("rain", "raining", "moisture", "water_leak", "precipitation"))
DUSK: Final = Window(Point(-30, "sunset"), SUNSET)
"""From half an hour before sunset."""
PEOPLE: Final = ("web", "mqtt", "presence")
"""Ways of disarming that mean somebody is there, or about to be."""


class PackageDesk:
    """Thread-safe. `tell`: emits facts."""

    def __init__(
        self,
        *,
        clock: Clock,
        bus: Bus,
        file: StateFile,
        config: Config,
        arm_state: Callable[[], ArmState],
        tell: Callable[[Sequence[Fact]], None],
    ) -> None:
        self._clock, self._bus, self._file = clock, bus, file
        self._arm_state, self._tell = arm_state, tell
        self._lock = threading.Lock()
        self._deliveries = Deliveries()
        self._disarmed_ms = 0
        self._said: object = None
        self._kept: object = None
        self._take(config)

    def start(self) -> None:
        if problem := self._file.restore(self._deliveries.restore):
            log.error("parcels that lie outside may have been forgotten: %s", problem)
        self._say()

    def configure(self, config: Config) -> None:
        with self._lock:
            self._take(config)
            self._say()

    def on_fact(self, fact: Fact, age_s: float) -> None:
        """Once per fact. Raises what the outbox raises; the feed then brings the fact again."""
        with self._lock:
            deliveries, signs = self._deliveries, self._deliveries.signs
            match fact:
                case ThingLeft() if self._settings.enabled:
                    self._tell(deliveries.left(fact, self._cameras, self._arm_state(), age_s))
                case ThingGone():
                    deliveries.gone(fact, self._clock.now_ms())
                case PresenceChanged(home=True):
                    signs.came_ms = max(signs.came_ms, fact.ts_ms)
                case HouseholdChanged():
                    signs.home = fact.state is not Household.EMPTY
                case SensorChanged(initial=False) | SensorReading():
                    self._sensor(fact)
                case _:
                    return
            self._keep()

    def on_arm_changed(self, fact: ArmStateChanged) -> None:
        """The alarm's lock is held: it is only noted here, and read with the next look at the clock."""
        if fact.to_state is ArmState.DISARMED and fact.method in PEOPLE:
            self._disarmed_ms = fact.ts_ms

    def on_household(self, received: Received) -> None:
        """How it stands, before anybody comes or goes."""
        status = received.message
        if isinstance(status, HouseholdStatus):
            with self._lock:
                self._deliveries.signs.home = (
                    None if status.state is None else status.state is not Household.EMPTY
                )

    def on_command(self, received: Received) -> None:
        command = received.message
        assert isinstance(command, PackageCommand)
        now_ms = self._clock.now_ms()
        with self._lock:
            try:
                if command.action is PackageAction.COLLECTED:
                    facts = self._deliveries.collected(
                        command.package_id, command.user, self._cameras, self._arm_state(), now_ms
                    )
                else:
                    facts = self._deliveries.rejected(command.package_id, command.user, now_ms)
            except KeyError:
                received.reply(ok=False, code="not_found", message="That parcel does not lie there any more.")
                return
            self._tell(facts)
            self._keep()
        log.info("%s: %s, says %s", command.package_id, command.action.value, command.user or "somebody")
        received.reply(ok=True)

    def tick(self) -> None:
        """Every second."""
        with self._lock:
            if not self._deliveries.parcels:
                return
            now_ms = self._clock.now_ms()
            signs = self._deliveries.signs
            signs.came_ms = max(signs.came_ms, self._disarmed_ms)
            dusk = self._placed and self._almanac.span_at(DUSK, now_ms) is not None
            facts = self._deliveries.tick(self._settings, self._cameras, self._arm_state(), now_ms, dusk=dusk)
            if facts:
                self._tell(facts)
                self._keep()

    def _sensor(self, fact: SensorChanged | SensorReading) -> None:
        if fact.sensor_id in self._settings.rain_sensors and fact.key in RAIN_KEYS:
            self._deliveries.rains(
                fact.value is True or (not isinstance(fact.value, bool | str) and fact.value > 0)
            )
        elif fact.key == "contact" and fact.value is False and fact.sensor_id in self._doors:
            self._deliveries.signs.door_ms = max(self._deliveries.signs.door_ms, fact.ts_ms)

    def _take(self, config: Config) -> None:
        self._settings = config.packages
        self._cameras = {camera.id: camera for camera in config.cameras if camera.enabled}
        self._doors = {sensor.id for sensor in config.sensors if sensor.enabled}
        self._almanac: Almanac = almanac_of(config)
        place = config.location
        self._placed = bool(place.latitude or place.longitude)

    def _say(self) -> None:
        state = self._deliveries.state(enabled=self._settings.enabled)
        if state != self._said:
            self._said = state
            self._bus.set_state(PACKAGES_STATE, state)

    def _keep(self) -> None:
        self._say()
        kept = self._deliveries.kept()
        if kept == self._kept:
            return
        try:
            self._file.save(kept)
            self._kept = kept
        except OSError as error:
            log.error("parcels cannot be kept in %s: %s", self._file.path, error)  # noqa: TRY400
