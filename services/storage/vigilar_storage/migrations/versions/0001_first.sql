CREATE TABLE alert_log (
    id TEXT NOT NULL CONSTRAINT ck_alert_log_id CHECK (length(id) BETWEEN 1 AND 80),
    ts_ms INTEGER NOT NULL CONSTRAINT ck_alert_log_ts_ms CHECK (ts_ms BETWEEN 0 AND 281474976710655),
    alert_id TEXT NOT NULL CONSTRAINT ck_alert_log_alert_id CHECK (length(alert_id) <= 36),
    event_id TEXT CONSTRAINT ck_alert_log_event_id CHECK (length(event_id) <= 36),
    channel TEXT NOT NULL CONSTRAINT ck_alert_log_channel CHECK (length(channel) <= 32),
    target TEXT NOT NULL CONSTRAINT ck_alert_log_target CHECK (length(target) <= 120),
    attempt INTEGER NOT NULL CONSTRAINT ck_alert_log_attempt CHECK (attempt >= 1),
    outcome TEXT NOT NULL CONSTRAINT ck_alert_log_outcome CHECK (outcome IN ('delivered', 'retrying', 'failed', 'gone')),
    severity TEXT NOT NULL CONSTRAINT ck_alert_log_severity CHECK (severity IN ('info', 'alert', 'critical')),
    title TEXT NOT NULL CONSTRAINT ck_alert_log_title CHECK (length(title) <= 500),
    latency_ms INTEGER NOT NULL CONSTRAINT ck_alert_log_latency_ms CHECK (latency_ms >= 0),
    sent_after_ms INTEGER NOT NULL CONSTRAINT ck_alert_log_sent_after_ms CHECK (sent_after_ms >= 0),
    error TEXT DEFAULT '' NOT NULL CONSTRAINT ck_alert_log_error CHECK (length(error) <= 500),
    CONSTRAINT pk_alert_log PRIMARY KEY (id)
)
 STRICT;

CREATE INDEX ix_alert_log_channel ON alert_log (channel, ts_ms, id);

CREATE INDEX ix_alert_log_event ON alert_log (event_id, ts_ms, id) WHERE event_id IS NOT NULL;

CREATE INDEX ix_alert_log_time ON alert_log (ts_ms, id);

CREATE TABLE arm_state_log (
    id TEXT NOT NULL CONSTRAINT ck_arm_state_log_id CHECK (length(id) BETWEEN 1 AND 80),
    ts_ms INTEGER NOT NULL CONSTRAINT ck_arm_state_log_ts_ms CHECK (ts_ms BETWEEN 0 AND 281474976710655),
    outcome TEXT NOT NULL CONSTRAINT ck_arm_state_log_outcome CHECK (outcome IN ('changed', 'refused')),
    from_state TEXT CONSTRAINT ck_arm_state_log_from_state CHECK (from_state IN ('disarmed', 'armed_home', 'armed_away', 'armed_night', 'armed_vacation', 'arming', 'pending', 'triggered', 'disarming')),
    to_state TEXT CONSTRAINT ck_arm_state_log_to_state CHECK (to_state IN ('disarmed', 'armed_home', 'armed_away', 'armed_night', 'armed_vacation', 'arming', 'pending', 'triggered', 'disarming')),
    action TEXT CONSTRAINT ck_arm_state_log_action CHECK (action IN ('DISARM', 'ARM_HOME', 'ARM_AWAY', 'ARM_NIGHT', 'ARM_VACATION')),
    changed_by TEXT NOT NULL CONSTRAINT ck_arm_state_log_changed_by CHECK (length(changed_by) <= 80),
    method TEXT NOT NULL CONSTRAINT ck_arm_state_log_method CHECK (length(method) <= 32),
    code TEXT DEFAULT '' NOT NULL CONSTRAINT ck_arm_state_log_code CHECK (length(code) <= 64),
    reason TEXT DEFAULT '' NOT NULL CONSTRAINT ck_arm_state_log_reason CHECK (length(reason) <= 500),
    CONSTRAINT pk_arm_state_log PRIMARY KEY (id),
    CONSTRAINT ck_arm_state_log_changed CHECK (outcome <> 'changed' OR (from_state IS NOT NULL AND to_state IS NOT NULL)),
    CONSTRAINT ck_arm_state_log_refused CHECK (outcome <> 'refused' OR action IS NOT NULL)
)
 STRICT;

CREATE INDEX ix_arm_state_log_time ON arm_state_log (ts_ms, id);

