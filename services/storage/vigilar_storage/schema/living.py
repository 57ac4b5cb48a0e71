"""Pets, wildlife, people, parcels and timelapses.

What is removed stays as a tombstone (`removed_ms`), so that a fact that comes late does not bring it back.
"""

from __future__ import annotations

import sqlalchemy as sa
from vigilar_common.messages.animals import Light, Origin, ThreatLevel
from vigilar_common.messages.packages import Collector, PackageState

from vigilar_storage.schema.columns import (
    choice,
    flag,
    index,
    json_text,
    key,
    number,
    real,
    reference,
    sealed,
    table,
    text,
    time_ms,
)

CURRENT = "removed_ms IS NULL"

pets = table(
    "pets",
    "Known pets.",
    key("id", "UUID"),
    text("name", "what it is called", max_length=80),
    text("species", "dog, cat, …", max_length=40),
    text("breed", "breed, empty when unknown", default="", max_length=80),
    text("picture_id", "picture that shows it best", optional=True, max_length=36),
    number("training_count", "pictures it was learnt from", default=0),
    time_ms("created_ms", "when it was added"),
    time_ms("updated_ms", "when it last changed", default=0),
    time_ms("removed_ms", "when it was removed", optional=True),
    index("ix_pets_current", "created_ms", "id", where=CURRENT),
)

pet_sightings = table(
    "pet_sightings",
    "Moments in which a pet was seen.",
    key("id", "UUID of the fact"),
    time_ms("ts_ms", "when it was seen"),
    text("camera_id", "camera that saw it", max_length=64),
    text("pet_id", "which pet; empty when not recognised", optional=True, max_length=36),
    text("species", "what was seen", max_length=40),
    real("confidence", "of the recognition, 0 to 1", low=0, high=1),
    text("track_id", "moments of one passage share it", optional=True, max_length=36),
    text("event_id", "event it belongs to", optional=True, max_length=36),
    text("picture_id", "the cut-out picture", optional=True, max_length=36),
    text("recording_id", "recording that shows it", optional=True, max_length=36),
    text("zone", "zone it was in, empty outside all", default="", max_length=80),
    index("ix_pet_sightings_time", "ts_ms", "id"),
    index("ix_pet_sightings_pet", "pet_id", "ts_ms", "id", where="pet_id IS NOT NULL"),
    index("ix_pet_sightings_camera", "camera_id", "ts_ms", "id"),
    index("ix_pet_sightings_species", "species", "ts_ms", "id"),
    index("ix_pet_sightings_event", "event_id", "ts_ms", "id", where="event_id IS NOT NULL"),
)

wildlife_sightings = table(
    "wildlife_sightings",
    "Moments in which a wild animal was seen.",
    key("id", "UUID of the fact"),
    time_ms("ts_ms", "when it was seen"),
    text("camera_id", "camera that saw it", max_length=64),
    text("species", "what was seen", max_length=80),
    choice("threat_level", ThreatLevel, "to people and pets"),
    real("confidence", "of the recognition, 0 to 1", low=0, high=1),
    choice("light", Light, "part of the day", optional=True),
    text("track_id", "moments of one passage share it", optional=True, max_length=36),
    real("temperature_c", "outside, degrees Celsius", optional=True, low=-100, high=100),
    text("conditions", "weather in words, empty when unknown", default="", max_length=120),
    text("event_id", "event it belongs to", optional=True, max_length=36),
    text("picture_id", "the cut-out picture", optional=True, max_length=36),
    text("recording_id", "recording that shows it", optional=True, max_length=36),
    index("ix_wildlife_sightings_time", "ts_ms", "id"),
    index("ix_wildlife_sightings_species", "species", "ts_ms", "id"),
    index("ix_wildlife_sightings_camera", "camera_id", "ts_ms", "id"),
    index("ix_wildlife_sightings_threat", "threat_level", "ts_ms", "id"),
)

package_events = table(
    "package_events",
    "Parcels at the door, from delivery to collection.",
    key("id", "UUID of the parcel"),
    text("camera_id", "camera that saw it", max_length=64),
    choice("state", PackageState, "how far it is"),
    time_ms("detected_ms", "when it was put down"),
    time_ms("reminded_ms", "when the household was last reminded", optional=True),
    time_ms("collected_ms", "when it was gone", optional=True),
    text("event_id", "event of its delivery", optional=True, max_length=36),
    text("picture_id", "picture of it", optional=True, max_length=36),
    json_text("box", "where it lies in the picture: x, y, w, h, each 0 to 1"),
    text("zone", "zone it lies in, empty outside all", default="", max_length=80),
    choice("collected_by", Collector, "who took it; empty while it lies there", optional=True),
    index("ix_package_events_time", "detected_ms", "id"),
    index("ix_package_events_state", "state", "detected_ms", "id"),
    index("ix_package_events_camera", "camera_id", "detected_ms", "id"),
)

pet_training_images = table(
    "pet_training_images",
    "Pictures staged for learning which pet is which.",
    key("id", "UUID"),
    reference("pets.id", "pet_id", "pet it shows"),
    text("picture_id", "the picture", max_length=36),
    choice("origin", Origin, "where it comes from"),
    flag("used", "whether the running model learnt from it"),
    text("model", "name and version of the model that made the vector", default="", max_length=120),
    sealed(
        "vector",
        "feature vector, encrypted with a key that only the pets service has; empty once removed",
        optional=True,
    ),
    time_ms("created_ms", "when it was staged"),
    time_ms("updated_ms", "when it last changed", default=0),
    time_ms("removed_ms", "when it was rejected", optional=True),
    sa.CheckConstraint("removed_ms IS NOT NULL OR vector IS NOT NULL", "usable"),
    index("ix_pet_training_images_current", "created_ms", "id", where=CURRENT),
    index("ix_pet_training_images_pet", "pet_id", "created_ms", "id", where=CURRENT),
)

