"""What the house is made of and what happened in it: cameras, sensors, events, the alarm, alerts."""

from __future__ import annotations

import sqlalchemy as sa
from vigilar_common.messages.alarm import ArmAction, ArmState, Severity
from vigilar_common.messages.alerts import Outcome

from vigilar_storage.schema.columns import (
    choice,
    flag,
    index,
    json_text,
    key,
    number,
    real,
    table,
    text,
    time_ms,
)

cameras = table(
    "cameras",
    "Cameras as configured; removed ones stay, because recordings and events name them.",
    key("id", "id in the configuration"),
    text("display_name", "name for people", max_length=120),
    text("location", "where it hangs, as the configuration says", max_length=64),
    flag("enabled", "whether it is used"),
    flag("record_continuous", "records always"),
    flag("record_on_motion", "records when something moves"),
    number("retention_days", "days that recordings are kept"),
    number("width_px", "expected picture width in pixels"),
    number("height_px", "expected picture height in pixels"),
    number("position", "place in the configuration, from 0"),
    time_ms("created_ms", "when it was first seen in the configuration"),
    time_ms("updated_ms", "when its entry last changed"),
    time_ms("removed_ms", "when it left the configuration", optional=True),
)

sensors = table(
    "sensors",
    "Sensors as configured; removed ones stay, because events name them.",
    key("id", "id in the configuration"),
    text("display_name", "name for people", max_length=120),
    text("type", "what it senses, as the configuration says", max_length=64),
    text("protocol", "how it is reached: ZIGBEE, ZWAVE, GPIO", max_length=32),
    text("device_address", "its address in that protocol", max_length=200),
    text("location", "where it is", max_length=120),
    flag("enabled", "whether it is used"),
    number("position", "place in the configuration, from 0"),
    time_ms("created_ms", "when it was first seen in the configuration"),
    time_ms("updated_ms", "when its entry last changed"),
    time_ms("removed_ms", "when it left the configuration", optional=True),
)

sensor_states = table(
    "sensor_states",
    "The newest value of each key of each sensor, and of what is watched like one: power and presence.",
    sa.Column(
        "sensor_id",
        sa.Text,
        primary_key=True,
        nullable=False,
        comment="sensor it belongs to; ups:<id>, person:<name>, household",
    ),
    sa.Column("key", sa.Text, primary_key=True, nullable=False, comment="what is measured, e.g. contact"),
    json_text("value", "the value: a boolean, number or word", empty="null"),
    text("unit", "unit of a number, empty for others", default="", max_length=32),
    flag("known", "whether it was heard since the sensors service started", default=True),
    time_ms("ts_ms", "when it was measured"),
    time_ms("received_ms", "when storage heard of it"),
    index("ix_sensor_states_key", "key", "sensor_id"),
)

OBJECT_CLASS = "coalesce(end_detail ->> 'object_class', detail ->> 'object_class')"
"""What an object is: at its end its class is known best."""
SEEN_ZONES = "coalesce(end_detail -> 'zones', zones)"
"""Where it was: at its end all of its zones are known."""
IS_OBJECT = "type = 'object'"
IN_ZONES = "(type = 'object' OR zones <> '[]')"

events = table(
    "events",
    "What the facts mean to the household, as the events service says. An end may arrive before its beginning.",
    key("id", "UUID of the event"),
    # No list of words here: types are declared in the messages and grow; a CHECK would need a rebuilt table.
    text(
        "type", "what happened, e.g. motion; empty until its beginning arrives", optional=True, max_length=64
    ),
    choice("severity", Severity, "how grave; empty until its beginning arrives", optional=True),
    text("title", "one line for people", default=""),
    text("camera_id", "camera that saw it", optional=True, max_length=64),
    text("sensor_id", "sensor that reported it", optional=True, max_length=64),
    text("cause_id", "fact it was derived from, such as the motion", optional=True, max_length=36),
    text("picture_id", "picture that shows it", optional=True, max_length=36),
    text("recording_id", "recording named with it", optional=True, max_length=36),
    json_text("zones", "names of the zones it happened in", empty="[]"),
    real("score", "strength or confidence, 0 to 1", optional=True, low=0, high=1),
    choice("arm_state", ArmState, "arm state when it began", optional=True),
    json_text("detail", "what else the beginning says"),
    json_text("end_detail", "what else the end says"),
    time_ms("started_ms", "when it began; empty until its beginning arrives", optional=True),
    time_ms("ended_ms", "when it was over", optional=True),
    time_ms("received_ms", "when storage first heard of it"),
    sa.CheckConstraint("started_ms IS NULL OR (type IS NOT NULL AND severity IS NOT NULL)", "opened"),
    sa.CheckConstraint("started_ms IS NOT NULL OR ended_ms IS NOT NULL", "known"),
    index("ix_events_time", "started_ms", "id"),
    index("ix_events_camera", "camera_id", "started_ms", "id"),
    index("ix_events_type", "type", "started_ms", "id"),
    index("ix_events_severity", "severity", "started_ms", "id"),
    index("ix_events_camera_type", "camera_id", "type", "started_ms", "id"),
    index("ix_events_camera_severity", "camera_id", "severity", "started_ms", "id"),
    index("ix_events_sensor", "sensor_id", "started_ms", "id", where="sensor_id IS NOT NULL"),
    index("ix_events_cause", "cause_id", where="cause_id IS NOT NULL"),
    index("ix_events_class", OBJECT_CLASS, "started_ms", "id", where=IS_OBJECT),
    index("ix_events_camera_class", "camera_id", OBJECT_CLASS, "started_ms", "id", where=IS_OBJECT),
    # Which zones there are is the owner's choice: those of a span are read from the index alone.
    index("ix_events_zones", "started_ms", "id", SEEN_ZONES, where=IN_ZONES),
    index("ix_events_camera_zones", "camera_id", "started_ms", "id", SEEN_ZONES, where=IN_ZONES),
)

