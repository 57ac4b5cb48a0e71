"""What a camera worker loads: every megabyte is paid once per camera."""

from __future__ import annotations

import subprocess
import sys

NEVER = {
    "fastapi",
    "uvicorn",
    "sqlalchemy",
    "alembic",
    "tomlkit",
    "apprise",
    "pywebpush",
    "openvino",
    "PIL",
    "scipy",
}


def loaded_after(statement: str) -> set[str]:
    code = f"{statement}; import sys; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_a_worker_loads_av_cv2_and_numpy_and_no_other_heavy_package() -> None:
    everything = "import av, cv2, numpy, vigilar_camera_worker.app, vigilar_camera_worker.adapters.detector"
    assert not loaded_after(everything) & NEVER


def test_the_pool_loads_no_video_library() -> None:
    assert not loaded_after("import vigilar_camera_worker.pool") & (NEVER | {"av", "cv2"})
