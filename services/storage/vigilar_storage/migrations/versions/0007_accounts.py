"""Accounts, their credentials and the audit log. The statements are frozen in `0007_accounts.sql`."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    statements = Path(__file__).with_suffix(".sql").read_text("utf-8")
    for statement in statements.split(";\n\n"):
        if statement.strip():
            op.execute(statement.strip().rstrip(";"))
