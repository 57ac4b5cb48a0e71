"""Objects are searched by class, and all that was seen by zone."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"

CLASS = "coalesce(end_detail ->> 'object_class', detail ->> 'object_class')"
ZONES = "coalesce(end_detail -> 'zones', zones)"
IN_ZONES = "(type = 'object' OR zones <> '[]')"


def upgrade() -> None:
    for statement in (
        f"CREATE INDEX ix_events_class ON events ({CLASS}, started_ms, id) WHERE type = 'object'",
        f"CREATE INDEX ix_events_camera_class ON events (camera_id, {CLASS}, started_ms, id) WHERE type = 'object'",
        f"CREATE INDEX ix_events_zones ON events (started_ms, id, {ZONES}) WHERE {IN_ZONES}",
        f"CREATE INDEX ix_events_camera_zones ON events (camera_id, started_ms, id, {ZONES}) WHERE {IN_ZONES}",
    ):
        op.execute(statement)
