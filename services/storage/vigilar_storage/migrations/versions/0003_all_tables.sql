CREATE TABLE face_profiles (
    id TEXT NOT NULL CONSTRAINT ck_face_profiles_id CHECK (length(id) BETWEEN 1 AND 80),
    name TEXT DEFAULT '' NOT NULL CONSTRAINT ck_face_profiles_name CHECK (length(name) <= 120),
    household INTEGER DEFAULT 0 NOT NULL CONSTRAINT ck_face_profiles_household CHECK (household IN (0, 1)),
    ignored INTEGER DEFAULT 0 NOT NULL CONSTRAINT ck_face_profiles_ignored CHECK (ignored IN (0, 1)),
    visit_count INTEGER DEFAULT 0 NOT NULL CONSTRAINT ck_face_profiles_visit_count CHECK (visit_count >= 0),
    picture_id TEXT CONSTRAINT ck_face_profiles_picture_id CHECK (length(picture_id) <= 36),
    first_seen_ms INTEGER NOT NULL CONSTRAINT ck_face_profiles_first_seen_ms CHECK (first_seen_ms BETWEEN 0 AND 281474976710655),
    last_seen_ms INTEGER NOT NULL CONSTRAINT ck_face_profiles_last_seen_ms CHECK (last_seen_ms BETWEEN 0 AND 281474976710655),
    updated_ms INTEGER DEFAULT 0 NOT NULL CONSTRAINT ck_face_profiles_updated_ms CHECK (updated_ms BETWEEN 0 AND 281474976710655),
    removed_ms INTEGER CONSTRAINT ck_face_profiles_removed_ms CHECK (removed_ms BETWEEN 0 AND 281474976710655),
    merged_into TEXT CONSTRAINT ck_face_profiles_merged_into CHECK (length(merged_into) <= 36),
    CONSTRAINT pk_face_profiles PRIMARY KEY (id)
)
 STRICT

;

CREATE TABLE package_events (
    id TEXT NOT NULL CONSTRAINT ck_package_events_id CHECK (length(id) BETWEEN 1 AND 80),
    camera_id TEXT NOT NULL CONSTRAINT ck_package_events_camera_id CHECK (length(camera_id) <= 64),
    state TEXT NOT NULL CONSTRAINT ck_package_events_state CHECK (state IN ('detected', 'reminded', 'collected')),
    detected_ms INTEGER NOT NULL CONSTRAINT ck_package_events_detected_ms CHECK (detected_ms BETWEEN 0 AND 281474976710655),
    reminded_ms INTEGER CONSTRAINT ck_package_events_reminded_ms CHECK (reminded_ms BETWEEN 0 AND 281474976710655),
    collected_ms INTEGER CONSTRAINT ck_package_events_collected_ms CHECK (collected_ms BETWEEN 0 AND 281474976710655),
    event_id TEXT CONSTRAINT ck_package_events_event_id CHECK (length(event_id) <= 36),
    picture_id TEXT CONSTRAINT ck_package_events_picture_id CHECK (length(picture_id) <= 36),
    box TEXT DEFAULT '{}' NOT NULL CONSTRAINT ck_package_events_box CHECK (json_valid(box)),
    zone TEXT DEFAULT '' NOT NULL CONSTRAINT ck_package_events_zone CHECK (length(zone) <= 80),
    collected_by TEXT CONSTRAINT ck_package_events_collected_by CHECK (collected_by IN ('household', 'stranger', 'unknown')),
    CONSTRAINT pk_package_events PRIMARY KEY (id)
)
 STRICT

;

CREATE TABLE pet_sightings (
    id TEXT NOT NULL CONSTRAINT ck_pet_sightings_id CHECK (length(id) BETWEEN 1 AND 80),
    ts_ms INTEGER NOT NULL CONSTRAINT ck_pet_sightings_ts_ms CHECK (ts_ms BETWEEN 0 AND 281474976710655),
    camera_id TEXT NOT NULL CONSTRAINT ck_pet_sightings_camera_id CHECK (length(camera_id) <= 64),
    pet_id TEXT CONSTRAINT ck_pet_sightings_pet_id CHECK (length(pet_id) <= 36),
    species TEXT NOT NULL CONSTRAINT ck_pet_sightings_species CHECK (length(species) <= 40),
    confidence REAL NOT NULL CONSTRAINT ck_pet_sightings_confidence CHECK (confidence BETWEEN 0 AND 1),
    track_id TEXT CONSTRAINT ck_pet_sightings_track_id CHECK (length(track_id) <= 36),
    event_id TEXT CONSTRAINT ck_pet_sightings_event_id CHECK (length(event_id) <= 36),
    picture_id TEXT CONSTRAINT ck_pet_sightings_picture_id CHECK (length(picture_id) <= 36),
    recording_id TEXT CONSTRAINT ck_pet_sightings_recording_id CHECK (length(recording_id) <= 36),
    zone TEXT DEFAULT '' NOT NULL CONSTRAINT ck_pet_sightings_zone CHECK (length(zone) <= 80),
    CONSTRAINT pk_pet_sightings PRIMARY KEY (id)
)
 STRICT

