"""Every table, once: name, columns with units, checks, indexes and what each is for.

`docs/reference/tables.md` is generated from here; the migrations in `vigilar_storage/migrations` lead to the same
schema, which a test compares statement by statement.
"""

from vigilar_storage.schema.columns import METADATA
from vigilar_storage.schema.house import (
    alert_log,
    arm_state_log,
    cameras,
    events,
    push_subscriptions,
    sensor_states,
    sensors,
)
from vigilar_storage.schema.ledger import ledger, ledger_checkpoints
from vigilar_storage.schema.living import (
    face_embeddings,
    face_profiles,
    package_events,
    pet_rules,
    pet_sightings,
    pet_training_images,
    pets,
    timelapse_schedules,
    visits,
    wildlife_sightings,
)
from vigilar_storage.schema.log import facts, meta, rejected_facts, settings_history, system_events
from vigilar_storage.schema.media import (
    FileFormat,
    PictureState,
    RecordingState,
    pictures,
    recording_gaps,
    recordings,
)
from vigilar_storage.schema.people import accounts, audit_log, credentials
from vigilar_storage.schema.review import event_counts, event_reviews, saved_searches
from vigilar_storage.schema.verdicts import object_verdicts

__all__ = [
    "METADATA",
    "FileFormat",
    "PictureState",
    "RecordingState",
    "accounts",
    "alert_log",
    "arm_state_log",
    "audit_log",
    "cameras",
    "credentials",
    "event_counts",
    "event_reviews",
    "events",
    "face_embeddings",
    "face_profiles",
    "facts",
    "ledger",
    "ledger_checkpoints",
    "meta",
    "object_verdicts",
    "package_events",
    "pet_rules",
    "pet_sightings",
    "pet_training_images",
    "pets",
    "pictures",
    "push_subscriptions",
    "recording_gaps",
    "recordings",
    "rejected_facts",
    "saved_searches",
    "sensor_states",
    "sensors",
    "settings_history",
    "system_events",
    "timelapse_schedules",
    "visits",
    "wildlife_sightings",
]
