"""Deliveries and push subscriptions."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.base import Fact, Message, Text, TimestampMs, Uuid
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
    alert_id: Uuid
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
        description="the checkpoint whose size and root went along, where the channel carries them (syslog)",
    )


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
