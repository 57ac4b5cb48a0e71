"""What people ask of alerts: acknowledge, snooze, list, explain. By command from web; nothing here needs storage."""

from __future__ import annotations

import json
import logging
import sqlite3
from typing import Any

from vigilar_common.bus import Received
from vigilar_common.clock import Clock
from vigilar_common.messages.alerts import (
    AlertAction,
    AlertAsk,
    AlertCommand,
    AlertQuestion,
    AlertSnoozed,
    ReceiptKind,
    Snooze,
)

from vigilar_alerts.adapters.casebook import Casebook
from vigilar_alerts.adapters.store import Store
from vigilar_alerts.cases import Cases
from vigilar_alerts.domain.decide import Decider
from vigilar_alerts.domain.incidents import Family, Incident
from vigilar_alerts.domain.today import today

log = logging.getLogger("vigilar.alerts.desk")

MAX_REPLY_BYTES = 48_000
"""A reply may have 65,536."""
EVENTS_LISTED = 8
"""Newest events of each alert in a list; the alert itself has all, page by page."""
EVENTS_PAGE = 50
MAX_SNOOZES = 300


class Desk:
    def __init__(self, cases: Cases, store: Store, clock: Clock) -> None:
        self._cases, self._store, self._clock = cases, store, clock

    # -- commands -----------------------------------------------------------------------------------

    def on_command(self, received: Received) -> None:
        command = received.message
        assert isinstance(command, AlertCommand)
        who, method = command.user, "page"
        if command.subscription_id:
            subscription = self._store.subscription(command.subscription_id)
            if subscription is None:
                received.reply(
                    ok=False, code="unknown_device", message="This device is not subscribed any more."
                )
                return
            who, method = f"{subscription.user} ({subscription.device})"[:80], "notification"
        with self._cases.lock:
            match command.action:
                case AlertAction.ACKNOWLEDGE | AlertAction.OPENED:
                    self._receipt(received, command, who, method)
                case AlertAction.SNOOZE:
                    self._snooze(received, command, who, method)
                case AlertAction.UNSNOOZE:
                    self._unsnooze(received, command, who, method)

    def _receipt(self, received: Received, command: AlertCommand, who: str, method: str) -> None:
        cases = self._cases
        incident = cases.incident(command.alert_id) if command.alert_id else None
        if incident is None:
            received.reply(ok=False, code="not_found", message="There is no such alert.")
            return
        message = ""
        if command.action is AlertAction.OPENED:
            known = cases.casebook.receipts(incident.incident_id)
            if not any((one["kind"], one["by"]) == (ReceiptKind.OPENED.value, who) for one in known):
                cases.receipt(incident, ReceiptKind.OPENED, who, method)
        elif incident.acknowledge(who, method, self._clock.now_ms()):
            cases.keep(incident)
            cases.receipt(incident, ReceiptKind.ACKNOWLEDGED, who, method)
            cases.assert_state()
            message = "Acknowledged: it is not told again."
        else:
            message = f"{incident.acknowledged_by} had acknowledged it already."
        item = incident_item(incident, cases.decider, cases.casebook)
        received.reply(ok=True, message=message, data={"alert": item})

    def _snooze(self, received: Received, command: AlertCommand, who: str, method: str) -> None:
        decider = self._cases.decider
        cameras: list[str | None] = [command.camera_id]
        if command.alert_id and command.camera_id is None:
            incident = self._cases.incident(command.alert_id)
            cameras = list(incident.cameras) if incident and incident.cameras else [None]
        for camera_id in cameras:
            if camera_id is not None and decider.config.camera(camera_id) is None:
                received.reply(ok=False, code="not_found", message="There is no such camera.")
                return
        now_ms = self._clock.now_ms()
        made = [decider.holding.snooze(camera_id, command.duration_s, who, now_ms) for camera_id in cameras]
        self._after(received, made, who, method, "Snoozed; critical alerts are told all the same.")

    def _unsnooze(self, received: Received, command: AlertCommand, who: str, method: str) -> None:
        ended = self._cases.decider.holding.unsnooze(command.camera_id)
        over = [Snooze(camera_id=command.camera_id, until_ms=0)] if ended else []
        self._after(
            received, over, who, method, "Alerts are told again." if ended else "It had ended already."
        )

    def _after(self, received: Received, changed: list[Snooze], who: str, method: str, message: str) -> None:
        self._cases.keep()
        self._cases.assert_state()
        for one in changed:
            log.info("alerts of %s snoozed until %d by %s", one.camera_id or "all", one.until_ms, who)
            self._cases.emit(
                AlertSnoozed(camera_id=one.camera_id, until_ms=one.until_ms, by=who, method=method)
            )
        received.reply(ok=True, message=message, data={"snoozes": self._snoozes()})

    # -- questions ----------------------------------------------------------------------------------

    def on_question(self, received: Received) -> None:
        question = received.message
        assert isinstance(question, AlertQuestion)
        try:
            with self._cases.lock:
                found = self._answer(question)
        except sqlite3.Error as error:
            log.error("the casebook cannot be read: %s", error)  # noqa: TRY400 the reason says it all
            received.reply(
                ok=False,
                code="unreadable",
                message="The list of alerts cannot be read; see the log of alerts.",
            )
            return
        if found is None:
            received.reply(ok=False, code="not_found", message="Alerts know nothing of this.")
        else:
            received.reply(ok=True, data=found)

    def _answer(self, question: AlertQuestion) -> dict[str, Any] | None:
        match question.ask:
            case AlertAsk.LIST:
                return self._list(question)
            case AlertAsk.ONE:
                return self._one(question)
            case AlertAsk.EXPLAIN:
                if not question.event_id:
                    return None
                return explanation(question.event_id, self._cases.casebook, self._cases.decider)

    def _list(self, question: AlertQuestion) -> dict[str, Any]:
        cases = self._cases
        incidents, following = cases.casebook.newest(question.limit, question.before)
        items: list[dict[str, Any]] = []
        size = 0
        for incident in incidents:
            # What is in memory is newer than its row while the disk refuses.
            current = cases.decider.incidents.get(incident.incident_id, incident)
            item = incident_item(current, cases.decider, cases.casebook)
            skipped = max(0, current.events - EVENTS_LISTED)
            item["events"] = [
                _short(row) for row in cases.casebook.events_of(incident.incident_id, EVENTS_LISTED, skipped)
            ]
            size += len(json.dumps(item))
            if items and size > MAX_REPLY_BYTES:
                following = f"{items[-1]['opened_ms']}.{items[-1]['alert_id']}"
                break
            items.append(item)
        return {"items": items, "next": following or None, "snoozes": self._snoozes()}

    def _one(self, question: AlertQuestion) -> dict[str, Any] | None:
        incident = self._cases.incident(question.alert_id) if question.alert_id else None
        if incident is None:
            return None
        item = incident_item(incident, self._cases.decider, self._cases.casebook)
        rows = self._cases.casebook.events_of(incident.incident_id, EVENTS_PAGE + 1, question.after)
        item["events"] = [_short(row) for row in rows[:EVENTS_PAGE]]
        item["next"] = question.after + EVENTS_PAGE if len(rows) > EVENTS_PAGE else None
        return item

    def _snoozes(self) -> list[dict[str, Any]]:
        active = self._cases.decider.holding.active(self._clock.now_ms())
        return [one.model_dump(mode="json") for one in active[:MAX_SNOOZES]]


