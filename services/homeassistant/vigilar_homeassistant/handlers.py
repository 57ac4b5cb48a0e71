"""What the house says in; discovery, events and pictures for Home Assistant out. The table of topics is at the foot."""

from __future__ import annotations

import logging
import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from vigilar_common import __version__
from vigilar_common.bus import Bus, Handler, Received
from vigilar_common.clock import Clock
from vigilar_common.config import Config
from vigilar_common.errors import BadMessageError
from vigilar_common.messages.alarm import AlarmState, ArmRefused, ArmState, EventOpened
from vigilar_common.messages.homeassistant import BridgeState, HouseEvent
from vigilar_common.messages.pets import PetsState
from vigilar_common.messages.power import PowerState, PowerStatus
from vigilar_common.messages.sensor import SensorChanged, SensorState
from vigilar_common.messages.system import Finding
from vigilar_common.state_file import StateFile
from vigilar_common.topics import (
    ALARM_REFUSED,
    ALARM_STATE,
    AVAILABLE,
    BRIDGE_STATE,
    EVENT_OPENED,
    FACT_TOPICS,
    HOUSE_EVENT,
    PETS_STATE,
    POWER_STATE,
    SENSOR_STATE,
    Topic,
)
from vigilar_common.topics_foreign import birth, discovery

from vigilar_homeassistant.domain import cameras, house, hub, sensors
from vigilar_homeassistant.domain.announced import Announced
from vigilar_homeassistant.domain.device import Device, Naming
from vigilar_homeassistant.findings import findings

log = logging.getLogger("vigilar.homeassistant")

BIRTH_S = (5.0, 30.0)
"""After its birth Home Assistant is busy; everybody who answers at once makes it worse."""
SETTLE_S = 1.0
"""What sensors tell at a start comes one by one; so long it is gathered."""
RETRY_S = 5.0
OVER_S = 10.0
"""So long after everything was taken back it is kept in mind: the broker has it by then."""
FRESH_MS = 30_000
"""An older event informs nobody any more: automations would act on the past."""
BUTTON = "BUTTON"