;

CREATE TABLE pets (
    id TEXT NOT NULL CONSTRAINT ck_pets_id CHECK (length(id) BETWEEN 1 AND 80),
    name TEXT NOT NULL CONSTRAINT ck_pets_name CHECK (length(name) <= 80),
    species TEXT NOT NULL CONSTRAINT ck_pets_species CHECK (length(species) <= 40),
    breed TEXT DEFAULT '' NOT NULL CONSTRAINT ck_pets_breed CHECK (length(breed) <= 80),
    picture_id TEXT CONSTRAINT ck_pets_picture_id CHECK (length(picture_id) <= 36),
    training_count INTEGER DEFAULT 0 NOT NULL CONSTRAINT ck_pets_training_count CHECK (training_count >= 0),
    created_ms INTEGER NOT NULL CONSTRAINT ck_pets_created_ms CHECK (created_ms BETWEEN 0 AND 281474976710655),
    updated_ms INTEGER DEFAULT 0 NOT NULL CONSTRAINT ck_pets_updated_ms CHECK (updated_ms BETWEEN 0 AND 281474976710655),
    removed_ms INTEGER CONSTRAINT ck_pets_removed_ms CHECK (removed_ms BETWEEN 0 AND 281474976710655),
    CONSTRAINT pk_pets PRIMARY KEY (id)
)
 STRICT

;

CREATE TABLE timelapse_schedules (
    id TEXT NOT NULL CONSTRAINT ck_timelapse_schedules_id CHECK (length(id) BETWEEN 1 AND 80),
    camera_id TEXT NOT NULL CONSTRAINT ck_timelapse_schedules_camera_id CHECK (length(camera_id) <= 64),
    name TEXT NOT NULL CONSTRAINT ck_timelapse_schedules_name CHECK (length(name) <= 120),
    start_time TEXT NOT NULL CONSTRAINT ck_timelapse_schedules_start_time CHECK (length(start_time) <= 16),
    end_time TEXT NOT NULL CONSTRAINT ck_timelapse_schedules_end_time CHECK (length(end_time) <= 16),
    days TEXT DEFAULT '[0,1,2,3,4,5,6]' NOT NULL CONSTRAINT ck_timelapse_schedules_days CHECK (json_valid(days)),
    interval_s INTEGER NOT NULL CONSTRAINT ck_timelapse_schedules_interval_s CHECK (interval_s >= 1),
    fps INTEGER NOT NULL CONSTRAINT ck_timelapse_schedules_fps CHECK (fps BETWEEN 1 AND 60),
    retention_days INTEGER DEFAULT 30 NOT NULL CONSTRAINT ck_timelapse_schedules_retention_days CHECK (retention_days >= 1),
    enabled INTEGER DEFAULT 1 NOT NULL CONSTRAINT ck_timelapse_schedules_enabled CHECK (enabled IN (0, 1)),
    created_ms INTEGER NOT NULL CONSTRAINT ck_timelapse_schedules_created_ms CHECK (created_ms BETWEEN 0 AND 281474976710655),
    updated_ms INTEGER DEFAULT 0 NOT NULL CONSTRAINT ck_timelapse_schedules_updated_ms CHECK (updated_ms BETWEEN 0 AND 281474976710655),
    last_run_ms INTEGER CONSTRAINT ck_timelapse_schedules_last_run_ms CHECK (last_run_ms BETWEEN 0 AND 281474976710655),
    removed_ms INTEGER CONSTRAINT ck_timelapse_schedules_removed_ms CHECK (removed_ms BETWEEN 0 AND 281474976710655),
    CONSTRAINT pk_timelapse_schedules PRIMARY KEY (id)
)
 STRICT

;

