"""`vigilar restore`: check a backup, put it back, or try whether it could be."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vigilar_common.clock import SystemClock

from vigilar_storage import archive, backup, drill, places, restore


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("restore", help="check a backup, or put it back")
    add = parser.add_argument
    add("archive", nargs="?", metavar="ARCHIVE", help="vigilar-backup-….tar.gz or ….tar.gz.age")
    add("-c", "--config", metavar="PATH", help="vigilar.toml")
    add("--identity", metavar="FILE", help="the owner's identity, for an encrypted archive")
    add("--verify-only", action="store_true", help="check the archive, change nothing")
    add("--to", metavar="DIR", help="take it apart into this new folder instead of putting it in place")
    add(
        "--parts",
        metavar="LIST",
        default=",".join(archive.PARTS),
        help="which parts to put in place (default: all)",
    )
    add("--yes", action="store_true", help="do not ask")
    add(
        "--drill",
        action="store_true",
        help="try the newest backup without changing anything, remember the result",
    )
    add("--out", metavar="DIR", help="folder of the backups, for --drill")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Raises VigilarError, OSError."""
    clock = SystemClock()
    if not args.drill and args.archive is None:
        sys.stderr.write("vigilar restore: name an archive, or use --drill\n")
        return 2
    where = places.find(args.config, args.out)
    if args.drill:
        result = drill.run(where, clock, args.identity or "")
        sys.stdout.write(f"drill: {result.level}: {result.archive or '(no archive)'}: {result.detail}\n")
        return 1 if result.level == "failed" else 0
    path = Path(args.archive)
    parts = restore.chosen_parts(args.parts)
    identity = backup.identity_on_box(where, args.identity or "") if path.suffix == ".age" else ""
    work = Path(args.to).resolve().parent if args.to else where.data_dir
    with restore.unpacked(path, identity, work) as checked:
        manifest = checked.manifest
        made = datetime.fromtimestamp(manifest.created_ms / 1000, UTC).isoformat(timespec="seconds")
        rows = sum(manifest.counts.values())
        sys.stdout.write(
            f"{path.name}: whole; made {made} by Vigilar {manifest.version}, schema {manifest.schema_version or '(none)'}, "
            f"{len(manifest.members)} files, {rows} rows\n"
        )
        if args.verify_only:
            return 0
        if args.to:
            restore.copy_to(checked, Path(args.to), path.name, clock.now_ms())
            sys.stdout.write(f"taken apart into {args.to}\n")
            return 0
        if not args.yes and not _agreed(where):
            sys.stderr.write("vigilar restore: nothing was changed\n")
            return 1
        kept = restore.restore(where, checked, clock, parts, path.name)
    for aside in kept:
        sys.stdout.write(f"kept {aside}\n")
    sys.stdout.write("restored; start Vigilar again\n")
    return 0


def _agreed(where: places.Places) -> bool:
    if not sys.stdin.isatty():
        sys.stderr.write(
            "vigilar restore: this replaces database, settings, configuration and keys; add --yes\n"
        )
        return False
    sys.stdout.write(
        f"Replace {where.database}, {where.settings}, {where.config.parent} and {where.secrets}? [y/N] "
    )
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