class Bridge:
    """`step` belongs to one thread; the bus's thread only leaves word."""

    def __init__(
        self,
        *,
        clock: Clock,
        bus: Bus,
        file: StateFile,
        config: Config,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._clock, self._bus, self._file, self._jitter = clock, bus, file, jitter
        self._config = config
        self._settings = config.homeassistant
        self._naming = Naming(self._settings.node_id, self._settings.configuration_url)
        self._topic = discovery(self._settings.discovery_prefix)
        self._announced = Announced(self._settings.discovery_prefix)
        self._lock = threading.Lock()
        self._alarm: AlarmState | None = None
        self._pets: dict[str, str] | None = None
        """Names by id; None: not heard yet, those of the last run stand."""
        self._events_gone = False
        self._again = True
        self._due_s: float | None = 0.0
        """When something is to be announced; None: nothing is."""
        self._birth_s: float | None = None
        self._over_s: float | None = None
        self._born_ms = 0
        self._unsaved = False
        self._too_large: dict[str, str] = {}
        self.wake = threading.Event()
        self.counters: Counter[str] = Counter(
            births=0, discovery_sent=0, cleared=0, events=0, events_stale=0, events_unsent=0, save_failed=0
        )

    def load(self) -> None:
        """What an earlier run announced; what is not wanted any more is taken back."""
        loaded = self._file.load()
        if loaded.problem:
            log.error("what was announced is not known: %s", loaded.problem)
        if loaded.value is None:
            return
        try:
            self._announced = Announced.restored(loaded.value)
        except ValueError as error:
            log.error("%s makes no sense: %s", self._file.path, error)  # noqa: TRY400

    @property
    def alarm(self) -> ArmState | None:
        """None while nothing is known of it: its service is away, or was not heard."""
        return None if self._alarm is None or self._events_gone else self._alarm.state

    def configure(self, config: Config) -> None:
        """Other cameras, sensors, people; another `[homeassistant]` needs a restart."""
        with self._lock:
            self._config = config
        self._soon()

    # -- in -------------------------------------------------------------------------------------------

    def on_connect(self) -> None:
        """The broker may have lost what it kept."""
        self._again = True
        self._soon(0.0)

    def on_birth(self, received: Received) -> None:
        if received.payload != b"online" or received.retained:
            return
        self.counters["births"] += 1
        self._born_ms = self._clock.now_ms()
        if self._birth_s is None:
            self._birth_s = self._clock.monotonic_s() + self._jitter(*BIRTH_S)
            log.info("Home Assistant is there: everything is announced again")
            self.wake.set()

    def on_alarm(self, received: Received) -> None:
        assert isinstance(received.message, AlarmState)
        before, self._alarm = self._alarm, received.message
        if before is None or before.pin_configured is not self._alarm.pin_configured:
            self._soon()

    def on_events_available(self, received: Received) -> None:
        self._events_gone = received.payload == b"offline"

    def on_sensor(self, received: Received) -> None:
        state = received.message
        assert isinstance(state, SensorState)
        if self._has_sensor(state.sensor_id):
            self._learn("sensor", state.sensor_id, sensors.keys_of(state))

    def on_power(self, received: Received) -> None:
        status = received.message
        assert isinstance(status, PowerStatus)
        if status.state is not PowerState.UNKNOWN and status.ups_id == self._ups_id:
            self._learn("ups", status.ups_id, house.values_of(status))

    def on_pets(self, received: Received) -> None:
        state = received.message
        assert isinstance(state, PetsState)
        before, self._pets = self._pets, {pet.pet_id: pet.name for pet in state.pets}
        with self._lock:
            for pet_id, name in self._pets.items():
                self._announced.name(self._naming.object_id("pet", pet_id), pet_id, name)
        if before != self._pets:
            self._soon()

    def on_sensor_changed(self, received: Received) -> None:
        """A button is pressed."""
        fact = received.message
        assert isinstance(fact, SensorChanged)
        if fact.key != sensors.ACTION or fact.initial or not self._has_sensor(fact.sensor_id):
            return
        self._learn("sensor", fact.sensor_id, {sensors.ACTION: "text"})
        word = str(fact.value)
        event = HouseEvent(
            event_type=sensors.action_type(word), sensor_id=fact.sensor_id, detail={"action": word}
        )
        self._tell(self._naming.object_id("sensor", fact.sensor_id), event, fact.ts_ms)

    def on_event(self, received: Received) -> None:
        fact = received.message
        assert isinstance(fact, EventOpened)
        if fact.type in hub.SECRET_EVENTS:
            return
        event = HouseEvent(
            event_type=fact.type.value,
            title=fact.title,
            severity=fact.severity.value,
            event_id=fact.event_id,
            camera_id=fact.camera_id or "",
            sensor_id=fact.sensor_id or "",
            zones=fact.zones,
            detail={"score": fact.score, "arm_state": fact.arm_state.value} | hub.seen(fact),
        )
        self._tell(self._naming.hub_id, event, fact.ts_ms)
        camera = self._config.camera(fact.camera_id) if fact.camera_id else None
        if camera is not None and camera.enabled and fact.type.value in cameras.EVENT_TYPES:
            self._tell(self._naming.object_id("camera", camera.id), event, fact.ts_ms)

    def on_refused(self, received: Received) -> None:
        fact = received.message
        assert isinstance(fact, ArmRefused)
        detail = {"action": fact.action.value, "code": fact.code, "requested_by": fact.requested_by}
        self._refused(f"{fact.action.value} was refused: {fact.code}", detail, fact.ts_ms)

    def switch_refused(self, camera_id: str, title: str, code: str) -> None:
        self._refused(title, {"code": code, "camera_id": camera_id}, self._clock.now_ms())

    # -- the thread's -----------------------------------------------------------------------------------

    def step(self) -> float | None:
        """Announce what is due. Seconds until the next time; None: when `wake` is set."""
        now_s = self._clock.monotonic_s()
        if self._birth_s is not None and now_s >= self._birth_s:
            self._birth_s, self._again, self._due_s = None, True, now_s
        if self._due_s is not None and now_s >= self._due_s and self._bus.connected:
            self._due_s = None
            if not self._announce():
                self._due_s = now_s + RETRY_S
        if self._over_s is not None and now_s >= self._over_s and self._bus.connected:
            self._over_s = None
            self._remove_file()
        dues = [due_s for due_s in (self._due_s, self._birth_s, self._over_s) if due_s is not None]
        return max(0.0, min(dues) - self._clock.monotonic_s()) if dues else None

    def _announce(self) -> bool:
        """False when something of it could not be sent, or not be kept."""
        again, self._again = self._again, False
        with self._lock:
            devices = {device.object_id: device for device in self._devices()}
            if again:
                self._announced.again()
            planned = [self._announced.plan(device) for device in devices.values()]
            done = self._keep() if any(planned) or self._unsaved else True
            done = self._clear(set(self._announced.told) - set(devices), again) and done
            for device in devices.values():
                done = self._send(device) and done
        if self._settings.enabled:
            entities = sum(len(device.components) for device in devices.values())
            self._bus.set_state(
                BRIDGE_STATE,
                BridgeState(installed_version=__version__, devices=len(devices), entities=entities),
            )
        else:
            self._bus.clear_state(BRIDGE_STATE)
            self._over_s = self._clock.monotonic_s() + OVER_S
        return done

    def _devices(self) -> list[Device]:
        config, naming = self._config, self._naming
        if not self._settings.enabled:
            return []
        pin = self._alarm is not None and self._alarm.pin_configured
        parts = (config.presence, config.packages, config.vehicles, config.visitors.enabled)
        found = [hub.hub(naming, config.system.name, pin, *parts)]
        found += [
            cameras.camera(naming, camera, self._settings, config.detection.looks_at(camera.id))
            for camera in config.cameras
            if camera.enabled
        ]
        for sensor in config.sensors:
            if sensor.enabled:
                keys = dict(self._announced.keys.get(naming.object_id("sensor", sensor.id), {}))
                if sensor.type == BUTTON:
                    keys[sensors.ACTION] = "text"
                found.append(sensors.sensor(naming, sensor, keys.items()))
        ups_keys = self._announced.keys.get(naming.object_id("ups", self._ups_id))
        if config.ups.enabled and ups_keys is not None:
            found.append(house.ups(naming, self._ups_id, ups_keys))
        if config.presence.enabled:
            found += [house.person(naming, member) for member in config.presence.members]
        if config.pets.enabled:
            pets = self._announced.named(f"{naming.node_id}_pet_") if self._pets is None else self._pets
            found += [house.pet(naming, pet_id, name) for pet_id, name in pets.items()]
        return found

    def _send(self, device: Device) -> bool:
        message = self._announced.message(device, self._naming)
        if self._announced.is_sent(device.object_id, message):
            return True
        try:
            if not self._bus.publish_frame(self._topic, message, device=device.object_id):
                return False
        except BadMessageError as error:
            if device.object_id not in self._too_large:
                log.error("%s cannot be announced: %s", device.object_id, error)  # noqa: TRY400
            self._too_large[device.object_id] = str(error)
            return True
        self._too_large.pop(device.object_id, None)
        self._announced.sent(device.object_id, message)
        self.counters["discovery_sent"] += 1
        return True

    def _clear(self, gone: set[str], again: bool) -> bool:
        """Take back what is not wanted any more, with an empty message; below the prefix it was announced under."""
        before = self._announced.prefix
        moved = before != self._settings.discovery_prefix
        topic = discovery(before) if moved else self._topic
        wanted = set(self._announced.told) | self._announced.gone if moved else set(gone)
        if again and not moved:
            wanted |= self._announced.gone
        for object_id in sorted(wanted):
            if not self._bus.publish_frame(topic, b"", device=object_id):
                return False
            if object_id in gone:
                log.info("%s is no longer announced", object_id)
                self._announced.forget(object_id)
                self.counters["cleared"] += 1
        if moved:
            log.info("announced below %s instead of %s", self._settings.discovery_prefix, before)
            self._announced.prefix = self._settings.discovery_prefix
        return self._keep() if gone or moved else True

    def _remove_file(self) -> None:
        """Switched off, and nothing stands any more: without the file this process need not be started."""
        for path in (self._file.path, self._file.previous):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                log.error("%s cannot be removed: %s", path, error.strerror)  # noqa: TRY400

    def _keep(self) -> bool:
        try:
            self._file.save(self._announced.kept())
        except OSError as error:
            if not self._unsaved:
                log.error("%s cannot be written: %s", self._file.path, error.strerror)  # noqa: TRY400
            self.counters["save_failed"] += 1
            self._unsaved = True
            return False
        self._unsaved = False
        return True

    # -- words ----------------------------------------------------------------------------------------

    def _soon(self, settle_s: float = SETTLE_S) -> None:
        due_s = self._clock.monotonic_s() + settle_s
        self._due_s = due_s if self._due_s is None else min(self._due_s, due_s)
        self.wake.set()

    def _learn(self, kind: str, name: str, keys: Mapping[str, str]) -> None:
        object_id = self._naming.object_id(kind, name)
        with self._lock:
            known = object_id in self._announced.keys
            news = self._announced.learn(object_id, keys) or not known
        if news:
            self._soon()

    @property
    def _ups_id(self) -> str:
        """As the ups service has it."""
        return self._config.ups.ups_name.replace(".", "_")

    def _has_sensor(self, sensor_id: str) -> bool:
        return any(sensor.id == sensor_id and sensor.enabled for sensor in self._config.sensors)

    def _refused(self, title: str, detail: dict[str, Any], at_ms: int) -> None:
        event = HouseEvent(event_type=hub.REFUSED, title=title[:500], detail=detail)
        self._tell(self._naming.hub_id, event, at_ms)

    def _tell(self, object_id: str, event: HouseEvent, at_ms: int) -> None:
        if not self._settings.enabled:
            return
        if self._clock.now_ms() - at_ms > FRESH_MS:
            self.counters["events_stale"] += 1
            return
        sent = self._bus.publish(HOUSE_EVENT, event, device=object_id)
        self.counters["events" if sent else "events_unsent"] += 1

    def summary(self) -> dict[str, Any]:
        """For the heartbeat, and so for the system page."""
        with self._lock:
            kinds = Counter(
                name.removeprefix(f"{self._naming.node_id}_").partition("_")[0]
                for name in self._announced.told
            )
            entities = sum(len(told.components) for told in self._announced.told.values())
        return {
            "enabled": self._settings.enabled,
            "devices": dict(kinds),
            "entities": entities,
            "born_ms": self._born_ms,
        }

    def findings(self) -> list[Finding]:
        return findings(self._file.path if self._unsaved else None, self._too_large)


def table(bridge: Bridge, status_topic: str) -> dict[Topic, Handler]:
    """Who hears what. The availability is that of events alone."""
    return {
        birth(status_topic): bridge.on_birth,
        ALARM_STATE: bridge.on_alarm,
        ALARM_REFUSED: bridge.on_refused,
        AVAILABLE: bridge.on_events_available,
        EVENT_OPENED: bridge.on_event,
        FACT_TOPICS[SensorChanged.TYPE]: bridge.on_sensor_changed,
        SENSOR_STATE: bridge.on_sensor,
        POWER_STATE: bridge.on_power,
        PETS_STATE: bridge.on_pets,
    }