CREATE TABLE cameras (
    id TEXT NOT NULL CONSTRAINT ck_cameras_id CHECK (length(id) BETWEEN 1 AND 80),
    display_name TEXT NOT NULL CONSTRAINT ck_cameras_display_name CHECK (length(display_name) <= 120),
    location TEXT NOT NULL CONSTRAINT ck_cameras_location CHECK (length(location) <= 64),
    enabled INTEGER DEFAULT 0 NOT NULL CONSTRAINT ck_cameras_enabled CHECK (enabled IN (0, 1)),
    record_continuous INTEGER DEFAULT 0 NOT NULL CONSTRAINT ck_cameras_record_continuous CHECK (record_continuous IN (0, 1)),
    record_on_motion INTEGER DEFAULT 0 NOT NULL CONSTRAINT ck_cameras_record_on_motion CHECK (record_on_motion IN (0, 1)),
    retention_days INTEGER NOT NULL CONSTRAINT ck_cameras_retention_days CHECK (retention_days >= 0),
    width_px INTEGER NOT NULL CONSTRAINT ck_cameras_width_px CHECK (width_px >= 0),
    height_px INTEGER NOT NULL CONSTRAINT ck_cameras_height_px CHECK (height_px >= 0),
    position INTEGER NOT NULL CONSTRAINT ck_cameras_position CHECK (position >= 0),
    created_ms INTEGER NOT NULL CONSTRAINT ck_cameras_created_ms CHECK (created_ms BETWEEN 0 AND 281474976710655),
    updated_ms INTEGER NOT NULL CONSTRAINT ck_cameras_updated_ms CHECK (updated_ms BETWEEN 0 AND 281474976710655),
    removed_ms INTEGER CONSTRAINT ck_cameras_removed_ms CHECK (removed_ms BETWEEN 0 AND 281474976710655),
    CONSTRAINT pk_cameras PRIMARY KEY (id)
)
 STRICT;

CREATE TABLE events (
    id TEXT NOT NULL CONSTRAINT ck_events_id CHECK (length(id) BETWEEN 1 AND 80),
    type TEXT CONSTRAINT ck_events_type CHECK (length(type) <= 64),
    severity TEXT CONSTRAINT ck_events_severity CHECK (severity IN ('info', 'alert', 'critical')),
    title TEXT DEFAULT '' NOT NULL CONSTRAINT ck_events_title CHECK (length(title) <= 500),
    camera_id TEXT CONSTRAINT ck_events_camera_id CHECK (length(camera_id) <= 64),
    sensor_id TEXT CONSTRAINT ck_events_sensor_id CHECK (length(sensor_id) <= 64),
    cause_id TEXT CONSTRAINT ck_events_cause_id CHECK (length(cause_id) <= 36),
    picture_id TEXT CONSTRAINT ck_events_picture_id CHECK (length(picture_id) <= 36),
    recording_id TEXT CONSTRAINT ck_events_recording_id CHECK (length(recording_id) <= 36),
    zones TEXT DEFAULT '[]' NOT NULL CONSTRAINT ck_events_zones CHECK (json_valid(zones)),
    score REAL CONSTRAINT ck_events_score CHECK (score BETWEEN 0 AND 1),
    arm_state TEXT CONSTRAINT ck_events_arm_state CHECK (arm_state IN ('disarmed', 'armed_home', 'armed_away', 'armed_night', 'armed_vacation', 'arming', 'pending', 'triggered', 'disarming')),
    detail TEXT DEFAULT '{}' NOT NULL CONSTRAINT ck_events_detail CHECK (json_valid(detail)),
    end_detail TEXT DEFAULT '{}' NOT NULL CONSTRAINT ck_events_end_detail CHECK (json_valid(end_detail)),
    started_ms INTEGER CONSTRAINT ck_events_started_ms CHECK (started_ms BETWEEN 0 AND 281474976710655),
    ended_ms INTEGER CONSTRAINT ck_events_ended_ms CHECK (ended_ms BETWEEN 0 AND 281474976710655),
    received_ms INTEGER NOT NULL CONSTRAINT ck_events_received_ms CHECK (received_ms BETWEEN 0 AND 281474976710655),
    CONSTRAINT pk_events PRIMARY KEY (id),
    CONSTRAINT ck_events_opened CHECK (started_ms IS NULL OR (type IS NOT NULL AND severity IS NOT NULL)),
    CONSTRAINT ck_events_known CHECK (started_ms IS NOT NULL OR ended_ms IS NOT NULL)
)
 STRICT;

CREATE INDEX ix_events_camera ON events (camera_id, started_ms, id);

CREATE INDEX ix_events_cause ON events (cause_id) WHERE cause_id IS NOT NULL;

CREATE INDEX ix_events_severity ON events (severity, started_ms, id);

CREATE INDEX ix_events_time ON events (started_ms, id);

CREATE INDEX ix_events_type ON events (type, started_ms, id);

