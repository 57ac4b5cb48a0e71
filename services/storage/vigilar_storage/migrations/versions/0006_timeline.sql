CREATE TABLE event_reviews (
    event_id TEXT NOT NULL CONSTRAINT ck_event_reviews_event_id CHECK (length(event_id) BETWEEN 1 AND 80),
    camera_id TEXT DEFAULT '' NOT NULL CONSTRAINT ck_event_reviews_camera_id CHECK (length(camera_id) <= 64),
    started_ms INTEGER NOT NULL CONSTRAINT ck_event_reviews_started_ms CHECK (started_ms BETWEEN 0 AND 281474976710655),
    reviewed_ms INTEGER CONSTRAINT ck_event_reviews_reviewed_ms CHECK (reviewed_ms BETWEEN 0 AND 281474976710655),
    reviewed_by TEXT DEFAULT '' NOT NULL CONSTRAINT ck_event_reviews_reviewed_by CHECK (length(reviewed_by) <= 80),
    CONSTRAINT pk_event_reviews PRIMARY KEY (event_id)
)
 STRICT

-- next

CREATE INDEX ix_event_reviews_camera_open ON event_reviews (camera_id, started_ms, event_id) WHERE reviewed_ms IS NULL

-- next

CREATE INDEX ix_event_reviews_done ON event_reviews (reviewed_ms, event_id) WHERE reviewed_ms IS NOT NULL

-- next

CREATE INDEX ix_event_reviews_open ON event_reviews (started_ms, event_id) WHERE reviewed_ms IS NULL

-- next

CREATE TABLE event_counts (
    level_ms INTEGER NOT NULL,
    slot_ms INTEGER NOT NULL,
    camera_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    severity TEXT NOT NULL,
    n INTEGER NOT NULL CONSTRAINT ck_event_counts_n CHECK (n >= 0),
    CONSTRAINT pk_event_counts PRIMARY KEY (level_ms, slot_ms, camera_id, kind, severity)
)
 WITHOUT ROWID,
 STRICT

-- next

CREATE TABLE saved_searches (
    id TEXT NOT NULL CONSTRAINT ck_saved_searches_id CHECK (length(id) BETWEEN 1 AND 80),
    owner TEXT NOT NULL CONSTRAINT ck_saved_searches_owner CHECK (length(owner) <= 80),
    name TEXT NOT NULL CONSTRAINT ck_saved_searches_name CHECK (length(name) <= 80),
    words TEXT NOT NULL CONSTRAINT ck_saved_searches_words CHECK (length(words) <= 300),
    created_ms INTEGER NOT NULL CONSTRAINT ck_saved_searches_created_ms CHECK (created_ms BETWEEN 0 AND 281474976710655),
    CONSTRAINT pk_saved_searches PRIMARY KEY (id)
)
 STRICT

-- next

CREATE INDEX ix_saved_searches_owner ON saved_searches (owner, created_ms, id)

-- next

CREATE TRIGGER events_counted AFTER INSERT ON events WHEN new.started_ms IS NOT NULL BEGIN INSERT INTO event_counts (level_ms, slot_ms, camera_id, kind, severity, n) VALUES (300000, new.started_ms - new.started_ms % 300000, coalesce(new.camera_id, ''), CASE new.type WHEN 'object' THEN coalesce(new.end_detail ->> 'object_class', new.detail ->> 'object_class', 'object') ELSE new.type END, new.severity, 1), (1800000, new.started_ms - new.started_ms % 1800000, coalesce(new.camera_id, ''), CASE new.type WHEN 'object' THEN coalesce(new.end_detail ->> 'object_class', new.detail ->> 'object_class', 'object') ELSE new.type END, new.severity, 1), (10800000, new.started_ms - new.started_ms % 10800000, coalesce(new.camera_id, ''), CASE new.type WHEN 'object' THEN coalesce(new.end_detail ->> 'object_class', new.detail ->> 'object_class', 'object') ELSE new.type END, new.severity, 1) ON CONFLICT (level_ms, slot_ms, camera_id, kind, severity) DO UPDATE SET n = n + 1; END

-- next