def incident_item(incident: Incident, decider: Decider, casebook: Casebook) -> dict[str, Any]:
    """An alert as pages see it; `events` and what belongs to pages of them is added by who asks."""
    step = decider.next_step(incident)
    return {
        "alert_id": incident.incident_id,
        "family": incident.family.value,
        "title": incident.title,
        "headline": incident.headline(),
        "summary": incident.body(),
        "severity": incident.severity.value,
        "opened_ms": incident.opened_ms,
        "last_ms": incident.last_ms,
        "count": incident.events,
        "cameras": incident.cameras,
        "picture_id": incident.picture_id,
        "lead": incident.lead or None,
        "tellings": incident.tellings,
        "told_ms": incident.told_ms or None,
        "held": incident.held,
        "profile": incident.profile,
        "acknowledged": {
            "by": incident.acknowledged_by,
            "how": incident.acknowledged_how,
            "ts_ms": incident.acknowledged_ms,
        }
        if incident.acknowledged_ms
        else None,
        "escalates_ms": incident.told_ms + step.after_s * 1000 if step else None,
        "steps": incident.step,
        "receipts": casebook.receipts(incident.incident_id),
        "duress": incident.family is Family.DURESS,
    }


def explanation(event_id: str, casebook: Casebook, decider: Decider) -> dict[str, Any] | None:
    """Why an event was told or not, then, and what today's profiles say of it. None: it was never heard of."""
    rows = casebook.explained(event_id)
    if not rows:
        return None
    alert_id = next((row["alert_id"] for row in rows if row["alert_id"]), None)
    incident = casebook.incident(alert_id) if alert_id else None
    return {
        "event_id": event_id,
        "alert_id": alert_id,
        "decisions": [{"ts_ms": row["ts_ms"], "title": row["title"], **row["explanation"]} for row in rows],
        "today": today(rows[0], decider),
        "alert": incident_item(incident, decider, casebook) if incident else None,
    }


def _short(row: dict[str, Any]) -> dict[str, Any]:
    """Without the profiles that were looked at."""
    explained = row["explanation"]
    wanted = ("event_id", "ts_ms", "type", "severity", "title", "camera_id", "sensor_id", "object_class")
    return {name: row[name] for name in wanted} | {"outcome": explained["outcome"], "why": explained["text"]}
