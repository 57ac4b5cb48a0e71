"""The ledger and its checkpoints. Its statements are frozen in `0002_ledger.sql`, as those of 0001."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    statements = Path(__file__).with_suffix(".sql").read_text("utf-8")
    for statement in statements.split(";\n\n"):
        if statement.strip():
            op.execute(statement.strip().rstrip(";"))
