"""`vigilar alerts …`: what belongs to alerts and is asked on the command line."""

from __future__ import annotations

import argparse
import sys

from vigilar_common import __version__, logs
from vigilar_common.errors import VigilarError

from vigilar_alerts import explain_cli, trial_cli


def main(argv: list[str]) -> int:
    """0: done, 1: failed with the reason on stderr, 2: the command line was wrong."""
    args = parser().parse_args(argv)
    try:
        code: int = args.func(args)
    except (VigilarError, OSError) as error:
        sys.stderr.write(f"vigilar: {logs.mask(str(error))}\n")
        return 1
    return code


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="vigilar")
    top.add_argument("--version", action="version", version=f"vigilar {__version__}")
    verbs = top.add_subparsers(dest="verb", metavar="COMMAND", required=True)
    alerts = verbs.add_parser("alerts", help="try out how alerts reach you, say why an event was told or not")
    below = alerts.add_subparsers(dest="what", metavar="COMMAND", required=True)
    trial_cli.register(below)
    explain_cli.register(below)
    return top
