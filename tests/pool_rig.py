"""Many cameras: a pool of real workers on one broker, and doors between them and their cameras that can be shut."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from camera_rig import NearbyStorage, wait_for
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from prometheus_client.parser import text_string_to_metric_families
from vigilar_common import topics
from vigilar_common.bus import MqttBus, Received
from vigilar_common.config import load, slices
from vigilar_common.crypto import keys
from vigilar_common.messages.camera import CameraCondition, CameraState
from vigilar_common.testing.broker import TestBroker, free_port


class Shut(Enum):
    """How a camera is away."""

    REFUSES = "nothing listens: connections are reset and refused"
    FREEZES = "power off behind a switch: nothing comes and nothing is said"


class Door:
    """A TCP port that leads to a camera while it is open. Belongs to the loop of Doors."""

    def __init__(self, target: int) -> None:
        self.target, self.port = target, free_port()
        self.how: Shut | None = None
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._open = asyncio.Event()

    async def set(self, how: Shut | None) -> None:
        self.how = how
        if how is None:
            self._open.set()
            self._abort()  # who was frozen in the middle of something begins anew
            if self._server is None:
                self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
            return
        self._open.clear()
        if how is Shut.REFUSES and self._server is not None:
            self._server.close()
            self._server = None
            self._abort()

    def _abort(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            await self._open.wait()
            upstream, up = await asyncio.open_connection("127.0.0.1", self.target)
            self._writers.add(up)
            try:
                both = (self._copy(reader, up), self._copy(upstream, writer))
                done, rest = await asyncio.wait(
                    [asyncio.ensure_future(each) for each in both], return_when=asyncio.FIRST_COMPLETED
                )
                for task in rest:
                    task.cancel()
                await asyncio.gather(*done, *rest, return_exceptions=True)
            finally:
                self._writers.discard(up)
                up.transport.abort()
        except OSError:
            pass  # the camera or its viewer is gone
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            await self._open.wait()
            writer.write(data)
            await writer.drain()


class Doors:
    """One per camera, on a thread of their own."""

    def __init__(self, target: int, count: int) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="doors", daemon=True)
        self._thread.start()
        self._each = [Door(target) for _ in range(count)]
        for index in range(count):
            self.set(index, None)

    def port(self, index: int) -> int:
        return self._each[index].port

    def set(self, index: int, how: Shut | None) -> float:
        """Monotonic time at which it was done."""
        asyncio.run_coroutine_threadsafe(self._each[index].set(how), self._loop).result(5)
        return time.monotonic()

    def is_open(self, index: int) -> bool:
        return self._each[index].how is None

    def stop(self) -> None:
        for index in range(len(self._each)):
            self.set(index, Shut.REFUSES)
        asyncio.run_coroutine_threadsafe(_cancel_others(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


@dataclass
class Use:
    """Of one process, or summed over several. ``pss_bytes`` divides what processes share among them."""

    descriptors: int = 0
    threads: int = 0
    own_bytes: int = 0
    """Anonymous memory of this process: its resident size without library code."""
    pss_bytes: int = 0
    cpu_s: float = 0.0

    def __add__(self, other: Use) -> Use:
        return Use(*(getattr(self, name) + getattr(other, name) for name in Use.__dataclass_fields__))


def use_of(pid: int) -> Use:
    folder = Path(f"/proc/{pid}")
    rollup = {
        line.split(":")[0]: int(line.split()[1]) * 1024
        for line in (folder / "smaps_rollup").read_text().splitlines()
        if line.endswith("kB")
    }
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    return Use(
        descriptors=len(os.listdir(folder / "fd")),  # noqa: PTH208 only the number matters
        threads=int(fields[17]),
        own_bytes=rollup["Anonymous"],
        pss_bytes=rollup["Pss"],
        cpu_s=(int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"),
    )


@dataclass
class Pool:
    """``python -m vigilar_camera_worker --pool`` for these cameras, and what they say."""

    folder: Path
    broker: TestBroker
    camera_ids: list[str]
    states: dict[str, CameraState] = field(default_factory=dict)
    online_s: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """Per camera, when it came online (monotonic)."""
    events: list[Any] = field(default_factory=list)
    bus: MqttBus | None = None
    process: subprocess.Popen[bytes] | None = None
    health_port: int = 0
    storage: NearbyStorage = field(default_factory=NearbyStorage)

    def configure(
        self, cameras: Mapping[str, Mapping[str, Any]], more: str = "", cameras_per_process: int = 1
    ) -> None:
        """``cameras``: id → settings, ``rtsp_url`` among them."""
        text = (
            f'[system]\nrecordings_dir = "{self.folder / "recordings"}"\ndata_dir = "{self.folder / "data"}"\n'
            f"cameras_per_process = {cameras_per_process}\n"
            f'[mqtt]\nhost = "{self.broker.host}"\nport = {self.broker.port}\n{more}\n'
        )
        for camera_id, settings in cameras.items():
            lines = "\n".join(f"{key} = {_toml(value)}" for key, value in settings.items())
            text += f'[[cameras]]\nid = "{camera_id}"\ndisplay_name = "{camera_id}"\n{lines}\n'
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "vigilar.toml"
        config.write_text(text)
        slices.apply(load.load(config, {}), self.folder / "config-run")
        public = X25519PrivateKey.generate().public_key()
        for camera_id in cameras:
            secrets = self.folder / "secrets" / f"camera-worker-{camera_id}"
            secrets.mkdir(parents=True, exist_ok=True)
            (secrets / "broker_password").write_text(self.broker.passwords[f"camera-worker-{camera_id}"])
            (secrets / "storage_token").write_text("a-token-of-no-use")
            keys.write_public_key(secrets / "storage_public.pem", public)

    def listen(self) -> None:
        self.bus = self.broker.bus("web")
        self.bus.subscribe(topics.CAMERA_STATE, self._state)
        self.bus.subscribe(topics.EVENT_OPENED, lambda received: self.events.append(received.message))

    def _state(self, received: Received) -> None:
        state = received.message
        assert isinstance(state, CameraState)
        before = self.states.get(state.camera_id)
        online = CameraCondition.ONLINE
        if state.condition is online and (before is None or before.condition is not online):
            self.online_s[state.camera_id].append(time.monotonic())
        self.states[state.camera_id] = state

    def start(self) -> None:
        self.health_port = free_port()
        environment = {
            **os.environ,
            "VIGILAR_CONFIG_RUN": str(self.folder / "config-run" / "cameras"),
            "VIGILAR_STATE_DIR": str(self.folder / "state"),
            "VIGILAR_SECRETS_DIR": str(self.folder / "secrets"),
            "VIGILAR_STORAGE_URL": self.storage.url,
            "VIGILAR_HEALTH_HOST": "127.0.0.1",
            "VIGILAR_HEALTH_PORT": str(self.health_port),
        }
        with (self.folder / "pool.log").open("ab") as log:
            command = [sys.executable, "-m", "vigilar_camera_worker", "--pool"]
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    @property
    def online(self) -> set[str]:
        return {name for name, state in self.states.items() if state.condition is CameraCondition.ONLINE}

    def all_online(self, limit_s: float) -> None:
        wanted = set(self.camera_ids)
        wait_for(lambda: self.online == wanted, limit_s, "all cameras online")

    @property
    def pids(self) -> list[int]:
        """Of the workers."""
        assert self.process is not None
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def use(self) -> Use:
        """Of the pool and all its workers."""
        assert self.process is not None
        return sum((use_of(pid) for pid in self.pids), use_of(self.process.pid))

    def numbers(self) -> dict[str, dict[str, float]]:
        """`/metrics`: name without ``vigilar_camera_`` → camera → value."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.health_port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        found: dict[str, dict[str, float]] = defaultdict(dict)
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if "camera" in sample.labels:
                    name = sample.name.removeprefix("vigilar_camera_")
                    found[name][sample.labels["camera"]] = sample.value
        return found

    @property
    def log(self) -> str:
        return (self.folder / "pool.log").read_text("utf-8", "replace")

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(15)

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()  # its workers die with it
            self.process.wait()
        if self.bus is not None:
            self.bus.stop()
        self.storage.stop()


@contextlib.contextmanager
def pool_of(folder: Path, count: int) -> Iterator[Pool]:
    """``count`` cameras c00, c01, … on a broker of their own; not yet configured, not yet started."""
    ids = [f"c{number:02}" for number in range(count)]
    broker = TestBroker(folder / "broker", ids)
    broker.start()
    made = Pool(folder / "pool", broker, ids)
    try:
        yield made
    finally:
        made.close()
        broker.stop()


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else str(value)
