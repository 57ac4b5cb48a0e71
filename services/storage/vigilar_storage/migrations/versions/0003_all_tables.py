"""Columns and indexes that the tables of pets, people, parcels and timelapses need to be written and read.

SQLite cannot put a checked column into a table: each changed one is made anew and its rows are copied. The statements
are frozen in `0003_all_tables.sql`, tables first.
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"

REBUILT = (
    "pets", "package_events", "pet_sightings", "timelapse_schedules", "wildlife_sightings", "face_profiles",
    "face_embeddings", "pet_rules", "pet_training_images",
)  # fmt: skip


def upgrade() -> None:
    connection = op.get_bind()
    # References of other tables are to go on meaning the table of this name, not the one that is put aside.
    connection.exec_driver_sql("PRAGMA legacy_alter_table=ON")
    for table in REBUILT:
        connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO {table}_before")
    statements = Path(__file__).with_suffix(".sql").read_text("utf-8").split(";\n\n")
    for statement in statements[: len(REBUILT)]:
        connection.exec_driver_sql(statement)
    for table in REBUILT:
        names = ", ".join(row[1] for row in connection.exec_driver_sql(f"PRAGMA table_info({table}_before)"))
        connection.exec_driver_sql(f"INSERT INTO {table} ({names}) SELECT {names} FROM {table}_before")  # noqa: S608
        connection.exec_driver_sql(f"DROP TABLE {table}_before")
    for statement in statements[len(REBUILT) :]:
        connection.exec_driver_sql(statement.strip().rstrip(";"))
    connection.exec_driver_sql("PRAGMA legacy_alter_table=OFF")
