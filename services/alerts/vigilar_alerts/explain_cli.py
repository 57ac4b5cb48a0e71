"""`vigilar alerts explain`: why an event was told or not, then and by the profiles of now. Only reads."""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from vigilar_common.clock import SystemClock
from vigilar_common.config.slices import SliceReader
from vigilar_common.errors import VigilarError
from vigilar_common.service import Environment

from vigilar_alerts.adapters.casebook import Casebook, ReadOnlyStore
from vigilar_alerts.desk import explanation
from vigilar_alerts.domain.decide import Decider

if TYPE_CHECKING:
    Below = argparse._SubParsersAction[argparse.ArgumentParser]


class ExplainError(VigilarError):
    """What was asked for cannot be answered, and why."""


def register(below: Below) -> None:
    command = below.add_parser("explain", help="why an event was told or not; nothing is told")
    command.add_argument("event_id", metavar="EVENT", help="id of the event, as in its page's address")
    command.add_argument("-c", "--config", metavar="PATH", help="vigilar.toml (default $VIGILAR_CONFIG)")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.set_defaults(func=_explain)


def _explain(args: argparse.Namespace) -> int:
    environment = Environment.read()
    piece = SliceReader(environment.config_run, "alerts", SystemClock()).load()
    path = environment.state_dir / "alerts.db"
    try:
        store = ReadOnlyStore(path)
        try:
            found = explanation(args.event_id, Casebook(store), Decider(piece.config))
        finally:
            store.close()
    except sqlite3.Error as error:
        raise ExplainError(
            f"{path} cannot be read: {error}; has the alerts service ever run here?"
        ) from error
    if found is None:
        raise ExplainError(f"nothing is known of event {args.event_id[:80]}; the newest 50,000 are kept")
    if args.json:
        _say(json.dumps(found, indent=1, ensure_ascii=False))
        return 0
    for line in _lines(found, piece.timezone):
        _say(line)
    return 0


def _lines(found: dict[str, Any], zone: str) -> Iterator[str]:
    for one in found["decisions"]:
        yield f"{_time(one['ts_ms'], zone)}  {one['title']}"
        yield f"  {one['outcome']}: {one['text']}"
        for checked in one["checked"]:
            yield f"  profile {checked['profile']}: {checked['why_not'] or 'fits'}"
    alert = found["alert"]
    if alert:
        yield f"Alert {alert['alert_id']}: {alert['title']}, {alert['count']} events, told {alert['tellings']} times."
        for receipt in alert["receipts"]:
            yield f"  {_time(receipt['ts_ms'], zone)}  {receipt['kind']} by {receipt['by']} ({receipt['method']})"
    today = found["today"]
    if not today["profile"]:
        yield "By the profiles of now: told to nobody."
    else:
        how = "is mute" if today["mute"] else f"tells it as {today['severity']}"
        yield f"By the profiles of now: {today['profile']} {how}."


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


def _time(at_ms: int, zone: str) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(ZoneInfo(zone)).isoformat(" ", "seconds")
