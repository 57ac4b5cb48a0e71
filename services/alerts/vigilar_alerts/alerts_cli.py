"""`vigilar alerts …`: what belongs to alerts and is asked on the command line."""

from __future__ import annotations

import argparse

from vigilar_common.verbs import run_verb, verb_parser

from vigilar_alerts import explain_cli, trial_cli


def main(argv: list[str]) -> int:
    """0: done, 1: failed with the reason on stderr, 2: the command line was wrong."""
    return run_verb(parser().parse_args(argv))


def parser() -> argparse.ArgumentParser:
    top, verbs = verb_parser()
    alerts = verbs.add_parser("alerts", help="try out how alerts reach you, say why an event was told or not")
    below = alerts.add_subparsers(dest="what", metavar="COMMAND", required=True)
    trial_cli.register(below)
    explain_cli.register(below)
    return top
