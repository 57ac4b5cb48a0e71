"""`vigilar rules list` and `vigilar rules test`: what the rules did, and what one would have done. Only reads."""

from __future__ import annotations

import argparse
import json
import sys
import threading
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from vigilar_common.clock import SystemClock
from vigilar_common.config.slices import Slice, SliceReader
from vigilar_common.errors import StorageUnavailableError, VigilarError
from vigilar_common.messages.rules import MAX_DRY_RUN_DAYS
from vigilar_common.secrets import Secrets
from vigilar_common.service import Environment
from vigilar_common.state_file import StateFile
from vigilar_common.storage_client import StorageClient
from vigilar_common.verbs import run_verb, verb_parser

from vigilar_events.domain.rule_engine import Moment, restored
from vigilar_events.domain.rule_world import World
from vigilar_events.rule_dry_run import dry_run
from vigilar_events.rules import KNOWN_FILE, MEMORY_FILE, listed

STORAGE_CURE = (
    "is Vigilar running? In containers: docker compose exec events python -m vigilar_events rules …"
)


class RulesCliError(VigilarError):
    """What was asked for cannot be answered, and why."""


def main(argv: list[str]) -> int:
    """0: done, 1: failed with the reason on stderr, 2: the command line was wrong."""
    return run_verb(parser().parse_args(argv))


def parser() -> argparse.ArgumentParser:
    top, verbs = verb_parser()
    rules = verbs.add_parser("rules", help="list rules with their last firing, try one out on the past")
    below = rules.add_subparsers(dest="what", metavar="COMMAND", required=True)
    for name, help_text, func in (
        ("list", "every rule with its last firing and why", _list),
        ("test", "what a rule would have done, on past events; nothing is done", _test),
    ):
        command = below.add_parser(name, help=help_text)
        command.add_argument("-c", "--config", metavar="PATH", help="vigilar.toml (default $VIGILAR_CONFIG)")
        command.add_argument("--json", action="store_true", help="print one JSON object")
        command.set_defaults(func=func)
        if name == "test":
            command.add_argument("rule_id", metavar="ID", help="which rule")
            command.add_argument(
                "--days",
                type=int,
                default=7,
                choices=range(1, MAX_DRY_RUN_DAYS + 1),
                metavar=f"1-{MAX_DRY_RUN_DAYS}",
                help="how far back (default 7)",
            )
    return top


def _slice(environment: Environment) -> Slice:
    return SliceReader(environment.config_run, "events", SystemClock()).load()


def _list(args: argparse.Namespace) -> int:
    environment = Environment.read()
    piece, clock = _slice(environment), SystemClock()
    loaded = StateFile(environment.state_dir / MEMORY_FILE).load()
    if loaded.problem:
        sys.stderr.write(f"vigilar: {loaded.problem}\n")
    now = Moment(clock.now_ms(), clock.monotonic_s())
    try:
        memories = restored(loaded.value or {"rules": {}}, piece.config.rules, now)
    except ValueError as error:
        raise RulesCliError(f"{environment.state_dir / MEMORY_FILE}: {error}") from error
    rules = [listed(rule, memories.get(rule.id), now.s) for rule in piece.config.rules]
    if args.json:
        _say(json.dumps({"rules": rules}, indent=1, ensure_ascii=False))
        return 0
    if not rules:
        _say("There are no rules.")
    for rule in rules:
        _say(_line(rule, piece.timezone))
        if rule["last"]:
            _say(f"  {rule['last']['because']}")
    return 0


def _test(args: argparse.Namespace) -> int:
    environment = Environment.read()
    piece = _slice(environment)
    rule = next((rule for rule in piece.config.rules if rule.id == args.rule_id), None)
    if rule is None:
        known = ", ".join(rule.id for rule in piece.config.rules) or "none"
        raise RulesCliError(f"there is no rule {args.rule_id!r}; known are {known}")
    world = World()
    loaded = StateFile(environment.state_dir / KNOWN_FILE).load()
    try:
        world.restore(loaded.value or {"known": []})
    except ValueError as error:
        raise RulesCliError(f"{environment.state_dir / KNOWN_FILE}: {error}") from error
    storage = StorageClient(environment.storage_url, Secrets(environment.secrets_dir).text("storage_token"))
    try:
        found = dry_run(
            rule, piece.config, world.values, args.days, storage, SystemClock(), threading.Event()
        )
    except StorageUnavailableError as error:
        raise RulesCliError(f"{error}; {STORAGE_CURE}") from error
    if args.json:
        _say(json.dumps(found, indent=1, ensure_ascii=False))
        return 0
    times = "time" if found["count"] == 1 else "times"
    _say(
        f"{rule.id} would have fired {found['count']} {times} since {_time(found['from_ms'], piece.timezone)} "
        f"({found['facts']} facts looked at)."
    )
    for firing in found["firings"]:
        _say(f"  {_time(firing['at_ms'], piece.timezone)}  {firing['because']}")
    if not found["complete"]:
        _say(f"Only until {_time(found['to_ms'], piece.timezone)}: {found['reason']}.")
    return 0


def _line(rule: dict[str, Any], zone: str) -> str:
    if not rule["enabled"]:
        return f"{rule['id']}  switched off"
    if not rule["last"]:
        return f"{rule['id']}  never fired"
    times = "time" if rule["count"] == 1 else "times"
    return f"{rule['id']}  {rule['count']} {times}, last {_time(rule['last']['at_ms'], zone)}"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


def _time(at_ms: int, zone: str) -> str:
    at = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(ZoneInfo(zone))
    return at.isoformat(" ", "seconds")
