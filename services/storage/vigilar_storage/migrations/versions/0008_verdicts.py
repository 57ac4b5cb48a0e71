"""What the owner says of objects, and which were never told because of it."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"

TABLE = """
CREATE TABLE object_verdicts (
    id TEXT NOT NULL CONSTRAINT ck_object_verdicts_id CHECK (length(id) BETWEEN 1 AND 80),
    camera_id TEXT NOT NULL CONSTRAINT ck_object_verdicts_camera_id CHECK (length(camera_id) <= 64),
    event_id TEXT NOT NULL CONSTRAINT ck_object_verdicts_event_id CHECK (length(event_id) <= 36),
    object_class TEXT NOT NULL CONSTRAINT ck_object_verdicts_object_class CHECK (length(object_class) <= 40),
    verdict TEXT NOT NULL CONSTRAINT ck_object_verdicts_verdict CHECK (verdict IN ('wrong', 'right', 'none')),
    learnt INTEGER DEFAULT 0 NOT NULL CONSTRAINT ck_object_verdicts_learnt CHECK (learnt IN (0, 1)),
    marked_by TEXT DEFAULT '' NOT NULL CONSTRAINT ck_object_verdicts_marked_by CHECK (length(marked_by) <= 80),
    marked_ms INTEGER CONSTRAINT ck_object_verdicts_marked_ms CHECK (marked_ms BETWEEN 0 AND 281474976710655),
    suppressed INTEGER DEFAULT 0 NOT NULL CONSTRAINT ck_object_verdicts_suppressed CHECK (suppressed IN (0, 1)),
    mask TEXT DEFAULT '' NOT NULL CONSTRAINT ck_object_verdicts_mask CHECK (length(mask) <= 120),
    marked_track_id TEXT CONSTRAINT ck_object_verdicts_marked_track_id CHECK (length(marked_track_id) <= 36),
    likeness REAL CONSTRAINT ck_object_verdicts_likeness CHECK (likeness BETWEEN -1 AND 1),
    confidence REAL CONSTRAINT ck_object_verdicts_confidence CHECK (confidence BETWEEN 0 AND 1),
    seen_ms INTEGER NOT NULL CONSTRAINT ck_object_verdicts_seen_ms CHECK (seen_ms BETWEEN 0 AND 281474976710655),
    CONSTRAINT pk_object_verdicts PRIMARY KEY (id)
) STRICT
"""


def upgrade() -> None:
    op.execute(TABLE)
    op.execute("CREATE INDEX ix_object_verdicts_camera ON object_verdicts (camera_id, seen_ms, id)")
    op.execute("CREATE INDEX ix_object_verdicts_event ON object_verdicts (event_id)")