CREATE TABLE face_profiles (
    id TEXT NOT NULL CONSTRAINT ck_face_profiles_id CHECK (length(id) BETWEEN 1 AND 80),
    name TEXT DEFAULT '' NOT NULL CONSTRAINT ck_face_profiles_name CHECK (length(name) <= 120),
    household INTEGER DEFAULT 0 NOT NULL CONSTRAINT ck_face_profiles_household CHECK (household IN (0, 1)),
    ignored INTEGER DEFAULT 0 NOT NULL CONSTRAINT ck_face_profiles_ignored CHECK (ignored IN (0, 1)),
    visit_count INTEGER DEFAULT 0 NOT NULL CONSTRAINT ck_face_profiles_visit_count CHECK (visit_count >= 0),
    picture_id TEXT CONSTRAINT ck_face_profiles_picture_id CHECK (length(picture_id) <= 36),
    first_seen_ms INTEGER NOT NULL CONSTRAINT ck_face_profiles_first_seen_ms CHECK (first_seen_ms BETWEEN 0 AND 281474976710655),
    last_seen_ms INTEGER NOT NULL CONSTRAINT ck_face_profiles_last_seen_ms CHECK (last_seen_ms BETWEEN 0 AND 281474976710655),
    removed_ms INTEGER CONSTRAINT ck_face_profiles_removed_ms CHECK (removed_ms BETWEEN 0 AND 281474976710655),
    CONSTRAINT pk_face_profiles PRIMARY KEY (id)
)
 STRICT;

CREATE INDEX ix_face_profiles_seen ON face_profiles (last_seen_ms, id);

CREATE TABLE facts (
    n INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    source TEXT NOT NULL CONSTRAINT ck_facts_source CHECK (length(source) <= 80),
    seq INTEGER NOT NULL CONSTRAINT ck_facts_seq CHECK (seq >= 0),
    id TEXT NOT NULL CONSTRAINT ck_facts_id CHECK (length(id) <= 36),
    type TEXT NOT NULL CONSTRAINT ck_facts_type CHECK (length(type) <= 64),
    ts_ms INTEGER NOT NULL CONSTRAINT ck_facts_ts_ms CHECK (ts_ms BETWEEN 0 AND 281474976710655),
    received_ms INTEGER NOT NULL CONSTRAINT ck_facts_received_ms CHECK (received_ms BETWEEN 0 AND 281474976710655),
    body TEXT NOT NULL CONSTRAINT ck_facts_body CHECK (length(body) <= 262144),
    CONSTRAINT ck_facts_id_length CHECK (length(id) = 36)
)
 STRICT;

CREATE INDEX ix_facts_type ON facts (type, n);

CREATE UNIQUE INDEX uq_facts_id ON facts (id);

CREATE TABLE meta (
    name TEXT NOT NULL CONSTRAINT ck_meta_name CHECK (length(name) BETWEEN 1 AND 80),
    value TEXT NOT NULL CONSTRAINT ck_meta_value CHECK (length(value) <= 500),
    CONSTRAINT pk_meta PRIMARY KEY (name)
)
 STRICT;

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
    CONSTRAINT pk_package_events PRIMARY KEY (id)
)
 STRICT;

CREATE INDEX ix_package_events_time ON package_events (detected_ms, id);

CREATE TABLE pet_sightings (
    id TEXT NOT NULL CONSTRAINT ck_pet_sightings_id CHECK (length(id) BETWEEN 1 AND 80),
    ts_ms INTEGER NOT NULL CONSTRAINT ck_pet_sightings_ts_ms CHECK (ts_ms BETWEEN 0 AND 281474976710655),
    camera_id TEXT NOT NULL CONSTRAINT ck_pet_sightings_camera_id CHECK (length(camera_id) <= 64),
    pet_id TEXT CONSTRAINT ck_pet_sightings_pet_id CHECK (length(pet_id) <= 36),
    species TEXT NOT NULL CONSTRAINT ck_pet_sightings_species CHECK (length(species) <= 40),
    confidence REAL NOT NULL CONSTRAINT ck_pet_sightings_confidence CHECK (confidence BETWEEN 0 AND 1),
    event_id TEXT CONSTRAINT ck_pet_sightings_event_id CHECK (length(event_id) <= 36),
    picture_id TEXT CONSTRAINT ck_pet_sightings_picture_id CHECK (length(picture_id) <= 36),
    recording_id TEXT CONSTRAINT ck_pet_sightings_recording_id CHECK (length(recording_id) <= 36),
    zone TEXT DEFAULT '' NOT NULL CONSTRAINT ck_pet_sightings_zone CHECK (length(zone) <= 80),
    CONSTRAINT pk_pet_sightings PRIMARY KEY (id)
)
 STRICT;

CREATE INDEX ix_pet_sightings_pet ON pet_sightings (pet_id, ts_ms, id);

CREATE INDEX ix_pet_sightings_time ON pet_sightings (ts_ms, id);

