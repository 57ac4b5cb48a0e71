"""`python -m vigilar_storage VERB …`: what the `vigilar` command hands to storage.

Each verb is a module with `register(subparsers)`; its parser sets `func`, which returns the exit code.
The environment is that of the service (VIGILAR_CONFIG, VIGILAR_SETTINGS, VIGILAR_SECRETS_DIR, VIGILAR_STATE_DIR).
"""

from __future__ import annotations

import importlib

from vigilar_common.verbs import run_verb, verb_parser

VERBS: dict[str, str] = {
    "verify": "verify_cli",
    "keys": "keys_cli",
    "backup": "backup_cli",
    "restore": "restore_cli",
    "export": "export_cli",
    "storage": "storage_cli",
    "recover": "recover_cli",
}
"""Verb → module below `vigilar_storage`; imported only when that verb is asked for."""


def main(argv: list[str]) -> int:
    """0: done, 1: failed with the reason on stderr, 2: the command line was wrong; a verb may define more."""
    parser, verbs = verb_parser()
    wanted = [argv[0]] if argv and argv[0] in VERBS else list(VERBS)
    for verb in wanted:
        importlib.import_module(f"vigilar_storage.{VERBS[verb]}").register(verbs)
    return run_verb(parser.parse_args(argv))
