"""The `vigilar` command."""

from __future__ import annotations

import argparse
import sys

from vigilar_common import __version__, logs
from vigilar_common.errors import VigilarError

from vigilar_supervisor import config_cli, demo, init_cli

HANDED_ON: dict[str, tuple[str, str]] = {
    "verify": ("storage", "check recordings, database and ledger against each other"),
    "export": ("storage", "hand out recordings with proof that nothing was changed"),
    "keys": ("storage", "list and rotate the keys of recordings, export the recovery key"),
    "recover": ("storage", "play what arrived off-site, with the owner's recovery key"),
    "backup": ("storage", "save database, configuration and keys, encrypted"),
    "restore": ("storage", "check a backup, or put it back"),
    "cameras": ("camera_worker", "find cameras on the network, try out an address"),
    "alerts": ("alerts", "try out how alerts reach you, say why an event was told or not"),
    "models": ("detector", "fetch, choose, check and time the models that look at pictures"),
    "vehicles": ("detector", "show Vigilar your vehicles, so that it knows who arrives"),
    "rules": ("events", "list rules with their last firing, try one out on the past"),
    "users": ("web", "list, add, remove and reset accounts"),
    "storage": ("storage", "confirm limits, report gaps, see what would be deleted"),
}
"""Verb → (service, what it does): these belong to a service and run as `python -m vigilar_<service> VERB …`."""


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="vigilar", description="Self-hosted home security.")
    top.add_argument("--version", action="version", version=f"vigilar {__version__}")
    verbs = top.add_subparsers(dest="verb", metavar="COMMAND", required=True)
    start = verbs.add_parser("start", help="run every service of the configuration on this host")
    start.add_argument(
        "-c",
        "--config",
        metavar="PATH",
        help="vigilar.toml (default $VIGILAR_CONFIG, else config/vigilar.toml)",
    )
    start.add_argument("--log-level", choices=logs.LEVELS, help="overrides [system] log_level")
    start.add_argument(
        "--with-broker",
        action="store_true",
        help="also run Mosquitto, on 127.0.0.1 at [mqtt] port; it learns new cameras by itself",
    )
    start.set_defaults(func=_start)
    config_cli.register(verbs)
    init_cli.register(verbs)
    demo.register(verbs)
    for verb, (_, help_text) in HANDED_ON.items():
        verbs.add_parser(verb, help=help_text, add_help=False)
    # The guide promises --version on every command, not only at the top.
    own = [child for name, child in verbs.choices.items() if name not in HANDED_ON]
    for child in (*own, *_below(verbs.choices["config"])):
        child.add_argument("--version", action="version", version=f"vigilar {__version__}")
    return top


def _below(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    actions = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    return [child for action in actions for child in action.choices.values()]


def _start(args: argparse.Namespace) -> int:
    from vigilar_supervisor.start import run_start

    return run_start(args)


def _hand_on(service: str, words: list[str]) -> int:
    """Run the verb in its service's own code, with the environment that service has on this host."""
    from vigilar_supervisor.handed_on import run

    try:
        return run(service, words)
    except VigilarError as error:
        print(f"vigilar: {logs.mask(str(error))}", file=sys.stderr)
        return 1


def main(argv: list[str] | None = None) -> int:
    """0: done, 1: failed with the reason on stderr, 2: the command line was wrong."""
    words = sys.argv[1:] if argv is None else argv
    if words and words[0] in HANDED_ON:
        return _hand_on(HANDED_ON[words[0]][0], words)
    args = parser().parse_args(words)
    try:
        code: int = args.func(args)
    except VigilarError as error:
        print(f"vigilar: {logs.mask(str(error))}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return code


if __name__ == "__main__":
    sys.exit(main())
