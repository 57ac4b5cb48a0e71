"""The verbs that the `vigilar` command hands to the detector: `models` and `vehicles`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from vigilar_common import logs
from vigilar_common.clock import Clock, SystemClock
from vigilar_common.errors import VigilarError
from vigilar_models import cli as models_cli
from vigilar_models.store import Installed, Store, models_dir

if TYPE_CHECKING:
    from vigilar_models.timing import Look

from vigilar_detector import vehicles_cli


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="vigilar", description="Models that look at pictures.")
    below = top.add_subparsers(dest="verb", required=True)
    vehicles_cli.register(below)
    models_cli.register(below, _looking)
    return top


def _looking(found: Installed, workers: int) -> Look:
    from vigilar_detector.timing import looking

    return looking(found, workers)


def main(words: list[str], clock: Clock | None = None) -> int:
    """0: done; 1: failed, with the reason on stderr; 2: the command line was wrong."""
    options = parser().parse_args(words)
    logs.setup("models", "ERROR")
    store = Store(models_dir(Path(os.environ.get("VIGILAR_STATE_DIR", "/state"))))
    try:
        code: int = options.run(options, store, clock or SystemClock())
    except (VigilarError, OSError) as error:
        print(f"vigilar: {logs.mask(str(error))}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return code
