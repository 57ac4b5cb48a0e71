"""What the timeline and the review of events need: who has looked, how many there are, what is searched again."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from vigilar_storage.schema.columns import METADATA, index, key, number, table, text, time_ms

event_reviews = table(
    "event_reviews",
    "Whether somebody of the household has looked at an event, who, and when. An event of before this table has no row.",
    key("event_id", "the event"),
    text("camera_id", "its camera; empty for none", default="", max_length=64),
    time_ms("started_ms", "when the event began"),
    time_ms("reviewed_ms", "when it was looked at; empty until then", optional=True),
    text("reviewed_by", "who looked", default="", max_length=80),
    index("ix_event_reviews_open", "started_ms", "event_id", where="reviewed_ms IS NULL"),
    index("ix_event_reviews_camera_open", "camera_id", "started_ms", "event_id", where="reviewed_ms IS NULL"),
    index("ix_event_reviews_done", "reviewed_ms", "event_id", where="reviewed_ms IS NOT NULL"),
)

LEVELS_MS = (300_000, 1_800_000, 10_800_000)
"""Lengths of the slots that events are counted in."""

event_counts = table(
    "event_counts",
    "How many events began in each slot of time, by camera, kind and severity. Kept by triggers on `events`.",
    sa.Column("level_ms", sa.Integer, primary_key=True, nullable=False, comment="length of the slot, ms"),
    sa.Column(
        "slot_ms", sa.Integer, primary_key=True, nullable=False, comment="its begin; UTC ms since 1970"
    ),
    sa.Column(
        "camera_id", sa.Text, primary_key=True, nullable=False, comment="camera; empty for those of the house"
    ),
    sa.Column(
        "kind", sa.Text, primary_key=True, nullable=False, comment="class of an object, type of anything else"
    ),
    sa.Column("severity", sa.Text, primary_key=True, nullable=False, comment="how grave"),
    number("n", "events that began in it"),
    sqlite_with_rowid=False,
)

saved_searches = table(
    "saved_searches",
    "Words that somebody searches again and again.",
    key("id", "UUID"),
    text("owner", "whose it is", max_length=80),
    text("name", "what it is called", max_length=80),
    text("words", "what is searched for, as it was typed", max_length=300),
    time_ms("created_ms", "when it was kept"),
    index("ix_saved_searches_owner", "owner", "created_ms", "id"),
)

KIND = (
    "CASE {row}type WHEN 'object' THEN "
    "coalesce({row}end_detail ->> 'object_class', {row}detail ->> 'object_class', 'object') ELSE {row}type END"
)
"""What the timeline calls an event; `row` is a prefix."""


def _count(row: str, sign: str) -> str:
    values = ", ".join(
        f"({level}, {row}.started_ms - {row}.started_ms % {level}, coalesce({row}.camera_id, ''), "
        f"{KIND.format(row=row + '.')}, {row}.severity, 1)"
        for level in LEVELS_MS
    )
    if sign == "+":
        head = "INSERT INTO event_counts (level_ms, slot_ms, camera_id, kind, severity, n) VALUES "
        return f"{head}{values} ON CONFLICT (level_ms, slot_ms, camera_id, kind, severity) DO UPDATE SET n = n + 1;"
    keys = values.replace(", 1)", ")")
    return f"UPDATE event_counts SET n = n - 1 WHERE (level_ms, slot_ms, camera_id, kind, severity) IN (VALUES {keys});"  # noqa: S608 only constants of this module


_OLD, _NEW = KIND.format(row="old."), KIND.format(row="new.")
TRIGGERS = (
    f"CREATE TRIGGER events_counted AFTER INSERT ON events WHEN new.started_ms IS NOT NULL BEGIN {_count('new', '+')} END",
    "CREATE TRIGGER events_counted_anew AFTER UPDATE ON events WHEN new.started_ms IS NOT NULL AND "
    f"(old.started_ms IS NOT new.started_ms OR old.severity IS NOT new.severity OR old.camera_id IS NOT new.camera_id "
    f"OR {_OLD} IS NOT {_NEW}) BEGIN {_count('new', '+')} END",
    "CREATE TRIGGER events_uncounted AFTER UPDATE ON events WHEN old.started_ms IS NOT NULL AND "
    f"(old.started_ms IS NOT new.started_ms OR old.severity IS NOT new.severity OR old.camera_id IS NOT new.camera_id "
    f"OR {_OLD} IS NOT {_NEW}) BEGIN {_count('old', '-')} END",
    f"CREATE TRIGGER events_gone AFTER DELETE ON events WHEN old.started_ms IS NOT NULL BEGIN {_count('old', '-')} END",
)


@sa.event.listens_for(METADATA, "after_create")
def _triggers(_target: sa.MetaData, connection: sa.Connection, **_: Any) -> None:
    for statement in TRIGGERS:
        connection.exec_driver_sql(statement)
