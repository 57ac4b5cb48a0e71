"""A whole house under the product's own supervisor, in one folder: services to kill, cameras to watch, and producers.

The supervisor's rule for restarts is its first step, always: a storm kills oftener than any house, and the back-off
for that has tests of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, Self

from chaos.oracle import Journal
from stack import Api, wait_for
from vigilar_common import broker
from vigilar_common.clock import SystemClock
from vigilar_common.supervision import FIRST_DELAY_S, RestartPolicy
from vigilar_common.testing.broker import free_port
from vigilar_supervisor.children import Spec, find_mosquitto
from vigilar_supervisor.demo_config import demo_login
from vigilar_supervisor.start import Installation, demo_layout

READY_LIMIT_S = 60.0
CLOSE_LIMIT_S = 60.0
HEAD = """
[system]
name = "Chaos"
data_dir = "{disk}/data"
recordings_dir = "{disk}/recordings"
hls_dir = "{home}/hls"
[mqtt]
host = "127.0.0.1"
port = {mqtt_port}
[web]
host = "127.0.0.1"
port = {web_port}
username = "{username}"
password_hash = "{password_hash}"
[security]
pin_hash = "{pin_hash}"
[alarm.modes.away]
exit_delay_s = 0
[storage]
key_file = "{home}/secrets/storage/storage.key"
[ups]
enabled = false
[alerts.grouping]
update_s = 1  # each onset is measured, so its update must not wait for others
[alerts.web_push]
vapid_private_key_file = "{home}/secrets/alerts/vapid_private.pem"
extra_endpoints = ["http://127.0.0.1"]
"""
CAMERA = """
[[cameras]]
id = "{id}"
display_name = "{id}"
rtsp_url = "{url}"
location = "EXTERIOR"
resolution_capture = [640, 480]
record_continuous = {continuous}
enabled = {enabled}
"""


class _AtOnce(RestartPolicy):
    """Restarts after the product's first delay, however often; `held` keeps it down."""

    held = False

    def died(self, now_s: float, exit_code: int | None = None) -> float:
        super().died(now_s, exit_code)
        self.failures, self.given_up, self.delay_s = 0, False, FIRST_DELAY_S
        return 1e9 if self.held else FIRST_DELAY_S


class Producer:
    """A process of `producer.py` that is started again after a kill."""

    def __init__(self, house: House, number: int, rate: float) -> None:
        self.name = f"producer-{number}"
        self.source = f"camera-worker-gen{number}"
        folder = house.home / "producers" / str(number)
        folder.mkdir(parents=True)
        self.journal_path = folder / "journal"
        secrets = house.layout.secrets_layout.folder(self.source)
        self._orders = {
            "source": self.source,
            "journal": str(self.journal_path),
            "outbox": str(folder / "outbox.db"),
            "storage_url": house.storage_url,
            "token": house.token(self.source),
            "password": (secrets / "broker_password").read_text().strip(),
            "broker_port": house.mqtt_port,
            "rate": rate,
        }
        self._log = (folder / "log").open("ab")
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, str(Path(__file__).with_name("producer.py"))]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=self._log, stderr=self._log)
        assert process.stdin is not None
        process.stdin.write(json.dumps(self._orders).encode())
        process.stdin.close()
        return process

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process = self._start()

    def finish(self, limit_s: float) -> float:
        """Seconds until storage had confirmed everything."""
        began_s = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(limit_s) == 0, Path(self._log.name).read_text()[-3000:]
        return time.monotonic() - began_s

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._log.close()

    def journal(self) -> Journal:
        return Journal.read(self.source, self.journal_path)


