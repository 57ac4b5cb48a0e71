"""Recordings, pictures and gaps: the index of the files under `recordings_dir`."""

from __future__ import annotations

from enum import StrEnum

import sqlalchemy as sa

from vigilar_storage.schema.columns import choice, flag, index, key, number, table, text, time_ms


class RecordingState(StrEnum):
    GROWING = "growing"
    COMPLETE = "complete"
    RECOVERED = "recovered"
    DAMAGED = "damaged"
    DELETING = "deleting"
    DELETED = "deleted"


class PictureState(StrEnum):
    INCOMING = "incoming"
    COMPLETE = "complete"
    DAMAGED = "damaged"
    DELETING = "deleting"
    DELETED = "deleted"


class FileFormat(StrEnum):
    VGE2 = "vge2"
    VGE1 = "vge1"
    """AES-256-CTR without authentication, from the system before; readable, labelled."""
    MP4 = "mp4"
    """Not encrypted (`[storage] encrypt_recordings = false`)."""
    JPEG = "jpeg"


THERE = "state NOT IN ('deleting', 'deleted')"
PRUNABLE = "starred = 0 AND state IN ('complete', 'recovered', 'damaged')"

recordings = table(
    "recordings",
    "One row per recording file; a deleted one stays as a tombstone so that it is never registered again.",
    key("id", "UUIDv7, also the name of the file"),
    text("camera_id", "camera it shows", max_length=64),
    text(
        "stream_id", "connection to the camera; its timestamps are continuous", optional=True, max_length=36
    ),
    text("trigger", "why it was made: motion, continuous, …", optional=True, max_length=32),
    text("cause_id", "motion or other fact that caused it", optional=True, max_length=36),
    text("event_id", "event it belongs to", optional=True, max_length=36),
    text("codec", "video codec", default="", max_length=32),
    text("audio_codec", "audio codec, empty without sound", default="", max_length=32),
    number("width_px", "picture width in pixels, 0 while unknown", default=0),
    number("height_px", "picture height in pixels, 0 while unknown", default=0),
    choice("format", FileFormat, "how the file is written"),
    choice("state", RecordingState, "what can be said of the file"),
    time_ms("started_ms", "first frame"),
    time_ms("ended_ms", "last frame; empty while it grows", optional=True),
    number("duration_ms", "length of the film in ms; empty while it grows", optional=True),
    number("size_bytes", "of the file on disk", optional=True),
    number("plain_bytes", "of the film inside", optional=True),
    text("sha256", "of the file up to its footer, hex", optional=True, max_length=64),
    text("path", "relative to recordings_dir; empty before the first look", optional=True, max_length=400),
    text("reason", "why it ended", default=""),
    text("damage", "what is wrong with the file, empty when nothing is", default=""),
    flag("starred", "kept whatever its age"),
    time_ms("received_ms", "when storage first heard of it"),
    time_ms("finished_ms", "when the worker said that the file is whole", optional=True),
    time_ms("verified_ms", "when storage verified and moved the file", optional=True),
    time_ms("deleted_ms", "when it was deleted", optional=True),
    text("deleted_by", "who deleted it", optional=True, max_length=80),
    text("deleted_reason", "why it was deleted", optional=True),
    sa.CheckConstraint("ended_ms IS NULL OR ended_ms >= started_ms", "order"),
    sa.CheckConstraint("state NOT IN ('complete', 'recovered') OR path IS NOT NULL", "has_file"),
    sa.CheckConstraint("state NOT IN ('deleting', 'deleted') OR deleted_ms IS NOT NULL", "deletion"),
    # Tombstones pile up at the old end, so what is there and what may go have indexes of their own; with what is added
    # up over all of them (SQLite wants the columns of the condition too before it leaves the table alone).
    index("ix_recordings_there", "started_ms", "id", "size_bytes", "state", where=THERE),
    index("ix_recordings_there_camera", "camera_id", "started_ms", "id", where=THERE),
    # Beginning with what is the same in all of them, for SQLite prefers the index that more terms fit.
    index("ix_recordings_prunable", "starred", "started_ms", "id", "size_bytes", "state", where=PRUNABLE),
    index(
        "ix_recordings_prunable_camera",
        *("starred", "camera_id", "started_ms", "id", "ended_ms", "size_bytes", "state"),
        where=PRUNABLE,
    ),
    index("ix_recordings_time", "started_ms", "id"),
    index("ix_recordings_camera", "camera_id", "started_ms", "id"),
    index("ix_recordings_starred", "starred", "started_ms", "id", where="starred = 1"),
    index("ix_recordings_unsettled", "state", where="state IN ('growing', 'deleting')"),
    index("ix_recordings_cause", "cause_id", where="cause_id IS NOT NULL"),
)

pictures = table(
    "pictures",
    "Stored pictures, each a sealed file; deleted with the recording of the same cause.",
    key("id", "UUIDv7, also the name of the file"),
    text("camera_id", "camera it shows", max_length=64),
    text("kind", "what it is for: thumbnail, snapshot, …", max_length=32),
    text("cause_id", "motion it shows", optional=True, max_length=36),
    choice("format", FileFormat, "how the file is written"),
    choice("state", PictureState, "what can be said of the file"),
    number("width_px", "in pixels", default=0),
    number("height_px", "in pixels", default=0),
    number("size_bytes", "of the file on disk", optional=True),
    text("path", "relative to recordings_dir; empty before storage moved it", optional=True, max_length=400),
    text("damage", "what is wrong with the file, empty when nothing is", default=""),
    time_ms("ts_ms", "when it was taken"),
    time_ms("received_ms", "when storage first heard of it"),
    time_ms("deleted_ms", "when it was deleted", optional=True),
    sa.CheckConstraint("state <> 'complete' OR path IS NOT NULL", "has_file"),
    index("ix_pictures_camera", "camera_id", "ts_ms", "id"),
    index("ix_pictures_cause", "cause_id", where="cause_id IS NOT NULL"),
    index("ix_pictures_unsettled", "state", where="state IN ('incoming', 'deleting')"),
)

recording_gaps = table(
    "recording_gaps",
    "Seconds that should have been recorded and were not, and why.",
    key("id", "UUID of the fact that said so"),
    text("camera_id", "camera that is missing", max_length=64),
    time_ms("from_ms", "first missing moment"),
    time_ms("to_ms", "last missing moment"),
    text("reason", "why"),
    text("recording_id", "recording that it interrupts or ends", optional=True, max_length=36),
    time_ms("received_ms", "when storage heard of it"),
    sa.CheckConstraint("to_ms >= from_ms", "order"),
    index("ix_recording_gaps_time", "from_ms", "id"),
    index("ix_recording_gaps_camera", "camera_id", "from_ms", "id"),
)
