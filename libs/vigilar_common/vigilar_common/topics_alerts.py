"""Alerts: deliveries, what people do about them, what holds them back. A part of the table in `vigilar_common.topics`."""

from __future__ import annotations

from vigilar_common.messages import alerts
from vigilar_common.topic import Kind, Topic, command, fact

ALERTS_STATE = Topic(
    "vigilar/alerts/state",
    Kind.STATE,
    alerts.AlertsState,
    ("alerts",),
    ("web",),
    "What holds alerts back now: snoozes, quiet hours; how many wait to be acknowledged.",
    65_536,
)
CMD_ALERT = Topic(
    "vigilar/cmd/{sender}/alerts/act",
    Kind.COMMAND,
    alerts.AlertCommand,
    ("web",),
    ("alerts",),
    "Acknowledge an alert, note that it was opened, snooze a camera or all.",
    2_048,
)
CMD_ALERT_ASK = Topic(
    "vigilar/cmd/{sender}/alerts/ask",
    Kind.COMMAND,
    alerts.AlertQuestion,
    ("web",),
    ("alerts",),
    "List alerts with their events; explain one.",
    2_048,
)
ALERT_DELIVERY = fact(
    "vigilar/alerts/delivery", alerts.AlertDelivery, "alerts", ("web", "health"),
    "One attempt and its outcome.",
)  # fmt: skip
ALERT_NOTIFY = Topic(
    "vigilar/alerts/notify", Kind.EVENT, alerts.AlertNotify, ("alerts",), ("home_automation",),
    "An alert for home automation, where `[alerts.mqtt]` is on.",
)  # fmt: skip
PUSH_SUBSCRIBED = fact(
    "vigilar/alerts/push/subscribed", alerts.PushSubscribed, "alerts", (), "A browser was added (log only)."
)
PUSH_REMOVED = fact(
    "vigilar/alerts/push/removed", alerts.PushRemoved, "alerts", ("web",),
    "A subscription was removed, and why.",
)  # fmt: skip
PUSH_INFO = Topic(
    "vigilar/alerts/push/info", Kind.STATE, alerts.PushInfo, ("alerts",), ("web", "health"),
    "What a browser needs to subscribe.",
)  # fmt: skip
CMD_PUSH_SUBSCRIBE = command(
    "alerts/subscribe", alerts.PushSubscribe, ("web",), "alerts", "Add a browser.", 4_096
)
CMD_PUSH_UNSUBSCRIBE = command(
    "alerts/unsubscribe", alerts.PushUnsubscribe, ("web",), "alerts", "Remove a browser.", 4_096
)
CMD_ALERT_TEST = command(
    "alerts/test",
    alerts.AlertTest,
    ("web", "alerts"),
    "alerts",
    "Send a test; as `alerts`: `vigilar alerts test`.",
)
