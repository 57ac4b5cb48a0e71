"""An alert is told more than once: its attempts are read by its id."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute("CREATE INDEX ix_alert_log_alert ON alert_log (alert_id, ts_ms, id)")
