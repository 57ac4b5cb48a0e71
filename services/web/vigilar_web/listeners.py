"""What the web service hears on the broker, and what of it goes on to open pages."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from vigilar_common import topics
from vigilar_common.bus import Bus, Received
from vigilar_common.messages.alarm import AlarmState, EventEnded, EventOpened
from vigilar_common.messages.alerts import AlertDelivery, AlertReceipt, AlertsState, PushInfo
from vigilar_common.messages.camera import CameraState, PictureKind
from vigilar_common.messages.objects import CameraObjects
from vigilar_common.messages.packages import PackagesState
from vigilar_common.messages.pets import PetsState
from vigilar_common.messages.power import PowerStatus
from vigilar_common.messages.presence import HouseholdStatus, PersonStatus
from vigilar_common.messages.sensor import SensorState
from vigilar_common.messages.system import SystemHealth
from vigilar_common.messages.vehicles import VehiclesState
from vigilar_common.messages.visitors import VisitorsState
from vigilar_common.topics import Topic

from vigilar_web.bridge import Bridge
from vigilar_web.items import UNSEEN, delivery_item, opened_item
from vigilar_web.live.hub import LiveHub
from vigilar_web.pictures import PictureCache
from vigilar_web.readmodel import ReadModel
from vigilar_web.settings import Settings
from vigilar_web.stream import EventStream

log = logging.getLogger(__name__)

ONLINE = b"online"


class Listeners:
    """Handlers run on the bus's thread: they note the news and pass it to the loop."""

    def __init__(
        self,
        settings: Callable[[], Settings],
        model: ReadModel,
        pictures: PictureCache,
        live: LiveHub,
        stream: EventStream,
        bridge: Bridge,
    ) -> None:
        self._settings = settings
        self._model = model
        self._pictures = pictures
        self._live = live
        self._stream = stream
        self._bridge = bridge
        self._missed = False

    def subscribe(self, bus: Bus) -> None:
        handlers: tuple[tuple[Topic, Callable[[Received], None]], ...] = (
            (topics.CAMERA_STATE, self.on_camera),
            (topics.CAMERA_AVAILABLE, self.on_worker),
            (topics.CAMERA_OBJECTS, self.on_objects),
            (topics.AVAILABLE, self.on_service),
            (topics.SENSOR_STATE, self.on_sensor),
            (topics.ALARM_STATE, self.on_alarm),
            (topics.POWER_STATE, self.on_power),
            (topics.PERSON_STATE, self.on_person),
            (topics.HOUSEHOLD_STATE, self.on_household),
            (topics.PACKAGES_STATE, self.on_packages),
            (topics.VEHICLES_STATE, self.on_vehicles),
            (topics.PETS_STATE, self.on_pets),
            (topics.VISITORS_STATE, self.on_visitors),
            (topics.SYSTEM_HEALTH, self.on_health),
            (topics.PUSH_INFO, self.on_push_info),
            (topics.EVENT_OPENED, self.on_opened),
            (topics.EVENT_ENDED, self.on_ended),
            (topics.ALERT_DELIVERY, self.on_delivery),
            (topics.FACT_TOPICS[AlertReceipt.TYPE], self.on_receipt),
            (topics.ALERTS_STATE, self.on_alerts),
            (topics.PICTURE, self.on_picture),
            (topics.LIVE, self._live.offer),
        )
        for topic, handler in handlers:
            bus.subscribe(topic, handler)
        bus.on_connect(self.on_connect)

    def on_connect(self) -> None:
        # Whatever happened while the broker was away was not heard.
        self._bridge.post(self._stream.resync)

    def on_camera(self, received: Received) -> None:
        state = received.message
        assert isinstance(state, CameraState)
        if state.camera_id != received.ids["camera_id"]:
            log.warning(
                "a state of %s on the topic of %s is ignored", state.camera_id, received.ids["camera_id"]
            )
            return
        self._model.put_camera(state)
        self._tell_camera(state.camera_id)

    def on_objects(self, received: Received) -> None:
        seen = received.message
        assert isinstance(seen, CameraObjects)
        camera = self._settings().cameras.get(seen.camera_id)
        if seen.camera_id == received.ids["camera_id"] and camera is not None and camera.looked_at:
            self._model.put_objects(seen)
            self._tell_camera(seen.camera_id)

    def on_worker(self, received: Received) -> None:
        camera_id = received.ids["camera_id"]
        self._model.put_worker(camera_id, received.payload == ONLINE)
        self._tell_camera(camera_id)

    def on_sensor(self, received: Received) -> None:
        state = received.message
        assert isinstance(state, SensorState)
        sensor_id = received.ids["sensor_id"]
        if sensor_id == state.sensor_id and sensor_id in self._settings().sensors:
            self._model.put_sensor(state)

    def on_service(self, received: Received) -> None:
        service = received.ids["service"]
        self._model.put_service(service, received.payload == ONLINE)
        if service == "events":
            self._tell_alarm()

    def on_alarm(self, received: Received) -> None:
        assert isinstance(received.message, AlarmState)
        self._model.alarm = received.message
        self._tell_alarm()

    def on_power(self, received: Received) -> None:
        assert isinstance(received.message, PowerStatus)
        self._model.power = received.message

    def on_person(self, received: Received) -> None:
        assert isinstance(received.message, PersonStatus)
        # Only who is configured: what others publish must not fill the memory.
        if any(member.name == received.message.member for member in self._settings().members):
            self._model.put_person(received.message)

    def on_household(self, received: Received) -> None:
        assert isinstance(received.message, HouseholdStatus)
        self._model.household = received.message

    def on_packages(self, received: Received) -> None:
        assert isinstance(received.message, PackagesState)
        self._model.packages = received.message

    def on_visitors(self, received: Received) -> None:
        assert isinstance(received.message, VisitorsState)
        self._model.visitors = received.message

    def on_vehicles(self, received: Received) -> None:
        assert isinstance(received.message, VehiclesState)
        self._model.vehicles = received.message

    def on_pets(self, received: Received) -> None:
        assert isinstance(received.message, PetsState)
        self._model.pets = received.message

    def on_health(self, received: Received) -> None:
        assert isinstance(received.message, SystemHealth)
        self._model.health = received.message
        less = self._model.health_item(whole=False)
        self._tell("health", self._model.health_item(), less=less, whole=True)

    def on_push_info(self, received: Received) -> None:
        assert isinstance(received.message, PushInfo)
        self._model.push = received.message

    def on_opened(self, received: Received) -> None:
        fact = received.message
        assert isinstance(fact, EventOpened)
        self._model.put_event(fact)
        if fact.type.value in UNSEEN:
            return
        self._tell("event", opened_item(fact, self._settings().cameras), fact.camera_id)

    def on_ended(self, received: Received) -> None:
        fact = received.message
        assert isinstance(fact, EventEnded)
        opened = self._model.recent_event(fact.event_id)
        if opened is None:
            # It began before this process did: only storage knows the rest of it.
            self._bridge.post(self._stream.resync)
            return
        self._tell("event", opened_item(opened, self._settings().cameras, fact), opened.camera_id)

    def on_delivery(self, received: Received) -> None:
        assert isinstance(received.message, AlertDelivery)
        about = self._model.recent_event(received.message.event_id or "")
        if about is None or about.type.value not in UNSEEN:
            self._tell("alert", delivery_item(received.message), whole=True)

    def on_receipt(self, received: Received) -> None:
        assert isinstance(received.message, AlertReceipt)
        # Without its title: it may be of what no page shows by itself.
        told = {"alert_id": received.message.alert_id, "kind": received.message.kind.value}
        self._tell("alerts", told, whole=True)

    def on_alerts(self, received: Received) -> None:
        assert isinstance(received.message, AlertsState)
        self._model.alerts = received.message
        self._tell("alerts", {"kind": "state"}, whole=True)

    def on_picture(self, received: Received) -> None:
        camera_id = received.ids["camera_id"]
        if camera_id not in self._settings().cameras:
            return
        properties = received.properties
        taken = properties.get("ts_ms", "")
        taken_ms = int(taken) if taken.isdecimal() and len(taken) <= 15 else 0
        whole = properties.get("kind") != PictureKind.OBJECT  # a part of a picture shows no camera
        picture_id = properties.get("picture_id", "")
        if not self._pictures.put(camera_id, picture_id, received.payload, taken_ms, whole=whole):
            log.warning(
                "a picture of %s is no JPEG or has no id; %d refused", camera_id, self._pictures.refused
            )

    def _tell_camera(self, camera_id: str) -> None:
        camera = self._settings().cameras.get(camera_id)
        if camera is None:
            return
        item = self._model.camera_item(camera)
        self._bridge.post(self._live.tell_state, camera_id, item["state"])
        self._tell("camera", item, camera_id)

    def _tell_alarm(self) -> None:
        item = self._model.alarm_item()
        if item is not None:
            self._tell("alarm", item)

    def _tell(
        self, event: str, item: Any, camera_id: str | None = None, less: Any = None, whole: bool = False
    ) -> None:
        """As `EventStream.broadcast`."""
        if not self._bridge.post(self._stream.broadcast, event, item, camera_id, less, whole):
            self._missed = True
        elif self._missed:
            self._missed = False
            self._bridge.post(self._stream.resync)
