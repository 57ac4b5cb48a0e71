"""`python -m vigilar_storage VERB …`: what the `vigilar` command hands to storage.

Each verb is a module with `register(subparsers)`; its parser sets `func`, which returns the exit code.
The environment is that of the service (VIGILAR_CONFIG, VIGILAR_SETTINGS, VIGILAR_SECRETS_DIR, VIGILAR_STATE_DIR).
"""

from __future__ import annotations

import argparse
import importlib
import sys

from vigilar_common import __version__, logs
from vigilar_common.errors import VigilarError

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
    parser = argparse.ArgumentParser(prog="vigilar")
    parser.add_argument("--version", action="version", version=f"vigilar {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="COMMAND", required=True)
    wanted = [argv[0]] if argv and argv[0] in VERBS else list(VERBS)
    for verb in wanted:
        importlib.import_module(f"vigilar_storage.{VERBS[verb]}").register(verbs)
    args = parser.parse_args(argv)
    try:
        code: int = args.func(args)
    except VigilarError as error:
        sys.stderr.write(f"vigilar: {logs.mask(str(error))}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"vigilar: {logs.mask(str(error))}\n")
        return 1
    return code
