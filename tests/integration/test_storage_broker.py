"""Storage as a process on a real broker: its hints are heard, and a worker's death is."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from storage_rig import BYTECODE, Rig, fact, make_film, motion, new_id, now_ms, wait_for
from vigilar_common.bus import Received
from vigilar_common.clock import SystemClock
from vigilar_common.messages.power import ShutdownNotice, ShutdownStage
from vigilar_common.messages.system import StorageCheckpoint
from vigilar_common.testing.broker import TestBroker
from vigilar_common.topics import CMD_SHUTDOWN, FACTS_COMMITTED, STORAGE_CHECKPOINT
from vigilar_storage import migrate

DEATHS = 3
RECOVERED_WITHIN_S = 5.0


@pytest.fixture
def rig(tmp_path: Path, broker: TestBroker) -> Iterator[Rig]:
    built = Rig(tmp_path)
    built.configure(broker=broker)
    migrate.prepare(built.database, SystemClock())
    built.spawn()
    yield built
    if built.process is not None:
        built.kill()


def worker(rig: Rig, broker: TestBroker, recording_id: str, film: bytes) -> subprocess.Popen[str]:
    """A worker that records; it holds its file's lock and its connection to the broker."""
    user = "camera-worker-front"
    task = [str(rig.folder), broker.host, broker.port, broker.passwords[user], recording_id, film.hex()]
    places = {"PYTHONPATH": str(Path(__file__).parents[1]), "PYTHONPYCACHEPREFIX": str(BYTECODE)}
    process = subprocess.Popen(
        [sys.executable, "-c", "import storage_rig; storage_rig.work_until_killed()"],
        env={**os.environ, **places, "PYTHONDONTWRITEBYTECODE": ""},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(task))
    process.stdin.close()
    assert process.stdout.readline() == "recording\n"
    return process


def test_a_commit_is_hinted_over_a_real_broker(rig: Rig, broker: TestBroker) -> None:
    heard: queue.Queue[str] = queue.Queue()
    events = broker.bus("events")
    try:
        events.subscribe(FACTS_COMMITTED, lambda received: heard.put(received.payload.decode()))
        wanted: list[str] = []

        def hinted() -> bool:
            answer = rig.post([motion()]).json()
            wanted.append(f"{answer['epoch']}:{answer['n']}")
            try:
                return heard.get(timeout=0.5) in wanted
            except queue.Empty:
                return False  # storage or this test was not connected yet

        wait_for(hinted, what="a hint about a fact of this test")
    finally:
        events.stop()


def test_before_the_host_goes_down_the_ledger_is_sealed(rig: Rig, broker: TestBroker) -> None:
    """Not at the next full hour, nor at the stop that may come too late."""
    sizes: list[int] = []

    def hear(received: Received) -> None:
        assert isinstance(received.message, StorageCheckpoint)
        sizes.append(received.message.size)

    ups, web = broker.bus("ups"), broker.bus("web")
    try:
        web.subscribe(STORAGE_CHECKPOINT, hear)
        wait_for(lambda: sizes, what="the checkpoint of the start")
        before = sizes[-1]
        gap = {"camera_id": "front", "from_ms": now_ms() - 5_000, "to_ms": now_ms(), "reason": "camera away"}
        assert rig.post([fact("recording.gap", gap)]).status_code == 200
        notice = ShutdownNotice(stage=ShutdownStage.PLANNED, at_ms=now_ms() + 60_000, reason="low battery")
        assert ups.send_command(CMD_SHUTDOWN, notice)
        wait_for(lambda: sizes[-1] > before, what="the checkpoint before the shutdown")
    finally:
        ups.stop()
        web.stop()


def test_what_a_killed_worker_was_recording_is_recovered_at_once(rig: Rig, broker: TestBroker) -> None:
    film = make_film(4)
    took_s = []
    for _ in range(DEATHS):
        recording_id = new_id()
        process = worker(rig, broker, recording_id, film)
        assert (rig.incoming / f"{recording_id}.vge").exists()
        process.kill()
        died_s = time.monotonic()
        process.wait()
        wait_for(lambda: rig.state_of(recording_id) == "recovered", what="the recording is recovered")  # noqa: B023
        took_s.append(time.monotonic() - died_s)

    assert max(took_s) < RECOVERED_WITHIN_S, took_s
