"""`vigilar backup`: save database, settings, configuration and keys."""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
from typing import Any

from vigilar_common.clock import SystemClock

from vigilar_storage import backup, backup_status, places


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("backup", help="save database, configuration and keys, encrypted")
    add = parser.add_argument
    add("-c", "--config", metavar="PATH", help="vigilar.toml")
    add(
        "--out",
        metavar="DIR",
        help="folder of the backups (default $VIGILAR_BACKUP_DIR, else /var/vigilar/backups)",
    )
    add(
        "--retention-days",
        metavar="N",
        help="remove backups older than this; 0 keeps them for ever (default 30)",
    )
    add("--plain", action="store_true", help="do not encrypt: the archive holds every key in the clear")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Raises VigilarError, OSError."""
    where = places.find(args.config, args.out)
    days = places.retention_days(args.retention_days)
    recipient = ""
    if places.encrypted(args.plain):
        recipient = backup.recipient_for(where, os.environ.get("VIGILAR_BACKUP_RECIPIENT", ""))
    clock = SystemClock()
    try:
        made = backup.make(where, clock, recipient=recipient, keep_days=days)
    except sqlite3.Error as error:
        raise backup.BackupError(f"the database {where.database} could not be read: {error}") from error
    told = {
        "name": made.path.name,
        "folder": str(where.backups),
        "ts_ms": made.manifest.created_ms,
        "size_bytes": made.size_bytes,
        "encrypted": bool(recipient),
        "checked": made.checked,
    }
    backup_status.note(where, backup=told, sha256={made.path.name: made.sha256})
    rows = sum(made.manifest.counts.values())
    sys.stdout.write(
        f"{made.path}: {made.size_bytes} bytes, {len(made.manifest.members)} files, {rows} rows, "
        f"{'encrypted' if recipient else 'NOT encrypted, keep it safe'}, {_checked(made.checked)}\n"
    )
    for name in made.removed:
        sys.stdout.write(f"removed {name}: older than {days} days\n")
    return 0


def _checked(what: str) -> str:
    if what == "content":
        return "read back and verified whole"
    return "bytes read back; that it opens can only be checked with the owner's identity"
