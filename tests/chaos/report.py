"""Figures of a run: printed, and appended as Markdown to the file that VIGILAR_CHAOS_REPORT names."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from pathlib import Path

REPORT, SEED = "VIGILAR_CHAOS_REPORT", "VIGILAR_CHAOS_SEED"


def note(title: str, figures: Mapping[str, object]) -> None:
    rows = "".join(f"| {name} | {value} |\n" for name, value in figures.items())
    text = f"\n## {title}\n\n| what | measured |\n|---|---|\n{rows}"
    print(text)
    if target := os.environ.get(REPORT):
        with Path(target).open("a", encoding="utf-8") as file:
            file.write(text)


def seed() -> int:
    """Of this run: given, or drawn and told by `note`, so that the run can be repeated."""
    given = os.environ.get(SEED)
    return int(given) if given else random.SystemRandom().randrange(1 << 31)


def size(name: str, default: int) -> int:
    """How large a form is run: `VIGILAR_CHAOS_<NAME>`."""
    return int(os.environ.get(f"VIGILAR_CHAOS_{name}", default))
