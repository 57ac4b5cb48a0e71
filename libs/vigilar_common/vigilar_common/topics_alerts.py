"""What people do about alerts, and what holds alerts back. A part of the table in `vigilar_common.topics`."""

from __future__ import annotations

from vigilar_common.messages import alerts
from vigilar_common.topic import Kind, Topic

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
