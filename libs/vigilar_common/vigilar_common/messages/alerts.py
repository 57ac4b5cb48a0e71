"""Deliveries and push subscriptions."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.base import Fact, Identifier, Message, Text, TimestampMs, Uuid, Value
from vigilar_common.messages.system import LedgerAnchor


class Outcome(StrEnum):
    DELIVERED = "delivered"
    RETRYING = "retrying"
    FAILED = "failed"
    GONE = "gone"
    """The push service says the subscription no longer exists; it was removed."""


class AlertDelivery(Fact):
    """A row of `alert_log`: one attempt to tell one target through one channel."""

    TYPE: ClassVar[str] = "alert.delivery"
    alert_id: Uuid = Field(description="the incident: all that is told of it has this id")
    update: int = Field(0, ge=0, description="which telling of the alert; 0: the first")
    event_id: Uuid | None = None
    channel: str = Field(max_length=32, description="web_push, syslog, …")
    target: str = Field(
        max_length=120, description="whom, without secrets: subscription id, address, facility"
    )
    attempt: int = Field(ge=1)
    outcome: Outcome
    severity: Severity
    title: Text
    latency_ms: int = Field(ge=0, description="from the event's onset to the answer of the channel")
    sent_after_ms: int = Field(0, ge=0, description="from the event's onset to the request on the wire")
    error: Text = ""
    ledger: LedgerAnchor | None = Field(
        None,
        description="the checkpoint whose size and root went along, where the channel carries them",
    )


class AlertNotify(Message):
    """An alert for home automation, where `[alerts.mqtt]` is on. Fields may be added."""

    alert_id: Uuid
    update: int = Field(0, ge=0, description="0: the first telling; later ones replace it")
    event_id: Uuid | None = None
    severity: Severity
    title: Text
    body: Text = ""
    tag: str = Field(max_length=160, description="what belongs together has the same")
    silent: bool = False
    onset_ms: TimestampMs
    path: str = Field(max_length=200, description="where the page shows it")
    picture_id: Uuid | None = None
    ledger: LedgerAnchor | None = Field(None, description="the newest checkpoint of the ledger")


class PushSubscribe(Message):
    """Command to alerts: a browser wants notifications."""

    endpoint: str = Field(max_length=2048, repr=False)
    p256dh: str = Field(max_length=256, repr=False)
    auth: str = Field(max_length=128, repr=False)
    user: str = Field(max_length=80)
    device: str = Field("", max_length=200, description="what the browser calls itself")


class PushUnsubscribe(Message):
    endpoint: str = Field(max_length=2048, repr=False)
    user: str = Field(max_length=80)


class AlertTest(Message):
    """Command to alerts: send a test notification now."""

    channel: str = Field("web_push", max_length=32)
    user: str = Field(max_length=80)


class PushSubscribed(Fact):
    TYPE: ClassVar[str] = "push.subscribed"
    subscription_id: Uuid
    endpoint: str = Field(max_length=2048, repr=False)
    p256dh: str = Field(max_length=256, repr=False)
    auth: str = Field(max_length=128, repr=False)
    user: str = Field(max_length=80)
    device: str = Field("", max_length=200)


class PushRemoved(Fact):
    TYPE: ClassVar[str] = "push.removed"
    subscription_id: Uuid
    reason: Text


class PushInfo(Message):
    """Retained: what a browser needs to subscribe."""

    public_key: str = Field(max_length=200, description="VAPID application server key, base64url")
    enabled: bool
    subscriptions: int = Field(ge=0)
    last_delivered_ms: TimestampMs = 0
    channels: list[str] = Field(
        default_factory=list, max_length=32, description="that are on, besides the alerts page"
    )


MIN_SNOOZE_S, MAX_SNOOZE_S = 60, 86_400


class ReceiptKind(StrEnum):
    OPENED = "opened"
    ACKNOWLEDGED = "acknowledged"
    ESCALATED = "escalated"
    """Nobody acknowledged in time: it was told again."""


class AlertReceipt(Fact):
    """What became of an alert after it was told: seen, dealt with, or escalated because it was not."""

    TYPE: ClassVar[str] = "alert.receipt"
    alert_id: Uuid
    kind: ReceiptKind
    by: str = Field(max_length=80, description="who; of an escalation the step's name")
    method: str = Field(max_length=32, description="page, notification, disarmed, timer")
    title: Text = ""


class AlertSnoozed(Fact):
    """Alerts of one camera, or all, are held back until then, critical ones excepted; 0: no longer."""

    TYPE: ClassVar[str] = "alert.snoozed"
    camera_id: Identifier | None = Field(None, description="null: all")
    until_ms: TimestampMs
    by: str = Field(max_length=80)
    method: str = Field(max_length=32, description="page, notification")


class Snooze(Value):
    camera_id: Identifier | None = Field(None, description="null: all")
    until_ms: TimestampMs
    by: str = Field("", max_length=80)


class AlertsState(Message):
    """Retained: what holds alerts back now, and how many wait for somebody to acknowledge them."""

    snoozes: list[Snooze] = Field(default_factory=list, max_length=300)
    quiet: bool = Field(False, description="quiet hours: only critical alerts are sent")
    unacknowledged: int = Field(0, ge=0, description="alerts that escalate unless somebody acknowledges")
    held_back: int = Field(0, ge=0, description="alerts for the next digest or summary")


class AlertAction(StrEnum):
    ACKNOWLEDGE = "acknowledge"
    SNOOZE = "snooze"
    UNSNOOZE = "unsnooze"
    OPENED = "opened"


class AlertCommand(Message):
    """Command to alerts. The reply's `data` is the alert (acknowledge, opened) or `{snoozes}`."""

    action: AlertAction
    alert_id: Uuid | None = Field(None, description="of acknowledge and opened")
    camera_id: Identifier | None = Field(None, description="of snooze and unsnooze; null: all")
    duration_s: int = Field(3600, ge=MIN_SNOOZE_S, le=MAX_SNOOZE_S, description="of snooze")
    user: str = Field("", max_length=80, description="who is logged in")
    subscription_id: Uuid | None = Field(
        None, description="the device whose notification it came from; its owner is who did it"
    )


class AlertAsk(StrEnum):
    LIST = "list"
    ONE = "one"
    EXPLAIN = "explain"


class AlertQuestion(Message):
    """Question to alerts. `list`: `{items, next, snoozes}`, newest first; `one`: an alert with its events from `after` on;
    `explain`: why an event was told or not, then and by today's profiles."""

    ask: AlertAsk
    alert_id: Uuid | None = None
    event_id: Uuid | None = None
    before: str = Field("", max_length=80, description="of list: the cursor of the page before")
    after: int = Field(0, ge=0, le=1_000_000, description="of one: how many events to leave out")
    limit: int = Field(20, ge=1, le=50)
