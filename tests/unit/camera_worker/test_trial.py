"""One address tried out in a process of its own: what is told, and what happens when that process does not end well."""

from __future__ import annotations

import json
import subprocess
import threading
from typing import Any

import pytest
from vigilar_camera_worker import trial
from vigilar_camera_worker.turns import Turns
from vigilar_common.messages.camera import TryCamera
from vigilar_common.testing import FakeClock
from vigilar_common.testing.broker import free_port

URL = "rtsp://admin:secret@10.0.0.5/main"


class Asker:
    """A Received: keeps the answer."""

    def __init__(self, url: str) -> None:
        self.message = TryCamera(url=url)
        self.answered = threading.Event()
        self.answer: dict[str, Any] = {}

    def reply(self, **answer: Any) -> None:
        self.answer = answer
        self.answered.set()


def ask(turns: Turns, url: str = URL) -> dict[str, Any]:
    asker = Asker(url)
    turns.asked(asker)  # type: ignore[arg-type]
    assert asker.answered.wait(10)
    return asker.answer


def ended(monkeypatch: pytest.MonkeyPatch, code: int, out: bytes = b"") -> list[dict[str, Any]]:
    runs: list[dict[str, Any]] = []

    def run(command: list[str], **how: Any) -> subprocess.CompletedProcess[bytes]:
        runs.append({"command": command, **how})
        return subprocess.CompletedProcess(command, code, out)

    monkeypatch.setattr(subprocess, "run", run)
    return runs


def test_the_address_goes_by_standard_input_and_no_secret_of_ours_goes_along(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VIGILAR_SECRETS_DIR", "/secrets")
    runs = ended(monkeypatch, 0, json.dumps({"usable": True, "picture": "abc"}).encode())
    answer = ask(trial.trials(FakeClock()))
    assert answer == {"ok": True, "data": {"usable": True, "picture": "abc"}}
    assert "secret" not in " ".join(runs[0]["command"])
    assert runs[0]["input"].decode().strip() == URL
    assert not any(name.startswith("VIGILAR") for name in runs[0]["env"])


@pytest.mark.parametrize(
    ("code", "out", "words"),
    [(-11, b"", "decoder"), (1, b"", "ended with 1"), (0, b"x" * 70_000, "70000 bytes")],
)
def test_a_trial_that_ends_badly_is_told(
    monkeypatch: pytest.MonkeyPatch, code: int, out: bytes, words: str
) -> None:
    ended(monkeypatch, code, out)
    answer = ask(trial.trials(FakeClock()))
    assert (answer["ok"], answer["code"]) == (False, "not_possible")
    assert words in answer["message"]
    assert "secret" not in answer["message"]


def test_a_camera_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: Any, **__: Any) -> None:
        raise subprocess.TimeoutExpired("x", trial.LIMIT_S)

    monkeypatch.setattr(subprocess, "run", run)
    assert "within 22 s" in ask(trial.trials(FakeClock()))["message"]


@pytest.mark.parametrize("url", ["file:///etc/passwd", "rtsp://a\x00b/c", "concat:rtsp://a"])
def test_an_address_that_is_no_cameras_starts_nothing(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    runs = ended(monkeypatch, 0, b"{}")
    assert not ask(trial.trials(FakeClock()), url)["ok"]
    assert runs == []


def test_one_address_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    ended(monkeypatch, 0, b"{}")
    turns = trial.trials(clock)
    assert ask(turns)["ok"]
    for thread in threading.enumerate():
        if thread.name == "trials":
            thread.join(5)
    assert ask(turns)["code"] == "busy"
    clock.advance(trial.PAUSE_S)
    assert ask(turns)["ok"]
    assert turns.counters == {"trials": 2, "trials_refused": 1}


def test_nobody_at_the_address_is_said_by_the_real_process() -> None:
    answer = ask(trial.trials(FakeClock()), f"rtsp://127.0.0.1:{free_port()}/x")
    assert answer["ok"]
    assert answer["data"]["usable"] is False
    assert answer["data"]["picture"] == ""
    assert answer["data"]["tries"][0]["code"] == "unreachable"
