"""The tables of the file in which alerts keeps what a kill -9 must not take."""

from __future__ import annotations

import sqlite3

_TABLES = """
CREATE TABLE IF NOT EXISTS alerts (
  -- alert_id: of the telling
  n INTEGER PRIMARY KEY AUTOINCREMENT, alert_id TEXT NOT NULL UNIQUE, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS jobs (
  job_id INTEGER PRIMARY KEY AUTOINCREMENT, alert_id TEXT NOT NULL, channel TEXT NOT NULL, target TEXT NOT NULL,
  host TEXT NOT NULL, picture_id TEXT, attempt INTEGER NOT NULL, due_ms INTEGER NOT NULL,
  stage INTEGER NOT NULL DEFAULT -1, summary_id TEXT,
  UNIQUE (alert_id, channel, target));
CREATE TABLE IF NOT EXISTS subscriptions (
  subscription_id TEXT PRIMARY KEY, endpoint TEXT NOT NULL UNIQUE, p256dh TEXT NOT NULL, auth TEXT NOT NULL,
  user TEXT NOT NULL, device TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, text TEXT NOT NULL);
"""
_LATER = {"stage": "INTEGER NOT NULL DEFAULT -1", "summary_id": "TEXT"}
"""Columns of `jobs` that files of an older version lack."""
_INDEXES = """
CREATE INDEX IF NOT EXISTS ix_jobs_due ON jobs (due_ms) WHERE summary_id IS NULL;
CREATE INDEX IF NOT EXISTS ix_jobs_target ON jobs (channel, target);
CREATE INDEX IF NOT EXISTS ix_jobs_summary ON jobs (summary_id) WHERE summary_id IS NOT NULL;
"""


def make(db: sqlite3.Connection) -> None:
    """What is missing, also in files of an older version. Raises sqlite3.Error."""
    db.executescript(_TABLES)
    there = {row[1] for row in db.execute("PRAGMA table_info(jobs)")}
    for column, kind in _LATER.items():
        if column not in there:
            db.execute(f"ALTER TABLE jobs ADD COLUMN {column} {kind}")
    db.executescript(_INDEXES)
