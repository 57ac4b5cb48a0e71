"""Parcels at work: facts of cameras, presence, doors and weather in; events, reminders and the retained state out."""

from __future__ import annotations

import logging
from typing import Final, Unpack

from vigilar_common.almanac import Almanac
from vigilar_common.bus import Received
from vigilar_common.clock import Clock
from vigilar_common.config import Config
from vigilar_common.config.rule_words import SUNSET, Point, Window
from vigilar_common.messages import Fact
from vigilar_common.messages.alarm import ArmState, ArmStateChanged
from vigilar_common.messages.packages import (
    PackageAction,
    PackageCommand,
    PackagesState,
    ThingGone,
    ThingLeft,
)
from vigilar_common.messages.presence import Household, HouseholdChanged, HouseholdStatus, PresenceChanged
from vigilar_common.messages.sensor import SensorChanged, SensorReading
from vigilar_common.topics import PACKAGES_STATE

from vigilar_events.desk import Desk, DeskParts
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


class PackageDesk(Desk):
    """Thread-safe."""

    WHAT = "parcels that lie outside"
    TOPIC = PACKAGES_STATE

    def __init__(self, *, clock: Clock, **desk: Unpack[DeskParts]) -> None:
        self._clock = clock
        self._deliveries = Deliveries()
        self._disarmed_ms = 0
        super().__init__(**desk)

    @property
    def _book(self) -> Deliveries:
        return self._deliveries

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
                case SensorChanged() | SensorReading():
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
        """Rain counts from a sensor's first word on: it may have begun while nobody listened."""
        if fact.sensor_id in self._settings.rain_sensors and fact.key in RAIN_KEYS:
            self._deliveries.rains(
                fact.value is True or (not isinstance(fact.value, bool | str) and fact.value > 0)
            )
        elif isinstance(fact, SensorChanged) and fact.key == "contact" and fact.sensor_id in self._doors:
            if fact.value is not False or fact.initial:
                return  # how it stands is no opening
            self._deliveries.signs.door_ms = max(self._deliveries.signs.door_ms, fact.ts_ms)

    def _take(self, config: Config) -> None:
        self._settings = config.packages
        self._cameras = {camera.id: camera for camera in config.cameras if camera.enabled}
        self._doors = {sensor.id for sensor in config.sensors if sensor.enabled}
        self._almanac: Almanac = almanac_of(config)
        place = config.location
        self._placed = bool(place.latitude or place.longitude)

    def _state(self) -> PackagesState:
        return self._deliveries.state(enabled=self._settings.enabled)
