"""A real camera worker as a child process: slice, keys, broker, and somebody who listens."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from patience import wait_until
from vigilar_common import topics
from vigilar_common.bus import MqttBus, Received
from vigilar_common.config import load, slices
from vigilar_common.crypto import keys
from vigilar_common.messages.camera import CameraState, LiveLease
from vigilar_common.testing.broker import TestBroker, free_port

QUICK_FILM: dict[str, Any] = {
    "width": 640,
    "height": 480,
    "lead_s": 7.5,
    "idle_s": 8.0,
    "busy_s": 2.5,
    "cycles": 1,
    "gop_s": 1.0,
}
"""Seven and a half seconds of stillness before the motion: room for the pre-roll."""


def wait_for(condition: Callable[[], object], limit_s: float, what: str) -> None:
    wait_until(condition, limit_s, what)


class NearbyStorage:
    """Takes every fact with a 200, so that outboxes drain; storage itself has tests of its own."""

    def __init__(self) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                answer = {"epoch": "e", "n": 1, "accepted": len(body["facts"]), "repeated": 0, "rejected": []}
                payload = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 as in the base class
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Heard:
    """Everything a worker said, in order."""

    received: list[Received] = field(default_factory=list)

    def of(self, topic: topics.Topic) -> list[Received]:
        return [item for item in list(self.received) if item.topic is topic]

    def messages(self, topic: topics.Topic) -> list[Any]:
        return [item.message for item in self.of(topic)]

    @property
    def state(self) -> CameraState | None:
        states = self.messages(topics.CAMERA_STATE)
        return states[-1] if states else None


@dataclass
class Rig:
    """Folders and keys of one camera `front`, and the processes started for it."""

    folder: Path
    broker: TestBroker
    heard: Heard = field(default_factory=Heard)
    private: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)
    process: subprocess.Popen[bytes] | None = None
    bus: MqttBus | None = None
    health_port: int = 0
    storage: NearbyStorage = field(default_factory=NearbyStorage)

    @property
    def incoming(self) -> Path:
        return self.folder / "recordings" / "incoming" / "front"

    @property
    def log(self) -> str:
        path = self.folder / "worker.log"
        return path.read_text() if path.exists() else ""

    def configure(self, url: str, *, encrypt: bool = True, system: str = "", **camera: Any) -> None:
        """Write the slice and the secrets that `vigilar config apply` and `vigilar init` would write."""
        settings = {"post_motion_buffer_s": 2, "resolution_capture": [640, 480], **camera}
        lines = "\n".join(f"{key} = {_toml(value)}" for key, value in settings.items())
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "vigilar.toml"
        config.write_text(
            f"[system]\n"
            f'recordings_dir = "{self.folder / "recordings"}"\ndata_dir = "{self.folder / "data"}"\n{system}\n'
            f'[mqtt]\nhost = "{self.broker.host}"\nport = {self.broker.port}\n'
            f"[storage]\nencrypt_recordings = {_toml(encrypt)}\n"
            f'[[cameras]]\nid = "front"\ndisplay_name = "Front"\nrtsp_url = "{url}"\n{lines}\n'
        )
        slices.apply(load.load(config, {}), self.folder / "config-run")
        secrets = self.folder / "secrets" / "camera-worker-front"
        if not secrets.exists():
            secrets.mkdir(parents=True)
            (secrets / "broker_password").write_text(self.broker.passwords["camera-worker-front"])
            (secrets / "storage_token").write_text("a-token-of-no-use")
            keys.write_public_key(secrets / "storage_public.pem", self.private.public_key())

    def environment(self, **more: str) -> dict[str, str]:
        self.health_port = free_port()
        return {
            **os.environ,
            "VIGILAR_CONFIG_RUN": str(self.folder / "config-run" / "cameras"),
            "VIGILAR_STATE_DIR": str(self.folder / "state" / "camera-worker-front"),
            "VIGILAR_SECRETS_DIR": str(self.folder / "secrets" / "camera-worker-front"),
            "VIGILAR_STORAGE_URL": self.storage.url,
            "VIGILAR_HEALTH_HOST": "127.0.0.1",
            "VIGILAR_HEALTH_PORT": str(self.health_port),
            **more,
        }

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "vigilar_camera_worker", *(arguments or ("--camera", "front"))]
        with (self.folder / "worker.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, env=self.environment(**environment), stdout=log, stderr=log
            )
        return self.process

    def listen(self) -> Heard:
        """As web, who may hear everything a camera says."""
        self.bus = self.broker.bus("web")
        for topic in topics.TOPICS:
            if topic.pattern.startswith("vigilar/camera/"):
                self.bus.subscribe(topic, self.heard.received.append)
        time.sleep(0.2)
        return self.heard

    def lease(self, lease_s: float = 6, fresh: bool = False) -> None:
        assert self.bus is not None
        lease = LiveLease(lease_s=lease_s, fresh=fresh)
        assert self.bus.send_command(topics.CMD_LIVE, lease, camera_id="front")

    def stop(self, number: signal.Signals = signal.SIGTERM, limit_s: float = 10) -> float:
        """Seconds until the process was gone."""
        assert self.process is not None
        began_s = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(limit_s)
        return time.monotonic() - began_s

    def ring(self) -> keys.KeyRing:
        ring = keys.KeyRing()
        ring.add_private(self.private)
        return ring

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.bus is not None:
            self.bus.stop()
        self.storage.stop()


@contextlib.contextmanager
def rig(folder: Path, broker: TestBroker) -> Iterator[Rig]:
    made = Rig(folder, broker)
    try:
        yield made
    finally:
        made.close()


def frame_times_s(mp4: bytes, *, torn: bool = False) -> list[float]:
    """Presentation times of all frames; each must decode, in a torn file up to the packet that was cut."""
    import av
    import av.error

    times = []
    with av.open(io.BytesIO(mp4), mode="r") as container:
        try:
            for frame in container.decode(video=0):
                times.append(float(frame.time or 0))  # noqa: PERF401 what decoded before an error counts
        except av.error.InvalidDataError:
            if not torn:
                raise
    return times


def rss_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else str(value)
