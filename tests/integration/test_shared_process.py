"""Several cameras in one process: each is served as by itself, and none stays in a process that crashed."""

from __future__ import annotations

import os
import resource
import signal
from pathlib import Path
from typing import Any

from camera_rig import wait_for
from footage import ensure_film, running_camera
from pool_rig import Pool, pool_of, use_of
from vigilar_camera_worker.forked import MEMORY_LIMIT_BYTES
from vigilar_common import topics
from vigilar_common.bus import BusUnavailableError
from vigilar_common.messages.camera import CameraSwitch, CameraSwitchName

FILM: dict[str, Any] = {
    "width": 320,
    "height": 240,
    "lead_s": 20.0,
    "idle_s": 10.0,
    "busy_s": 2.0,
    "cycles": 1,
    "gop_s": 1.0,
}

STACKS_BYTES = 16 * 8 * 1024 * 1024
"""Of the threads of one camera with viewers, as the kernel counts them."""


def switch_privacy(pool: Pool, camera_id: str, on: bool) -> None:
    """Asked again while the camera starts anew and hears nobody."""
    order = CameraSwitch(switch=CameraSwitchName.PRIVACY, on=on)

    def done() -> bool:
        assert pool.bus is not None
        try:
            return pool.bus.request(topics.CMD_SWITCH, order, timeout_s=2, camera_id=camera_id).ok
        except BusUnavailableError:
            return False

    wait_for(done, 20, f"privacy {on}")


def frames(pool: Pool) -> dict[str, float]:
    return pool.numbers()["video_frames_total"]


def test_cameras_share_a_process_until_one_of_them_crashes_it(tmp_path: Path) -> None:
    film = ensure_film(**FILM)
    with (
        pool_of(tmp_path, 3) as pool,
        running_camera(dict.fromkeys(pool.camera_ids, film), tmp_path / "camera") as camera,
    ):
        settings = {"resolution_capture": [320, 240]}
        pool.configure(
            {name: {"rtsp_url": camera.urls[name], **settings} for name in pool.camera_ids},
            cameras_per_process=2,
        )
        pool.listen()
        pool.start()
        pool.all_online(20)
        shared, alone = pool.pids
        assert use_of(shared).threads > use_of(alone).threads + 5
        limit_bytes = resource.prlimit(shared, resource.RLIMIT_DATA)[0]
        assert limit_bytes >= 2 * STACKS_BYTES + MEMORY_LIMIT_BYTES, "two cameras' stacks leave room for data"

        # One of two starts anew by itself; the other does not notice.
        before = frames(pool)["c01"]
        switch_privacy(pool, "c00", on=True)
        wait_for(lambda: "c00" not in pool.online and pool.states["c00"].privacy, 20, "privacy")
        switch_privacy(pool, "c00", on=False)
        pool.all_online(20)
        assert frames(pool)["c01"] >= before, "a counter of the same life"
        assert set(pool.pids) == {shared, alone}

        os.kill(shared, signal.SIGSEGV)
        wait_for(lambda: len(pool.pids) == 3 and shared not in pool.pids, 10, "a process each")
        wait_for(lambda: len(frames(pool)) == 3, 10, "all cameras tell their numbers")
        assert alone in pool.pids, "the camera in another process was left alone"
        assert pool.numbers()["crashes"] == {"c00": 1.0, "c01": 1.0, "c02": 0.0}
        pids = pool.pids
        pool.stop()
        assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
