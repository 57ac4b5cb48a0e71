"""Facts become incidents, and incidents alerts: decided, kept, told again, escalated."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from vigilar_common.bus import Bus, Received
from vigilar_common.clock import Clock, uuid7
from vigilar_common.config import Config
from vigilar_common.errors import OutboxFullError
from vigilar_common.messages import Fact
from vigilar_common.messages.alarm import AlarmState, ArmState, ArmStateChanged, EventOpened, EventType
from vigilar_common.messages.alerts import AlertReceipt, AlertsState, ReceiptKind
from vigilar_common.messages.detection import ObjectDetected
from vigilar_common.messages.visitors import FaceForgotten, FaceProfileSaved, VisitBegan
from vigilar_common.outbox import FactLog
from vigilar_common.topics import ALERTS_STATE

from vigilar_alerts.adapters.casebook import Casebook
from vigilar_alerts.adapters.store import Store, Write
from vigilar_alerts.domain import later
from vigilar_alerts.domain.alert import Alert
from vigilar_alerts.domain.decide import EVERYBODY, MAX_OPEN, Aim, Decider, telling_id_of
from vigilar_alerts.domain.faces import Faces
from vigilar_alerts.domain.happening import Happening, of_detection, of_event, of_visit
from vigilar_alerts.domain.incidents import Family, Incident

log = logging.getLogger("vigilar.alerts.decisions")

FACT_TYPES = (
    EventOpened.TYPE, ArmStateChanged.TYPE, ObjectDetected.TYPE, VisitBegan.TYPE, FaceProfileSaved.TYPE, FaceForgotten.TYPE,
)  # fmt: skip
KEPT = "decider"
FACES = "faces"

UI = "ui"
"""The alerts page: it always exists, and its row says that the alert was decided."""
LISTED = frozenset({UI, "syslog"})
"""Channels that hear of every fact, also of what is not sent."""
NOWHERE: frozenset[str] = frozenset()

Tell = Callable[[Alert, Aim, bool, frozenset[str], Write], bool]
"""(alert, to whom, whether it is sent, which of LISTED get a row, what to keep with it) → whether it was new."""


class Cases:
    """Thread-safe: the feed, the bus and the ticking thread all call it."""

    def __init__(
        self,
        *,
        clock: Clock,
        store: Store,
        casebook: Casebook,
        facts: FactLog,
        bus: Bus,
        config: Config,
        decisions: Counter[str],
        tell: Tell,
    ) -> None:
        self._clock, self._store, self._facts, self._bus = clock, store, facts, bus
        self.casebook, self._tell, self._decisions = casebook, tell, decisions
        self.decider = Decider(config)
        self.lock = threading.RLock()
        self._faces = Faces()
        self._arm_state = ArmState.DISARMED
        self._said: AlertsState | None = None

    def start(self) -> None:
        """What was open when the service stopped. Raises sqlite3.Error when the file cannot be used."""
        with self.lock:
            self.casebook.open()
            self._faces.restore(self.casebook.kept(FACES) or {})
            try:
                if kept := self.casebook.kept(KEPT):
                    self.decider.session, self.decider.held_back = (
                        str(kept["session"]),
                        int(kept["held_back"]),
                    )
                    self.decider.holding.restore(kept)
            except (ValueError, TypeError, KeyError):
                log.exception("snoozes, quiet hours and cooldowns cannot be read and are forgotten")
            newest, _ = self.casebook.newest(MAX_OPEN)
            for incident in reversed(newest):
                self.decider.incidents[incident.incident_id] = incident
            self.decider.forget(self._clock.now_ms())
            self.assert_state()

    def configure(self, config: Config) -> None:
        with self.lock:
            self.decider.configure(config)

    # -- facts --------------------------------------------------------------------------------------

    def on_fact(self, fact: Fact, age_s: float) -> None:
        """Once per fact of FACT_TYPES: on disk before it counts as handled."""
        with self.lock:
            match fact:
                case EventOpened(type=EventType.OBJECT):
                    pass  # decided with the detection that it is the event of
                case EventOpened():
                    self._decide(of_event(fact), age_s)
                case ObjectDetected():
                    self._decide(self._detection(fact), age_s)
                case VisitBegan():
                    self._visit(fact, age_s)
                case FaceProfileSaved() | FaceForgotten():
                    self._faces.take(fact)
                    self.casebook.write(self.casebook.put_kept(FACES, self._faces.kept()))
                case ArmStateChanged():
                    self._arm_changed(fact)
                case _:
                    log.error("nothing is decided about %s", fact.TYPE)

    def on_alarm_state(self, received: Received) -> None:
        if isinstance(received.message, AlarmState):
            self._arm_state = received.message.state

    def _detection(self, fact: ObjectDetected) -> Happening:
        return of_detection(fact, self._camera_name(fact.camera_id), self._arm_state)

    def _visit(self, fact: VisitBegan, age_s: float) -> None:
        who = self._faces.who(fact.profile_id)
        if who is None:
            self._decisions["ignored"] += 1
            return
        self._decide(of_visit(fact, self._camera_name(fact.camera_id), self._arm_state, who), age_s)

    def _camera_name(self, camera_id: str) -> str:
        camera = self.decider.config.camera(camera_id)
        return camera.display_name if camera else camera_id

    def _decide(self, happening: Happening, age_s: float) -> None:
        # Before deciding: a log that is read again must not use up the cap or count as held back.
        if self._store.knows(telling_id_of(happening)) or self.casebook.knows(happening.key):
            self._decisions["repeated"] += 1
            return
        decision = self.decider.decide(happening, age_s, self._clock.now_ms(), self._clock.monotonic_s())
        self._decisions[decision.reason] += 1
        log.info("%s %s: %s", happening.kind.value, happening.key, decision.reason)
        told = self.casebook.put_happening(happening, decision.incident, decision.explanation)
        if decision.alert is None:
            self.casebook.write(told, *self._keep(decision.incident))
            return
        self._tell(
            decision.alert,
            decision.aim,
            decision.push,
            frozenset({UI}) if decision.reason == "late" else LISTED,
            _all(told, *self._keep(decision.incident)),
        )
        self.assert_state()

    def _arm_changed(self, change: ArmStateChanged) -> None:
        self._arm_state = change.to_state
        before = {i.incident_id for i in self.decider.incidents.values() if i.acknowledged_ms}
        ended = self.decider.arm_changed(change)
        writes = [write for incident in ended for write in self._keep(incident)] or self._keep(None)
        self.casebook.write(*writes)
        for incident in ended:
            if incident.acknowledged_ms and incident.incident_id not in before:
                self.receipt(incident, ReceiptKind.ACKNOWLEDGED, incident.acknowledged_by, "disarmed")
        self.assert_state()

    # -- time ---------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Every few seconds: updates, escalations, the digest, the summary, snoozes that end."""
        with self.lock:
            now_ms = self._clock.now_ms()
            if self.decider.holding.expire(now_ms):
                self.casebook.write(*self._keep(None))
            for incident, alert in list(later.updates(self.decider, now_ms)):
                self._decisions["updated"] += 1
                told = Aim(tuple(incident.told_channels), tuple(incident.told_people))
                self._tell(alert, told, True, NOWHERE, _all(*self._keep(incident)))
            for incident, step, escalated in list(later.escalations(self.decider, now_ms)):
                if escalated is None:
                    log.warning(
                        "alert %s: step %s is skipped, it is more than an hour late",
                        incident.incident_id,
                        step.name,
                    )
                    self.casebook.write(*self._keep(incident))
                    continue
                self._decisions["escalated"] += 1
                aim = Aim(tuple(c.value for c in step.channels), step.people)
                self._tell(escalated, aim, True, LISTED, _all(*self._keep(incident)))
                self.receipt(incident, ReceiptKind.ESCALATED, step.name, "timer")
            self._tell_once("digest", later.digest(self.decider, now_ms))
            cause_id = uuid7(self._clock)
            self._tell_once(
                "summary", later.summary(self.decider, now_ms, self._clock.monotonic_s(), cause_id)
            )
            self.decider.forget(now_ms)
            self.assert_state()

    def _tell_once(self, what: str, alert: Alert | None) -> None:
        if alert is not None:
            self._decisions[what] += 1
            self._tell(alert, EVERYBODY, True, LISTED, _all(*self._keep(None)))

    # -- what people do -----------------------------------------------------------------------------

    def incident(self, alert_id: str) -> Incident | None:
        return self.decider.incidents.get(alert_id) or self.casebook.incident(alert_id)

    def keep(self, incident: Incident | None = None) -> None:
        self.casebook.write(*self._keep(incident))

    def receipt(self, incident: Incident, kind: ReceiptKind, by: str, method: str) -> None:
        now_ms = self._clock.now_ms()
        self.casebook.write(self.casebook.put_receipt(incident.incident_id, kind.value, by, method, now_ms))
        self.emit(
            AlertReceipt(
                alert_id=incident.incident_id, kind=kind, by=by[:80], method=method, title=incident.title
            )
        )

    def emit(self, fact: Fact) -> None:
        try:
            self._facts.emit(fact)
        except (OutboxFullError, sqlite3.Error) as error:
            log.critical("%s is not in the log: %s", fact.TYPE, error)

    def assert_state(self) -> None:
        """Retained, whenever it changes."""
        now_ms, decider = self._clock.now_ms(), self.decider
        # Of duress no page may give a sign: whoever forces somebody may be looking at it.
        waiting = [
            i for i in decider.incidents.values() if i.family is not Family.DURESS and decider.next_step(i)
        ]
        state = AlertsState(
            snoozes=decider.holding.active(now_ms),
            quiet=decider.quiet(now_ms),
            unacknowledged=len(waiting),
            held_back=decider.held_back + len(decider.holding.night) + decider.holding.night_more,
        )
        if state != self._said:
            self._said = state
            self._bus.set_state(ALERTS_STATE, state)

    def _keep(self, incident: Incident | None) -> list[Write]:
        decider = self.decider
        kept: dict[str, Any] = {
            "session": decider.session,
            "held_back": decider.held_back,
            **decider.holding.kept(),
        }
        writes = [self.casebook.put_kept(KEPT, kept)]
        return [*writes, self.casebook.put_incident(incident)] if incident else writes


def _all(*writes: Write) -> Write:
    def write(db: sqlite3.Connection) -> None:
        for one in writes:
            one(db)

    return write
