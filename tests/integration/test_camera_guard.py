"""A decoder that crashes: at most one keyframe interval is lost, and never the camera."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from camera_rig import QUICK_FILM, Rig, frame_times_s, rig, wait_for
from footage import ensure_film, running_camera
from vigilar_common import topics
from vigilar_common.crypto.vge import VgeReader, recover
from vigilar_common.messages.camera import CameraCondition
from vigilar_common.testing.broker import TestBroker

START_LIMIT_S = 25.0
GOP_MS = 1000
CRASH_COSTS_MS = 1000
"""Beside the keyframe interval: the fragment that was being made, the new process, the new connection."""


@pytest.fixture(name="guarded")
def _guarded(broker: TestBroker, tmp_path: Path) -> Iterator[Rig]:
    film = ensure_film(**QUICK_FILM)
    with running_camera({"demo": film}, tmp_path / "camera") as camera, rig(tmp_path / "rig", broker) as made:
        made.configure(camera.urls["demo"], record_continuous=True)
        made.listen()
        made.start("--camera", "front", "--guarded")
        wait_for(lambda: opened(made) == 1, START_LIMIT_S, "recording")
        yield made


def opened(running: Rig) -> int:
    return len(running.heard.messages(topics.RECORDING_OPENED))


def worker_of(running: Rig) -> int:
    assert running.process is not None
    pid = running.process.pid
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    assert len(found) <= 1
    return int(found[0]) if found else 0


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def crash(running: Rig) -> None:
    before, pid = opened(running), worker_of(running)
    os.kill(pid, signal.SIGSEGV)
    wait_for(lambda: opened(running) > before, 15, "the next recording")
    assert worker_of(running) != pid


def test_a_crash_costs_at_most_a_keyframe_interval_and_the_time_of_a_new_connection(guarded: Rig) -> None:
    wait_for(lambda: len(list(guarded.incoming.glob("*.vge"))) == 1, 5, "a file")
    first_id = guarded.heard.messages(topics.RECORDING_OPENED)[0].recording_id
    path = guarded.incoming / f"{first_id}.vge"
    wait_for(lambda: path.stat().st_size > 200_000, 15, "some seconds of recording")
    crash(guarded)
    first, second = guarded.heard.messages(topics.RECORDING_OPENED)
    info = recover(path, guarded.ring())
    with VgeReader(info.path, guarded.ring()) as reader:
        times_s = frame_times_s(reader.read(0, reader.plaintext_length), torn=True)
    lost_ms = second.ts_ms - (first.ts_ms + times_s[-1] * 1000)
    print(f"lost {lost_ms:.0f} ms with keyframes every {GOP_MS} ms")
    assert lost_ms <= GOP_MS + CRASH_COSTS_MS
    wait_for(lambda: guarded.heard.messages(topics.RECORDING_GAP), 5, "the gap is told")
    (gap,) = guarded.heard.messages(topics.RECORDING_GAP)
    assert gap.to_ms == second.ts_ms
    state = guarded.heard.state
    assert state is not None
    assert "crashed its worker once (SIGSEGV)" in " ".join(state.findings)


def test_a_camera_that_crashes_its_decoder_again_and_again_is_recorded_without_decoding(guarded: Rig) -> None:
    for _ in range(3):
        crash(guarded)

    def findings() -> str:
        state = guarded.heard.state
        return " ".join(state.findings) if state else ""

    wait_for(lambda: "because decoding them crashed; until then all is recorded" in findings(), 5, "the rest")
    assert "3 times" in findings()
    assert guarded.heard.state is not None
    assert guarded.heard.state.condition is CameraCondition.ONLINE
    assert guarded.stop() <= 3
    assert guarded.heard.messages(topics.RECORDING_FINISHED)[-1].reason == "stopping"


def test_a_guard_that_is_killed_takes_its_worker_with_it(guarded: Rig) -> None:
    worker = worker_of(guarded)
    assert guarded.process is not None
    guarded.process.kill()
    guarded.process.wait(5)
    wait_for(lambda: not alive(worker), 5, "the worker is gone too")


def test_a_stop_and_an_exit_code_of_the_worker_pass_through_the_guard(
    guarded: Rig, tmp_path: Path, broker: TestBroker
) -> None:
    worker = worker_of(guarded)
    assert guarded.stop() <= 3
    assert guarded.process is not None
    assert guarded.process.returncode == 0
    assert not alive(worker)
    with rig(tmp_path / "other", broker) as other:
        other.folder.mkdir(parents=True)
        process = other.start("--camera", "attic", "--guarded")
        assert process.wait(START_LIMIT_S) == 1
        assert "no configuration for camera-worker-attic yet" in other.log