CREATE TABLE pets (
    id TEXT NOT NULL CONSTRAINT ck_pets_id CHECK (length(id) BETWEEN 1 AND 80),
    name TEXT NOT NULL CONSTRAINT ck_pets_name CHECK (length(name) <= 80),
    species TEXT NOT NULL CONSTRAINT ck_pets_species CHECK (length(species) <= 40),
    breed TEXT DEFAULT '' NOT NULL CONSTRAINT ck_pets_breed CHECK (length(breed) <= 80),
    picture_id TEXT CONSTRAINT ck_pets_picture_id CHECK (length(picture_id) <= 36),
    training_count INTEGER DEFAULT 0 NOT NULL CONSTRAINT ck_pets_training_count CHECK (training_count >= 0),
    created_ms INTEGER NOT NULL CONSTRAINT ck_pets_created_ms CHECK (created_ms BETWEEN 0 AND 281474976710655),
    removed_ms INTEGER CONSTRAINT ck_pets_removed_ms CHECK (removed_ms BETWEEN 0 AND 281474976710655),
    CONSTRAINT pk_pets PRIMARY KEY (id)
)
 STRICT;

CREATE TABLE pictures (
    id TEXT NOT NULL CONSTRAINT ck_pictures_id CHECK (length(id) BETWEEN 1 AND 80),
    camera_id TEXT NOT NULL CONSTRAINT ck_pictures_camera_id CHECK (length(camera_id) <= 64),
    kind TEXT NOT NULL CONSTRAINT ck_pictures_kind CHECK (length(kind) <= 32),
    cause_id TEXT CONSTRAINT ck_pictures_cause_id CHECK (length(cause_id) <= 36),
    format TEXT NOT NULL CONSTRAINT ck_pictures_format CHECK (format IN ('vge2', 'vge1', 'mp4', 'jpeg')),
    state TEXT NOT NULL CONSTRAINT ck_pictures_state CHECK (state IN ('incoming', 'complete', 'damaged', 'deleting', 'deleted')),
    width_px INTEGER DEFAULT 0 NOT NULL CONSTRAINT ck_pictures_width_px CHECK (width_px >= 0),
    height_px INTEGER DEFAULT 0 NOT NULL CONSTRAINT ck_pictures_height_px CHECK (height_px >= 0),
    size_bytes INTEGER CONSTRAINT ck_pictures_size_bytes CHECK (size_bytes >= 0),
    path TEXT CONSTRAINT ck_pictures_path CHECK (length(path) <= 400),
    damage TEXT DEFAULT '' NOT NULL CONSTRAINT ck_pictures_damage CHECK (length(damage) <= 500),
    ts_ms INTEGER NOT NULL CONSTRAINT ck_pictures_ts_ms CHECK (ts_ms BETWEEN 0 AND 281474976710655),
    received_ms INTEGER NOT NULL CONSTRAINT ck_pictures_received_ms CHECK (received_ms BETWEEN 0 AND 281474976710655),
    deleted_ms INTEGER CONSTRAINT ck_pictures_deleted_ms CHECK (deleted_ms BETWEEN 0 AND 281474976710655),
    CONSTRAINT pk_pictures PRIMARY KEY (id),
    CONSTRAINT ck_pictures_has_file CHECK (state <> 'complete' OR path IS NOT NULL)
)
 STRICT;

CREATE INDEX ix_pictures_camera ON pictures (camera_id, ts_ms, id);

CREATE INDEX ix_pictures_cause ON pictures (cause_id) WHERE cause_id IS NOT NULL;

CREATE INDEX ix_pictures_unsettled ON pictures (state) WHERE state IN ('incoming', 'deleting');

CREATE TABLE push_subscriptions (
    id TEXT NOT NULL CONSTRAINT ck_push_subscriptions_id CHECK (length(id) BETWEEN 1 AND 80),
    endpoint TEXT CONSTRAINT ck_push_subscriptions_endpoint CHECK (length(endpoint) <= 2048),
    p256dh TEXT CONSTRAINT ck_push_subscriptions_p256dh CHECK (length(p256dh) <= 256),
    auth TEXT CONSTRAINT ck_push_subscriptions_auth CHECK (length(auth) <= 128),
    user TEXT DEFAULT '' NOT NULL CONSTRAINT ck_push_subscriptions_user CHECK (length(user) <= 80),
    device TEXT DEFAULT '' NOT NULL CONSTRAINT ck_push_subscriptions_device CHECK (length(device) <= 200),
    created_ms INTEGER CONSTRAINT ck_push_subscriptions_created_ms CHECK (created_ms BETWEEN 0 AND 281474976710655),
    removed_ms INTEGER CONSTRAINT ck_push_subscriptions_removed_ms CHECK (removed_ms BETWEEN 0 AND 281474976710655),
    removed_reason TEXT CONSTRAINT ck_push_subscriptions_removed_reason CHECK (length(removed_reason) <= 500),
    CONSTRAINT pk_push_subscriptions PRIMARY KEY (id),
    CONSTRAINT ck_push_subscriptions_usable CHECK (removed_ms IS NOT NULL OR (endpoint IS NOT NULL AND p256dh IS NOT NULL AND auth IS NOT NULL))
)
 STRICT;

