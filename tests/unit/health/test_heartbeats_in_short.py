"""What of a heartbeat goes on to everybody who looks at the system page."""

from __future__ import annotations

from typing import Any

import pytest
from vigilar_common.messages.system import Heartbeat
from vigilar_health.handlers import _shortened

WORK = {"in_fps": 15.0, "cpu_pct": 2.4, "lag_ms": 18, "search": "main sparse"}


@pytest.mark.parametrize(
    ("detail", "shown"),
    [
        ({"frames": 7, "work": WORK}, {"frames": 7, "work": WORK}),
        ({"last_error": "x" * 300, "work": WORK}, {"work": WORK}),
        ({"frames": 7, "work": {"search": "x" * 400}}, {"frames": 7}),
        ({"frames": 7, "work": "nonsense"}, {"frames": 7}),
        ({"findings": [1, 2], "frames": 7}, {"frames": 7}),
    ],
    ids=[
        "all of it",
        "work alone when the rest is long",
        "endless work",
        "no work",
        "findings stand elsewhere",
    ],
)
def test_a_camera_figures_stay_and_the_message_stays_small(detail: dict[str, Any], shown: Any) -> None:
    beat = Heartbeat(service="camera-worker-front", pid=1, started_ms=1, ready=True, detail=detail)
    assert _shortened(beat).detail == shown
