"""A storage service for tests: folders, keys and tokens as `vigilar init` makes them, in this process or as a child."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from patience import wait_until
from vigilar_common.bus import BrokerAddress, MqttBus
from vigilar_common.clock import SystemClock, uuid7
from vigilar_common.config import load, slices
from vigilar_common.crypto import keys
from vigilar_common.crypto.vge import FileKind, VgeWriter
from vigilar_common.fmp4 import FragmentIndex
from vigilar_common.health import HealthRegistry
from vigilar_common.outbox import FactLog, Outbox
from vigilar_common.secrets import Secrets
from vigilar_common.service import Context, Environment
from vigilar_common.storage_client import StorageClient
from vigilar_common.testing import FakeBus
from vigilar_common.testing.broker import TestBroker, free_port
from vigilar_storage.app import StorageApp, build
from vigilar_supervisor import bootstrap

SCOPES = {
    "camera-worker-front" if role == "camera-worker" else role: list(scopes)
    for role, scopes in bootstrap.SCOPES.items()
}
FPS = 10
START_LIMIT_S = 60.0
"""A busy machine takes long to load the code; a quick one is not kept waiting."""
BYTECODE = Path(__file__).parents[1] / ".cache" / "bytecode"
"""Children find their code compiled, as an installed service does, also where tests must not write beside it."""
STREAM_ID = "0190f000-0000-7000-8000-0000000000aa"


def token(service: str) -> str:
    return f"token-of-{service}"


def new_id() -> str:
    return uuid7(SystemClock())


def now_ms() -> int:
    return SystemClock().now_ms()


def wait_for(condition: Any, limit_s: float = 20.0, what: str = "") -> Any:
    return wait_until(condition, limit_s, what or str(condition))


@cache
def http() -> httpx.Client:
    """One for all: each new client would read every certificate of the machine, for plain HTTP."""
    return httpx.Client(timeout=10, verify=False)  # noqa: S501 only http on loopback is asked


def make_film(seconds: int) -> bytes:
    """H.264 as fragmented MP4: a fragment and a keyframe each second."""
    import av
    import numpy as np

    sink = io.BytesIO()
    flags = {"movflags": "frag_keyframe+empty_moov+default_base_moof+skip_trailer"}
    rng = np.random.default_rng(11)
    with av.open(sink, "w", format="mp4", options=flags) as container:
        video = container.add_stream(
            "libx264", rate=FPS, options={"g": str(FPS), "bf": "0", "preset": "ultrafast"}
        )
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        for _ in range(seconds * FPS):
            picture = rng.integers(0, 256, (64, 96, 3), dtype=np.uint8)
            for packet in video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                container.mux(packet)
        container.mux(video.encode())
    return sink.getvalue()


@dataclass
class Rig:
    folder: Path
    private: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)
    app: StorageApp | None = None
    bus: FakeBus = field(default_factory=lambda: FakeBus(user="storage"))
    process: subprocess.Popen[bytes] | None = None
    port: int = 0

    @property
    def recordings(self) -> Path:
        return self.folder / "recordings"

    @property
    def incoming(self) -> Path:
        return self.recordings / "incoming" / "front"

    @property
    def database(self) -> Path:
        return self.folder / "data" / "vigilar.db"

    @property
    def config(self) -> Path:
        return self.folder / "vigilar.toml"

    def configure(self, data_dir: Path | None = None, broker: TestBroker | None = None) -> None:
        """Slice, secrets and tokens; without a broker nobody listens on its port."""
        self.config.write_text(
            f'[system]\ndata_dir = "{data_dir or self.folder / "data"}"\nrecordings_dir = "{self.recordings}"\n'
            f'[mqtt]\nhost = "127.0.0.1"\nport = {broker.port if broker else free_port()}\n'
            '[[cameras]]\nid = "front"\ndisplay_name = "Front door"\nrtsp_url = "rtsp://user:secret@127.0.0.1/x"\n'
            '[[sensors]]\nid = "door"\ndisplay_name = "Door"\ntype = "CONTACT"\nprotocol = "ZIGBEE"\n'
            'device_address = "0x01"\nlocation = "Hall"\n'
        )
        slices.apply(load.load(self.config, {}), self.folder / "config-run")
        secrets = self.folder / "secrets"
        if not secrets.exists():
            secrets.mkdir()
            (secrets / "broker_password").write_text(
                broker.passwords["storage"] if broker else "nobody-listens"
            )
            keys.write_private_key(secrets / "storage_private.pem", self.private)
            bootstrap.ledger_keys(secrets, [])
        entries = {
            hashlib.sha256(token(service).encode()).hexdigest(): {"service": service, "scopes": scopes}
            for service, scopes in SCOPES.items()
        }
        (secrets / "tokens.json").write_text(json.dumps(entries))

    @property
    def env(self) -> dict[str, str]:
        return {
            "VIGILAR_CONFIG": str(self.config),
            "VIGILAR_CONFIG_RUN": str(self.folder / "config-run"),
            "VIGILAR_STATE_DIR": str(self.folder / "state"),
            "VIGILAR_SECRETS_DIR": str(self.folder / "secrets"),
            "VIGILAR_HEALTH_HOST": "127.0.0.1",
            "VIGILAR_HEALTH_PORT": "0",
            "VIGILAR_API_HOST": "127.0.0.1",
            "VIGILAR_API_PORT": str(self.port),
            "PYTHONPYCACHEPREFIX": str(BYTECODE),
            "PYTHONDONTWRITEBYTECODE": "",
        }

    # -- in this process ------------------------------------------------------------------------------------

    def start(self) -> StorageApp:
        os.environ["VIGILAR_CONFIG"] = str(self.config)
        environment = Environment.read(self.env)
        clock = SystemClock()
        piece = slices.SliceReader(environment.config_run, "storage", clock).load()
        outbox = Outbox(environment.state_dir / "outbox.db", "storage", clock)
        outbox.open()
        context = Context(
            "storage", piece, clock, self.bus, FactLog(outbox, lambda *_: None), outbox, StorageClient("http://x", ""),
            environment.state_dir, Secrets(environment.secrets_dir), HealthRegistry(), environment,
        )  # fmt: skip
        self.app = build(context)
        self.app.start()
        outbox.start_drain(self.app.fact_sink)  # as the run loop does
        self.port = self.app.server.port
        return self.app

    def stop(self) -> None:
        if self.app is not None:
            self.app.stop()
            self.app = None

    # -- as a child -----------------------------------------------------------------------------------------

    def spawn(self, wrap: tuple[str, ...] = ()) -> None:
        self.port = self.port or free_port()
        with (self.folder / "storage.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*wrap, sys.executable, "-m", "vigilar_storage"],
                env={**os.environ, **self.env},
                stdout=log,
                stderr=log,
            )
        wait_for(self._answers, START_LIMIT_S, "storage answers")

    def kill(self, number: int = signal.SIGKILL) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(15)
        self.process = None
        return code

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log
        try:
            return self.get("/v1/cameras").status_code == 200
        except httpx.HTTPError:
            return False

    @property
    def log(self) -> str:
        return (self.folder / "storage.log").read_text()

    # -- asking ---------------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str, service: str = "web", **more: Any) -> httpx.Response:
        headers = auth(service) | more.pop("headers", {})
        return http().get(self.url + path, headers=headers, **more)

    def send(self, method: str, path: str, body: Any, service: str = "web") -> httpx.Response:
        return http().request(method, self.url + path, json=body, headers=auth(service))

    def post(self, facts: list[list[Any]], service: str = "camera-worker-front") -> httpx.Response:
        return self.send("POST", "/v1/facts", {"source": service, "facts": facts}, service)

    # -- what a worker does ---------------------------------------------------------------------------------

    def begin(self, recording_id: str, started_ms: int, kind: FileKind = FileKind.RECORDING) -> VgeWriter:
        return VgeWriter(
            self.incoming / f"{recording_id}.vge",
            stream_uuid=UUID(STREAM_ID),
            file_uuid=UUID(recording_id),
            created_ms=started_ms,
            kind=kind,
            camera_id="front",
            clock=SystemClock(),
            recipients=[self.private.public_key()],
        )

    def record(self, film: bytes, started_ms: int, *, tell: bool = True) -> str:
        """A finished recording in incoming, told or not."""
        recording_id = new_id()
        with self.begin(recording_id, started_ms) as writer:
            write_film(writer, film)
            done = writer.finish({"codec": "avc1", "width_px": 96, "height_px": 64, "trigger": "motion"})
        if tell:
            self.post(
                [opened(recording_id, started_ms), finished(recording_id, started_ms, size=done.file_bytes)]
            )
        return recording_id

    def recorded(self, film: bytes, started_ms: int) -> str:
        """A recording that storage has taken over."""
        recording_id = self.record(film, started_ms)
        wait_for(lambda: self.state_of(recording_id) == "complete", what="the recording is taken over")
        return recording_id

    def state_of(self, recording_id: str) -> str | None:
        answer = self.get(f"/v1/recordings/{recording_id}")
        return answer.json()["state"] if answer.status_code == 200 else None

    def file_of(self, recording_id: str) -> Path:
        return next(self.recordings.glob(f"front/*/*/*/{recording_id}.vge"))


def work_until_killed() -> None:
    """A camera worker in a process of its own: connected, with a recording that grows until somebody kills it.

    Reads `[folder, broker host, port, password, recording id, film in hex]` as JSON from standard input, says "recording".
    """
    folder, host, port, password, recording_id, film = json.load(sys.stdin)
    user = "camera-worker-front"
    bus = MqttBus(BrokerAddress(host, port, user, password), user, SystemClock())
    bus.start()
    wait_for(lambda: bus.connected, what="the worker is connected")
    private = keys.load_private_key(Path(folder) / "secrets" / "storage_private.pem")
    writer = Rig(Path(folder), private).begin(recording_id, now_ms() - 4_000)
    write_film(writer, bytes.fromhex(film))
    writer.sync()
    sys.stdout.write("recording\n")
    sys.stdout.flush()
    signal.pause()


def write_film(writer: VgeWriter, film: bytes) -> None:
    index = FragmentIndex()
    index.feed(film)
    writer.write(film)
    for fragment in index.fragments:
        writer.note_fragment(fragment.time_ms, fragment.offset, fragment.duration_ms, fragment.keyframe)


def auth(service: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(service)}"}


_seq = iter(range(1, 1_000_000))


def fact(kind: str, body: Mapping[str, Any], fact_id: str = "") -> list[Any]:
    """As a producer sends it."""
    return [next(_seq), fact_id or new_id(), kind, {"ts_ms": now_ms(), "v": 1, **body}]


def motion(camera_id: str = "front", **over: Any) -> list[Any]:
    body = {"camera_id": camera_id, "motion_id": new_id(), "score": 0.5, "area_px": 900, **over}
    return fact("motion.started", body)


def opened(recording_id: str, started_ms: int, **over: Any) -> list[Any]:
    body = {
        "ts_ms": started_ms,
        "camera_id": "front",
        "recording_id": recording_id,
        "stream_id": STREAM_ID,
        "trigger": "motion",
        "codec": "avc1.42C01E",
        "width_px": 96,
        "height_px": 64,
        **over,
    }
    return fact("recording.opened", body)


def finished(
    recording_id: str, started_ms: int, *, seconds: int = 6, size: int = 1000, **over: Any
) -> list[Any]:
    body = {
        "camera_id": "front",
        "recording_id": recording_id,
        "started_ms": started_ms,
        "ended_ms": started_ms + seconds * 1000,
        "size_bytes": size,
        "reason": "motion over",
        **over,
    }
    return fact("recording.finished", body)


def event(event_id: str, **over: Any) -> list[Any]:
    body = {
        "event_id": event_id,
        "type": "motion",
        "severity": "alert",
        "title": "Motion at the front door",
        "camera_id": "front",
        "arm_state": "armed_away",
        **over,
    }
    return fact("event.opened", body)


@contextmanager
def running(folder: Path) -> Iterator[Rig]:
    rig = Rig(folder)
    rig.configure()
    rig.start()
    try:
        yield rig
    finally:
        rig.stop()
