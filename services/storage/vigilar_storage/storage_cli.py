"""`vigilar storage`: confirm limits, confirm the time, see what exists of a camera's time and why the rest does not."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from vigilar_common.clock import SystemClock
from vigilar_common.config.load import LoadedConfig, find_config_path, load
from vigilar_common.errors import VigilarError
from vigilar_common.service import Environment

from vigilar_storage import candidates, gaps, limits, pruning, register_cli, usage
from vigilar_storage.db import Database
from vigilar_storage.ledger import EntryType, Ledger
from vigilar_storage.retention import CONFIRMED_TIME, keep_number

DATABASE_FILE = "vigilar.db"
SETTINGS_FILE = "settings.toml"
PAGE = 1_000


class UsageError(VigilarError):
    """The words on the command line make no sense together."""


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("storage", help="confirm limits, report gaps, see what would be deleted")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    enforce = actions.add_parser(
        "enforce-limits",
        help="show what max_disk_usage_gb and free_space_floor_gb would delete, and confirm them",
    )
    enforce.add_argument("--yes", action="store_true", help="confirm without asking")
    enforce.add_argument(
        "--off", action="store_true", help="withdraw the confirmation: they limit nothing again"
    )
    enforce.set_defaults(func=run_enforce)
    report = actions.add_parser("gaps", help="which seconds of a camera exist, and why the others do not")
    report.add_argument("--camera", required=True, metavar="ID", help="id of the camera")
    report.add_argument(
        "--from", dest="from_", required=True, metavar="TIME", help="ISO 8601, UTC unless it says"
    )
    report.add_argument("--to", required=True, metavar="TIME", help="ISO 8601, UTC unless it says otherwise")
    report.add_argument("--json", action="store_true", help="print what the API answers")
    report.set_defaults(func=run_gaps)
    confirm = actions.add_parser(
        "confirm-time", help="say that the clock is right, so that retention goes on"
    )
    confirm.add_argument("--yes", action="store_true", help="confirm without asking")
    confirm.set_defaults(func=run_confirm_time)
    older = register_cli.add_parser(actions)
    older.set_defaults(func=run_register)
    for action in (enforce, report, confirm, older):
        action.add_argument("-c", "--config", metavar="PATH", help="vigilar.toml")


def run_enforce(args: argparse.Namespace) -> int:
    """Raises VigilarError, OSError."""
    loaded = _loaded(args)
    with _Opened(loaded) as database:
        if args.off:
            database.write(lambda connection: _confirm_limits(connection, {}))
            _say("The limits of [storage] delete nothing any more.")
            return 0
        wanted = limits.written(loaded)
        if not wanted:
            _say(
                "[storage] max_disk_usage_gb and free_space_floor_gb are not written down: nothing to confirm."
            )
            return 1
        _show_what_goes(database, loaded, wanted)
        if not _agreed(
            args.yes, "Confirm, and delete these recordings now and whenever the limits are passed?"
        ):
            _say("Nothing was confirmed.")
            return 1
        database.write(lambda connection: _confirm_limits(connection, wanted))
        _say("Confirmed. Storage begins within a minute; other values need another confirmation.")
    return 0


def run_gaps(args: argparse.Namespace) -> int:
    """Raises VigilarError, OSError."""
    from_ms, to_ms = _time(args.from_), _time(args.to)
    if to_ms <= from_ms:
        raise UsageError("--to must be later than --from")
    with _Opened(_loaded(args)) as database, database.read() as connection:
        found = gaps.report(connection, args.camera, from_ms, to_ms, SystemClock().now_ms())
    if args.json:
        _say(json.dumps(found, indent=1))
        return 0
    for span in found["spans"]:
        seconds = (span["to_ms"] - span["from_ms"]) / 1000
        note = span["reason"] or span["recording_id"] or ""
        _say(
            f"{_shown(span['from_ms'])}  {_shown(span['to_ms'])}  {seconds:10.1f} s  {span['state']:8}  {note}"
        )
    _say(", ".join(f"{state} {ms / 1000:.1f} s" for state, ms in found["totals_ms"].items()))
    return 0


def run_confirm_time(args: argparse.Namespace) -> int:
    """Raises VigilarError, OSError."""
    now_ms = SystemClock().now_ms()
    with _Opened(_loaded(args)) as database:
        with database.read() as connection:
            newest_ms = candidates.newest_ms(connection)
        _say(f"Now it is {_shown(now_ms)} UTC.")
        if newest_ms:
            _say(f"The newest recording began {_shown(newest_ms)} UTC.")
        if not _agreed(args.yes, "Is this the right time?"):
            _say("Nothing was confirmed.")
            return 1
        database.write(lambda connection: _confirm_time(connection, now_ms))
    _say("Confirmed. Recordings older than their camera's retention_days are deleted again.")
    return 0


def run_register(args: argparse.Namespace) -> int:
    """0: done, 3: done, and files were left out. Raises VigilarError, OSError."""
    from vigilar_common.secrets import Secrets

    from vigilar_storage import keys

    loaded = _loaded(args)
    secrets = Secrets(Environment.read(os.environ).secrets_dir)
    ring, _ = keys.load_ring(secrets, loaded.config.storage)
    system = loaded.config.system
    with _Opened(loaded) as database:
        task = register_cli.Task(
            database, Path(system.recordings_dir), ring, args.camera, system.timezone, args.dry_run
        )
        return register_cli.register_files(task, args.folder)


def _confirm_limits(connection: sa.Connection, wanted: dict[str, float]) -> None:
    """Texts, for the ledger takes no floats; empty: withdrawn."""
    limits.confirm(connection, wanted)
    values = {key: f"{value:g}" for key, value in sorted(wanted.items())}
    body = {"actor": actor(), "values": values}
    Ledger(SystemClock()).append(connection, EntryType.LIMITS_CONFIRMED, "limits", body)


def _confirm_time(connection: sa.Connection, now_ms: int) -> None:
    keep_number(connection, CONFIRMED_TIME, now_ms)
    body = {"actor": actor(), "confirmed_ms": now_ms}
    Ledger(SystemClock()).append(connection, EntryType.TIME_CONFIRMED, "clock", body)


def actor() -> str:
    """The user who runs the command; in a container without a name, its number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def _show_what_goes(database: Database, loaded: LoadedConfig, wanted: dict[str, float]) -> None:
    """A rehearsal: the same rules as the real deletion, on figures."""
    disk = usage.disk(Path(loaded.config.system.recordings_dir))
    force = limits.in_force(wanted, wanted)
    count: dict[str, list[int]] = {}
    with database.read() as connection:
        stored = candidates.stored_bytes(connection)
        over = max(stored - force.max_bytes if force.max_bytes else 0, force.floor_bytes - disk.free_bytes, 0)
        gone, after = 0, (0, "")
        while gone < over:
            page = candidates.oldest(connection, PAGE, after)
            if not page or (page[-1].started_ms, page[-1].id) <= after:
                break
            for item in page:
                if gone >= over:
                    break
                gone += item.size_bytes
                seen = count.setdefault(item.camera_id, [0, 0, item.started_ms, item.started_ms])
                seen[0], seen[1], seen[3] = seen[0] + 1, seen[1] + item.size_bytes, item.started_ms
            after = (page[-1].started_ms, page[-1].id)
    for key, value in wanted.items():
        _say(f"[storage] {key} = {value:g}")
    _say(f"Recordings take {stored / pruning.GB:.2f} GB; {disk.free_bytes / pruning.GB:.2f} GB are free.")
    if not count:
        _say("Nothing would be deleted now.")
    for camera_id, (number, size, first_ms, last_ms) in sorted(count.items()):
        _say(
            f"{camera_id}: {number} recordings, {size} bytes, from {_shown(first_ms)} to {_shown(last_ms)} UTC"
        )
    if gone < over:
        _say("That is every unstarred recording, and the limits are still passed.")