CREATE TABLE wildlife_sightings (
    id TEXT NOT NULL CONSTRAINT ck_wildlife_sightings_id CHECK (length(id) BETWEEN 1 AND 80),
    ts_ms INTEGER NOT NULL CONSTRAINT ck_wildlife_sightings_ts_ms CHECK (ts_ms BETWEEN 0 AND 281474976710655),
    camera_id TEXT NOT NULL CONSTRAINT ck_wildlife_sightings_camera_id CHECK (length(camera_id) <= 64),
    species TEXT NOT NULL CONSTRAINT ck_wildlife_sightings_species CHECK (length(species) <= 80),
    threat_level TEXT NOT NULL CONSTRAINT ck_wildlife_sightings_threat_level CHECK (threat_level IN ('none', 'low', 'medium', 'high')),
    confidence REAL NOT NULL CONSTRAINT ck_wildlife_sightings_confidence CHECK (confidence BETWEEN 0 AND 1),
    light TEXT CONSTRAINT ck_wildlife_sightings_light CHECK (light IN ('day', 'dawn', 'dusk', 'night')),
    track_id TEXT CONSTRAINT ck_wildlife_sightings_track_id CHECK (length(track_id) <= 36),
    temperature_c REAL CONSTRAINT ck_wildlife_sightings_temperature_c CHECK (temperature_c BETWEEN -100 AND 100),
    conditions TEXT DEFAULT '' NOT NULL CONSTRAINT ck_wildlife_sightings_conditions CHECK (length(conditions) <= 120),
    event_id TEXT CONSTRAINT ck_wildlife_sightings_event_id CHECK (length(event_id) <= 36),
    picture_id TEXT CONSTRAINT ck_wildlife_sightings_picture_id CHECK (length(picture_id) <= 36),
    recording_id TEXT CONSTRAINT ck_wildlife_sightings_recording_id CHECK (length(recording_id) <= 36),
    CONSTRAINT pk_wildlife_sightings PRIMARY KEY (id)
)
 STRICT

;

CREATE TABLE face_embeddings (
    id TEXT NOT NULL CONSTRAINT ck_face_embeddings_id CHECK (length(id) BETWEEN 1 AND 80),
    profile_id TEXT NOT NULL,
    vector BLOB CONSTRAINT ck_face_embeddings_vector CHECK (length(vector) BETWEEN 1 AND 65536),
    model TEXT NOT NULL CONSTRAINT ck_face_embeddings_model CHECK (length(model) <= 120),
    quality REAL NOT NULL CONSTRAINT ck_face_embeddings_quality CHECK (quality BETWEEN 0 AND 1),
    picture_id TEXT CONSTRAINT ck_face_embeddings_picture_id CHECK (length(picture_id) <= 36),
    created_ms INTEGER NOT NULL CONSTRAINT ck_face_embeddings_created_ms CHECK (created_ms BETWEEN 0 AND 281474976710655),
    updated_ms INTEGER DEFAULT 0 NOT NULL CONSTRAINT ck_face_embeddings_updated_ms CHECK (updated_ms BETWEEN 0 AND 281474976710655),
    removed_ms INTEGER CONSTRAINT ck_face_embeddings_removed_ms CHECK (removed_ms BETWEEN 0 AND 281474976710655),
    CONSTRAINT pk_face_embeddings PRIMARY KEY (id),
    CONSTRAINT ck_face_embeddings_usable CHECK (removed_ms IS NOT NULL OR vector IS NOT NULL),
    CONSTRAINT fk_face_embeddings_profile_id FOREIGN KEY(profile_id) REFERENCES face_profiles (id) ON DELETE CASCADE
)
 STRICT

;

