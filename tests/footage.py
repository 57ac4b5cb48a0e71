"""The demo camera for tests: real footage, films made of it, and a running RTSP server.

What is fetched and built is kept in ``.cache`` of the repository (ignored by git), so only the first run waits.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CACHE = Path(__file__).parents[1] / ".cache" / "demo-camera"
READY_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 10.0


def ensure_film(cache_dir: Path = CACHE, **params: Any) -> Path:
    """The index of a film of the real footage with these ``FilmParams``, fetched and built once."""
    from vigilar_demo_camera.encoder import VideoFile
    from vigilar_demo_camera.film import FilmParams, find_film
    from vigilar_demo_camera.film import ensure_film as build
    from vigilar_demo_camera.footage import SHA256, ensure_footage

    wanted = FilmParams(**params)
    name = f"film-{wanted.key(SHA256)[:16]}"
    found = find_film(wanted, SHA256, cache_dir / "films", name)
    if found is not None:
        return found
    source = VideoFile(ensure_footage(cache_dir / "footage"), SHA256, wanted.width, wanted.height)
    try:
        return build(source, wanted, cache_dir / "films", name)
    finally:
        source.close()


@dataclass(frozen=True)
class RunningCamera:
    """A running RTSP server; ``urls`` by mount name."""

    process: subprocess.Popen[bytes]
    port: int
    urls: Mapping[str, str]
    truth_file: Path
    log_file: Path

    def truth(self, event: str | None = None) -> list[dict[str, Any]]:
        """What was shown so far, oldest first: ``mount, event, wall_ms, loop, watched``."""
        if not self.truth_file.exists():
            return []
        # The last line may be half written.
        lines = self.truth_file.read_text(encoding="utf-8").splitlines(keepends=True)
        rows = [json.loads(line) for line in lines if line.endswith("\n")]
        return [row for row in rows if event in (None, row["event"])]


@contextlib.contextmanager
def running_camera(
    films: Mapping[str, Path],
    folder: Path,
    *,
    faults: Sequence[str] = (),
    port: int = 0,
    user: str = "",
    password: str = "",
    within: Sequence[str] = (),
) -> Iterator[RunningCamera]:
    """Serve ``films`` (mount name → index) on a loopback port until the block ends; files go to ``folder``. ``within``: a
    command that runs the server elsewhere.
    """
    from vigilar_demo_camera.gst import SERVER, find_interpreter

    python, environment = find_interpreter(CACHE / "state")
    folder.mkdir(parents=True, exist_ok=True)
    ready_file, truth_file, log_file = folder / "ready.json", folder / "truth.jsonl", folder / "camera.log"
    command = [*within, str(python), "-s", "-B", str(SERVER), "--port", str(port)]
    command += ["--ready-file", str(ready_file), "--truth-file", str(truth_file)]
    for name, index in films.items():
        command += ["--film", f"{name}={index}"]
    for fault in faults:
        command += ["--fault", fault]
    if user:
        command += ["--user", user]
        environment = {**environment, "VIGILAR_DEMO_CAMERA_PASSWORD": password}
    with log_file.open("ab") as log, subprocess.Popen(command, env=environment, stderr=log) as process:
        try:
            facts = _wait_until_ready(process, ready_file, log_file)
            yield RunningCamera(process, facts["port"], facts["mounts"], truth_file, log_file)
        finally:
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_until_ready(process: subprocess.Popen[bytes], ready_file: Path, log_file: Path) -> dict[str, Any]:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the demo camera ended with {process.returncode}: {log_file.read_text()}")
        if ready_file.exists():
            facts: dict[str, Any] = json.loads(ready_file.read_text(encoding="utf-8"))
            return facts
        time.sleep(0.02)
    raise RuntimeError(f"the demo camera was not ready in {READY_TIMEOUT_S:.0f} s: {log_file.read_text()}")


def cpu_s(pid: int) -> float:
    """CPU seconds that a process has used, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
