"""The log of facts, what was refused, and what storage knows about itself."""

from __future__ import annotations

from enum import StrEnum

import sqlalchemy as sa
from vigilar_common.messages.alarm import Severity

from vigilar_storage.schema.columns import (
    choice,
    index,
    json_text,
    key,
    number,
    table,
    text,
    time_ms,
)

meta = table(
    "meta",
    "What this database is: `epoch` (a UUID, new after a restore), `database_uuid`, `created_ms`.",
    key("name", "what"),
    text("value", "its value"),
)

SENSOR_OF_FACT = ("body ->> 'sensor_id'", "body ->> 'key'")
SENSOR_FACTS = "type IN ('sensor.changed', 'sensor.reading')"


class HouseType(StrEnum):
    """What is shown by time although it has no table of its own: the log is its history."""

    HOUSEHOLD_CHANGED = "household.changed"
    POWER_CHANGED = "power.changed"
    POWER_READING = "power.reading"
    POWER_SHUTDOWN = "power.shutdown"
    PRESENCE_CHANGED = "presence.changed"
    TIMELAPSE_MADE = "timelapse.made"


_HOUSE = ", ".join(f"'{kind}'" for kind in HouseType)
HOUSE_FACTS = f"type IN ({_HOUSE})"
facts = table(
    "facts",
    "The canonical log: everything that services said happened, in the order of commit.",
    sa.Column("n", sa.Integer, primary_key=True, comment="commit number: the cursor of the feed"),
    text("source", "service or camera worker that says so", max_length=80),
    number("seq", "the source's own count; orders the facts of one source"),
    text("id", "UUID of the fact; a repeat is recognised by it", max_length=36),
    text("type", "declared fact type, such as motion.started", max_length=64),
    time_ms("ts_ms", "when it happened"),
    time_ms("received_ms", "when storage took it"),
    text("body", "the fact without id, seq and source; JSON", max_length=262_144),
    sa.CheckConstraint("length(id) = 36", "id_length"),
    index("uq_facts_id", "id", unique=True),
    index("ix_facts_type", "type", "n"),
    index("ix_facts_sensor", *SENSOR_OF_FACT, "ts_ms", "n", where=SENSOR_FACTS),
    index("ix_facts_house", "type", "ts_ms", "n", where=HOUSE_FACTS),
    sqlite_autoincrement=True,
)

rejected_facts = table(
    "rejected_facts",
    "Facts that storage refused, so that nothing vanishes: unknown type or version, bad content, no right.",
    sa.Column("n", sa.Integer, primary_key=True, comment="order of refusal"),
    text("source", "service that sent it", max_length=80),
    number("seq", "its count, when it was a number", optional=True),
    text("fact_id", "its id as sent, cut to 80 characters", max_length=80),
    text("type", "its type as sent, cut to 64 characters", max_length=64),
    text("reason", "why it was refused", max_length=500),
    time_ms("first_ms", "first time it was refused"),
    time_ms("last_ms", "last time it was refused"),
    number("tries", "how often it was sent", low=1),
    text("body", "its content as sent, cut to 16384 characters", max_length=16_384),
    index("uq_rejected_facts_fact", "source", "fact_id", unique=True),
    sqlite_autoincrement=True,
)

system_events = table(
    "system_events",
    "What the operator should read about Vigilar itself, from every service.",
    key("id", "UUID of the fact"),
    time_ms("ts_ms", "when it happened"),
    text("source", "service that says so", max_length=80),
    text("component", "part that it is about", max_length=80),
    choice("level", Severity, "how grave"),
    text("code", "stable word for programs", max_length=64),
    text("message", "one sentence for people"),
    index("ix_system_events_time", "ts_ms", "id"),
    index("ix_system_events_level", "level", "ts_ms", "id"),
    index("ix_system_events_component", "component", "ts_ms", "id"),
)

settings_history = table(
    "settings_history",
    "Every change of settings made through the API; secrets are redacted.",
    sa.Column("n", sa.Integer, primary_key=True, comment="order of change"),
    time_ms("ts_ms", "when it was made"),
    text("actor", "who made it", max_length=80),
    text("revision", "revision of the effective configuration after it", max_length=64),
    json_text("changes", "key path to new value, secrets as '***'"),
    sqlite_autoincrement=True,
)
