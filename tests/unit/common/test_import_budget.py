"""What loading each service costs: memory that every installation pays before anything has happened."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

BUDGET_MB = {
    "vigilar_common.service": 56,
    "vigilar_camera_worker.app, av, cv2": 115,
    "vigilar_camera_worker.pool": 58,
    "vigilar_alerts.app": 70,
    "vigilar_events.app": 60,
    "vigilar_health.app": 58,
    "vigilar_sensors.app": 58,
    "vigilar_storage.app": 88,
    "vigilar_presence.app, icmplib": 62,
    "vigilar_ups.app, nut2": 58,
    "vigilar_homeassistant.app": 58,
    "vigilar_offsite.app": 58,
    "vigilar_detector.app": 58,
    "vigilar_visitors.app": 58,
    "vigilar_web.app": 76,
}
"""Resident megabytes, about a fifth above what was measured. A new heavy import shows here, not on a small machine."""

CODE = """
import {modules}, sys
with open("/proc/self/status") as lines:
    print(next(line.split()[1] for line in lines if line.startswith("VmRSS")), "prometheus_client" in sys.modules)
"""


def load(modules: str) -> tuple[float, bool]:
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(modules=modules)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    rss_kb, prometheus = done.stdout.split()
    return int(rss_kb) * 1024 / 1e6, prometheus == "True"


@pytest.fixture(scope="module", name="loaded")
def _loaded() -> dict[str, tuple[float, bool]]:
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(BUDGET_MB, pool.map(load, BUDGET_MB), strict=True))


@pytest.mark.parametrize("modules", BUDGET_MB)
def test_loading_a_service_stays_within_its_memory(
    modules: str, loaded: dict[str, tuple[float, bool]]
) -> None:
    assert 10 < loaded[modules][0] < BUDGET_MB[modules]


def test_the_metrics_library_is_not_loaded_before_somebody_scrapes(
    loaded: dict[str, tuple[float, bool]],
) -> None:
    lean = {"vigilar_common.service", "vigilar_camera_worker.app, av, cv2", "vigilar_camera_worker.pool"}
    assert {modules for modules in lean if loaded[modules][1]} == set()