class House:
    """`cameras`: id → RTSP address; all record continuously. `start`, and always `close`.

    What services keep lies on `disk` (by default in `home`), all else in `home`. `only`: the services that run.
    """

    def __init__(
        self,
        home: Path,
        cameras: Mapping[str, str],
        producers: int,
        *,
        disk: Path | None = None,
        only: Sequence[str] = (),
        storage_program: Path | None = None,
    ) -> None:
        self.home, self.disk, self.cameras = home, disk or home, dict(cameras)
        home.mkdir(parents=True)
        self.layout = replace(demo_layout(home), state=self.disk / "state")
        self.mqtt_port, self.web_port = free_port(), free_port()
        self.login = demo_login(self.layout.secrets)
        self._generators = [f"gen{number}" for number in range(producers)]
        self._write_config()
        self.installation = Installation(
            self.layout, SystemClock(), log_level="INFO", extra=self._broker, open_output=self._output
        )
        self.installation.prepare()
        self._write_broker_conf()
        self.supervisor = self.installation.supervisor
        children = self.supervisor.children
        for name in [name for name in children if only and name not in only]:
            del children[name]
        if storage_program is not None:
            spec = children["storage"].spec
            children["storage"].spec = replace(spec, argv=(sys.executable, str(storage_program)))
        self._policies: dict[str, _AtOnce] = {}
        for name, child in children.items():
            child.policy = self._policies[name] = _AtOnce()
        self._thread = threading.Thread(target=self._supervise, name="supervisor")
        self.producers: list[Producer] = []

    @property
    def database(self) -> Path:
        return self.disk / "data" / "vigilar.db"

    @property
    def storage_url(self) -> str:
        return f"http://127.0.0.1:{self.installation.ports['storage-api']}"

    def start(self, rate: float = 0.0) -> None:
        """Everything is ready, and producers (if there are any) say `rate` facts a second together."""
        self._thread.start()
        wait_for("every service is ready", lambda: not self.not_ready(), READY_LIMIT_S)
        if rate:
            count = len(self._generators)
            self.producers += [Producer(self, number, rate / count) for number in range(count)]

    def not_ready(self) -> list[str]:
        return [name for name in self.supervisor.children if not self.answers(name)]

    def answers(self, name: str) -> bool:
        """Asked directly: the supervisor looks only twice a second."""
        spec = self.supervisor.children[name].spec
        try:
            if spec.tcp_port:
                socket.create_connection(("127.0.0.1", spec.tcp_port), 1).close()
            else:
                url = f"http://127.0.0.1:{spec.health_port}/health/ready"
                urllib.request.urlopen(url, timeout=2).close()
        except (urllib.error.URLError, OSError):
            return False
        return True

    def kill(self, name: str) -> int:
        """SIGKILL; the wall time of it in ms. AssertionError when it does not run."""
        at_ms = time.time_ns() // 1_000_000
        os.kill(self.processes(name)[0], signal.SIGKILL)
        return at_ms

    def processes(self, name: str) -> list[int]:
        """What the supervisor started, and what that one forked: a camera's guard and its worker."""
        pid = self.supervisor.children[name].pid
        assert pid, f"{name} does not run"
        found = [pid]
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # the thread ended
                found += map(int, (task / "children").read_text().split())
        return found

    def hold_down(self, name: str) -> None:
        self._policies[name].held = True
        self.kill(name)

    def let_up(self, *names: str) -> None:
        for name in names:
            self._policies[name].held = False
            self.supervisor.children[name].due_s = 0.0

    def all_down(self) -> None:
        """SIGKILL to everything at once, and nothing starts again before `let_up`."""
        for name, child in self.supervisor.children.items():
            self._policies[name].held = True
            if child.process is not None and child.process.poll() is None:
                child.process.kill()
        wait_for("everything is down", lambda: not self.supervised(), 20, 0.05)

    def supervised(self) -> list[str]:
        return [name for name, child in self.supervisor.children.items() if child.process is not None]

    def stop_service(self, name: str) -> None:
        """An orderly stop, for good."""
        self._policies[name].held = True
        process = self.supervisor.children[name].process
        if process is not None:
            process.terminate()
            wait_for(f"{name} stops", lambda: process.poll() is not None, 20)

    def api(self) -> Api:
        return Api(f"http://127.0.0.1:{self.web_port}", self.login["username"], self.login["password"])

    def token(self, name: str) -> str:
        return (self.layout.secrets_layout.folder(name) / "storage_token").read_text().strip()

    def storage(self, path: str) -> bytes:
        """GET with web's token."""
        headers = {"Authorization": f"Bearer {self.token('web')}"}
        request = urllib.request.Request(self.storage_url + path, headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            body: bytes = answer.read()
            return body

    def log_of(self, name: str) -> str:
        return (self.home / "run" / "log" / f"{name}.log").read_text(errors="replace")

    def close(self) -> None:
        """Nothing of it runs any more when this returns, however far `start` came."""
        self.supervisor.stopping.set()
        for producer in self.producers:
            producer.close()
        if self._thread.ident is not None:
            self._thread.join(CLOSE_LIMIT_S)
            assert not self._thread.is_alive(), "the supervisor did not end"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- inside -----------------------------------------------------------------------------------------------

    def _supervise(self) -> None:
        try:
            while not self.supervisor.stopping.wait(self.supervisor.pause_s()):
                self.supervisor.tick()
        finally:
            self.supervisor.stop()

    def _write_config(self) -> None:
        values: dict[str, Any] = {
            "home": self.home,
            "disk": self.disk,
            "mqtt_port": self.mqtt_port,
            "web_port": self.web_port,
        }
        text = HEAD.format(**values, **self.login)
        for camera_id, url in self.cameras.items():
            text += CAMERA.format(id=camera_id, url=url, continuous="true", enabled="true")
        for camera_id in self._generators:
            text += CAMERA.format(
                id=camera_id, url="rtsp://127.0.0.1:9/x", continuous="false", enabled="false"
            )
        self.layout.config.write_text(text)

    def _broker(self) -> list[Spec]:
        conf = self.layout.secrets / "broker" / "mosquitto.conf"
        return [Spec("broker", (find_mosquitto(), "-c", str(conf)), tcp_port=self.mqtt_port)]

    def _write_broker_conf(self) -> None:
        folder = self.layout.secrets / "broker"
        text = broker.mosquitto_conf(
            listeners=[f"{self.mqtt_port} 127.0.0.1"],
            password_file=folder / "passwd",
            acl_file=folder / "acl",
            extra=["user root"] if os.geteuid() == 0 else [],
        )
        (folder / "mosquitto.conf").write_text(text)

    def _output(self, name: str) -> IO[bytes]:
        folder = self.home / "run" / "log"
        folder.mkdir(parents=True, exist_ok=True)
        return (folder / f"{name}.log").open("ab")