CREATE TABLE recording_gaps (
    id TEXT NOT NULL CONSTRAINT ck_recording_gaps_id CHECK (length(id) BETWEEN 1 AND 80),
    camera_id TEXT NOT NULL CONSTRAINT ck_recording_gaps_camera_id CHECK (length(camera_id) <= 64),
    from_ms INTEGER NOT NULL CONSTRAINT ck_recording_gaps_from_ms CHECK (from_ms BETWEEN 0 AND 281474976710655),
    to_ms INTEGER NOT NULL CONSTRAINT ck_recording_gaps_to_ms CHECK (to_ms BETWEEN 0 AND 281474976710655),
    reason TEXT NOT NULL CONSTRAINT ck_recording_gaps_reason CHECK (length(reason) <= 500),
    recording_id TEXT CONSTRAINT ck_recording_gaps_recording_id CHECK (length(recording_id) <= 36),
    received_ms INTEGER NOT NULL CONSTRAINT ck_recording_gaps_received_ms CHECK (received_ms BETWEEN 0 AND 281474976710655),
    CONSTRAINT pk_recording_gaps PRIMARY KEY (id),
    CONSTRAINT ck_recording_gaps_order CHECK (to_ms >= from_ms)
)
 STRICT;

CREATE INDEX ix_recording_gaps_camera ON recording_gaps (camera_id, from_ms);

CREATE TABLE recordings (
    id TEXT NOT NULL CONSTRAINT ck_recordings_id CHECK (length(id) BETWEEN 1 AND 80),
    camera_id TEXT NOT NULL CONSTRAINT ck_recordings_camera_id CHECK (length(camera_id) <= 64),
    stream_id TEXT CONSTRAINT ck_recordings_stream_id CHECK (length(stream_id) <= 36),
    "trigger" TEXT CONSTRAINT ck_recordings_trigger CHECK (length(trigger) <= 32),
    cause_id TEXT CONSTRAINT ck_recordings_cause_id CHECK (length(cause_id) <= 36),
    event_id TEXT CONSTRAINT ck_recordings_event_id CHECK (length(event_id) <= 36),
    codec TEXT DEFAULT '' NOT NULL CONSTRAINT ck_recordings_codec CHECK (length(codec) <= 32),
    audio_codec TEXT DEFAULT '' NOT NULL CONSTRAINT ck_recordings_audio_codec CHECK (length(audio_codec) <= 32),
    width_px INTEGER DEFAULT 0 NOT NULL CONSTRAINT ck_recordings_width_px CHECK (width_px >= 0),
    height_px INTEGER DEFAULT 0 NOT NULL CONSTRAINT ck_recordings_height_px CHECK (height_px >= 0),
    format TEXT NOT NULL CONSTRAINT ck_recordings_format CHECK (format IN ('vge2', 'vge1', 'mp4', 'jpeg')),
    state TEXT NOT NULL CONSTRAINT ck_recordings_state CHECK (state IN ('growing', 'complete', 'recovered', 'damaged', 'deleting', 'deleted')),
    started_ms INTEGER NOT NULL CONSTRAINT ck_recordings_started_ms CHECK (started_ms BETWEEN 0 AND 281474976710655),
    ended_ms INTEGER CONSTRAINT ck_recordings_ended_ms CHECK (ended_ms BETWEEN 0 AND 281474976710655),
    duration_ms INTEGER CONSTRAINT ck_recordings_duration_ms CHECK (duration_ms >= 0),
    size_bytes INTEGER CONSTRAINT ck_recordings_size_bytes CHECK (size_bytes >= 0),
    plain_bytes INTEGER CONSTRAINT ck_recordings_plain_bytes CHECK (plain_bytes >= 0),
    sha256 TEXT CONSTRAINT ck_recordings_sha256 CHECK (length(sha256) <= 64),
    path TEXT CONSTRAINT ck_recordings_path CHECK (length(path) <= 400),
    reason TEXT DEFAULT '' NOT NULL CONSTRAINT ck_recordings_reason CHECK (length(reason) <= 500),
    damage TEXT DEFAULT '' NOT NULL CONSTRAINT ck_recordings_damage CHECK (length(damage) <= 500),
    starred INTEGER DEFAULT 0 NOT NULL CONSTRAINT ck_recordings_starred CHECK (starred IN (0, 1)),
    received_ms INTEGER NOT NULL CONSTRAINT ck_recordings_received_ms CHECK (received_ms BETWEEN 0 AND 281474976710655),
    finished_ms INTEGER CONSTRAINT ck_recordings_finished_ms CHECK (finished_ms BETWEEN 0 AND 281474976710655),
    verified_ms INTEGER CONSTRAINT ck_recordings_verified_ms CHECK (verified_ms BETWEEN 0 AND 281474976710655),
    deleted_ms INTEGER CONSTRAINT ck_recordings_deleted_ms CHECK (deleted_ms BETWEEN 0 AND 281474976710655),
    deleted_by TEXT CONSTRAINT ck_recordings_deleted_by CHECK (length(deleted_by) <= 80),
    deleted_reason TEXT CONSTRAINT ck_recordings_deleted_reason CHECK (length(deleted_reason) <= 500),
    CONSTRAINT pk_recordings PRIMARY KEY (id),
    CONSTRAINT ck_recordings_order CHECK (ended_ms IS NULL OR ended_ms >= started_ms),
    CONSTRAINT ck_recordings_has_file CHECK (state NOT IN ('complete', 'recovered') OR path IS NOT NULL),
    CONSTRAINT ck_recordings_deletion CHECK (state NOT IN ('deleting', 'deleted') OR deleted_ms IS NOT NULL)
)
 STRICT;

