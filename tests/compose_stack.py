"""The containers of compose.yaml under a project of their own, on free ports, with the demo camera."""

from __future__ import annotations

import json
import os
import re
import signal
import ssl
import subprocess
import time
from typing import Any

from push_service import Pushed
from stack import ROOT, wait_for
from vigilar_common.testing.broker import free_port

PROJECT = "vigilar-test"
UP_LIMIT_S = 900
PUSH_CONTAINER = f"{PROJECT}-push"


class ComposeStack:
    def __init__(self) -> None:
        self.port = free_port()
        self.environment = {
            **os.environ,
            "VIGILAR_WEB_PORT": str(self.port),
            "VIGILAR_WEB_BIND": "127.0.0.1",
            "VIGILAR_MQTT_PORT": str(free_port()),
            "VIGILAR_EXTRA_PUSH_ENDPOINTS": '["http://127.0.0.1"]',
        }
        self.up_s = 0.0

    def compose(self, *arguments: str, limit_s: float = 120) -> str:
        command = ["docker", "compose", "-p", PROJECT, "--profile", "demo", *arguments]
        return self._run(command, limit_s)

    def docker(self, *arguments: str) -> str:
        return self._run(["docker", *arguments], 60)

    def _run(self, command: list[str], limit_s: float) -> str:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=limit_s,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def start(self) -> None:
        self.compose("build", limit_s=UP_LIMIT_S)
        began = time.monotonic()
        self.compose("up", "--detach", "--wait", "--wait-timeout", "150", limit_s=200)
        self.up_s = time.monotonic() - began

    def stop(self) -> None:
        subprocess.run(
            ["docker", "rm", "-f", PUSH_CONTAINER], env=self.environment, capture_output=True, check=False
        )
        self.compose("down", "--volumes", "--timeout", "10")

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def login(self) -> dict[str, str]:
        text = self.compose("logs", "--no-log-prefix", "init-demo")
        found = re.search(r"demo login: user (\S+), password (\S+), PIN (\d+)", text)
        assert found, text
        return {"username": found[1], "password": found[2], "pin": found[3]}

    def tls(self) -> ssl.SSLContext:
        """Trusts the authority of this stack and nothing else."""
        pem = self.compose("exec", "-T", "web", "cat", "/secrets/ca.pem")
        return ssl.create_default_context(cadata=pem)

    def container(self, service: str) -> str:
        return self.compose("ps", "--quiet", service).strip()

    def kill_main_process(self, service: str) -> None:
        """As the kernel would: `docker kill` counts as a stop by hand and is not restarted."""
        pid = int(self.docker("inspect", "--format", "{{.State.Pid}}", self.container(service)))
        os.kill(pid, signal.SIGKILL)

    def inspect(self, service: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = json.loads(self.docker("inspect", self.container(service)))
        return found[0]

    def healthy(self, service: str) -> bool:
        state = self.inspect(service)["State"]
        return bool(state["Running"] and state["Health"]["Status"] == "healthy")


class ContainerPush:
    """The push service of the tests, in the network of the alerts container."""

    def __init__(self, stack: ComposeStack) -> None:
        self._stack = stack
        stack.docker(
            "run", "--detach", "--name", PUSH_CONTAINER, "--network", f"container:{stack.container('alerts')}",
            "--volume", f"{ROOT / 'tests'}:/tests:ro", "vigilar/alerts", "python", "/tests/push_main.py",
        )  # fmt: skip
        first = wait_for("the push service runs", lambda: self._lines()[:1], 20)
        self.subscription: dict[str, Any] = first[0]["subscription"]

    def _lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._stack.docker("logs", PUSH_CONTAINER).splitlines()]

    @property
    def messages(self) -> list[Pushed]:
        return [
            Pushed(row["path"], {}, {}, row["data"], row["at_s"], row["body_bytes"])
            for row in self._lines()[1:]
        ]