CREATE TABLE pet_rules (
    id TEXT NOT NULL CONSTRAINT ck_pet_rules_id CHECK (length(id) BETWEEN 1 AND 80),
    pet_id TEXT,
    name TEXT NOT NULL CONSTRAINT ck_pet_rules_name CHECK (length(name) <= 120),
    conditions TEXT DEFAULT '[]' NOT NULL CONSTRAINT ck_pet_rules_conditions CHECK (json_valid(conditions)),
    actions TEXT DEFAULT '[]' NOT NULL CONSTRAINT ck_pet_rules_actions CHECK (json_valid(actions)),
    cooldown_s INTEGER DEFAULT 60 NOT NULL CONSTRAINT ck_pet_rules_cooldown_s CHECK (cooldown_s >= 0),
    priority INTEGER DEFAULT 0 NOT NULL CONSTRAINT ck_pet_rules_priority CHECK (priority BETWEEN -1000 AND 1000),
    enabled INTEGER DEFAULT 1 NOT NULL CONSTRAINT ck_pet_rules_enabled CHECK (enabled IN (0, 1)),
    created_ms INTEGER NOT NULL CONSTRAINT ck_pet_rules_created_ms CHECK (created_ms BETWEEN 0 AND 281474976710655),
    updated_ms INTEGER NOT NULL CONSTRAINT ck_pet_rules_updated_ms CHECK (updated_ms BETWEEN 0 AND 281474976710655),
    removed_ms INTEGER CONSTRAINT ck_pet_rules_removed_ms CHECK (removed_ms BETWEEN 0 AND 281474976710655),
    CONSTRAINT pk_pet_rules PRIMARY KEY (id),
    CONSTRAINT fk_pet_rules_pet_id FOREIGN KEY(pet_id) REFERENCES pets (id) ON DELETE CASCADE
)
 STRICT

;

CREATE TABLE pet_training_images (
    id TEXT NOT NULL CONSTRAINT ck_pet_training_images_id CHECK (length(id) BETWEEN 1 AND 80),
    pet_id TEXT NOT NULL,
    picture_id TEXT NOT NULL CONSTRAINT ck_pet_training_images_picture_id CHECK (length(picture_id) <= 36),
    origin TEXT NOT NULL CONSTRAINT ck_pet_training_images_origin CHECK (origin IN ('upload', 'sighting', 'correction')),
    used INTEGER DEFAULT 0 NOT NULL CONSTRAINT ck_pet_training_images_used CHECK (used IN (0, 1)),
    model TEXT DEFAULT '' NOT NULL CONSTRAINT ck_pet_training_images_model CHECK (length(model) <= 120),
    vector BLOB CONSTRAINT ck_pet_training_images_vector CHECK (length(vector) BETWEEN 1 AND 65536),
    created_ms INTEGER NOT NULL CONSTRAINT ck_pet_training_images_created_ms CHECK (created_ms BETWEEN 0 AND 281474976710655),
    updated_ms INTEGER DEFAULT 0 NOT NULL CONSTRAINT ck_pet_training_images_updated_ms CHECK (updated_ms BETWEEN 0 AND 281474976710655),
    removed_ms INTEGER CONSTRAINT ck_pet_training_images_removed_ms CHECK (removed_ms BETWEEN 0 AND 281474976710655),
    CONSTRAINT pk_pet_training_images PRIMARY KEY (id),
    CONSTRAINT ck_pet_training_images_usable CHECK (removed_ms IS NOT NULL OR vector IS NOT NULL),
    CONSTRAINT fk_pet_training_images_pet_id FOREIGN KEY(pet_id) REFERENCES pets (id) ON DELETE CASCADE
)
 STRICT

;

CREATE INDEX ix_alert_log_outcome ON alert_log (outcome, ts_ms, id);

CREATE INDEX ix_alert_log_severity ON alert_log (severity, ts_ms, id);

CREATE INDEX ix_arm_state_log_by ON arm_state_log (changed_by, ts_ms, id);

CREATE INDEX ix_arm_state_log_outcome ON arm_state_log (outcome, ts_ms, id);

CREATE INDEX ix_arm_state_log_state ON arm_state_log (to_state, ts_ms, id) WHERE to_state IS NOT NULL;

CREATE INDEX ix_events_camera_severity ON events (camera_id, severity, started_ms, id);

CREATE INDEX ix_events_camera_type ON events (camera_id, type, started_ms, id);

CREATE INDEX ix_events_sensor ON events (sensor_id, started_ms, id) WHERE sensor_id IS NOT NULL;

CREATE INDEX ix_face_embeddings_current ON face_embeddings (created_ms, id) WHERE removed_ms IS NULL;

CREATE INDEX ix_face_embeddings_model ON face_embeddings (model, created_ms, id) WHERE removed_ms IS NULL;

CREATE INDEX ix_face_embeddings_profile ON face_embeddings (profile_id, created_ms, id);

CREATE INDEX ix_face_profiles_household ON face_profiles (household, last_seen_ms, id) WHERE removed_ms IS NULL;

CREATE INDEX ix_face_profiles_merged ON face_profiles (merged_into) WHERE merged_into IS NOT NULL;

CREATE INDEX ix_face_profiles_named ON face_profiles ((name = ''), last_seen_ms, id) WHERE removed_ms IS NULL;

