"""The demo's model is fetched beside everything else; whether that works or not, the demo goes on."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest
from patience import wait_until
from vigilar_common.testing import FakeClock
from vigilar_supervisor.demo_model import FETCH_LIMIT_S, ModelFetch


class Fetch:
    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
        installer = folder / "installer"
        installer.write_text(f'#!/bin/sh\necho "$@ into $VIGILAR_MODELS_DIR"\n{script}\n')
        installer.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(installer))
        self.clock, self.fetched = FakeClock(), 0
        self.output = folder / "models.log"
        self.models = folder / "models"
        self.fetch = ModelFetch(self.models, self.output, self.clock, self._count)
        self.fetch.poll()
        self.fetch.start()

    def _count(self) -> None:
        self.fetched += 1

    def ended(self) -> bool:
        self.fetch.poll()
        return self.fetch._child is None


def test_a_fetched_model_is_told_once_and_its_output_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch = Fetch(tmp_path, monkeypatch, "exit 0")
    wait_until(fetch.ended, 10, "the installer ended")
    fetch.fetch.poll()
    assert fetch.fetched == 1
    assert fetch.output.read_text() == f"-m vigilar_detector models install into {fetch.models}\n"


def test_a_failure_names_where_the_reason_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fetch = Fetch(tmp_path, monkeypatch, "exit 3")
    with caplog.at_level(logging.WARNING):
        wait_until(fetch.ended, 10, "the installer ended")
    assert fetch.fetched == 0
    assert f"it ended with 3; {fetch.output} says why" in caplog.text


def test_a_fetch_that_takes_too_long_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fetch = Fetch(tmp_path, monkeypatch, "exec sleep 600")
    child = fetch.fetch._child
    assert child is not None
    assert not fetch.ended()
    fetch.clock.advance(FETCH_LIMIT_S + 1)
    with caplog.at_level(logging.WARNING):
        assert fetch.ended()
    assert child.returncode == -9
    assert "took more than 600 s" in caplog.text
