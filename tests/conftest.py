"""Fixtures that all kinds of tests share; every file prints its seconds so that growth is seen."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from vigilar_common import clock
from vigilar_common.testing.broker import TestBroker
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

DISKS = ("tests/chaos/test_evidence", "tests/chaos/test_full_disk", "tests/chaos/test_failing_disk")
PRIORITY = os.sched_getscheduler(0)

_seconds: dict[str, float] = defaultdict(float)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _seconds[report.nodeid.split("::")[0]] += report.duration


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.section("seconds per file")
    for name, seconds in sorted(_seconds.items(), key=lambda item: -item[1]):
        terminalreporter.write_line(f"{seconds:7.2f}  {name}")


class BrowserApart(LoadScopeScheduling):
    """The browser's tests in one process, all others in order in another; who is done first takes those of the disks.

    What `loadgroup` of pytest-xdist is for; but its groups go by the ids of tests, which pytest 9.2 no longer lets it change.
    """

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(DISKS):
            return "disks"  # neither frames nor a whole house: nothing that minds what runs beside it
        return "browser" if "/e2e/" in nodeid else "others"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling | None:
    return BrowserApart(config, log) if config.getvalue("dist") == "loadgroup" else None


@pytest.fixture(autouse=True)
def ordinary_priority() -> Iterator[None]:
    """A library that made this process a real-time one would starve the machine together with all it starts."""
    yield
    assert os.sched_getscheduler(0) == PRIORITY, "left with another priority than the run began with"


@pytest.fixture(autouse=True)
def ids_of_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test whose clock stood in another decade must not leave ids of that decade to the next one."""
    monkeypatch.setattr(clock, "_last_ms", 0)
    monkeypatch.setattr(clock, "_last_count", 0)


@pytest.fixture(autouse=True)
def log_as_it_was() -> Iterator[None]:
    """What a command that was called in this process set must not silence the next test's log, nor write it to an
    output that is closed by then."""
    root, hooks = logging.getLogger(), (sys.excepthook, threading.excepthook)
    level, handlers = root.level, list(root.handlers)
    yield
    root.setLevel(level)
    pytests_own = [h for h in root.handlers if type(h) is not logging.StreamHandler and h not in handlers]
    root.handlers[:] = [*handlers, *pytests_own]
    sys.excepthook, threading.excepthook = hooks


@pytest.fixture
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestBroker]:
    """A real Mosquitto with our users and ACL, for cameras `front` and `back`."""
    folder: Path = tmp_path_factory.mktemp("broker")
    running = TestBroker(folder, ("front", "back"))
    running.start()
    yield running
    running.stop()
