"""The web service as a child process: folders, slices and secrets of its own, one camera `front`, no storage."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from patience import wait_until
from vigilar_common.config import slices
from vigilar_common.config.load import load
from vigilar_common.passwords import hash_password
from vigilar_common.testing.broker import TestBroker, free_port

PASSWORD = "correct horse battery"
START_LIMIT_S = 20.0


def wait_for(condition: Callable[[], Any], limit_s: float, what: str) -> Any:
    return wait_until(condition, limit_s, what)


class WebProcess:
    """`python -m vigilar_web` with folders of its own."""

    def __init__(
        self,
        folder: Path,
        broker: TestBroker,
        port: int,
        tls: tuple[Path, Path] | None = None,
        toml: str = "",
        storage_port: int = 0,
    ) -> None:
        self.folder, self.port, self.tls = folder, port, tls
        self.health_port, self.storage_port = free_port(), storage_port or free_port()
        secrets = folder / "secrets"
        secrets.mkdir(parents=True)
        for name, text in (
            ("broker_password", broker.passwords["web"]),
            ("storage_token", "token-of-web"),
            ("media_key", "ab" * 32),
            ("session_key", "cd" * 32),
        ):
            (secrets / name).write_text(text + "\n")
        self._toml = [
            "[system]", f'hls_dir = "{folder / "hls"}"', "[mqtt]", f"port = {broker.port}", "[web]",
            'host = "127.0.0.1"', f"port = {port}", f'password_hash = "{hash_password(PASSWORD)}"',
        ]  # fmt: skip
        if tls:
            self._toml += [f'tls_cert = "{tls[0]}"', f'tls_key = "{tls[1]}"']
        self._toml += [
            "[[cameras]]", 'id = "front"', 'display_name = "Front"', 'rtsp_url = "rtsp://127.0.0.1/x"',
        ]  # fmt: skip
        self.configure(toml)
        self.env = os.environ | {
            "VIGILAR_CONFIG_RUN": str(folder / "run"),
            "VIGILAR_STATE_DIR": str(folder / "state"),
            "VIGILAR_SECRETS_DIR": str(secrets),
            "VIGILAR_STORAGE_URL": f"http://127.0.0.1:{self.storage_port}",
            "VIGILAR_HEALTH_HOST": "127.0.0.1",
            "VIGILAR_HEALTH_PORT": str(self.health_port),
        }
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "vigilar_web"], env=self.env, stdout=log, stderr=subprocess.STDOUT
            )

    def configure(self, toml: str) -> None:
        """Apply its configuration with these sections besides; a running one takes it over within seconds."""
        config = self.folder / "vigilar.toml"
        config.write_text("\n".join([*self._toml, toml]) + "\n")
        slices.apply(load(config, {}), self.folder / "run")

    def wait(self) -> None:
        def answers() -> bool:
            assert self.process.poll() is None, self.log.read_text()
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0

        wait_for(answers, START_LIMIT_S, "the web service")

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(15)

    def connection(self) -> http.client.HTTPConnection:
        if self.tls:
            context = ssl.create_default_context(cafile=str(self.tls[0]))
            return http.client.HTTPSConnection("localhost", self.port, timeout=10, context=context)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)

    @property
    def origin(self) -> str:
        return f"https://localhost:{self.port}" if self.tls else f"http://127.0.0.1:{self.port}"

    def ask(
        self, method: str, path: str, body: str | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        connection = self.connection()
        connection.request(
            method, path, body, {name.replace("_", "-"): value for name, value in headers.items()}
        )
        response = connection.getresponse()
        answer = response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
        connection.close()
        return answer

    def login(self) -> str:
        """The cookie."""
        form = urlencode({"username": "admin", "password": PASSWORD})
        status, headers, text = self.ask(
            "POST", "/login", form, Content_Type="application/x-www-form-urlencoded", Origin=self.origin
        )
        assert status == 303, text
        return headers["set-cookie"].split(";")[0]

    def ready(self) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.health_port, timeout=5)
        connection.request("GET", "/health/ready")
        response = connection.getresponse()
        return response.status, json.loads(response.read())
