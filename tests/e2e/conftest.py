"""One running demo and one browser for all end-to-end tests of a run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import walk
from patience import PATIENCE
from playwright.sync_api import Browser, Playwright, expect, sync_playwright
from stack import CACHE, ROOT, Stack
from vigilar_common.testing.broker import free_port


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    # The film is there before the clock of the start runs.
    command = [sys.executable, "-m", "vigilar_demo_camera", "build", "--state", str(CACHE)]
    subprocess.run([*command, "--footage-cache", str(CACHE / "footage")], check=True, timeout=110)
    home = tmp_path_factory.mktemp("stack") / "home"
    running = Stack(home, free_port())
    running.start()
    yield running
    try:
        running.stop()
    finally:
        keep = os.environ.get("VIGILAR_TEST_RESULTS", str(ROOT / "test-results"))
        logs = home / "run" / "log"
        if logs.exists():
            shutil.copytree(logs, Path(keep) / "e2e-logs", dirs_exist_ok=True)


EXPECT_MS = 5_000
expect.set_options(timeout=EXPECT_MS * PATIENCE)


@pytest.fixture(scope="session")
def playwright_session() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(playwright_session: Playwright) -> Iterator[Browser]:
    chromium = playwright_session.chromium.launch(executable_path=walk.chromium(), args=walk.CHROMIUM_FLAGS)
    yield chromium
    chromium.close()


@pytest.fixture(scope="session")
def shots() -> Path:
    folder = ROOT / "test-results" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