class _Opened:
    """Storage's database, beside a storage that may be running: SQLite lets one write at a time."""

    def __init__(self, loaded: LoadedConfig) -> None:
        path = Path(loaded.config.system.data_dir) / DATABASE_FILE
        if not path.is_file():
            raise UsageError(f"{path} does not exist: storage never ran with this configuration")
        self._database = Database(path)

    def __enter__(self) -> Database:
        self._database.open()
        with self._database.read() as connection:
            if not sa.inspect(connection).has_table("ledger"):
                self._database.close()
                raise UsageError(
                    f"{self._database.path} is no database of this version: start storage once, it upgrades it"
                )
        return self._database

    def __exit__(self, *_: object) -> None:
        self._database.close()


def _loaded(args: argparse.Namespace) -> LoadedConfig:
    settings = os.environ.get("VIGILAR_SETTINGS")
    path = Path(settings) if settings else Environment.read(os.environ).state_dir / SETTINGS_FILE
    return load(find_config_path(args.config, os.environ), os.environ, path)


def _agreed(yes: bool, question: str) -> bool:
    if yes:
        return True
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask on: give --yes")
    sys.stdout.write(f"{question} [yes/no] ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() == "yes"


def _time(text: str) -> int:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no time such as 2026-05-01T13:00") from None
    return round((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)


def _shown(ts_ms: int) -> str:
    return datetime.fromtimestamp(ts_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
