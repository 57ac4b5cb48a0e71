"""The one way in which tests wait for something: until it is true, and never for ever."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")
PATIENCE: Final = float(os.environ.get("VIGILAR_TEST_PATIENCE", "3"))
"""A limit says what a machine takes that does nothing else; one that is loaded may take so many times as long.
Where a figure is promised it is measured and asserted, not waited for."""


def wait_until(condition: Callable[[], T], limit_s: float, what: str, pause_s: float = 0.02) -> T:
    """The first true result of ``condition``; AssertionError naming ``what`` when there is none in time."""
    deadline_s = time.monotonic() + limit_s * PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline_s, f"{what}: not within {limit_s * PATIENCE:g} s"
        time.sleep(pause_s)
    return found