arm_state_log = table(
    "arm_state_log",
    "Transitions of the alarm, and commands that were refused.",
    key("id", "UUID of the fact"),
    time_ms("ts_ms", "when it happened"),
    choice("outcome", ("changed", "refused"), "what came of the command"),
    choice("from_state", ArmState, "state before; empty when refused", optional=True),
    choice("to_state", ArmState, "state after; empty when refused", optional=True),
    choice("action", ArmAction, "what was asked; empty when changed", optional=True),
    text("changed_by", "who asked", max_length=80),
    text("method", "web, mqtt, rule, presence, restart", max_length=32),
    text("code", "why it was refused; empty when changed", default="", max_length=64),
    text("reason", "what else is known", default=""),
    sa.CheckConstraint(
        "outcome <> 'changed' OR (from_state IS NOT NULL AND to_state IS NOT NULL)", "changed"
    ),
    sa.CheckConstraint("outcome <> 'refused' OR action IS NOT NULL", "refused"),
    index("ix_arm_state_log_time", "ts_ms", "id"),
    index("ix_arm_state_log_state", "to_state", "ts_ms", "id", where="to_state IS NOT NULL"),
    index("ix_arm_state_log_outcome", "outcome", "ts_ms", "id"),
    index("ix_arm_state_log_by", "changed_by", "ts_ms", "id"),
)

alert_log = table(
    "alert_log",
    "One row per attempt to tell one target through one channel.",
    key("id", "UUID of the fact"),
    time_ms("ts_ms", "when the channel answered"),
    text("alert_id", "alert that was to be told; its attempts and updates share it", max_length=36),
    text("event_id", "event it tells of; empty for a test", optional=True, max_length=36),
    text("channel", "web_push, syslog, …", max_length=32),
    text("target", "whom, without secrets", max_length=120),
    number("attempt", "which attempt, from 1", low=1),
    choice("outcome", Outcome, "what came of it"),
    choice("severity", Severity, "how grave the alert is"),
    text("title", "what was said"),
    number("latency_ms", "from the onset of the event to the answer of the channel, ms"),
    number("sent_after_ms", "from the onset of the event to the request on the wire, ms"),
    text("error", "why it failed; empty when it did not", default=""),
    index("ix_alert_log_time", "ts_ms", "id"),
    index("ix_alert_log_event", "event_id", "ts_ms", "id", where="event_id IS NOT NULL"),
    index("ix_alert_log_alert", "alert_id", "ts_ms", "id"),
    index("ix_alert_log_channel", "channel", "ts_ms", "id"),
    index("ix_alert_log_outcome", "outcome", "ts_ms", "id"),
    index("ix_alert_log_severity", "severity", "ts_ms", "id"),
)

push_subscriptions = table(
    "push_subscriptions",
    "Browsers that want notifications. A removed one keeps its row and loses its address and keys.",
    key("id", "UUID of the subscription"),
    text(
        "endpoint", "address at the push service; secret; empty once removed", optional=True, max_length=2048
    ),
    text("p256dh", "public key of the browser, base64url; empty once removed", optional=True, max_length=256),
    text(
        "auth", "shared secret of the browser, base64url; empty once removed", optional=True, max_length=128
    ),
    text("user", "who subscribed", default="", max_length=80),
    text("device", "what the browser calls itself", default="", max_length=200),
    time_ms("created_ms", "when it was added; empty when only its removal was heard", optional=True),
    time_ms("removed_ms", "when it was removed", optional=True),
    text("removed_reason", "why it was removed", optional=True),
    sa.CheckConstraint(
        "removed_ms IS NOT NULL OR (endpoint IS NOT NULL AND p256dh IS NOT NULL AND auth IS NOT NULL)",
        "usable",
    ),
)
