"""The first schema: the log of facts, the index of recordings, and the tables of every service.

Its statements are frozen in `0001_first.sql`: a migration must do tomorrow what it did when it was released,
whatever `vigilar_storage.schema` has become by then.
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    statements = Path(__file__).with_suffix(".sql").read_text("utf-8")
    for statement in statements.split(";\n\n"):
        if statement.strip():
            op.execute(statement.strip().rstrip(";"))
