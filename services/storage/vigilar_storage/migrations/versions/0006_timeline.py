"""Events are reviewed, counted for the timeline, and searched again by saved words.

What is there already is counted; it counts as looked at. The statements are frozen in `0006_timeline.sql`.
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0006"
down_revision = "0005"

KIND = (
    "CASE type WHEN 'object' THEN coalesce(end_detail ->> 'object_class', detail ->> 'object_class', 'object') "
    "ELSE type END"
)


def upgrade() -> None:
    connection = op.get_bind()
    for statement in Path(__file__).with_suffix(".sql").read_text("utf-8").split("\n-- next\n"):
        connection.exec_driver_sql(statement.strip())
    for level in (300_000, 1_800_000, 10_800_000):
        connection.exec_driver_sql(
            "INSERT INTO event_counts (level_ms, slot_ms, camera_id, kind, severity, n) "  # noqa: S608 only constants
            f"SELECT {level}, started_ms - started_ms % {level}, coalesce(camera_id, ''), {KIND}, severity, count(*) "
            "FROM events WHERE started_ms IS NOT NULL GROUP BY 1, 2, 3, 4, 5"
        )
