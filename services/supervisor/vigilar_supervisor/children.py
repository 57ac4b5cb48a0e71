"""What runs under the supervisor: the commands, their environment, and one running child."""

from __future__ import annotations

import http.client
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO

from vigilar_common import broker
from vigilar_common.config import Config
from vigilar_common.errors import StartupError
from vigilar_common.forked import Forked, die_with_parent
from vigilar_common.supervision import RestartPolicy

from vigilar_supervisor.bootstrap import SecretsLayout
from vigilar_supervisor.fork_server import ForkServer, order_of

log = logging.getLogger(__name__)

PROBE_TIMEOUT_S = 2.0
LOOPBACK = "127.0.0.1"
MODELS_OF = "detector"
"""The service below whose state installed models lie; others that look at pictures read them there."""
LOOKERS = ("detector", "pets", "visitors")
ALWAYS = ("storage", "events", "alerts", "health", "web", "scout")


@dataclass(frozen=True)
class Layout:
    """Where one installation keeps its things on this host."""

    config: Path
    settings: Path
    config_run: Path
    state: Path
    secrets: Path
    run: Path

    @property
    def secrets_layout(self) -> SecretsLayout:
        return SecretsLayout(self.secrets)


@dataclass(frozen=True)
class Spec:
    """One child. `tcp_port` is asked when it has no health endpoint; `after` names children that must be ready
    before its first start.
    """

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    health_port: int = 0
    tcp_port: int = 0
    after: tuple[str, ...] = ()


def free_port() -> int:
    """A free loopback port. Another process could take it before the child does; then the child is restarted."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def service_names(config: Config, announced: bool = False) -> list[str]:
    """The services this configuration needs; a disabled feature's process is not started. `announced`: there is something
    that only the bridge to Home Assistant can take back.
    """
    names = list(ALWAYS)
    if not config.health.enabled:
        names.remove("health")
    if any(sensor.enabled for sensor in config.sensors):
        names.append("sensors")
    if config.ups.enabled:
        names.append("ups")
    if config.presence.enabled:
        names.append("presence")
    if config.homeassistant.enabled or announced:
        names.append("homeassistant")
    if config.offsite.enabled:
        names.append("offsite")
    if config.detection.person_detection:
        names.append("detector")
    if config.visitors.enabled:
        names.append("visitors")
    if config.pets.enabled:
        names.append("pets")
    return names + [broker.CAMERA_PREFIX + camera.id for camera in config.cameras if camera.enabled]


def service_specs(config: Config, layout: Layout, ports: dict[str, int], log_level: str) -> list[Spec]:
    """`ports` remembers each service's ports across restarts and reconfigurations; missing ones are added."""
    api_port = ports.setdefault("storage-api", 0) or free_port()
    ports["storage-api"] = api_port
    specs = []
    for name in service_names(config, (layout.state / "homeassistant" / "announced.json").exists()):
        health_port = ports.get(name) or free_port()
        ports[name] = health_port
        camera = name.removeprefix(broker.CAMERA_PREFIX) if name.startswith(broker.CAMERA_PREFIX) else ""
        argv = (sys.executable, "-m", *_module(name, camera))
        environment = {
            "VIGILAR_CONFIG": str(layout.config),
            "VIGILAR_SETTINGS": str(layout.settings),
            "VIGILAR_CONFIG_RUN": str(layout.config_run / "cameras" if camera else layout.config_run),
            "VIGILAR_CONFIG_RUN_ROOT": str(layout.config_run),
            "VIGILAR_STATE_DIR": str(layout.state / name),
            "VIGILAR_SECRETS_DIR": str(layout.secrets_layout.folder(name)),
            "VIGILAR_STORAGE_URL": f"http://{LOOPBACK}:{api_port}",
            "VIGILAR_HEALTH_HOST": LOOPBACK,
            "VIGILAR_HEALTH_PORT": str(health_port),
            "VIGILAR_API_HOST": LOOPBACK,
            "VIGILAR_API_PORT": str(api_port),
            **({"VIGILAR_MODELS_DIR": str(layout.state / MODELS_OF / "models")} if name in LOOKERS else {}),
            **({"VIGILAR_LOG_LEVEL": log_level} if log_level else {}),
        }
        # The demo's worker waits for the demo's camera, which first builds its film; elsewhere there is none.
        after = ("demo-camera",) if camera else ()
        specs.append(Spec(name, argv, environment, health_port=health_port, after=after))
    return specs


def _module(name: str, camera: str) -> tuple[str, ...]:
    """A service's module and its arguments."""
    if camera:
        return "vigilar_camera_worker", "--camera", camera, "--guarded"
    if name == "scout":
        return "vigilar_camera_worker", "--scout"
    return (f"vigilar_{name.replace('-', '_')}",)


def find_mosquitto() -> str:
    """Raises StartupError with the cure."""
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if not found:
        raise StartupError("the MQTT broker `mosquitto` is not installed: apt-get install mosquitto")
    return found


class Child:
    """A Spec and its process, if one runs."""

    def __init__(
        self, spec: Spec, output: IO[bytes] | None = None, fork_server: ForkServer | None = None
    ) -> None:
        self.spec = spec
        self.policy = RestartPolicy()
        self.process: subprocess.Popen[bytes] | Forked | None = None
        self.ready = self.live = False
        self.due_s = 0.0
        self.next_probe_s = 0.0
        self.dead_probes = 0
        self._output, self._fork_server = output, fork_server

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process and self.process.poll() is None else None

    def start(self) -> None:
        self.process, self.ready, self.live, self.dead_probes = None, False, False, 0
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", **self.spec.environment}
        order = order_of(self.spec.argv, environment) if self._fork_server else None
        if self._fork_server and order:
            self.process = self._fork_server.start(order, self._output.fileno() if self._output else None)
        self.process = self.process or subprocess.Popen(
            self.spec.argv,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT if self._output else None,
            # Ctrl-C reaches the supervisor alone: it stops its children in order.
            start_new_session=True,
            # If the supervisor itself is killed its children must not go on beside those of its successor.
            preexec_fn=partial(die_with_parent, signal.SIGTERM),
        )

    def signal(self, number: signal.Signals) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)

    def exit_code(self) -> int | None:
        """None while it runs."""
        return self.process.poll() if self.process else None

    def probe(self) -> tuple[bool, bool, str]:
        """(live, ready, why not). Costs one request to the child."""
        if self.spec.tcp_port:
            with socket.socket() as probe:
                probe.settimeout(PROBE_TIMEOUT_S)
                up = probe.connect_ex((LOOPBACK, self.spec.tcp_port)) == 0
            return up, up, "" if up else f"port {self.spec.tcp_port} does not answer"
        connection = http.client.HTTPConnection(LOOPBACK, self.spec.health_port, timeout=PROBE_TIMEOUT_S)
        try:
            connection.request("GET", "/health/ready")
            response = connection.getresponse()
            body = response.read(10_000).decode("utf-8", "replace")
            if response.status == 200:
                return True, True, ""
            return '"bus"' not in body and '"outbox"' not in body, False, body.strip()
        except (OSError, http.client.HTTPException) as error:
            return False, False, str(error)
        finally:
            connection.close()