CREATE INDEX ix_recordings_camera ON recordings (camera_id, started_ms, id);

CREATE INDEX ix_recordings_cause ON recordings (cause_id) WHERE cause_id IS NOT NULL;

CREATE INDEX ix_recordings_starred ON recordings (started_ms, id) WHERE starred = 1;

CREATE INDEX ix_recordings_time ON recordings (started_ms, id);

CREATE INDEX ix_recordings_unsettled ON recordings (state) WHERE state IN ('growing', 'deleting');

CREATE TABLE rejected_facts (
    n INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    source TEXT NOT NULL CONSTRAINT ck_rejected_facts_source CHECK (length(source) <= 80),
    seq INTEGER CONSTRAINT ck_rejected_facts_seq CHECK (seq >= 0),
    fact_id TEXT NOT NULL CONSTRAINT ck_rejected_facts_fact_id CHECK (length(fact_id) <= 80),
    type TEXT NOT NULL CONSTRAINT ck_rejected_facts_type CHECK (length(type) <= 64),
    reason TEXT NOT NULL CONSTRAINT ck_rejected_facts_reason CHECK (length(reason) <= 500),
    first_ms INTEGER NOT NULL CONSTRAINT ck_rejected_facts_first_ms CHECK (first_ms BETWEEN 0 AND 281474976710655),
    last_ms INTEGER NOT NULL CONSTRAINT ck_rejected_facts_last_ms CHECK (last_ms BETWEEN 0 AND 281474976710655),
    tries INTEGER NOT NULL CONSTRAINT ck_rejected_facts_tries CHECK (tries >= 1),
    body TEXT NOT NULL CONSTRAINT ck_rejected_facts_body CHECK (length(body) <= 16384)
)
 STRICT;

CREATE UNIQUE INDEX uq_rejected_facts_fact ON rejected_facts (source, fact_id);

CREATE TABLE sensor_states (
    sensor_id TEXT NOT NULL,
    "key" TEXT NOT NULL,
    value TEXT DEFAULT 'null' NOT NULL CONSTRAINT ck_sensor_states_value CHECK (json_valid(value)),
    unit TEXT DEFAULT '' NOT NULL CONSTRAINT ck_sensor_states_unit CHECK (length(unit) <= 32),
    known INTEGER DEFAULT 1 NOT NULL CONSTRAINT ck_sensor_states_known CHECK (known IN (0, 1)),
    ts_ms INTEGER NOT NULL CONSTRAINT ck_sensor_states_ts_ms CHECK (ts_ms BETWEEN 0 AND 281474976710655),
    received_ms INTEGER NOT NULL CONSTRAINT ck_sensor_states_received_ms CHECK (received_ms BETWEEN 0 AND 281474976710655),
    CONSTRAINT pk_sensor_states PRIMARY KEY (sensor_id, "key")
)
 STRICT;

CREATE TABLE sensors (
    id TEXT NOT NULL CONSTRAINT ck_sensors_id CHECK (length(id) BETWEEN 1 AND 80),
    display_name TEXT NOT NULL CONSTRAINT ck_sensors_display_name CHECK (length(display_name) <= 120),
    type TEXT NOT NULL CONSTRAINT ck_sensors_type CHECK (length(type) <= 64),
    protocol TEXT NOT NULL CONSTRAINT ck_sensors_protocol CHECK (length(protocol) <= 32),
    device_address TEXT NOT NULL CONSTRAINT ck_sensors_device_address CHECK (length(device_address) <= 200),
    location TEXT NOT NULL CONSTRAINT ck_sensors_location CHECK (length(location) <= 120),
    enabled INTEGER DEFAULT 0 NOT NULL CONSTRAINT ck_sensors_enabled CHECK (enabled IN (0, 1)),
    position INTEGER NOT NULL CONSTRAINT ck_sensors_position CHECK (position >= 0),
    created_ms INTEGER NOT NULL CONSTRAINT ck_sensors_created_ms CHECK (created_ms BETWEEN 0 AND 281474976710655),
    updated_ms INTEGER NOT NULL CONSTRAINT ck_sensors_updated_ms CHECK (updated_ms BETWEEN 0 AND 281474976710655),
    removed_ms INTEGER CONSTRAINT ck_sensors_removed_ms CHECK (removed_ms BETWEEN 0 AND 281474976710655),
    CONSTRAINT pk_sensors PRIMARY KEY (id)
)
 STRICT;

