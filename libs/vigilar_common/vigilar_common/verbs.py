"""The part of `vigilar <verb>` that a service answers: `python -m vigilar_<service> <verb> …`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from vigilar_common import __version__, logs
from vigilar_common.errors import VigilarError

if TYPE_CHECKING:
    VerbParsers = argparse._SubParsersAction[argparse.ArgumentParser]  # argparse has no public name for it


def verb_parser() -> tuple[argparse.ArgumentParser, VerbParsers]:
    """The parser, and where each verb adds its own. A verb sets `func`, which takes the arguments and returns the exit code."""
    parser = argparse.ArgumentParser(prog="vigilar")
    parser.add_argument("--version", action="version", version=f"vigilar {__version__}")
    return parser, parser.add_subparsers(dest="verb", metavar="COMMAND", required=True)


def run_verb(args: argparse.Namespace) -> int:
    """The exit code: the verb's own, or 1 with the reason on stderr. (2, a wrong command line, is argparse's.)"""
    try:
        code: int = args.func(args)
    except (VigilarError, OSError) as error:
        sys.stderr.write(f"vigilar: {logs.mask(str(error))}\n")
        return 1
    return code


def seconds(least_s: float, most_s: float) -> Callable[[str], float]:
    """The `type` of an option: a number of seconds between these."""

    def parsed(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds") from None
        if not least_s <= value <= most_s:
            raise argparse.ArgumentTypeError(f"must be {least_s:g} to {most_s:g} seconds")
        return value

    return parsed
