"""A house with cameras and doors, and alerts deciding about it: the real handlers, store and models, no network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from vigilar_alerts.adapters.store import Store, Subscription
from vigilar_alerts.delivery import Deliverer
from vigilar_alerts.domain.alert import Alert
from vigilar_alerts.domain.retry import Answer
from vigilar_alerts.handlers import Channels, Handlers
from vigilar_common.config import Config
from vigilar_common.messages import Fact, Reply
from vigilar_common.messages.alarm import ArmState, ArmStateChanged, EventOpened, EventType, Severity
from vigilar_common.messages.alerts import AlertAsk, AlertCommand, AlertQuestion
from vigilar_common.messages.camera import Box
from vigilar_common.messages.detection import ObjectDetected
from vigilar_common.testing import FakeBus, FakeClock, FakeFacts
from vigilar_common.topics import CMD_ALERT, CMD_ALERT_ASK, Topic

CAMERAS = {"front": "ENTRY", "drive": "DRIVEWAY", "hall": "INTERIOR", "kitchen": "INTERIOR", "shed": "GARDEN"}
PHONE = str(uuid5(NAMESPACE_OID, "phone"))
TABLET = str(uuid5(NAMESPACE_OID, "tablet"))


def config(**alerts: Any) -> Config:
    return Config.model_validate(
        {
            "cameras": [
                {"id": name, "display_name": name.capitalize(), "rtsp_url": "rtsp://x/", "location": place}
                for name, place in CAMERAS.items()
            ],
            "sensors": [
                {"id": "back_door", "display_name": "Back door", "type": "CONTACT", "protocol": "ZIGBEE",
                 "device_address": "x"}
            ],
            "alerts": alerts,
        }
    )  # fmt: skip


class House:
    """`sent` are what channels were handed, in order: (channel, target, alert)."""

    def __init__(self, folder: Path, clock: FakeClock | None = None, **alerts: Any) -> None:
        self.clock = clock or FakeClock()
        self.bus, self.facts = FakeBus(self.clock), FakeFacts(self.clock)
        self.store = Store(folder / "alerts.db")
        self.store.open()
        self.store._db.execute("PRAGMA synchronous=OFF")  # no power fails here
        self.sent: list[tuple[str, str, Alert]] = []
        self.arm_state = ArmState.DISARMED
        self._n = 0
        self.deliverer = Deliverer(
            store=self.store, clock=self.clock, facts=self.facts, on_gone=lambda *_: None,  # type: ignore[arg-type]
            channels={name: self._channel(name) for name in ("ui", "syslog", "desktop", "web_push")},
        )  # fmt: skip
        self.handlers = Handlers(
            clock=self.clock, store=self.store, deliverer=self.deliverer, subscriptions=None,  # type: ignore[arg-type]
            facts=self.facts, bus=self.bus, config=config(**alerts),  # type: ignore[arg-type]
            channels=lambda: Channels(web_push=True, syslog="syslog", desktop=True),
        )  # fmt: skip
        self.bus.subscribe(CMD_ALERT, self.handlers.desk.on_command)
        self.bus.subscribe(CMD_ALERT_ASK, self.handlers.desk.on_question)
        self.handlers.start()
        for target, user in ((PHONE, "ann"), (TABLET, "bob")):
            self.store.subscribe(Subscription(target, f"https://push/{user}", "p", "a", user, "phone"))

    def _channel(self, name: str) -> Any:
        def send(alert: Alert, target: str) -> Answer:
            self.sent.append((name, target, alert))
            return Answer(204)

        return send

    def close(self) -> None:
        self.store.close()

    # -- what happens -------------------------------------------------------------------------------

    def says(self, fact: Fact, age_s: float = 0.0) -> Fact:
        self._n += 1
        stamped = fact.model_copy(
            update={
                "id": fact.id or self.id(),
                "ts_ms": fact.ts_ms or self.clock.now_ms() - round(age_s * 1000),
            }
        )
        self.handlers.on_fact(stamped, age_s, True)
        self.clock.advance(1.1)  # the wait for a picture
        self.deliverer.run_due()
        return stamped

    def id(self) -> str:
        self._n += 1
        return str(uuid5(NAMESPACE_OID, f"{id(self)}-{self._n}"))

    def event(
        self,
        kind: EventType,
        title: str = "",
        severity: Severity = Severity.INFO,
        age_s: float = 0.0,
        **fields: Any,
    ) -> EventOpened:
        made = EventOpened(
            event_id=self.id(),
            type=kind,
            severity=severity,
            title=title or kind.value,
            arm_state=self.arm_state,
            **fields,
        )
        told = self.says(made, age_s)
        assert isinstance(told, EventOpened)
        return told

    def motion(self, camera: str = "front", **fields: Any) -> EventOpened:
        inside = CAMERAS[camera] == "INTERIOR"
        armed = self.arm_state not in (ArmState.DISARMED, ArmState.ARMED_HOME, ArmState.ARMED_NIGHT)
        severity = fields.pop("severity", Severity.CRITICAL if inside and armed else Severity.INFO)
        return self.event(
            EventType.MOTION,
            f"Motion at {camera.capitalize()}",
            severity,
            camera_id=camera,
            cause_id=self.id(),
            **fields,
        )

    def seen(self, what: str, of: EventOpened, confidence: float = 0.9, **fields: Any) -> Fact:
        return self.says(
            ObjectDetected(
                camera_id=of.camera_id or "", track_id=self.id(), object_class=what, confidence=confidence,
                box=Box(x=0, y=0, w=0.5, h=0.5), motion_id=of.cause_id, **fields,
            )
        )  # fmt: skip

    def offline(self, camera: str) -> EventOpened:
        return self.event(
            EventType.CAMERA_OFFLINE, f"{camera.capitalize()} is offline", Severity.ALERT, camera_id=camera
        )

    def opened(self, severity: Severity = Severity.ALERT) -> EventOpened:
        return self.event(EventType.SENSOR_OPENED, "Back door opened", severity, sensor_id="back_door")

    def alarm(self) -> EventOpened:
        self.arms(ArmState.TRIGGERED)
        return self.event(
            EventType.ALARM_TRIGGERED, "Alarm: Back door opened", Severity.CRITICAL, sensor_id="back_door"
        )

    def arms(self, state: ArmState, by: str = "ann") -> None:
        before, self.arm_state = self.arm_state, state
        self.says(ArmStateChanged(from_state=before, to_state=state, changed_by=by, method="web"))

    def later(self, seconds: float, tick: bool = True) -> None:
        self.clock.advance(seconds)
        if tick:
            self.tick()

    def tick(self) -> None:
        self.handlers.tick()
        self.clock.advance(1.1)
        self.deliverer.run_due()

    # -- what came of it ----------------------------------------------------------------------------

    def pushed(self, target: str = PHONE) -> list[Alert]:
        return [alert for channel, to, alert in self.sent if (channel, to) == ("web_push", target)]

    def loud(self, target: str = PHONE) -> list[Alert]:
        return [alert for alert in self.pushed(target) if not alert.silent]

    def through(self, channel: str) -> list[Alert]:
        return [alert for name, _, alert in self.sent if name == channel]

    def does(self, **command: Any) -> Reply:
        return self._asks(CMD_ALERT, AlertCommand.model_validate(command))

    def asks(self, what: AlertAsk, **question: Any) -> Mapping[str, Any]:
        reply = self._asks(CMD_ALERT_ASK, AlertQuestion.model_validate({"ask": what, **question}))
        assert reply.ok, reply
        return reply.data

    def _asks(self, topic: Topic, message: Any) -> Reply:
        (reply,) = self.bus.deliver(topic, message, sender="web")
        return reply

    def alerts(self) -> list[dict[str, Any]]:
        """Oldest first."""
        page = self.asks(AlertAsk.LIST, limit=50)
        items = list(page["items"])
        while page["next"]:
            page = self.asks(AlertAsk.LIST, limit=50, before=page["next"])
            items += page["items"]
        return items[::-1]
