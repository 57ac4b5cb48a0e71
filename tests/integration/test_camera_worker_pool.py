"""The pool with real children."""

from __future__ import annotations

import os
import re
import signal
import urllib.error
import urllib.request
from pathlib import Path

from camera_rig import Rig, rig, wait_for
from vigilar_common import topics
from vigilar_common.testing.broker import TestBroker


def status(running: Rig) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(
            f"http://127.0.0.1:{running.health_port}/health/ready", timeout=2
        ) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


def metrics(running: Rig) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{running.health_port}/metrics", timeout=5) as answer:
        text: str = answer.read().decode()
        return text


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_killed_camera_process_comes_back_and_a_stop_takes_all_with_it(
    broker: TestBroker, tmp_path: Path
) -> None:
    with rig(tmp_path / "rig", broker) as running:
        running.configure("rtsp://127.0.0.1:9/x")
        heard = running.listen()
        pool = running.start(
            "--pool",
            VIGILAR_SECRETS_DIR=str(running.folder / "secrets"),
            VIGILAR_STATE_DIR=str(running.folder / "state"),
        )
        wait_for(lambda: heard.of(topics.CAMERA_OFFLINE), 15, "the camera's own words")
        wait_for(lambda: status(running)[0] == 200, 10, "ready")
        wait_for(lambda: 'vigilar_pool_camera_told{camera="front"} 1.0' in metrics(running), 10, "numbers")
        told = metrics(running)
        assert re.search(r'^vigilar_camera_losses_total\{camera="front"\} [1-9]', told, re.MULTILINE)
        assert re.search(
            r'^vigilar_camera_memory_bytes\{camera="front"\} [1-9][0-9.e+]+$', told, re.MULTILINE
        )
        (first,) = children(pool.pid)
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: status(running)[0] == 503, 5, "not ready")
        assert re.search("camera-worker-front: (ended with -9|starting)", status(running)[1])
        wait_for(lambda: status(running)[0] == 200, 15, "ready again")
        (second,) = children(pool.pid)
        assert second != first
        running.stop()
        assert not Path(f"/proc/{second}").exists()