pet_rules = table(
    "pet_rules",
    "What to do when a pet does something.",
    key("id", "UUID"),
    reference("pets.id", "pet_id", "pet it is about; empty for any", optional=True),
    text("name", "what the rule is called", max_length=120),
    json_text("conditions", "what must hold", empty="[]"),
    json_text("actions", "what then happens", empty="[]"),
    number("cooldown_s", "before it may act again, seconds", default=60),
    number("priority", "higher ones are asked first", default=0, low=-1000, high=1000),
    flag("enabled", "whether it is asked", default=True),
    time_ms("created_ms", "when it was made"),
    time_ms("updated_ms", "when it last changed"),
    time_ms("removed_ms", "when it was removed", optional=True),
    index("ix_pet_rules_current", "created_ms", "id", where=CURRENT),
    index("ix_pet_rules_pet", "pet_id", "created_ms", "id", where=CURRENT),
)

face_profiles = table(
    "face_profiles",
    "Known and unknown faces.",
    key("id", "UUID"),
    text("name", "name of the person; empty while unknown", default="", max_length=120),
    flag("household", "whether the person lives here"),
    flag("ignored", "whether visits are not to be told"),
    number("visit_count", "visits so far", default=0),
    text("picture_id", "picture that shows the person best", optional=True, max_length=36),
    time_ms("first_seen_ms", "first visit"),
    time_ms("last_seen_ms", "newest visit"),
    time_ms("updated_ms", "when it last changed", default=0),
    time_ms("removed_ms", "when the profile was merged or forgotten", optional=True),
    text("merged_into", "profile that took it over", optional=True, max_length=36),
    index("ix_face_profiles_seen", "last_seen_ms", "id", where=CURRENT),
    index("ix_face_profiles_named", "(name = '')", "last_seen_ms", "id", where=CURRENT),
    index("ix_face_profiles_household", "household", "last_seen_ms", "id", where=CURRENT),
    index("ix_face_profiles_merged", "merged_into", where="merged_into IS NOT NULL"),
)

face_embeddings = table(
    "face_embeddings",
    "Face vectors of a profile.",
    key("id", "UUID"),
    reference("face_profiles.id", "profile_id", "profile it belongs to"),
    sealed(
        "vector",
        "face vector, encrypted with a key that only the visitors service has; empty once removed",
        optional=True,
    ),
    text("model", "name and version of the model that made it", max_length=120),
    real("quality", "of the picture it was made from, 0 to 1", low=0, high=1),
    text("picture_id", "picture it was made from", optional=True, max_length=36),
    time_ms("created_ms", "when it was made"),
    time_ms("updated_ms", "when it last changed", default=0),
    time_ms("removed_ms", "when it was thrown away", optional=True),
    sa.CheckConstraint("removed_ms IS NOT NULL OR vector IS NOT NULL", "usable"),
    index("ix_face_embeddings_current", "created_ms", "id", where=CURRENT),
    index("ix_face_embeddings_profile", "profile_id", "created_ms", "id"),
    index("ix_face_embeddings_model", "model", "created_ms", "id", where=CURRENT),
)

visits = table(
    "visits",
    "One row per visit of a recognised face.",
    key("id", "UUID"),
    reference("face_profiles.id", "profile_id", "who came"),
    text("camera_id", "camera that saw the person", max_length=64),
    time_ms("arrived_ms", "first seen"),
    time_ms("left_ms", "last seen; empty while the visit lasts", optional=True),
    real("confidence", "of the recognition, 0 to 1", low=0, high=1),
    text("event_id", "event it belongs to", optional=True, max_length=36),
    text("picture_id", "best picture of the visit", optional=True, max_length=36),
    index("ix_visits_time", "arrived_ms", "id"),
    index("ix_visits_profile", "profile_id", "arrived_ms", "id"),
    index("ix_visits_camera", "camera_id", "arrived_ms", "id"),
    index("ix_visits_open", "(left_ms IS NULL)", "arrived_ms", "id"),
    index("ix_visits_event", "event_id", "arrived_ms", "id", where="event_id IS NOT NULL"),
)

timelapse_schedules = table(
    "timelapse_schedules",
    "Which timelapses are made of which camera, and when.",
    key("id", "UUID"),
    text("camera_id", "camera it shows", max_length=64),
    text("name", "what it is called", max_length=120),
    text(
        "start_time",
        "first picture of the day: HH:MM in the configured time zone, or sunrise or sunset with minutes more or less",
        max_length=16,
    ),
    text("end_time", "last picture of the day, told in the same way", max_length=16),
    json_text("days", "days of the week, 0 is Monday", empty="[0,1,2,3,4,5,6]"),
    number("interval_s", "between two pictures, seconds", low=1),
    number("fps", "pictures per second of the film", low=1, high=60),
    number("retention_days", "days that its films are kept", low=1, default=30),
    flag("enabled", "whether it is made", default=True),
    time_ms("created_ms", "when it was set up"),
    time_ms("updated_ms", "when it last changed", default=0),
    time_ms("last_run_ms", "when it was last made", optional=True),
    time_ms("removed_ms", "when it was removed", optional=True),
    index("ix_timelapse_schedules_current", "created_ms", "id", where=CURRENT),
    index("ix_timelapse_schedules_camera", "camera_id", "created_ms", "id", where=CURRENT),
)
