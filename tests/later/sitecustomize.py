"""A later hour for one service of a running house: `PYTHONPATH` of the house names this folder.

The service named by `VIGILAR_TEST_LATER_SERVICE` adds the seconds in the file `VIGILAR_TEST_LATER_FILE` to its wall clock, so
that hours pass for it (reminders, dusk) while the cameras go on in real time. All others keep the machine's clock.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from vigilar_common.clock import SystemClock

_now_ms = SystemClock.now_ms


def _later_ms(clock: Any) -> int:
    service = os.environ.get("VIGILAR_TEST_LATER_SERVICE", "")
    if not service or Path(os.environ.get("VIGILAR_STATE_DIR", "")).name != service:
        return _now_ms(clock)
    file = Path(os.environ["VIGILAR_TEST_LATER_FILE"])
    return _now_ms(clock) + round(1000 * float(file.read_text("ascii")))


SystemClock.now_ms = _later_ms  # type: ignore[method-assign, assignment]