CREATE INDEX ix_face_profiles_seen ON face_profiles (last_seen_ms, id) WHERE removed_ms IS NULL;

CREATE INDEX ix_facts_house ON facts (type, ts_ms, n) WHERE type IN ('household.changed', 'power.changed', 'power.reading', 'power.shutdown', 'presence.changed', 'timelapse.made');

CREATE INDEX ix_facts_sensor ON facts (body ->> 'sensor_id', body ->> 'key', ts_ms, n) WHERE type IN ('sensor.changed', 'sensor.reading');

CREATE INDEX ix_package_events_camera ON package_events (camera_id, detected_ms, id);

CREATE INDEX ix_package_events_state ON package_events (state, detected_ms, id);

CREATE INDEX ix_package_events_time ON package_events (detected_ms, id);

CREATE INDEX ix_pet_rules_current ON pet_rules (created_ms, id) WHERE removed_ms IS NULL;

CREATE INDEX ix_pet_rules_pet ON pet_rules (pet_id, created_ms, id) WHERE removed_ms IS NULL;

CREATE INDEX ix_pet_sightings_camera ON pet_sightings (camera_id, ts_ms, id);

CREATE INDEX ix_pet_sightings_event ON pet_sightings (event_id, ts_ms, id) WHERE event_id IS NOT NULL;

CREATE INDEX ix_pet_sightings_pet ON pet_sightings (pet_id, ts_ms, id) WHERE pet_id IS NOT NULL;

CREATE INDEX ix_pet_sightings_species ON pet_sightings (species, ts_ms, id);

CREATE INDEX ix_pet_sightings_time ON pet_sightings (ts_ms, id);

CREATE INDEX ix_pet_training_images_current ON pet_training_images (created_ms, id) WHERE removed_ms IS NULL;

CREATE INDEX ix_pet_training_images_pet ON pet_training_images (pet_id, created_ms, id) WHERE removed_ms IS NULL;

CREATE INDEX ix_pets_current ON pets (created_ms, id) WHERE removed_ms IS NULL;

DROP INDEX ix_recording_gaps_camera;

CREATE INDEX ix_recording_gaps_camera ON recording_gaps (camera_id, from_ms, id);

CREATE INDEX ix_recording_gaps_time ON recording_gaps (from_ms, id);

CREATE INDEX ix_recordings_prunable ON recordings (starred, started_ms, id, size_bytes, state) WHERE starred = 0 AND state IN ('complete', 'recovered', 'damaged');

CREATE INDEX ix_recordings_prunable_camera ON recordings (starred, camera_id, started_ms, id, ended_ms, size_bytes, state) WHERE starred = 0 AND state IN ('complete', 'recovered', 'damaged');

DROP INDEX ix_recordings_starred;

CREATE INDEX ix_recordings_starred ON recordings (starred, started_ms, id) WHERE starred = 1;

CREATE INDEX ix_recordings_there ON recordings (started_ms, id, size_bytes, state) WHERE state NOT IN ('deleting', 'deleted');

CREATE INDEX ix_recordings_there_camera ON recordings (camera_id, started_ms, id) WHERE state NOT IN ('deleting', 'deleted');

CREATE INDEX ix_sensor_states_key ON sensor_states ("key", sensor_id);

CREATE INDEX ix_system_events_component ON system_events (component, ts_ms, id);

CREATE INDEX ix_timelapse_schedules_camera ON timelapse_schedules (camera_id, created_ms, id) WHERE removed_ms IS NULL;

CREATE INDEX ix_timelapse_schedules_current ON timelapse_schedules (created_ms, id) WHERE removed_ms IS NULL;

CREATE INDEX ix_visits_camera ON visits (camera_id, arrived_ms, id);

CREATE INDEX ix_visits_event ON visits (event_id, arrived_ms, id) WHERE event_id IS NOT NULL;

CREATE INDEX ix_visits_open ON visits ((left_ms IS NULL), arrived_ms, id);

CREATE INDEX ix_wildlife_sightings_camera ON wildlife_sightings (camera_id, ts_ms, id);

CREATE INDEX ix_wildlife_sightings_species ON wildlife_sightings (species, ts_ms, id);

CREATE INDEX ix_wildlife_sightings_threat ON wildlife_sightings (threat_level, ts_ms, id);

CREATE INDEX ix_wildlife_sightings_time ON wildlife_sightings (ts_ms, id);
