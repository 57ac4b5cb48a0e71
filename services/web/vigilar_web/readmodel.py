"""The newest word of every other service, from the broker's retained topics; no storage is needed for it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Sequence
from typing import Any

from vigilar_common.messages.alarm import AlarmState, EventOpened
from vigilar_common.messages.alerts import AlertsState, PushInfo
from vigilar_common.messages.camera import CameraCondition, CameraState
from vigilar_common.messages.objects import CameraObjects
from vigilar_common.messages.packages import PackagesState
from vigilar_common.messages.pets import PetsState
from vigilar_common.messages.power import PowerState, PowerStatus
from vigilar_common.messages.presence import HouseholdStatus, PersonStatus
from vigilar_common.messages.sensor import SensorState
from vigilar_common.messages.system import SystemHealth
from vigilar_common.messages.vehicles import VehiclesState
from vigilar_common.messages.visitors import VisitorsState

from vigilar_web.settings import CameraInfo, MemberInfo, SensorInfo

RECENT_EVENTS = 500
ENVELOPE = {"id", "source", "seq", "v"}


class ReadModel:
    """Written on the bus's thread, read on the loop's; every value is replaced whole."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cameras: dict[str, CameraState] = {}
        self._objects: dict[str, CameraObjects] = {}
        self._sensors: dict[str, SensorState] = {}
        self._gone_workers: set[str] = set()
        self._gone_services: set[str] = set()
        self._events: OrderedDict[str, EventOpened] = OrderedDict()
        self._people: dict[str, PersonStatus] = {}
        self.power: PowerStatus | None = None
        self.household: HouseholdStatus | None = None
        self.alarm: AlarmState | None = None
        self.health: SystemHealth | None = None
        self.push: PushInfo | None = None
        self.alerts: AlertsState | None = None
        self.packages: PackagesState | None = None
        self.pets: PetsState | None = None
        self.vehicles: VehiclesState | None = None
        self.visitors: VisitorsState | None = None

    def put_camera(self, state: CameraState) -> None:
        with self._lock:
            self._cameras[state.camera_id] = state

    def put_objects(self, seen: CameraObjects) -> None:
        with self._lock:
            self._objects[seen.camera_id] = seen

    def put_sensor(self, state: SensorState) -> None:
        with self._lock:
            self._sensors[state.sensor_id] = state

    def put_person(self, person: PersonStatus) -> None:
        with self._lock:
            self._people[person.member] = person

    def put_event(self, event: EventOpened) -> None:
        with self._lock:
            self._events[event.event_id] = event
            if len(self._events) > RECENT_EVENTS:
                self._events.popitem(last=False)

    def recent_event(self, event_id: str) -> EventOpened | None:
        """A page is told of an event before storage has its row, and also while storage is down."""
        with self._lock:
            return self._events.get(event_id)

    def recent_unseen(self, types: Collection[str]) -> list[str]:
        """Ids of recent events of these types, which no page shows by itself."""
        with self._lock:
            return [event_id for event_id, event in self._events.items() if event.type.value in types]

    def put_worker(self, camera_id: str, online: bool) -> None:
        with self._lock:
            (self._gone_workers.discard if online else self._gone_workers.add)(camera_id)

    def put_service(self, service: str, online: bool) -> None:
        with self._lock:
            (self._gone_services.discard if online else self._gone_services.add)(service)

    def service_gone(self, service: str) -> bool:
        """Whether its last will says that it is not running; False while nothing was heard."""
        return service in self._gone_services

    def worker_gone(self, camera_id: str) -> bool:
        """Whether its last will says that it is not running; False while nothing was heard."""
        return camera_id in self._gone_workers

    def camera_state(self, camera_id: str) -> CameraState | None:
        """What its worker says; a dead worker's last word is corrected to offline. None before the first word."""
        with self._lock:
            state = self._cameras.get(camera_id)
            gone = camera_id in self._gone_workers
        if not gone or (state and state.condition is CameraCondition.OFFLINE):
            return state
        reason = "The process of this camera is not running."
        base = state or CameraState(camera_id=camera_id, condition=CameraCondition.OFFLINE)
        return base.model_copy(
            update={
                "condition": CameraCondition.OFFLINE,
                "reason": reason,
                "motion": False,
                "recording": False,
                "recording_problem": "",
                "motion_score": 0.0,
                "sub_online": False,
            }
        )

    def camera_item(self, camera: CameraInfo) -> dict[str, Any]:
        """A camera as the API gives it."""
        state = self.camera_state(camera.id)
        return {
            "id": camera.id,
            "name": camera.name,
            "location": camera.location,
            "has_sub_stream": camera.has_sub_stream,
            "state": state.model_dump(mode="json", exclude=ENVELOPE) if state else None,
            "objects": self._objects_item(camera),
        }

    def _objects_item(self, camera: CameraInfo) -> dict[str, Any] | None:
        """What is there now, by class; null where nobody looks. A dead worker's last word is no truth any more."""
        if not camera.looked_at:
            return None
        seen = self._objects.get(camera.id)
        if seen is None or self.worker_gone(camera.id):
            return {"known": False, "reason": "its worker is not running" if seen else "", "counts": {}}
        return {"known": seen.known, "reason": seen.reason, "counts": seen.counts}

    def sensor_item(self, sensor: SensorInfo) -> dict[str, Any]:
        """A sensor as the API gives it; while its service is not running nothing is known of it."""
        with self._lock:
            state = self._sensors.get(sensor.id)
        gone = self.service_gone("sensors")
        known = state is not None and state.known and not gone
        reason = state.reason if state else "not heard yet"
        return {
            "id": sensor.id,
            "name": sensor.name,
            "type": sensor.type,
            "location": sensor.location,
            "known": known,
            "reason": "The sensors service is not running." if gone else reason,
            "active": state.active if state and known else None,
            "values": state.values if state else {},
            "units": state.units if state else {},
            "battery_low": state.battery_low if state else None,
            "heard_ms": state.heard_ms if state else None,
        }

    def power_item(self) -> dict[str, Any]:
        """The UPS as the API gives it; while its service is not running nothing is known of it."""
        power = self.power
        if power is None or self.service_gone("ups"):
            reason = "The ups service is not running." if self.service_gone("ups") else "not heard yet"
            power = PowerStatus(
                ups_id=power.ups_id if power else "ups",
                state=PowerState.UNKNOWN,
                since_ms=power.since_ms if power else 0,
                reason=reason,
            )
        return power.model_dump(mode="json", exclude=ENVELOPE | {"ts_ms"})

    def people_item(self, members: Sequence[MemberInfo]) -> dict[str, Any]:
        """The household as the API gives it; `home` is null where it is not known."""
        gone = self.service_gone("presence")
        with self._lock:
            known = {} if gone else dict(self._people)

        def item(member: MemberInfo) -> dict[str, Any]:
            person = known.get(member.name)
            return {
                "name": member.name,
                "role": member.role,
                "home": person.home if person else None,
                "since_ms": person.since_ms if person else 0,
            }

        whole = None if gone else self.household
        return {
            "state": whole.state.value if whole and whole.state else None,
            "reason": "The presence service is not running." if gone else "",
            "members": [item(member) for member in members],
        }

    def alarm_item(self) -> dict[str, Any] | None:
        """The arm state as the API gives it; None before the events service has spoken."""
        alarm = self.alarm
        if alarm is None:
            return None
        item = alarm.model_dump(mode="json", exclude=ENVELOPE | {"ts_ms"})
        item["available"] = not self.service_gone("events")
        return item

    def health_item(self, whole: bool = True) -> dict[str, Any] | None:
        """`whole` False: without services and findings, which tell of every camera."""
        if self.health is None:
            return None
        item = self.health.model_dump(mode="json", exclude=ENVELOPE)
        return item if whole else item | {"services": {}, "findings": [], "disks": {}}
