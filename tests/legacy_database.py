"""A database as the described system may have left it, made by code.

Its 19 tables and the columns that the description names are real; every other column, its type and its content is
invented here, because nothing more is known. What is tested with it is that nothing is lost, whatever the columns are.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

START_S = 1_700_000_000

SCHEMA = """
CREATE TABLE cameras (id TEXT PRIMARY KEY, display_name TEXT, location TEXT, enabled INTEGER, notes TEXT);
CREATE TABLE sensors (id TEXT PRIMARY KEY, display_name TEXT, type TEXT, protocol TEXT, battery REAL);
CREATE TABLE sensor_states (sensor_id TEXT, key TEXT, value TEXT, updated_at INTEGER, PRIMARY KEY (sensor_id, key)) WITHOUT ROWID;
CREATE TABLE events (id INTEGER PRIMARY KEY, ts INTEGER, type TEXT, severity TEXT, source_id TEXT, payload TEXT, acknowledged INTEGER);
CREATE TABLE recordings (id INTEGER PRIMARY KEY, camera_id TEXT, started_at INTEGER, path TEXT, duration REAL, trigger TEXT, event_id INTEGER, starred INTEGER, checksum BLOB);
CREATE TABLE system_events (id INTEGER PRIMARY KEY, ts INTEGER, component TEXT, level TEXT, message TEXT);
CREATE TABLE arm_state_log (id INTEGER PRIMARY KEY, ts INTEGER, old_state TEXT, new_state TEXT, triggered_by TEXT, pin_ok INTEGER);
CREATE TABLE alert_log (id INTEGER PRIMARY KEY, ts INTEGER, event_id INTEGER, channel TEXT, status TEXT, error TEXT);
CREATE TABLE push_subscriptions (id INTEGER PRIMARY KEY, endpoint TEXT, p256dh_key TEXT, auth_key TEXT, created_at TEXT);
CREATE TABLE pets (id TEXT PRIMARY KEY, name TEXT, species TEXT, breed TEXT, training_count INTEGER, colour TEXT);
CREATE TABLE pet_sightings (id INTEGER PRIMARY KEY, ts REAL, pet_id TEXT, camera_id TEXT, species TEXT, confidence REAL, crop_path TEXT);
CREATE TABLE wildlife_sightings (id INTEGER PRIMARY KEY, ts REAL, camera_id TEXT, species TEXT, threat_level TEXT, confidence REAL, temperature_c REAL, conditions TEXT);
CREATE TABLE package_events (id INTEGER PRIMARY KEY, camera_id TEXT, detected_at REAL, collected_at REAL, status TEXT);
CREATE TABLE pet_training_images (id INTEGER PRIMARY KEY, pet_id TEXT, image_path TEXT);
CREATE TABLE pet_rules (id INTEGER PRIMARY KEY, pet_id TEXT, name TEXT, cooldown_seconds INTEGER, priority INTEGER, conditions TEXT);
CREATE TABLE face_profiles (id INTEGER PRIMARY KEY, name TEXT, is_household INTEGER, visit_count INTEGER, first_seen_at REAL, last_seen_at REAL);
CREATE TABLE face_embeddings (id INTEGER PRIMARY KEY, profile_id INTEGER, embedding BLOB);
CREATE TABLE visits (id INTEGER PRIMARY KEY, profile_id INTEGER, camera_id TEXT, arrived_at REAL, departed_at REAL);
CREATE TABLE timelapse_schedules (id INTEGER PRIMARY KEY, camera_id TEXT, name TEXT, start_time TEXT, end_time TEXT, interval_seconds INTEGER, fps INTEGER);
CREATE TABLE notes_of_the_owner (what TEXT);
CREATE TRIGGER watch AFTER INSERT ON events BEGIN SELECT 1; END;
"""  # noqa: E501


def make(path: Path, *, events: int = 50, recordings: str = "/var/vigilar/recordings") -> None:
    """Every table with rows, in WAL mode, the log of the last rows still beside the file."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.executescript(SCHEMA)
    put = connection.executemany
    put(
        "INSERT INTO cameras VALUES (?,?,?,?,?)",
        [("front", "Front door", "EXTERIOR", 1, "by the bell"), ("yard", "Yard", "", 0, None)],
    )
    put("INSERT INTO sensors VALUES (?,?,?,?,?)", [("door", "Door", "CONTACT", "ZIGBEE", 0.5)])
    put(
        "INSERT INTO sensor_states VALUES (?,?,?,?)",
        [("door", "contact", "open", START_S), ("door", "battery", "87", START_S)],
    )
    put(
        "INSERT INTO events VALUES (?,?,?,?,?,?,?)",
        [
            (
                n,
                START_S + n,
                "MOTION_START",
                ("info", "warning", "critical")[n % 3],
                "front",
                '{"zones": [1]}',
                n % 2,
            )
            for n in range(events)
        ],
    )
    put(
        "INSERT INTO recordings VALUES (?,?,?,?,?,?,?,?,?)",
        [
            (1, "front", START_S, f"{recordings}/front/20231114-221320.vge", 12.5, "motion", 3, 1, b"\x00\xff"),
            (2, "front", START_S + 60, f"{recordings}/front/gone.vge", 10, "motion", None, 0, None),
            (3, "yard", START_S + 90, "/etc/passwd", 10, "continuous", None, 0, None),
        ],
    )  # fmt: skip
    put("INSERT INTO system_events VALUES (?,?,?,?,?)", [(1, START_S, "camera", "alert", "it went")])
    put(
        "INSERT INTO arm_state_log VALUES (?,?,?,?,?,?)",
        [(1, START_S, "DISARMED", "ARMED_AWAY", "web", 1), (2, START_S, None, "odd", "x", 0)],
    )
    put(
        "INSERT INTO alert_log VALUES (?,?,?,?,?,?)",
        [(1, START_S, 3, "web_push", "sent", None), (2, START_S, 3, "email", "failed", "refused")],
    )
    put(
        "INSERT INTO push_subscriptions VALUES (?,?,?,?,?)",
        [(1, "https://push.example/x", "key", "auth", "2023-11-14T22:13:20")],
    )
    put("INSERT INTO pets VALUES (?,?,?,?,?,?)", [("rex", "Rex", "dog", "beagle", 7, "brown")])
    put(
        "INSERT INTO pet_sightings VALUES (?,?,?,?,?,?,?)",
        [(1, START_S + 0.5, "rex", "yard", "dog", 0.9, "/crops/1.jpg")],
    )
    put(
        "INSERT INTO wildlife_sightings VALUES (?,?,?,?,?,?,?,?)",
        [(1, START_S, "yard", "fox", "LOW", 0.7, -3.5, "snow")],
    )
    put("INSERT INTO package_events VALUES (?,?,?,?,?)", [(1, "front", START_S, START_S + 9, "collected")])
    put("INSERT INTO pet_training_images VALUES (?,?,?)", [(1, "rex", "/staged/1.jpg")])
    put(
        "INSERT INTO pet_rules VALUES (?,?,?,?,?,?)",
        [(1, "rex", "not on the sofa", 300, 5, "zone == 'sofa'")],
    )
    put("INSERT INTO face_profiles VALUES (?,?,?,?,?,?)", [(1, "Ann", 1, 4, START_S, START_S + 9)])
    put("INSERT INTO face_embeddings VALUES (?,?,?)", [(1, 1, bytes(range(64)))])
    put(
        "INSERT INTO visits VALUES (?,?,?,?,?)",
        [(1, 1, "front", START_S, START_S + 5), (2, 99, "front", START_S, None)],
    )
    put(
        "INSERT INTO timelapse_schedules VALUES (?,?,?,?,?,?,?)",
        [(1, "yard", "garden", "06:00", "20:00", 60, 25)],
    )
    put("INSERT INTO notes_of_the_owner VALUES (?)", [("remember the milk",)])
    connection.commit()
    connection.close()