CREATE TABLE settings_history (
    n INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    ts_ms INTEGER NOT NULL CONSTRAINT ck_settings_history_ts_ms CHECK (ts_ms BETWEEN 0 AND 281474976710655),
    actor TEXT NOT NULL CONSTRAINT ck_settings_history_actor CHECK (length(actor) <= 80),
    revision TEXT NOT NULL CONSTRAINT ck_settings_history_revision CHECK (length(revision) <= 64),
    changes TEXT DEFAULT '{}' NOT NULL CONSTRAINT ck_settings_history_changes CHECK (json_valid(changes))
)
 STRICT;

CREATE TABLE system_events (
    id TEXT NOT NULL CONSTRAINT ck_system_events_id CHECK (length(id) BETWEEN 1 AND 80),
    ts_ms INTEGER NOT NULL CONSTRAINT ck_system_events_ts_ms CHECK (ts_ms BETWEEN 0 AND 281474976710655),
    source TEXT NOT NULL CONSTRAINT ck_system_events_source CHECK (length(source) <= 80),
    component TEXT NOT NULL CONSTRAINT ck_system_events_component CHECK (length(component) <= 80),
    level TEXT NOT NULL CONSTRAINT ck_system_events_level CHECK (level IN ('info', 'alert', 'critical')),
    code TEXT NOT NULL CONSTRAINT ck_system_events_code CHECK (length(code) <= 64),
    message TEXT NOT NULL CONSTRAINT ck_system_events_message CHECK (length(message) <= 500),
    CONSTRAINT pk_system_events PRIMARY KEY (id)
)
 STRICT;

CREATE INDEX ix_system_events_level ON system_events (level, ts_ms, id);

CREATE INDEX ix_system_events_time ON system_events (ts_ms, id);

CREATE TABLE timelapse_schedules (
    id TEXT NOT NULL CONSTRAINT ck_timelapse_schedules_id CHECK (length(id) BETWEEN 1 AND 80),
    camera_id TEXT NOT NULL CONSTRAINT ck_timelapse_schedules_camera_id CHECK (length(camera_id) <= 64),
    name TEXT NOT NULL CONSTRAINT ck_timelapse_schedules_name CHECK (length(name) <= 120),
    start_time TEXT NOT NULL CONSTRAINT ck_timelapse_schedules_start_time CHECK (length(start_time) <= 5),
    end_time TEXT NOT NULL CONSTRAINT ck_timelapse_schedules_end_time CHECK (length(end_time) <= 5),
    interval_s INTEGER NOT NULL CONSTRAINT ck_timelapse_schedules_interval_s CHECK (interval_s >= 1),
    fps INTEGER NOT NULL CONSTRAINT ck_timelapse_schedules_fps CHECK (fps BETWEEN 1 AND 60),
    enabled INTEGER DEFAULT 1 NOT NULL CONSTRAINT ck_timelapse_schedules_enabled CHECK (enabled IN (0, 1)),
    created_ms INTEGER NOT NULL CONSTRAINT ck_timelapse_schedules_created_ms CHECK (created_ms BETWEEN 0 AND 281474976710655),
    last_run_ms INTEGER CONSTRAINT ck_timelapse_schedules_last_run_ms CHECK (last_run_ms BETWEEN 0 AND 281474976710655),
    CONSTRAINT pk_timelapse_schedules PRIMARY KEY (id)
)
 STRICT;

CREATE INDEX ix_timelapse_schedules_camera ON timelapse_schedules (camera_id);

CREATE TABLE wildlife_sightings (
    id TEXT NOT NULL CONSTRAINT ck_wildlife_sightings_id CHECK (length(id) BETWEEN 1 AND 80),
    ts_ms INTEGER NOT NULL CONSTRAINT ck_wildlife_sightings_ts_ms CHECK (ts_ms BETWEEN 0 AND 281474976710655),
    camera_id TEXT NOT NULL CONSTRAINT ck_wildlife_sightings_camera_id CHECK (length(camera_id) <= 64),
    species TEXT NOT NULL CONSTRAINT ck_wildlife_sightings_species CHECK (length(species) <= 80),
    threat_level TEXT NOT NULL CONSTRAINT ck_wildlife_sightings_threat_level CHECK (threat_level IN ('none', 'low', 'medium', 'high')),
    confidence REAL NOT NULL CONSTRAINT ck_wildlife_sightings_confidence CHECK (confidence BETWEEN 0 AND 1),
    temperature_c REAL CONSTRAINT ck_wildlife_sightings_temperature_c CHECK (temperature_c BETWEEN -100 AND 100),
    conditions TEXT DEFAULT '' NOT NULL CONSTRAINT ck_wildlife_sightings_conditions CHECK (length(conditions) <= 120),
    event_id TEXT CONSTRAINT ck_wildlife_sightings_event_id CHECK (length(event_id) <= 36),
    picture_id TEXT CONSTRAINT ck_wildlife_sightings_picture_id CHECK (length(picture_id) <= 36),
    recording_id TEXT CONSTRAINT ck_wildlife_sightings_recording_id CHECK (length(recording_id) <= 36),
    CONSTRAINT pk_wildlife_sightings PRIMARY KEY (id)
)
 STRICT;

