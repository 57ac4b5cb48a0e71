"""What the owner says of objects, and which were never told because of it."""

from __future__ import annotations

from vigilar_common.messages.objects import Verdict

from vigilar_storage.schema.columns import choice, flag, index, key, real, table, text, time_ms

object_verdicts = table(
    "object_verdicts",
    "Objects that the owner marked, and those that were never told because of marks and masks.",
    key("id", "UUID of the track"),
    text("camera_id", "camera that saw it", max_length=64),
    text("event_id", "its event; of a suppressed one there is none", max_length=36),
    text("object_class", "what it was taken for", max_length=40),
    choice("verdict", Verdict, "what the owner says of it"),
    flag("learnt", "whether the camera keeps how it looks"),
    text("marked_by", "who said so", default="", max_length=80),
    time_ms("marked_ms", "when it was said", optional=True),
    flag("suppressed", "whether it was never told"),
    text("mask", "mask it stood in; empty for what was like a mark", default="", max_length=120),
    text("marked_track_id", "marked object that it is like", optional=True, max_length=36),
    real("likeness", "how near it is to that", optional=True, low=-1, high=1),
    real("confidence", "how sure the detector was", optional=True, low=0, high=1),
    time_ms("seen_ms", "when it came into sight"),
    index("ix_object_verdicts_camera", "camera_id", "seen_ms", "id"),
    index("ix_object_verdicts_event", "event_id"),
)
