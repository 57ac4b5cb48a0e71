"""The pool: which cameras it runs, and what it does when one dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from itertools import count, repeat
from pathlib import Path

import pytest
from vigilar_camera_worker import pool as module
from vigilar_camera_worker.domain.history import CrashBook
from vigilar_camera_worker.pool import Child, Pool, dedicated_cameras
from vigilar_common.config import load, slices
from vigilar_common.service import Environment
from vigilar_common.testing import FakeClock


class Yard:
    """Configured cameras, a pool, and sleeping processes in place of workers."""

    def __init__(self, folder: Path, dedicated: str = "") -> None:
        self.folder = folder
        self.started: list[tuple[str, Mapping[str, str]]] = []
        self.clock = FakeClock()
        environment = Environment.read(
            {
                "VIGILAR_CONFIG_RUN": str(folder / "run" / "cameras"),
                "VIGILAR_SECRETS_DIR": "/secrets",
                "VIGILAR_STATE_DIR": str(folder / "state"),
            }
        )
        self.pool = Pool(environment, dedicated_cameras(dedicated), self.clock, self._spawn)

    def _spawn(self, child: Child, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        self.started.append((child.camera_id, environment))
        return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])

    def configure(self, **cameras: bool) -> None:
        text = "".join(
            f'[[cameras]]\nid = "{name}"\ndisplay_name = "x"\nrtsp_url = "rtsp://h/x"\nenabled = {str(on).lower()}\n'
            for name, on in cameras.items()
        )
        file = self.folder / "vigilar.toml"
        file.write_text(text)
        slices.apply(load.load(file, {}), self.folder / "run")

    def tick(self, seconds: float = 2.5) -> None:
        self.clock.advance(seconds)
        self.pool.tick()

    @property
    def running(self) -> set[str]:
        return {camera_id for camera_id, child in self.pool.children.items() if child.running}

    def kill(self, camera_id: str) -> None:
        process = self.pool.children[camera_id].process
        assert process is not None
        process.kill()
        process.wait()


@pytest.fixture(name="yard")
def _yard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Yard]:
    monkeypatch.setattr(module, "ask", lambda port: "")
    yard = Yard(tmp_path, dedicated="garage")
    yield yard
    yard.pool.stop()


def test_it_runs_enabled_cameras_that_have_no_container_of_their_own(yard: Yard) -> None:
    yard.configure(front=True, back=False, garage=True)
    yard.tick()
    assert yard.running == {"front"}
    (camera_id, environment) = yard.started[0]
    assert camera_id == "front"
    assert environment["VIGILAR_SECRETS_DIR"] == "/secrets/camera-worker-front"
    assert environment["VIGILAR_STATE_DIR"] == str(yard.folder / "state" / "camera-worker-front")
    assert environment["VIGILAR_HEALTH_HOST"] == "127.0.0.1"
    assert int(environment["VIGILAR_HEALTH_PORT"]) > 0


def test_cameras_come_and_go_with_the_configuration(yard: Yard) -> None:
    yard.configure(front=True)
    yard.tick()
    yard.configure(front=True, porch=True)
    yard.tick()
    assert yard.running == {"front", "porch"}
    yard.configure(front=False, porch=True)
    yard.tick()
    assert yard.running == {"porch"}
    yard.configure(front=False)
    yard.tick()
    assert yard.running == set()


def test_what_a_camera_learnt_goes_with_it_and_stays_while_it_is_switched_off(yard: Yard) -> None:
    state = yard.folder / "state" / "camera-worker-front"
    yard.configure(front=True, porch=True)
    yard.tick()
    state.mkdir(parents=True)
    for name in ("marks.db", "marks.db-wal", "outbox.db"):
        (state / name).touch()
    yard.configure(front=False, porch=True)
    yard.tick()
    assert (state / "marks.db").exists()
    yard.configure(front=True, porch=True)
    yard.tick()
    yard.configure(porch=True)
    yard.tick()
    assert [file.name for file in state.iterdir()] == ["outbox.db"], "facts are still to be told"


def test_a_dead_camera_is_started_again_and_the_others_are_left_alone(yard: Yard) -> None:
    yard.configure(front=True, porch=True)
    yard.tick()
    before = yard.pool.children["porch"].process
    yard.kill("front")
    yard.tick(0.1)
    assert yard.running == {"porch"}
    assert "front" in yard.pool.problems()
    yard.tick(1)
    assert yard.running == {"front", "porch"}
    assert yard.pool.children["porch"].process is before
    yard.tick(1)
    assert yard.pool.problems() == ""


def test_a_camera_that_keeps_dying_is_tried_every_five_minutes(yard: Yard) -> None:
    yard.configure(front=True)
    yard.tick()
    for _ in range(200):
        if yard.running:
            yard.kill("front")
        yard.tick(1)
        if yard.pool.children["front"].policy.given_up:
            break
    starts = len(yard.started)
    assert yard.pool.children["front"].policy.given_up
    yard.tick(200)
    assert len(yard.started) == starts
    yard.tick(101)
    assert len(yard.started) == starts + 1


def test_a_camera_that_no_longer_answers_is_ended(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    yard.configure(front=True)
    yard.tick()
    yard.tick(1)
    process = yard.pool.children["front"].process
    assert process is not None
    monkeypatch.setattr(module, "ask", lambda port: None)
    for _ in range(4):
        yard.tick(6)
    process.wait(5)
    assert process.returncode == -9


def test_a_crashed_camera_is_started_again_at_once_and_after_three_crashes_does_not_decode(
    yard: Yard,
) -> None:
    yard.configure(front=True)
    yard.tick()
    for _ in range(3):
        process = yard.pool.children["front"].process
        assert process is not None
        os.kill(process.pid, signal.SIGSEGV)
        process.wait(5)
        yard.tick(0.1)
        assert yard.running == {"front"}
    child = yard.pool.children["front"]
    history = child.crashes.history(yard.clock.monotonic_s())
    assert history.rests
    assert "3 times (SIGSEGV)" in history.words()
    assert child.rests
    resting = child.process
    yard.tick(590)
    assert child.process is resting
    yard.tick(20)
    assert resting is not None
    resting.wait(5)
    yard.tick(1)
    yard.tick(1)
    assert yard.running == {"front"}
    assert not child.rests


def test_only_a_few_cameras_start_at_the_same_time(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ask", lambda port: "starting")
    monkeypatch.setattr(module, "MAX_STARTING", 2)
    yard.configure(**{f"c{number}": True for number in range(5)})
    yard.tick()
    assert len(yard.started) == 2
    yard.tick(1)
    assert len(yard.started) == 2
    monkeypatch.setattr(module, "ask", lambda port: "")
    for _ in range(4):
        yard.tick(1)
    assert len(yard.running) == 5


def test_crashes_of_long_ago_do_not_stop_decoding() -> None:
    book = CrashBook()
    assert all(book.crashed(100.0 * number, 0, "SIGSEGV") for number in range(6))
    assert not book.history(600).rests
    assert not all(book.crashed(601 + number, 0, "SIGSEGV") for number in range(6))
    assert book.history(610).rests


def test_no_cameras_at_all_is_a_healthy_pool(yard: Yard) -> None:
    yard.tick()
    assert yard.pool.problems() == ""


def test_the_list_of_dedicated_cameras_is_read_leniently() -> None:
    assert dedicated_cameras(" front, back ,,") == {"front", "back"}
    assert dedicated_cameras("") == frozenset()


def _unanswered_probes(yard: Yard, monkeypatch: pytest.MonkeyPatch, ticks: Iterator[int]) -> int:
    """How many it took until the worker was ended."""
    yard.configure(front=True)
    yard.tick()
    yard.tick()
    monkeypatch.setattr(module, "ask", lambda port: None)
    monkeypatch.setattr(module, "cpu_ticks", lambda pid: next(ticks))
    process = yard.pool.children["front"].process
    assert isinstance(process, subprocess.Popen)
    ended: list[int] = []
    monkeypatch.setattr(process, "kill", lambda: ended.append(1))
    for probes in range(1, 30):
        yard.tick(module.PROBE_S)
        if ended:
            return probes
    return 0


def test_a_worker_that_hangs_is_ended(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _unanswered_probes(yard, monkeypatch, repeat(70)) == module.DEAD_PROBES


def test_a_worker_that_answers_late_because_the_host_is_overloaded_is_given_more_time(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _unanswered_probes(yard, monkeypatch, count(70)) == module.DEAD_BUSY_PROBES