CREATE INDEX ix_wildlife_sightings_species ON wildlife_sightings (species, ts_ms, id);

CREATE INDEX ix_wildlife_sightings_time ON wildlife_sightings (ts_ms, id);

CREATE TABLE face_embeddings (
    id TEXT NOT NULL CONSTRAINT ck_face_embeddings_id CHECK (length(id) BETWEEN 1 AND 80),
    profile_id TEXT NOT NULL,
    vector BLOB NOT NULL CONSTRAINT ck_face_embeddings_vector CHECK (length(vector) BETWEEN 1 AND 65536),
    model TEXT NOT NULL CONSTRAINT ck_face_embeddings_model CHECK (length(model) <= 120),
    quality REAL NOT NULL CONSTRAINT ck_face_embeddings_quality CHECK (quality BETWEEN 0 AND 1),
    picture_id TEXT CONSTRAINT ck_face_embeddings_picture_id CHECK (length(picture_id) <= 36),
    created_ms INTEGER NOT NULL CONSTRAINT ck_face_embeddings_created_ms CHECK (created_ms BETWEEN 0 AND 281474976710655),
    CONSTRAINT pk_face_embeddings PRIMARY KEY (id),
    CONSTRAINT fk_face_embeddings_profile_id FOREIGN KEY(profile_id) REFERENCES face_profiles (id) ON DELETE CASCADE
)
 STRICT;

CREATE INDEX ix_face_embeddings_profile ON face_embeddings (profile_id, created_ms);

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
    CONSTRAINT pk_pet_rules PRIMARY KEY (id),
    CONSTRAINT fk_pet_rules_pet_id FOREIGN KEY(pet_id) REFERENCES pets (id) ON DELETE CASCADE
)
 STRICT;

CREATE INDEX ix_pet_rules_pet ON pet_rules (pet_id);

CREATE TABLE pet_training_images (
    id TEXT NOT NULL CONSTRAINT ck_pet_training_images_id CHECK (length(id) BETWEEN 1 AND 80),
    pet_id TEXT NOT NULL,
    picture_id TEXT NOT NULL CONSTRAINT ck_pet_training_images_picture_id CHECK (length(picture_id) <= 36),
    origin TEXT NOT NULL CONSTRAINT ck_pet_training_images_origin CHECK (origin IN ('upload', 'sighting', 'correction')),
    used INTEGER DEFAULT 0 NOT NULL CONSTRAINT ck_pet_training_images_used CHECK (used IN (0, 1)),
    vector BLOB NOT NULL CONSTRAINT ck_pet_training_images_vector CHECK (length(vector) BETWEEN 1 AND 65536),
    created_ms INTEGER NOT NULL CONSTRAINT ck_pet_training_images_created_ms CHECK (created_ms BETWEEN 0 AND 281474976710655),
    CONSTRAINT pk_pet_training_images PRIMARY KEY (id),
    CONSTRAINT fk_pet_training_images_pet_id FOREIGN KEY(pet_id) REFERENCES pets (id) ON DELETE CASCADE
)
 STRICT;

CREATE INDEX ix_pet_training_images_pet ON pet_training_images (pet_id, created_ms);

CREATE TABLE visits (
    id TEXT NOT NULL CONSTRAINT ck_visits_id CHECK (length(id) BETWEEN 1 AND 80),
    profile_id TEXT NOT NULL,
    camera_id TEXT NOT NULL CONSTRAINT ck_visits_camera_id CHECK (length(camera_id) <= 64),
    arrived_ms INTEGER NOT NULL CONSTRAINT ck_visits_arrived_ms CHECK (arrived_ms BETWEEN 0 AND 281474976710655),
    left_ms INTEGER CONSTRAINT ck_visits_left_ms CHECK (left_ms BETWEEN 0 AND 281474976710655),
    confidence REAL NOT NULL CONSTRAINT ck_visits_confidence CHECK (confidence BETWEEN 0 AND 1),
    event_id TEXT CONSTRAINT ck_visits_event_id CHECK (length(event_id) <= 36),
    picture_id TEXT CONSTRAINT ck_visits_picture_id CHECK (length(picture_id) <= 36),
    CONSTRAINT pk_visits PRIMARY KEY (id),
    CONSTRAINT fk_visits_profile_id FOREIGN KEY(profile_id) REFERENCES face_profiles (id) ON DELETE CASCADE
)
 STRICT;

CREATE INDEX ix_visits_profile ON visits (profile_id, arrived_ms, id);

CREATE INDEX ix_visits_time ON visits (arrived_ms, id);