CREATE TRIGGER events_counted_anew AFTER UPDATE ON events WHEN new.started_ms IS NOT NULL AND (old.started_ms IS NOT new.started_ms OR old.severity IS NOT new.severity OR old.camera_id IS NOT new.camera_id OR CASE old.type WHEN 'object' THEN coalesce(old.end_detail ->> 'object_class', old.detail ->> 'object_class', 'object') ELSE old.type END IS NOT CASE new.type WHEN 'object' THEN coalesce(new.end_detail ->> 'object_class', new.detail ->> 'object_class', 'object') ELSE new.type END) BEGIN INSERT INTO event_counts (level_ms, slot_ms, camera_id, kind, severity, n) VALUES (300000, new.started_ms - new.started_ms % 300000, coalesce(new.camera_id, ''), CASE new.type WHEN 'object' THEN coalesce(new.end_detail ->> 'object_class', new.detail ->> 'object_class', 'object') ELSE new.type END, new.severity, 1), (1800000, new.started_ms - new.started_ms % 1800000, coalesce(new.camera_id, ''), CASE new.type WHEN 'object' THEN coalesce(new.end_detail ->> 'object_class', new.detail ->> 'object_class', 'object') ELSE new.type END, new.severity, 1), (10800000, new.started_ms - new.started_ms % 10800000, coalesce(new.camera_id, ''), CASE new.type WHEN 'object' THEN coalesce(new.end_detail ->> 'object_class', new.detail ->> 'object_class', 'object') ELSE new.type END, new.severity, 1) ON CONFLICT (level_ms, slot_ms, camera_id, kind, severity) DO UPDATE SET n = n + 1; END

-- next

CREATE TRIGGER events_uncounted AFTER UPDATE ON events WHEN old.started_ms IS NOT NULL AND (old.started_ms IS NOT new.started_ms OR old.severity IS NOT new.severity OR old.camera_id IS NOT new.camera_id OR CASE old.type WHEN 'object' THEN coalesce(old.end_detail ->> 'object_class', old.detail ->> 'object_class', 'object') ELSE old.type END IS NOT CASE new.type WHEN 'object' THEN coalesce(new.end_detail ->> 'object_class', new.detail ->> 'object_class', 'object') ELSE new.type END) BEGIN UPDATE event_counts SET n = n - 1 WHERE (level_ms, slot_ms, camera_id, kind, severity) IN (VALUES (300000, old.started_ms - old.started_ms % 300000, coalesce(old.camera_id, ''), CASE old.type WHEN 'object' THEN coalesce(old.end_detail ->> 'object_class', old.detail ->> 'object_class', 'object') ELSE old.type END, old.severity), (1800000, old.started_ms - old.started_ms % 1800000, coalesce(old.camera_id, ''), CASE old.type WHEN 'object' THEN coalesce(old.end_detail ->> 'object_class', old.detail ->> 'object_class', 'object') ELSE old.type END, old.severity), (10800000, old.started_ms - old.started_ms % 10800000, coalesce(old.camera_id, ''), CASE old.type WHEN 'object' THEN coalesce(old.end_detail ->> 'object_class', old.detail ->> 'object_class', 'object') ELSE old.type END, old.severity)); END

-- next

CREATE TRIGGER events_gone AFTER DELETE ON events WHEN old.started_ms IS NOT NULL BEGIN UPDATE event_counts SET n = n - 1 WHERE (level_ms, slot_ms, camera_id, kind, severity) IN (VALUES (300000, old.started_ms - old.started_ms % 300000, coalesce(old.camera_id, ''), CASE old.type WHEN 'object' THEN coalesce(old.end_detail ->> 'object_class', old.detail ->> 'object_class', 'object') ELSE old.type END, old.severity), (1800000, old.started_ms - old.started_ms % 1800000, coalesce(old.camera_id, ''), CASE old.type WHEN 'object' THEN coalesce(old.end_detail ->> 'object_class', old.detail ->> 'object_class', 'object') ELSE old.type END, old.severity), (10800000, old.started_ms - old.started_ms % 10800000, coalesce(old.camera_id, ''), CASE old.type WHEN 'object' THEN coalesce(old.end_detail ->> 'object_class', old.detail ->> 'object_class', 'object') ELSE old.type END, old.severity)); END
